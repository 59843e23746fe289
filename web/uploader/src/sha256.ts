import { compress, initial } from "./compress.ts";

const BLOCK = 64;

/** Bytes compressed in one call: an engine optimises a function fully between its calls. */
const STRETCH = 64 * 1024;

/** SHA-256 of bytes that come in pieces, which WebCrypto cannot do. */
export class Sha256 {
  #state = initial();
  #rest = new Uint8Array(BLOCK);
  #length = 0;

  update(bytes: Uint8Array): this {
    let at = this.#fill(bytes);
    for (const whole = bytes.length - (bytes.length - at) % BLOCK; at < whole; ) {
      const end = Math.min(at + STRETCH, whole);
      compress(this.#state, bytes, at, end);
      at = end;
    }
    this.#rest.set(bytes.subarray(at), (this.#length - (bytes.length - at)) % BLOCK);
    return this;
  }

  /** Complete the block that is begun; returns how many of the bytes went there. */
  #fill(bytes: Uint8Array): number {
    const begun = this.#length % BLOCK;
    this.#length += bytes.length;
    if (begun === 0) return 0;
    const taken = bytes.subarray(0, BLOCK - begun);
    this.#rest.set(taken, begun);
    if (begun + taken.length === BLOCK) compress(this.#state, this.#rest, 0, BLOCK);
    return taken.length;
  }

  /** The digest of all bytes so far. Ends the hash: do not `update` it after that. */
  digest(): Uint8Array<ArrayBuffer> {
    const bits = this.#length * 8;
    this.update(padding(this.#length));
    const end = new DataView(this.#rest.buffer);
    end.setUint32(BLOCK - 8, bits / 2 ** 32);
    end.setUint32(BLOCK - 4, bits);
    compress(this.#state, this.#rest, 0, BLOCK);
    const digest = new Uint8Array(32);
    const view = new DataView(digest.buffer);
    this.#state.forEach((word, index) => view.setInt32(4 * index, word));
    return digest;
  }
}

/** A bit 1 and as many 0 as leave 8 bytes of the last block, for the length in bits. */
function padding(length: number): Uint8Array {
  const padded = new Uint8Array(1 + (2 * BLOCK - 9 - length % BLOCK) % BLOCK);
  padded[0] = 0x80;
  return padded;
}

/** HMAC-SHA256 (RFC 2104) of a message in pieces. The key has at most 64 bytes. */
export function hmac(key: Uint8Array, message: Iterable<Uint8Array>): Uint8Array {
  const padded = (byte: number) =>
    Uint8Array.from({ length: BLOCK }, (_, index) => (key[index] ?? 0) ^ byte);
  const inner = new Sha256().update(padded(0x36));
  for (const piece of message) inner.update(piece);
  return new Sha256().update(padded(0x5c)).update(inner.digest()).digest();
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
