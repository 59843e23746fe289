// Resolvers with DataLoaders, for the servers that have no batching of their own.
import DataLoader from "dataloader";

import { accountOf, keyOf, leaves } from "./common.mjs";
import * as db from "./database.mjs";

export const resolvers = {
  ...leaves,
  Query: {
    videos: async (_, { first }, { accountId }) => ({ nodes: await db.videos(accountId, first) }),
    video: (_, { by }, { accountId }) => db.videoByVid(accountId, by.vid),
    danmu: (_, { videoId, fromMs, first }, { accountId }) =>
      db.danmu(accountId, keyOf(videoId), fromMs, first),
  },
  Video: {
    ...leaves.Video,
    playSets: (video, _, { load }) => load.playSets.load(video.id),
    statistics: (video, _, { load }) => load.statistics.load(video.id),
  },
};

/** A request's context; undefined for an unknown key. */
export function contextOf(authorization) {
  const accountId = accountOf(authorization);
  return accountId && {
    accountId,
    load: {
      playSets: new DataLoader(db.playSets),
      statistics: new DataLoader(db.statistics),
    },
  };
}
