import { hex, Sha256 } from "./sha256.ts";

/** Hashes blobs in the order in which they come, and reads the next meanwhile. */
export class Hasher {
  #sha256 = new Sha256();
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves when these bytes are hashed; rejects when they cannot be read. */
  update(blob: Blob): Promise<void> {
    const reading = blob.arrayBuffer();
    const hashed = Promise.all([reading, this.#last]).then(([bytes]) => {
      if (bytes.byteLength !== blob.size) throw new Error("the file has become shorter");
      this.#sha256.update(new Uint8Array(bytes));
    });
    this.#last = hashed;
    return hashed;
  }

  /** In hexadecimal. */
  async digest(): Promise<string> {
    await this.#last;
    return hex(this.#sha256.digest());
  }
}
