import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { UploadError } from "../src/errors.ts";
import { checksum, proof, read, titleOf } from "../src/source.ts";

const bytes = new Uint8Array(randomBytes(1000));
const file = new Blob([bytes]);

test("a checksum is the same with WebCrypto and without", async () => {
  const expected = createHash("sha256").update(bytes).digest("base64");
  assert.equal(await checksum(bytes), expected);
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  assert.equal(await checksum(bytes), expected);
  Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
});

test("a proof has the bytes of all ranges in their order", async () => {
  const nonce = randomBytes(32);
  const ranges = [{ start: 900, end: 1000 }, { start: 0, end: 10 }];
  const mac = createHmac("sha256", nonce).update(bytes.subarray(900)).update(bytes.subarray(0, 10));
  const challenge = { token: "", nonce: nonce.toString("base64"), ranges };
  assert.equal(await proof(file, challenge), mac.digest("hex"));
});

test("a file that has become shorter is unreadable", async () => {
  const unreadable = (failure: UploadError) => failure.code === "FILE_UNREADABLE";
  await assert.rejects(read(file, 900, 1001), unreadable);
});

test("a title is the file's name without its ending", () => {
  const titles = ["film.mp4", "my.film.mp4", "film", ".mp4", "𝄞".repeat(300)].map((name) =>
    titleOf(new File([], name)),
  );
  assert.deepEqual(titles, ["film", "my.film", "film", ".mp4", "𝄞".repeat(255)]);
  assert.equal(titleOf(file), "");
});
