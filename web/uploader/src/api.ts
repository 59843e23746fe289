import { type Connection, refusal } from "./connection.ts";
import { UploadError } from "./errors.ts";

/** The operations of the schema that an upload needs. Each is one request, and may throw. */

const SESSION = `
fragment Session on UploadSession {
  id status sha256 fileSize chunkSize missingChunks video { id } error { code message }
}`;

const HELLO = `
query Hello { viewer { name } limits { maxFileSize } }`;

const CHECK = `
query CheckUpload($sha256: SHA256!, $fileSize: Bytes!) {
  checkUpload(sha256: $sha256, fileSize: $fileSize) {
    video { id }
    resumable { ...Session }
    challenge { token nonce ranges { start end } }
  }
}${SESSION}`;

const PROVE = `
mutation ProveUploadPossession($input: ProveUploadPossessionInput!) {
  payload: proveUploadPossession(input: $input) { video { id } userErrors { code message } }
}`;

const READ = `
query UploadSession($id: ID!) { uploadSession(id: $id) { ...Session } }${SESSION}`;

const CREATE = `
mutation CreateUploadSession($input: CreateUploadSessionInput!) {
  payload: createUploadSession(input: $input) {
    uploadSession { ...Session } userErrors { code message }
  }
}${SESSION}`;

const TARGETS = `
query UploadTargets($id: ID!, $indexes: [Int!]!) {
  uploadSession(id: $id) {
    targets(indexes: $indexes) { chunkIndex method url headers { name value } checksumHeader }
  }
}`;

const COMPLETE = `
mutation CompleteUploadSession($input: CompleteUploadSessionInput!) {
  payload: completeUploadSession(input: $input) {
    uploadSession { id }
    userErrors { code message ... on ChunksMissingError { missingChunks } }
  }
}`;

const CANCEL = `
mutation CancelUploadSession($id: ID!) {
  payload: cancelUploadSession(id: $id) { uploadSession { id } userErrors { code message } }
}`;

const WATCH = `
subscription WatchUploadSession($id: ID!) {
  uploadSession(id: $id) { status error { code message } task { progress } video { id } }
}`;

export type Status =
  | "WAITING" | "UPLOADING" | "VERIFYING" | "COMPLETED" | "FAILED" | "CANCELLED" | "EXPIRED";

export interface Reason {
  code: string;
  message: string;
}

interface Outcome {
  status: Status;
  video: { id: string } | null;
  error: Reason | null;
}

export interface Session extends Outcome {
  id: string;
  sha256: string;
  /** Bytes. */
  fileSize: number;
  /** Bytes of every chunk but the last. */
  chunkSize: number;
  missingChunks: number[];
}

export interface SessionNews extends Outcome {
  task: { progress: number } | null;
}

/** Where one chunk is sent. */
export interface Target {
  chunkIndex: number;
  method: string;
  url: string;
  headers: { name: string; value: string }[];
  /** What may carry the chunk's SHA-256 in base64; null when the place takes none. */
  checksumHeader: string | null;
}

export interface Challenge {
  token: string;
  /** Base64. */
  nonce: string;
  /** Bytes of the file, from `start` to before `end`. */
  ranges: { start: number; end: number }[];
}

export interface Check {
  video: { id: string } | null;
  resumable: Session | null;
  challenge: Challenge;
}

/** What is said of the future video. */
export interface About {
  title: string;
  description: string | null;
  fileName: string | null;
}

export interface Announcement extends About {
  deviceType: string;
  sha256: string;
  fileSize: number;
  chunkSize: number | null;
}

interface Payload {
  userErrors: (Reason & { missingChunks?: number[] })[];
}

interface SessionPayload extends Payload {
  uploadSession: Session | null;
}

export class Api {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The first contact: finds out that server and key are good. Returns bytes. */
  async maxFileSize(signal: AbortSignal): Promise<number> {
    type Hello = { viewer: object | null; limits: { maxFileSize: number } };
    const { viewer, limits } = await this.#connection.ask<Hello>(HELLO, {}, signal);
    if (!viewer) throw new UploadError("UNAUTHENTICATED", "The server needs an API key.");
    return limits.maxFileSize;
  }

  async check(sha256: string, fileSize: number, signal: AbortSignal): Promise<Check> {
    type Answer = { checkUpload: Check };
    const variables = { sha256, fileSize };
    return (await this.#connection.ask<Answer>(CHECK, variables, signal)).checkUpload;
  }

  /** The id of the new video. Throws POSSESSION_NOT_PROVEN if the bytes have to be sent. */
  async prove(token: string, proof: string, about: About): Promise<string> {
    type Proven = Payload & { video: { id: string } | null };
    const payload = await this.#mutate<Proven>(PROVE, { input: { token, proof, ...about } });
    if (!payload.video) throw refusal(payload.userErrors);
    return payload.video.id;
  }

  /** Null when there is no such one, or not of this account. */
  async session(id: string, signal: AbortSignal): Promise<Session | null> {
    type Answer = { uploadSession: Session | null };
    return (await this.#connection.ask<Answer>(READ, { id }, signal)).uploadSession;
  }

  async create(input: Announcement): Promise<Session> {
    const payload = await this.#mutate<SessionPayload>(CREATE, { input });
    if (!payload.uploadSession) throw refusal(payload.userErrors);
    return payload.uploadSession;
  }

  async targets(id: string, indexes: number[], signal: AbortSignal): Promise<Target[]> {
    type Answer = { uploadSession: { targets: Target[] } | null };
    const { uploadSession } = await this.#connection.ask<Answer>(TARGETS, { id, indexes }, signal);
    if (!uploadSession) throw new UploadError("NOT_FOUND", "The upload session is gone.");
    return uploadSession.targets;
  }

  /** The chunks that have to be sent again; none when the file is whole. */
  async complete(id: string, finalSha256: string): Promise<number[]> {
    const input = { id, finalSha256 };
    const payload = await this.#mutate<SessionPayload>(COMPLETE, { input });
    if (payload.uploadSession) return [];
    const missing = payload.userErrors[0]?.missingChunks;
    if (!missing?.length) throw refusal(payload.userErrors);
    return missing;
  }

  async cancel(id: string): Promise<void> {
    const payload = await this.#mutate<SessionPayload>(CANCEL, { id });
    if (!payload.uploadSession) throw refusal(payload.userErrors);
  }

  /** The session's state, now and after every change, until nothing can change any more. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<SessionNews> {
    type Message = { uploadSession: SessionNews };
    const messages = this.#connection.follow<Message>(WATCH, { id }, signal);
    for await (const message of messages) yield message.uploadSession;
  }

  /** Not to be aborted: whether it happened would be unknown. */
  async #mutate<P extends Payload>(query: string, variables: object): Promise<P> {
    return (await this.#connection.ask<{ payload: P }>(query, variables)).payload;
  }
}
