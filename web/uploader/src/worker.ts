/** The program of the worker that hashes: a Blob in, null out when hashed; null in, digest out. */
import { Hasher } from "./hasher.ts";

const hasher = new Hasher();

addEventListener("message", async ({ data }: MessageEvent<Blob | null>) => {
  try {
    postMessage({ value: data ? await hasher.update(data) : await hasher.digest() });
  } catch (failure) {
    postMessage({ failure: String(failure) });
  }
});
postMessage("ready");
