/**
 * What the uploader itself finds out. Beside these, `code` is the server's own: a value of the
 * schema's `ErrorCode`, such as LIMIT_EXCEEDED, SESSION_CLOSED, MEDIA_REFUSED or STORAGE_FULL.
 */
export type OwnCode =
  | "CANCELLED" // by `cancel()`, or the session was cancelled elsewhere
  | "UNAUTHENTICATED" // the key is missing or wrong
  | "FILE_UNREADABLE" // it was changed, moved or removed since it was chosen
  | "NETWORK" // no answer, or the connection broke off
  | "REFUSED" // a request was refused without a code; `status` has more
  | "BAD_ANSWER"; // not what Reelgraph answers

export type UploadErrorCode = OwnCode | (string & {});

export interface ErrorDetails {
  /** HTTP status of the refusal. */
  status?: number | undefined;
  /** Index of the chunk that could not be sent, from 1. */
  chunk?: number | undefined;
  cause?: unknown;
}

/** Why an upload ended without a video. The message is a sentence for the developer. */
export class UploadError extends Error {
  override readonly name = "UploadError";
  readonly code: UploadErrorCode;
  readonly status: number | undefined;
  readonly chunk: number | undefined;

  constructor(code: UploadErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.status = details.status;
    this.chunk = details.chunk;
  }
}

/** Trying again may help. Becomes an error of the upload when patience ends. */
export class TemporaryFailure extends UploadError {
  /** How long the other side asks to wait, in ms. */
  readonly retryAfterMs: number;
  /** How many more tries make sense, if that is fewer than usual. */
  readonly tries: number;

  constructor(
    code: UploadErrorCode,
    message: string,
    details: ErrorDetails & { retryAfter?: string | null; tries?: number } = {},
  ) {
    super(code, message, details);
    this.retryAfterMs = delayOf(details.retryAfter ?? "");
    this.tries = details.tries ?? Infinity;
  }
}

/** Milliseconds of a `Retry-After`, which has seconds or a date (RFC 9110, 10.2.3). */
export function delayOf(retryAfter: string, now = Date.now()): number {
  const text = retryAfter.trim();
  const delay = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return delay > 0 ? delay : 0; // neither a date that has passed nor one that is none
}

/** Whether an HTTP status asks to come again. A conflict does unless its code says more. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}
