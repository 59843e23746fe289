// What all Node peers share: the schema's text, its leaf resolvers, and who is calling.
import { createHmac, createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const typeDefs = readFileSync(
  fileURLToPath(new URL("schema.graphql", import.meta.url)),
  "utf8",
);
export const port = Number(process.env.PORT);

// A key object is made once; of a bare buffer one is made at each use.
export const secret = createSecretKey(process.env.SIGNING_SECRET, "hex");

const accounts = new Map([[`Bearer ${process.env.API_KEY}`, process.env.ACCOUNT_ID]]);

/** The caller's account; undefined for an unknown key. */
export const accountOf = (authorization) => accounts.get(authorization);

export const keyOf = (id) => atob(id).split(":")[1];

export function signedUrl(id) {
  const signature = createHmac("sha256", secret).update(id).digest("hex");
  return `https://cdn.example.com/v/${id}/${signature}/index.m3u8`;
}

/** Internal values of the enums, and the leaves that are not columns. */
export const leaves = {
  VideoStatus: {
    PROCESSING: "processing",
    PUBLISHED: "published",
    UPLOAD_FAILED: "upload_failed",
    DELETED: "deleted",
  },
  PlaySetStatus: {
    INITIAL: "initial",
    TRANSCODING: "transcoding",
    READY: "ready",
    TRANSCODE_FAILED: "transcode_failed",
    DELETED: "deleted",
  },
  Resolution: { P360: "360P", P480: "480P", P720: "720P", P1080: "1080P", ORIGIN: "Origin" },
  Video: { id: (row) => btoa(`Video:${row.id}`) },
  PlaySet: {
    id: (row) => btoa(`PlaySet:${row.id}`),
    signedUrl: (row) => signedUrl(row.id),
  },
  Danmu: { id: (row) => btoa(`Danmu:${row.id}`) },
};
