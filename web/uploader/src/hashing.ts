import workerCode from "worker:./worker.ts";
import type { Control } from "./control.ts";
import { Hasher } from "./hasher.ts";
import { unreadable } from "./source.ts";

/** Bytes hashed in one go: without a worker, the page stands still for some 10 ms. */
const SLICE = 2 * 1024 * 1024;

/** Slices on their way to the hash; one is read while another is hashed. */
const AHEAD = 2;

/** What hashes: in a worker, or here where workers are not allowed. */
type Hashing = Pick<Hasher, "update" | "digest">;

/**
 * SHA-256 of the whole file in hexadecimal, without having it in memory. `onHashed` hears how
 * many bytes are done. Throws FILE_UNREADABLE, and what `control` says when it is stopped.
 */
export async function hashFile(
  file: Blob,
  control: Control,
  onHashed: (bytes: number) => void,
): Promise<string> {
  const worker = await startWorker();
  try {
    return await hashSlices(file, worker ? inWorker(worker) : new Hasher(), control, onHashed);
  } finally {
    worker?.terminate();
  }
}

async function hashSlices(
  file: Blob,
  hashing: Hashing,
  control: Control,
  onHashed: (bytes: number) => void,
): Promise<string> {
  const pending: Promise<void>[] = [];
  for (let start = 0; start < file.size; start += SLICE) {
    await control.ready();
    const end = Math.min(file.size, start + SLICE);
    const hashed = hashing.update(file.slice(start, end)).then(() => onHashed(end));
    hashed.catch(() => {}); // heard below
    pending.push(hashed);
    if (pending.length >= AHEAD) await readable(pending.shift());
  }
  await readable(Promise.all(pending));
  await control.ready();
  return readable(hashing.digest());
}

async function readable<T>(hashed: T | Promise<T>): Promise<T> {
  try {
    return await hashed;
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** A worker that has said it runs; null where there are none, or a policy forbids it. */
async function startWorker(): Promise<Worker | null> {
  if (typeof Worker === "undefined") return null;
  const url = URL.createObjectURL(new Blob([workerCode], { type: "text/javascript" }));
  try {
    const worker = new Worker(url);
    const runs = await new Promise<boolean>((resolve) => {
      worker.onmessage = () => resolve(true);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(false);
      };
    });
    return runs ? worker : null;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Its answers come in the order of what it was asked. */
function inWorker(worker: Worker): Hashing {
  const waiting: PromiseWithResolvers[] = [];
  worker.onmessage = ({ data }: MessageEvent<{ value?: unknown; failure?: string }>) => {
    const { resolve, reject } = waiting.shift()!;
    if (data.failure === undefined) resolve(data.value);
    else reject(new Error(data.failure));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(event.message));
  };
  const ask = <T>(message: Blob | null) =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      worker.postMessage(message);
    });
  return { update: (blob) => ask<void>(blob), digest: () => ask<string>(null) };
}

interface PromiseWithResolvers {
  resolve: (value: unknown) => void;
  reject: (reason: Error) => void;
}
