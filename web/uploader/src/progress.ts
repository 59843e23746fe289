import type { UploadProgress } from "./events.ts";

/** Milliseconds after which an earlier speed counts for a third. */
const SMOOTHING_MS = 3_000;
const LEAST_INTERVAL_MS = 100;

/** Bytes over time, as a moving average that forgets exponentially. */
export class Speed {
  #bytesPerMs = 0;
  #weight = 0;
  #at: number;

  constructor(now: number) {
    this.#at = now;
  }

  /** Time that does not count has passed, as in a pause. */
  skip(now: number): void {
    this.#at = now;
  }

  add(bytes: number, now: number): void {
    const elapsed = Math.max(now - this.#at, 1);
    const kept = Math.exp(-elapsed / SMOOTHING_MS);
    this.#bytesPerMs = kept * this.#bytesPerMs + (1 - kept) * (bytes / elapsed);
    this.#weight = kept * this.#weight + (1 - kept); // of what was measured at all
    this.#at = now;
  }

  get bytesPerSecond(): number {
    return this.#weight ? (1000 * this.#bytesPerMs) / this.#weight : 0;
  }
}

/** Which bytes have arrived, and which are on their way. */
export class Progress {
  readonly #total: number;
  readonly #onProgress: (progress: UploadProgress) => void;
  readonly #moving = new Map<number, number>();
  readonly #clock: () => number;
  readonly #speed: Speed;
  #arrived: number;
  #shown: number;
  #toldAt = -Infinity;

  /** `arrived` bytes of `total` are there from an earlier time. The clock has milliseconds. */
  constructor(
    arrived: number,
    total: number,
    onProgress: (progress: UploadProgress) => void,
    clock = () => performance.now(),
  ) {
    this.#arrived = this.#shown = arrived;
    this.#total = total;
    this.#onProgress = onProgress;
    this.#clock = clock;
    this.#speed = new Speed(clock());
    this.#tell(clock());
  }

  /** So many bytes of the chunk have left; 0 when it has to be sent again. */
  moving(chunk: number, bytes: number): void {
    if (bytes) this.#moving.set(chunk, bytes);
    else this.#moving.delete(chunk);
    this.#update();
  }

  arrived(chunk: number, bytes: number): void {
    this.#moving.delete(chunk);
    this.#arrived += bytes;
    this.#update();
  }

  /** The server lacks these bytes of a chunk that it had acknowledged. */
  lost(bytes: number): void {
    this.#arrived -= bytes;
  }

  /** Going on after a pause. */
  resumed(): void {
    this.#speed.skip(this.#clock());
  }

  #update(): void {
    const now = this.#clock();
    if (now - this.#toldAt < LEAST_INTERVAL_MS && this.#arrived < this.#total) return;
    const moving = [...this.#moving.values()].reduce((sum, bytes) => sum + bytes, 0);
    // What is sent a second time does not count before it is further than the first.
    const sent = Math.max(this.#shown, this.#arrived + moving);
    this.#speed.add(sent - this.#shown, now);
    this.#shown = sent;
    this.#tell(now);
  }

  #tell(now: number): void {
    this.#toldAt = now;
    const { bytesPerSecond } = this.#speed;
    const left = this.#total - this.#shown;
    const secondsLeft = left === 0 ? 0 : bytesPerSecond ? left / bytesPerSecond : null;
    const [sentBytes, totalBytes] = [this.#shown, this.#total];
    this.#onProgress({ sentBytes, totalBytes, bytesPerSecond, secondsLeft });
  }
}
