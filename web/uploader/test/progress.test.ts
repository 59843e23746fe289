import assert from "node:assert/strict";
import { test } from "node:test";
import type { UploadProgress } from "../src/events.ts";
import { Progress, Speed } from "../src/progress.ts";

test("a steady speed is known from the first bytes on", () => {
  const speed = new Speed(0);
  assert.equal(speed.bytesPerSecond, 0);
  for (let now = 100; now <= 1000; now += 100) {
    speed.add(500, now);
    assert.equal(Math.round(speed.bytesPerSecond), 5000);
  }
});

test("a change of speed shows within seconds, and a pause is none", () => {
  const speed = new Speed(0);
  for (let now = 100; now <= 10_000; now += 100) speed.add(500, now);
  speed.skip(60_000);
  for (let now = 60_100; now <= 70_000; now += 100) speed.add(1000, now);
  assert.ok(speed.bytesPerSecond > 9500 && speed.bytesPerSecond < 10_000);
});

test("what has to be sent again is not taken back", () => {
  const heard: UploadProgress[] = [];
  let now = 0;
  const progress = new Progress(100, 400, (event) => heard.push(event), () => (now += 200));
  progress.moving(1, 90);
  progress.moving(1, 0);
  progress.moving(1, 50);
  progress.arrived(2, 200);
  progress.arrived(1, 100);
  const sent = heard.map((event) => event.sentBytes);
  assert.deepEqual(sent, [100, 190, 190, 190, 350, 400]);
  assert.equal(heard.at(-1)?.secondsLeft, 0);
});
