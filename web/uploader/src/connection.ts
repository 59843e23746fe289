import { isTemporary, TemporaryFailure, UploadError } from "./errors.ts";

/** A query gets an answer, and a subscription a sign of life every 15 s, in this time. */
const TIMEOUT_MS = 60_000;

/** Codes of GraphQL errors that may be gone at the next try. */
const TEMPORARY_CODES = new Set(["TIMEOUT", "STORAGE_BUSY", "STORAGE_FULL"]);

export type HeaderMap = Record<string, string>;
export type HeaderSource = HeaderMap | (() => HeaderMap | Promise<HeaderMap>);

interface Failure {
  code?: string;
  message: string;
  extensions?: { code?: string };
}

/** GraphQL over HTTP, and subscriptions over server-sent events. Every call is one request. */
export class Connection {
  readonly #endpoint: string;
  readonly #headers: HeaderSource;
  readonly #fetch: typeof fetch;

  constructor(endpoint: string, headers: HeaderSource, using: typeof fetch) {
    this.#endpoint = endpoint;
    this.#headers = headers;
    this.#fetch = using;
  }

  /** The data of a query or mutation. Throws `UploadError`. */
  async ask<T>(query: string, variables: object, signal?: AbortSignal): Promise<T> {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const either = signal ? AbortSignal.any([signal, limit]) : limit;
    const response = await this.#post({ query, variables }, "application/json", either);
    return dataOf<T>(await read(response.text()));
  }

  /** What a subscription sends, until the server completes it. Throws `UploadError`. */
  async *follow<T>(query: string, variables: object, signal: AbortSignal): AsyncGenerator<T> {
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), TIMEOUT_MS);
    };
    alive();
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const response = await this.#post({ query, variables }, "text/event-stream", either);
      if (!kindOf(response).endsWith("event-stream")) {
        dataOf(await read(response.text())); // throws what the server says
        throw new UploadError("BAD_ANSWER", "The endpoint does not offer subscriptions.");
      }
      for await (const event of messages(response, alive)) {
        if (event.name === "complete") return;
        yield dataOf<T>(event.data);
      }
    } finally {
      clearTimeout(timer);
      silence.abort(); // closes the stream when the caller has heard enough
    }
    throw new TemporaryFailure("NETWORK", "The server broke a subscription off.");
  }

  async #post(body: object, accept: string, signal: AbortSignal): Promise<Response> {
    const own = typeof this.#headers === "function" ? await this.#headers() : this.#headers;
    const headers = { ...own, "Content-Type": "application/json", Accept: accept };
    const request = { method: "POST", headers, body: JSON.stringify(body), signal };
    const response = await read(this.#fetch.call(globalThis, this.#endpoint, request));
    check(response);
    return response;
  }
}

/** The server's errors, of a whole operation or of a mutation, as one of ours. */
export function refusal([first]: readonly Failure[]): UploadError {
  const code = first?.code ?? first?.extensions?.code ?? "BAD_ANSWER";
  const message = first?.message ?? "The server's answer is not understood.";
  const kind = TEMPORARY_CODES.has(code) ? TemporaryFailure : UploadError;
  return new kind(code, message);
}

async function read<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new TemporaryFailure("NETWORK", "The server does not answer.", { cause });
  }
}

/** Throw what the status says, unless the body says it better. */
function check(response: Response): void {
  const { status } = response;
  if (status === 401) {
    throw new UploadError("UNAUTHENTICATED", "The server does not accept the key.", { status });
  }
  if (isTemporary(status)) {
    const retryAfter = response.headers.get("Retry-After");
    const message = `The server cannot answer at the moment (HTTP ${status}).`;
    throw new TemporaryFailure("REFUSED", message, { status, retryAfter });
  }
  if (!/json$|event-stream$/.test(kindOf(response))) {
    const message = `The endpoint does not answer like GraphQL (HTTP ${status}).`;
    throw new UploadError("BAD_ANSWER", message, { status });
  }
}

/** The media type, without its parameters. */
function kindOf(response: Response): string {
  return (response.headers.get("Content-Type") ?? "").split(";", 1)[0]!.trim();
}

function dataOf<T>(text: string): T {
  let body: { data?: T | null; errors?: Failure[] };
  try {
    body = JSON.parse(text) as typeof body;
  } catch (cause) {
    throw new UploadError("BAD_ANSWER", "The server's answer is no JSON.", { cause });
  }
  if (body.errors?.length || body.data == null) throw refusal(body.errors ?? []);
  return body.data;
}

/** Server-sent events; `onBytes` hears of every sign of life, also of comments. */
async function* messages(
  response: Response,
  onBytes: () => void,
): AsyncGenerator<{ name: string; data: string }> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await read(reader.read());
    if (done) return;
    onBytes();
    text += value;
    const events = text.split(/\r?\n\r?\n/);
    text = events.pop()!;
    yield* events.map(parse).filter((event) => event.name || event.data);
  }
}

function parse(event: string): { name: string; data: string } {
  const values = (field: string) =>
    event
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1).replace(/^ /, ""));
  return { name: values("event").join(), data: values("data").join("\n") };
}
