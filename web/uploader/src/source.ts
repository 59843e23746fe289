import { UploadError } from "./errors.ts";
import type { Challenge } from "./api.ts";
import { base64, fromBase64, hex, hmac, Sha256 } from "./sha256.ts";

/** What can be uploaded: a File of the browser, or any other Blob. */
export type Uploadable = Blob & { readonly name?: string; readonly lastModified?: number };

export type Bytes = Uint8Array<ArrayBuffer>;

/** Some bytes of the file. Throws FILE_UNREADABLE when it is not the file it was. */
export async function read(file: Blob, start: number, end: number): Promise<Bytes> {
  try {
    const bytes = new Uint8Array(await file.slice(start, end).arrayBuffer());
    if (bytes.length === end - start) return bytes;
  } catch (cause) {
    throw unreadable(cause);
  }
  throw unreadable();
}

export function unreadable(cause?: unknown): UploadError {
  const message = "The file cannot be read any more: it was changed, moved or removed.";
  return new UploadError("FILE_UNREADABLE", message, { cause });
}

/** The SHA-256 of one chunk in base64. Pages without TLS have no WebCrypto, and use ours. */
export async function checksum(bytes: Bytes): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  const digest = subtle
    ? new Uint8Array(await subtle.digest("SHA-256", bytes))
    : new Sha256().update(bytes).digest();
  return base64(digest);
}

/** The answer to a challenge: HMAC-SHA256 by its nonce over the bytes of its ranges, in order. */
export async function proof(file: Blob, { nonce, ranges }: Challenge): Promise<string> {
  const pieces = await Promise.all(ranges.map(({ start, end }) => read(file, start, end)));
  return hex(hmac(fromBase64(nonce), pieces));
}

/** The name without its ending, as far as a title may be long; "" for a Blob without a name. */
export function titleOf(file: Uploadable): string {
  const stem = (file.name ?? "").replace(/(.)\.[^.]*$/u, "$1");
  return [...stem].slice(0, 255).join("");
}
