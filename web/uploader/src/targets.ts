import type { Api, Target } from "./api.ts";

/** Links asked for at once; a server allows 1000, but a new set after an expiry costs less so. */
const AT_ONCE = 100;

type Batch = Promise<Map<number, Target>>;

/** Where chunks are sent, asked for in batches shortly before they are needed. */
export class Targets {
  readonly #api: Api;
  readonly #sessionId: string;
  readonly #indexes: readonly number[];
  readonly #batches = new Map<number, Batch>();

  /** `indexes` are the chunks to be sent, ascending. */
  constructor(api: Api, sessionId: string, indexes: readonly number[]) {
    this.#api = api;
    this.#sessionId = sessionId;
    this.#indexes = indexes;
  }

  /** Of the chunk in this place among the indexes. */
  async at(place: number, signal: AbortSignal): Promise<Target> {
    const number = Math.floor(place / AT_ONCE);
    const batch = this.#batches.get(number) ?? this.#ask(number, signal);
    return (await batch).get(this.#indexes[place]!)!;
  }

  /** Ask anew, unless that was done since this place was given: its link has expired. */
  async forget(place: number, target: Target): Promise<void> {
    const number = Math.floor(place / AT_ONCE);
    const batch = this.#batches.get(number);
    if ((await batch)?.get(target.chunkIndex) !== target) return;
    if (this.#batches.get(number) === batch) this.#batches.delete(number);
  }

  #ask(number: number, signal: AbortSignal): Batch {
    const indexes = this.#indexes.slice(number * AT_ONCE, (number + 1) * AT_ONCE);
    const batch = this.#api
      .targets(this.#sessionId, indexes, signal)
      .then((targets) => new Map(targets.map((target) => [target.chunkIndex, target])));
    this.#batches.set(number, batch);
    batch.catch(() => this.#batches.delete(number));
    return batch;
  }
}
