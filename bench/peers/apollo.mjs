// Apollo Server through its integration for Fastify, the fastest of those that it supports.
import { ApolloServer } from "@apollo/server";
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from "@as-integrations/fastify";
import Fastify from "fastify";
import { GraphQLError } from "graphql";

import { port, typeDefs } from "./common.mjs";
import { contextOf, resolvers } from "./resolvers.mjs";

const app = Fastify({ logger: false });

const apollo = new ApolloServer({
  typeDefs,
  resolvers,
  introspection: false,
  plugins: [fastifyApolloDrainPlugin(app)],
});
await apollo.start();

app.route({
  url: "/graphql",
  method: ["GET", "POST"],
  handler: fastifyApolloHandler(apollo, {
    context: async (request) => {
      const context = contextOf(request.headers.authorization);
      if (!context) {
        throw new GraphQLError("Unauthenticated", { extensions: { http: { status: 401 } } });
      }
      return context;
    },
  }),
});

await app.listen({ port, host: "127.0.0.1", backlog: 2048 });
