import type { Uploadable } from "./source.ts";

export type KeyValueStore = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/**
 * The id of the session of one file, kept over a refresh of the page. It is a hint: whether the
 * session is that of the same bytes, its hash says. A store that refuses is done without.
 */
export class Memory {
  readonly #store: KeyValueStore | null;
  readonly #key: string;

  constructor(store: KeyValueStore | null, endpoint: string, file: Uploadable) {
    const fingerprint = [endpoint, file.name, file.size, file.lastModified];
    this.#store = file.name === undefined ? null : store;
    this.#key = `reelgraph-upload:${JSON.stringify(fingerprint)}`;
  }

  recall(): string | null {
    return attempt(() => this.#store?.getItem(this.#key)) ?? null;
  }

  keep(sessionId: string): void {
    attempt(() => this.#store?.setItem(this.#key, sessionId));
  }

  forget(): void {
    attempt(() => this.#store?.removeItem(this.#key));
  }
}

/** The page's own store; null where there is none, or it is forbidden. */
export function localStore(): KeyValueStore | null {
  return attempt(() => (typeof window === "undefined" ? null : window.localStorage)) ?? null;
}

function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined; // full, or closed to this page
  }
}
