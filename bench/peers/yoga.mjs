// GraphQL Yoga on Node's own HTTP server; parsed and validated documents are cached by default.
import { createServer } from "node:http";

import { useGraphQlJit } from "@envelop/graphql-jit";
import { createGraphQLError, createSchema, createYoga } from "graphql-yoga";

import { port, typeDefs } from "./common.mjs";
import { contextOf, resolvers } from "./resolvers.mjs";

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  plugins: [useGraphQlJit()],
  context: ({ request }) => {
    const context = contextOf(request.headers.get("authorization"));
    if (!context) {
      throw createGraphQLError("Unauthenticated", { extensions: { http: { status: 401 } } });
    }
    return context;
  },
  graphiql: false,
  landingPage: false,
  logging: "error",
});

createServer(yoga).listen(port, "127.0.0.1", 2048);
