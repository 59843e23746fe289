// Mercurius on Fastify, with its own loaders. JIT=0 leaves graphql-jit out.
import { makeExecutableSchema } from "@graphql-tools/schema";
import Fastify from "fastify";
import mercurius from "mercurius";

import { accountOf, keyOf, leaves, port, typeDefs } from "./common.mjs";
import * as db from "./database.mjs";

const app = Fastify({ logger: false });

const ids = (queries) => queries.map(({ obj }) => obj.id);
// Objects of one request differ, so keys made to cache by would be work for nothing.
const opts = { cache: false };

const schema = makeExecutableSchema({
  typeDefs,
  resolvers: {
    ...leaves,
    Query: {
      videos: async (_, { first }, { accountId }) => ({
        nodes: await db.videos(accountId, first),
      }),
      video: (_, { by }, { accountId }) => db.videoByVid(accountId, by.vid),
      danmu: (_, { videoId, fromMs, first }, { accountId }) =>
        db.danmu(accountId, keyOf(videoId), fromMs, first),
    },
  },
});

app.register(mercurius, {
  schema,
  loaders: {
    Video: {
      playSets: { loader: (queries) => db.playSets(ids(queries)), opts },
      statistics: { loader: (queries) => db.statistics(ids(queries)), opts },
    },
  },
  jit: Number(process.env.JIT ?? 1),
  context: (request) => {
    const accountId = accountOf(request.headers.authorization);
    if (!accountId) throw new mercurius.ErrorWithProps("Unauthenticated", {}, 401);
    return { accountId };
  },
});

await app.listen({ port, host: "127.0.0.1", backlog: 2048 });
