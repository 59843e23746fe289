// PostGraphile, whose schema comes of the tables; what they cannot say is added here.
import { createServer } from "node:http";

import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makePgService } from "postgraphile/adaptors/pg";
import { TYPES } from "postgraphile/@dataplan/pg";
import { context, lambda } from "postgraphile/grafast";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { extendSchema } from "postgraphile/utils";

import { accountOf, port, signedUrl } from "./common.mjs";

const extension = extendSchema((build) => {
  const { sql } = build;
  const { bench_danmu: danmu } = build.pgResources;
  return {
    typeDefs: `
      extend type Query {
        danmu(videoId: UUID!, fromMs: Int!, first: Int!): [BenchDanmu!]!
      }
      extend type PlaySet {
        signedUrl: String!
      }
    `,
    objects: {
      Query: {
        plans: {
          danmu(_, { $videoId, $fromMs, $first }) {
            const $rows = danmu.find({ video_id: $videoId });
            const from = $rows.placeholder($fromMs, TYPES.int);
            const video = $rows.placeholder($videoId, TYPES.uuid);
            const account = $rows.placeholder(context().get("accountId"), TYPES.uuid);
            $rows.where(sql`${$rows}.time_ms >= ${from}`);
            $rows.where(
              sql`exists (select from video where id = ${video} and account_id = ${account})`,
            );
            $rows.orderBy({ attribute: "time_ms", direction: "ASC" });
            $rows.orderBy({ attribute: "id", direction: "ASC" });
            $rows.setOrderIsUnique();
            $rows.setFirst($first);
            return $rows;
          },
        },
      },
      PlaySet: {
        plans: {
          signedUrl: ($row) => lambda($row.get("id"), signedUrl, true),
        },
      },
    },
  };
});

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins: [extension],
  disablePlugins: ["PgIndexBehaviorsPlugin"], // it would not sort play sets, which are few
  pgServices: [
    makePgService({ connectionString: process.env.DATABASE_URL, poolConfig: { max: 8 } }),
  ],
  grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: false },
  grafast: {
    explain: false,
    context: (request) => {
      const accountId = accountOf(request.node?.req.headers.authorization);
      if (!accountId) throw new Error("Unauthenticated");
      return { accountId };
    },
  },
};

const server = createServer();
await postgraphile(preset).createServ(grafserv).addTo(server);
server.listen(port, "127.0.0.1", 2048);
