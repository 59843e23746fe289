export { Upload } from "./upload.ts";
export type { UploadOptions } from "./options.ts";
export { UploadError, type UploadErrorCode } from "./errors.ts";
export type { UploadEvents, UploadProgress, UploadResult, UploadState } from "./events.ts";
export { Sha256 } from "./sha256.ts";
