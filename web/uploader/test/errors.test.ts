import assert from "node:assert/strict";
import { test } from "node:test";
import { delayOf, isTemporary } from "../src/errors.ts";
import { pauseMs } from "../src/retries.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

test("Retry-After has seconds, or a date to come", () => {
  assert.equal(delayOf("0", NOW), 0);
  assert.equal(delayOf(" 120 ", NOW), 120_000);
  assert.equal(delayOf("Sat, 21 Nov 2026 12:00:30 GMT", NOW), 30_000);
  assert.equal(delayOf("Sat, 21 Nov 2026 11:59:59 GMT", NOW), 0);
  for (const nonsense of ["", "soon", "-1"]) assert.equal(delayOf(nonsense, NOW), 0);
});

test("these statuses pass", () => {
  const asked = [400, 401, 403, 404, 408, 409, 411, 413, 429, 500, 503, 507];
  assert.deepEqual(asked.filter(isTemporary), [408, 409, 429, 500, 503, 507]);
});

test("pauses double up to 30 s, and vary by half", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => pauseMs(failures, 0, 1));
  assert.deepEqual(longest, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(pauseMs(3, 0, 0), 1000);
});

test("a server that asks for a longer pause gets it, up to 5 minutes", () => {
  assert.equal(pauseMs(1, 60_000, 0), 60_000);
  assert.equal(pauseMs(1, 100, 1), 500);
  assert.equal(pauseMs(1, 86_400_000, 0), 300_000);
});
