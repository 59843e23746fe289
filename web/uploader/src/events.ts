import type { UploadError } from "./errors.ts";

export type UploadState =
  | "idle" // not started, or failed: `start()` goes on
  | "checking" // asking the server what it knows
  | "hashing"
  | "uploading"
  | "verifying" // all bytes were sent; the server makes the video
  | "completed"
  | "failed"
  | "cancelled"
  | "paused"
  | "offline"; // goes on by itself when the browser is online

/** What listeners hear, by the name of the event. */
export interface UploadEvents {
  state: { state: UploadState; previous: UploadState };
  /** Bytes of the file hashed so far. */
  hash: { hashedBytes: number; totalBytes: number };
  /** Never goes down. At most ten a second, and always one at the end. */
  progress: UploadProgress;
  /** Part of the file that the server has checked, 0 to 1. */
  verify: { progress: number };
  /** A request is sent again after `delayMs`; `attempt` is 1 for the first repetition. */
  retry: { error: UploadError; attempt: number; delayMs: number };
  /** The video is there. */
  video: UploadResult;
}

export interface UploadProgress {
  /** Bytes that arrived, or are on their way at this moment. */
  sentBytes: number;
  totalBytes: number;
  /** The past few seconds' average; 0 before anything was sent. */
  bytesPerSecond: number;
  /** At that speed; null while it is unknown. */
  secondsLeft: number | null;
}

export interface UploadResult {
  /** Null when no session was needed. */
  sessionId: string | null;
  videoId: string;
  /** Whether the server had the bytes, so that none were sent. */
  instant: boolean;
}

type Listener<T> = (event: T) => void;

/** Typed listeners. As with an EventTarget, one that throws does not stop the others or us. */
export class Emitter<Events> {
  #listeners: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {};

  /** Returns what removes the listener again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = (this.#listeners[name] ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of this.#listeners[name] ?? []) {
      try {
        listener(event);
      } catch (failure) {
        queueMicrotask(() => {
          throw failure;
        });
      }
    }
  }
}
