import type { UploadError } from "./errors.ts";

/** Whether work may go on. Pausing and stopping abort the requests that are under way. */
export class Control {
  #stretch = new AbortController();
  #paused = false;
  #stopped: UploadError | undefined;
  #waiting: (() => void)[] = [];

  get paused(): boolean {
    return this.#paused;
  }

  /** Why nothing goes on any more. */
  get stopped(): UploadError | undefined {
    return this.#stopped;
  }

  pause(): void {
    this.#paused = true;
    this.#stretch.abort();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stretch = new AbortController();
    this.#wake();
  }

  /** For good; the first reason counts. */
  stop(reason: UploadError): void {
    this.#stopped ??= reason;
    this.#stretch.abort();
    this.#wake();
  }

  /**
   * Wait while paused; then a signal for what is done until the next pause.
   * Throws the reason once stopped.
   */
  async ready(): Promise<AbortSignal> {
    while (this.#paused && !this.#stopped) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#stopped) throw this.#stopped;
    return this.#stretch.signal;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
