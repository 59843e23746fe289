import type { Control } from "./control.ts";
import { TemporaryFailure, type UploadError } from "./errors.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const LONGEST_RETRY_AFTER_MS = 300_000;

export interface Hearers {
  onRetry(error: UploadError, attempt: number, delayMs: number): void;
  onOffline(isOffline: boolean): void;
}

/** Repeats what failed for a reason that may pass. */
export class Patience {
  readonly #control: Control;
  readonly #retries: number;
  readonly #hearers: Hearers;

  /** One piece of work is repeated up to `retries` times in a row. */
  constructor(control: Control, retries: number, hearers: Hearers) {
    this.#control = control;
    this.#retries = retries;
    this.#hearers = hearers;
  }

  /**
   * The result of the work, after as many tries as it takes. Work that a pause aborted is done
   * again after it. `reset` in the work's hands forgets earlier failures: it got further.
   */
  async persist<T>(work: (signal: AbortSignal, reset: () => void) => Promise<T>): Promise<T> {
    let failures = 0;
    for (;;) {
      const signal = await this.#control.ready();
      try {
        return await work(signal, () => (failures = 0));
      } catch (failure) {
        if (signal.aborted) continue;
        if (!(failure instanceof TemporaryFailure)) throw failure;
        if (failure.code === "NETWORK" && isOffline()) {
          await this.#untilOnline(signal);
          continue;
        }
        failures += 1;
        if (failures > Math.min(this.#retries, failure.tries)) throw failure;
        const delayMs = pauseMs(failures, failure.retryAfterMs);
        this.#hearers.onRetry(failure, failures, delayMs);
        await until(signal, (done) => {
          const timer = setTimeout(done, delayMs);
          return () => clearTimeout(timer);
        });
      }
    }
  }

  async #untilOnline(signal: AbortSignal): Promise<void> {
    this.#hearers.onOffline(true);
    await until(signal, (done) => {
      addEventListener("online", done);
      return () => removeEventListener("online", done);
    });
    this.#hearers.onOffline(false);
  }
}

/**
 * Milliseconds before the next try. Pauses double, and vary so that parallel requests do not
 * come back all at once. A server that asks for a longer one gets it, within reason.
 */
export function pauseMs(failures: number, askedMs: number, random = Math.random()): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.max(Math.min(LONGEST_RETRY_AFTER_MS, askedMs), longest * (0.5 + random / 2));
}

/** Wait for `done` or the signal, whichever is first. `begin` returns what tidies up. */
function until(signal: AbortSignal, begin: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      signal.removeEventListener("abort", finish);
      tidy();
      resolve();
    };
    const tidy = begin(finish);
    signal.addEventListener("abort", finish);
  });
}

function isOffline(): boolean {
  return typeof navigator !== "undefined" && navigator.onLine === false;
}
