import type { HeaderMap, HeaderSource } from "./connection.ts";
import type { KeyValueStore } from "./memory.ts";

export interface UploadOptions {
  /** Where the GraphQL API is; by default `/graphql` of the page's own origin. */
  endpoint?: string | URL;
  /** Sent as a bearer token; never to the place where chunks go. */
  apiKey?: string;
  /** Further headers of the API's requests, or what makes them for each. */
  headers?: HeaderSource;
  /** Of the video, 1 to 255 characters; by default the file's name. */
  title?: string;
  /** Up to 5000 characters. */
  description?: string;
  /** What kind of client this is, up to 32 characters; by default WEB. */
  deviceType?: string;
  /** Chunks on their way at once, and so in memory; by default 4. */
  parallel?: number;
  /** Bytes of every chunk but the last; by default the server chooses. */
  chunkSize?: number;
  /** Whether bytes that the server has need not be sent; by default true. */
  instant?: boolean;
  /** Keeps the session's id, to resume after a refresh; by default localStorage. */
  storage?: KeyValueStore | null;
  /** How often in a row one request is repeated; by default 8, which takes about 1.5 minutes. */
  retries?: number;
  /** Instead of the global one. Chunks go by it too, and then progress is by whole chunks. */
  fetch?: typeof fetch;
}

/** The headers of the API's requests, with the key if there is one. */
export function headersOf({ apiKey, headers = {} }: UploadOptions): HeaderSource {
  if (apiKey === undefined) return headers;
  const key = { Authorization: `Bearer ${apiKey}` };
  if (typeof headers !== "function") return { ...key, ...headers };
  return async (): Promise<HeaderMap> => ({ ...key, ...(await headers()) });
}
