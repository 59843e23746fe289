import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import { hex, hmac, Sha256 } from "../src/sha256.ts";

const expected = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("every length around the size of a block has the digest that Node finds", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = randomBytes(length);
    assert.equal(hex(new Sha256().update(bytes).digest()), expected(bytes), `${length} bytes`);
  }
});

test("bytes may come in any pieces", () => {
  for (let round = 0; round < 200; round++) {
    const bytes = randomBytes(randomInt(300_000));
    const hash = new Sha256();
    for (let at = 0, end = 0; at < bytes.length; at = end) {
      end = Math.min(bytes.length, at + randomInt(1, 100_000));
      hash.update(bytes.subarray(at, end));
    }
    assert.equal(hex(hash.digest()), expected(bytes));
  }
});

test("an HMAC is that of Node", () => {
  for (const length of [0, 1, 32, 63, 64]) {
    const [key, first, second] = [randomBytes(length), randomBytes(100), randomBytes(65_536)];
    const theirs = createHmac("sha256", key).update(first).update(second).digest("hex");
    assert.equal(hex(hmac(key, [first, second])), theirs);
  }
});
