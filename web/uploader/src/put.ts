import { TemporaryFailure } from "./errors.ts";
import type { Bytes } from "./source.ts";

/** Without a byte moving for so long, a request is taken for dead. */
const STALLED_MS = 60_000;

/** One request that carries one chunk. */
export interface Part {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Bytes;
}

export interface Answer {
  status: number;
  retryAfter: string | null;
  text: string;
}

/**
 * Send a part; `onSent` hears how many bytes have left. Throws a `TemporaryFailure` when there is
 * no answer, also when the signal aborts.
 */
export type Put = (
  part: Part,
  signal: AbortSignal,
  onSent: (bytes: number) => void,
) => Promise<Answer>;

/** XMLHttpRequest tells of bytes that leave, and fetch does not; so fetch is for where it must. */
export function choosePut(own: typeof fetch | undefined): Put {
  return own || typeof XMLHttpRequest === "undefined" ? byFetch(own ?? fetch) : byXhr;
}

function byFetch(using: typeof fetch): Put {
  return async ({ url, ...part }, signal) => {
    try {
      const response = await using.call(globalThis, url, { ...part, signal });
      const retryAfter = response.headers.get("Retry-After");
      return { status: response.status, retryAfter, text: await response.text() };
    } catch (cause) {
      throw brokenOff(cause);
    }
  };
}

const byXhr: Put = ({ method, url, headers, body }, signal, onSent) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let timer = setTimeout(abort, STALLED_MS);
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => {
      clearTimeout(timer);
      timer = setTimeout(abort, STALLED_MS);
      onSent(loaded);
    };
    request.onload = () => resolve(answerOf(request));
    request.onerror = request.onabort = () => reject(brokenOff());
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) reject(brokenOff());
    else request.send(body);
  });

function answerOf(request: XMLHttpRequest): Answer {
  const failed = request.status >= 400; // else other origins' headers are not even asked for
  const retryAfter = failed ? request.getResponseHeader("Retry-After") : null;
  return { status: request.status, retryAfter, text: request.responseText };
}

function brokenOff(cause?: unknown): TemporaryFailure {
  return new TemporaryFailure("NETWORK", "The connection broke off.", { cause });
}
