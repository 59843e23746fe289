import type { Api, Session } from "./api.ts";
import { isTemporary, TemporaryFailure, UploadError } from "./errors.ts";
import type { Progress } from "./progress.ts";
import type { Answer, Put } from "./put.ts";
import type { Patience } from "./retries.ts";
import { checksum, read } from "./source.ts";
import { Targets } from "./targets.ts";

/** A chunk that was damaged on its way is sent again so many times. */
const RESENDS = 3;

/** Codes of damage on the way: ours, and those of S3. */
const DAMAGED = new Set([
  "CHECKSUM_MISMATCH", "INCOMPLETE_BODY", "BadDigest", "IncompleteBody", "RequestTimeout",
]);

/** What a transfer works with. */
export interface Means {
  api: Api;
  put: Put;
  patience: Patience;
  progress: Progress;
}

/** Bytes of a chunk: from `start` to before `end`. Chunks are numbered from 1. */
function rangeOf(session: Session, index: number): { start: number; end: number } {
  const start = (index - 1) * session.chunkSize;
  return { start, end: Math.min(start + session.chunkSize, session.fileSize) };
}

/** Bytes of these chunks together. */
export function sizeOf(session: Session, indexes: readonly number[]): number {
  const ranges = indexes.map((index) => rangeOf(session, index));
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** The chunks of a file on their way into a session. */
export class Transfer {
  readonly #file: Blob;
  readonly #session: Session;
  readonly #means: Means;

  constructor(file: Blob, session: Session, means: Means) {
    this.#file = file;
    this.#session = session;
    this.#means = means;
  }

  /** Send these chunks, several at once. The first failure stops them all, and is thrown. */
  async send(indexes: readonly number[], parallel: number): Promise<void> {
    const { api, patience } = this.#means;
    const targets = new Targets(api, this.#session.id, indexes);
    const waiting = indexes.entries();
    const ended = new AbortController();
    const sendOne = async (place: number, index: number, signal: AbortSignal) => {
      try {
        const either = AbortSignal.any([signal, ended.signal]);
        await this.#sendOne(index, place, targets, either);
      } catch (failure) {
        if (!ended.signal.aborted) throw failure; // else nobody waits for this chunk any more
      }
    };
    const lane = async () => {
      for (const [place, index] of waiting) {
        if (ended.signal.aborted) return;
        await patience.persist((signal) => sendOne(place, index, signal));
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(parallel, indexes.length) }, lane));
    } finally {
      ended.abort();
    }
  }

  async #sendOne(index: number, place: number, targets: Targets, signal: AbortSignal) {
    const { progress, put } = this.#means;
    const { start, end } = rangeOf(this.#session, index);
    const body = await read(this.#file, start, end);
    const target = await targets.at(place, signal);
    const headers = Object.fromEntries(target.headers.map(({ name, value }) => [name, value]));
    if (target.checksumHeader) headers[target.checksumHeader] = await checksum(body);
    const part = { method: target.method, url: target.url, headers, body };
    try {
      check(await put(part, signal, (bytes) => progress.moving(index, bytes)), index);
    } catch (failure) {
      progress.moving(index, 0);
      if ((failure as UploadError).status === 403) await targets.forget(place, target);
      throw failure;
    }
    progress.arrived(index, end - start);
  }
}

/** Throw what the answer says, unless the chunk was stored. */
function check(answer: Answer, chunk: number): void {
  const { status, retryAfter } = answer;
  if (status >= 200 && status < 300) return;
  const { code, message } = reasonOf(answer);
  const text = `Chunk ${chunk} was refused (HTTP ${status}): ${message}`;
  if (DAMAGED.has(code)) throw new TemporaryFailure(code, text, { status, chunk, tries: RESENDS });
  if (status === 403 || (isTemporary(status) && code !== "SESSION_CLOSED")) {
    throw new TemporaryFailure(code, text, { status, chunk, retryAfter });
  }
  throw new UploadError(code, text, { status, chunk });
}

/** Our own refusals are JSON, those of S3 are XML. */
function reasonOf({ text }: Answer): { code: string; message: string } {
  try {
    const { code, message } = JSON.parse(text) as { code: unknown; message: unknown };
    return { code: String(code), message: String(message) };
  } catch {
    const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
    const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1];
    return { code: code ?? "REFUSED", message: message ?? text.slice(0, 200) };
  }
}
