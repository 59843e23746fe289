import { Api, type About, type Challenge, type Check, type Session, type Status } from "./api.ts";
import { Connection } from "./connection.ts";
import { Control } from "./control.ts";
import { UploadError } from "./errors.ts";
import { Emitter, type UploadEvents, type UploadResult, type UploadState } from "./events.ts";
import { hashFile } from "./hashing.ts";
import { localStore, Memory } from "./memory.ts";
import { headersOf, type UploadOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { choosePut } from "./put.ts";
import { Patience } from "./retries.ts";
import { proof, titleOf, type Uploadable } from "./source.ts";
import { sizeOf, Transfer } from "./transfer.ts";

const TAKES_CHUNKS: readonly Status[] = ["WAITING", "UPLOADING"];
const HAS_EVERY_CHUNK: readonly Status[] = ["VERIFYING", "COMPLETED"];

/** Codes of a session that takes no more chunks: ours, and that of S3. */
const CLOSED = ["SESSION_CLOSED", "NoSuchUpload"];

/** Chunks that the server has lost are sent again so many times. */
const RESENDS = 3;

/** One file on its way to a video. `start()` sends it; after a failure it goes on. */
export class Upload {
  readonly #file: Uploadable;
  readonly #options: UploadOptions;
  readonly #about: About;
  readonly #api: Api;
  readonly #memory: Memory;
  readonly #events = new Emitter<UploadEvents>();
  #control = new Control();
  #patience: Patience;
  #progress: Progress | undefined;
  #running: Promise<UploadResult> | undefined;
  #sessionId: string | undefined;
  #phase: UploadState = "idle";
  #offline = false;
  #told: UploadState = "idle";

  constructor(file: Uploadable, options: UploadOptions = {}) {
    const { endpoint = "/graphql", title, description = null, storage } = options;
    this.#file = file;
    this.#options = options;
    this.#patience = this.#newPatience();
    this.#about = { title: title ?? titleOf(file), description, fileName: file.name || null };
    const using = options.fetch ?? globalThis.fetch;
    this.#api = new Api(new Connection(String(endpoint), headersOf(options), using));
    const store = storage === undefined ? localStore() : storage;
    this.#memory = new Memory(store, String(endpoint), file);
  }

  get state(): UploadState {
    return this.#told;
  }

  /** Returns what removes the listener again. */
  on<Name extends keyof UploadEvents>(
    name: Name,
    listener: (event: UploadEvents[Name]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Send the file and wait for the video. Rejects with an `UploadError`; calling it again after
   * that goes on where it was. While it runs, and after success, it returns the same promise.
   */
  start(): Promise<UploadResult> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Stop sending at once, until `resume()`. Bytes of unfinished chunks are sent again then. */
  pause(): void {
    this.#control.pause();
    this.#tell();
  }

  resume(): void {
    this.#control.resume();
    this.#progress?.resumed();
    this.#tell();
  }

  /**
   * Give the upload up; the server drops its bytes, and `start()` rejects with CANCELLED. Throws
   * SESSION_CLOSED when all bytes were sent: what there is then is a video, to be deleted.
   */
  async cancel(): Promise<void> {
    this.#checkOpen();
    const wasRunning = this.#running;
    this.#control.stop(new UploadError("CANCELLED", "The upload was cancelled."));
    await wasRunning?.catch(() => {});
    this.#checkOpen(); // what was under way may have made the video
    this.#renew();
    const id = this.#sessionId ?? this.#memory.recall();
    if (id) await this.#patience.persist(() => this.#api.cancel(id));
    this.#sessionId = undefined;
    this.#memory.forget();
    this.#enter("cancelled");
  }

  #checkOpen(): void {
    if (this.#phase === "verifying" || this.#phase === "completed") {
      throw new UploadError("SESSION_CLOSED", "All bytes were sent: delete the video instead.");
    }
  }

  async #run(): Promise<UploadResult> {
    if (this.#control.stopped) this.#renew();
    try {
      const result = await this.#upload();
      this.#memory.forget();
      this.#enter("completed");
      this.#events.emit("video", result);
      return result;
    } catch (failure) {
      this.#running = undefined;
      this.#control.stop(failure as UploadError);
      this.#enter((failure as UploadError).code === "CANCELLED" ? "cancelled" : "failed");
      throw failure;
    }
  }

  async #upload(): Promise<UploadResult> {
    await this.#greet();
    const sha256 = await this.#hash();
    this.#enter("checking");
    const found = (await this.#remembered(sha256)) ?? (await this.#known(sha256));
    if (typeof found === "string") return { sessionId: null, videoId: found, instant: true };
    const session = found ?? (await this.#create(sha256));
    this.#sessionId = session.id;
    this.#memory.keep(session.id);
    if (TAKES_CHUNKS.includes(session.status)) await this.#sendOrJoin(session);
    this.#enter("verifying");
    const videoId = await this.#patience.persist((signal, reset) =>
      this.#verified(session.id, signal, reset),
    );
    return { sessionId: session.id, videoId, instant: false };
  }

  /** Learn of a wrong key and of too large a file before the work of hashing. */
  async #greet(): Promise<void> {
    this.#enter("checking");
    const most = await this.#patience.persist((signal) => this.#api.maxFileSize(signal));
    const { size } = this.#file;
    if (size > most) {
      throw new UploadError("LIMIT_EXCEEDED", `The file has ${size} bytes; ${most} are allowed.`);
    }
  }

  #hash(): Promise<string> {
    this.#enter("hashing");
    const totalBytes = this.#file.size;
    return hashFile(this.#file, this.#control, (hashedBytes) =>
      this.#events.emit("hash", { hashedBytes, totalBytes }),
    );
  }

  /** The session that an earlier page, or an earlier `start()`, left behind, if it is of use. */
  async #remembered(sha256: string): Promise<Session | null> {
    const id = this.#sessionId ?? this.#memory.recall();
    if (!id) return null;
    const session = await this.#patience.persist((signal) => this.#api.session(id, signal));
    if (session && session.sha256 === sha256 && isOfUse(session)) return session;
    this.#sessionId = undefined;
    this.#memory.forget();
    return null;
  }

  /**
   * What the server has of these bytes: the id of a video, or a session to go on with. All of it
   * is repeated, never a proof alone: when its answer was lost, the video is there by now.
   */
  #known(sha256: string): Promise<string | Session | null> {
    return this.#patience.persist(async (signal) => {
      const check = await this.#check(sha256, signal);
      const found = this.#found(check);
      if (found || this.#options.instant === false) return found;
      const taken = await this.#prove(check.challenge);
      return taken ?? this.#found(await this.#check(sha256, signal));
    });
  }

  #check(sha256: string, signal: AbortSignal): Promise<Check> {
    return this.#api.check(sha256, this.#file.size, signal);
  }

  #found({ video, resumable }: Check): string | Session | null {
    return video && this.#options.instant !== false ? video.id : resumable;
  }

  /** The id of the new video; null when the bytes have to be sent. */
  async #prove(challenge: Challenge): Promise<string | null> {
    try {
      const answer = await proof(this.#file, challenge);
      return await this.#api.prove(challenge.token, answer, this.#about);
    } catch (failure) {
      if ((failure as UploadError).code !== "POSSESSION_NOT_PROVEN") throw failure;
      return null;
    }
  }

  /** A new session. When an answer was lost, it may be there, and is not made a second time. */
  #create(sha256: string): Promise<Session> {
    const { chunkSize = null, deviceType = "WEB" } = this.#options;
    const fileSize = this.#file.size;
    const announcement = { ...this.#about, deviceType, sha256, fileSize, chunkSize };
    let isRepeated = false;
    return this.#patience.persist(async (signal) => {
      const begun = isRepeated ? (await this.#check(sha256, signal)).resumable : null;
      isRepeated = true;
      return begun ?? this.#api.create(announcement);
    });
  }

  /** Send what is missing, unless another uploader of the file has completed the session. */
  async #sendOrJoin(session: Session): Promise<void> {
    try {
      await this.#send(session);
    } catch (failure) {
      const { code } = failure as UploadError;
      if (!CLOSED.includes(code) || !(await this.#hasEveryChunk(session.id))) throw failure;
    }
  }

  async #hasEveryChunk(id: string): Promise<boolean> {
    const session = await this.#patience.persist((signal) => this.#api.session(id, signal));
    return session !== null && HAS_EVERY_CHUNK.includes(session.status);
  }

  async #send(session: Session): Promise<void> {
    this.#enter("uploading");
    let missing = session.missingChunks;
    const arrived = session.fileSize - sizeOf(session, missing);
    const progress = new Progress(arrived, session.fileSize, (event) =>
      this.#events.emit("progress", event),
    );
    this.#progress = progress;
    const transfer = new Transfer(this.#file, session, {
      api: this.#api,
      put: choosePut(this.#options.fetch),
      patience: this.#patience,
      progress,
    });
    for (let round = 0; round <= RESENDS; round += 1) {
      await transfer.send(missing, this.#options.parallel ?? 4);
      missing = await this.#patience.persist(() => this.#api.complete(session.id, session.sha256));
      if (missing.length === 0) return;
      progress.lost(sizeOf(session, missing));
    }
    const details = { chunk: missing[0] };
    throw new UploadError("CHUNK_MISSING", "The server goes on losing chunks.", details);
  }

  /** The id of the video that the file became. */
  async #verified(id: string, signal: AbortSignal, reset: () => void): Promise<string> {
    for await (const { status, error, task, video } of this.#api.watch(id, signal)) {
      reset();
      if (status === "COMPLETED" && video) return video.id;
      if (error) throw new UploadError(error.code, error.message);
      this.#events.emit("verify", { progress: task?.progress ?? 0 });
    }
    throw new UploadError("CANCELLED", "The session was ended elsewhere, without a video.");
  }

  #renew(): void {
    this.#control = new Control();
    this.#patience = this.#newPatience();
  }

  #newPatience(): Patience {
    return new Patience(this.#control, this.#options.retries ?? 8, {
      onRetry: (error, attempt, delayMs) =>
        this.#events.emit("retry", { error, attempt, delayMs }),
      onOffline: (isOffline) => {
        this.#offline = isOffline;
        this.#tell();
      },
    });
  }

  #enter(phase: UploadState): void {
    this.#phase = phase;
    this.#tell();
  }

  /** A pause and being offline hide how far the work is, as long as there is some. */
  #tell(): void {
    const ended = ["idle", "completed", "failed", "cancelled"].includes(this.#phase);
    const hidden = this.#control.paused ? "paused" : this.#offline ? "offline" : this.#phase;
    const [previous, state] = [this.#told, ended ? this.#phase : hidden];
    if (state === previous) return;
    this.#told = state;
    this.#events.emit("state", { state, previous });
  }
}

function isOfUse({ status }: Session): boolean {
  return TAKES_CHUNKS.includes(status) || HAS_EVERY_CHUNK.includes(status);
}
