// graphql-ws on ws: the usual way to serve graphql-transport-ws. POST /emit publishes one event.
import { createServer } from "node:http";

import { makeExecutableSchema } from "@graphql-tools/schema";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

import { accountOf, leaves, port } from "./common.mjs";

const typeDefs = `
  scalar DateTime
  scalar EventCursor
  enum EventType { PLAY_SET_READY PLAY_SET_FAILED }
  enum VideoStatus { PROCESSING PUBLISHED UPLOAD_FAILED DELETED }
  enum PlaySetStatus { INITIAL TRANSCODING READY TRANSCODE_FAILED DELETED }
  enum Resolution { P360 P480 P720 P1080 ORIGIN }
  type PlaySet {
    id: ID!
    status: PlaySetStatus!
    resolution: Resolution!
    width: Int
    height: Int
    bandwidth: Int
  }
  type Video { id: ID! title: String! status: VideoStatus! }
  type PlaySetEvent {
    id: ID!
    cursor: EventCursor!
    type: EventType!
    occurredAt: DateTime!
    playSet: PlaySet!
    video: Video!
  }
  type Query { ok: Boolean }
  type Subscription { playSetReady: PlaySetEvent! }
`;

const subscribers = new Set();

/** All events from now on. A slow reader's wait in a queue. */
function events() {
  const queue = [];
  let wake = null;
  const push = (event) => {
    if (wake) wake({ value: event, done: false });
    else queue.push(event);
    wake = null;
  };
  subscribers.add(push);
  return {
    next: () =>
      queue.length
        ? Promise.resolve({ value: queue.shift(), done: false })
        : new Promise((resolve) => {
            wake = resolve;
          }),
    return: () => {
      subscribers.delete(push);
      wake?.({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

let count = 0;

function emit() {
  count += 1;
  const event = {
    id: count,
    type: "play_set_ready",
    occurredAt: new Date(),
    playSet: {
      id: "b7a304ea-5fca-9b1e-f086-8218f75ea816",
      status: "ready",
      resolution: "720P",
      width: 1280,
      height: 720,
      bandwidth: 2_800_596,
    },
    video: {
      id: "6c74bd2d-7810-d3c8-5111-e149ac1ee0e8",
      title: "周末厨房 第814期 红烧牛肉面",
      status: "published",
    },
  };
  for (const push of subscribers) push(event);
}

const schema = makeExecutableSchema({
  typeDefs,
  resolvers: {
    VideoStatus: leaves.VideoStatus,
    PlaySetStatus: leaves.PlaySetStatus,
    Resolution: leaves.Resolution,
    EventType: { PLAY_SET_READY: "play_set_ready", PLAY_SET_FAILED: "play_set_failed" },
    Video: leaves.Video,
    PlaySet: { id: leaves.PlaySet.id },
    PlaySetEvent: {
      id: (event) => btoa(`Event:${event.id}`),
      cursor: (event) => btoa(`cursor:${event.id}`),
      occurredAt: (event) => event.occurredAt.toISOString(),
    },
    Subscription: {
      playSetReady: { subscribe: () => events(), resolve: (event) => event },
    },
  },
});

const server = createServer((request, response) => {
  if (request.method === "POST" && request.url === "/emit") emit();
  response.end();
});
useServer(
  {
    schema,
    onConnect: ({ connectionParams }) => Boolean(accountOf(connectionParams?.authorization)),
  },
  new WebSocketServer({ server, path: "/graphql" }),
);
server.listen(port, "127.0.0.1", 8192);
