// The statements of all Node peers. Named statements: PostgreSQL plans each once a connection.
import pg from "pg";

const INT8 = 20;
const TIMESTAMPTZ = 1184;

pg.types.setTypeParser(INT8, Number);
// Microseconds do not fit a Date, and text is cheaper. It comes as "2026-11-21 09:30:00.12+00".
pg.types.setTypeParser(TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}Z`);

// Where and who: PGHOST, PGPORT, PGUSER, PGDATABASE.
const pool = new pg.Pool({ max: 8, idleTimeoutMillis: 0, options: "-c timezone=UTC" });

const VIDEO = `id, vid, status, status_reason as "statusReason", title, description,
  source_sha256 as sha256, file_size as "fileSize", width, height, duration_ms as "durationMs",
  created_at as "createdAt", updated_at as "updatedAt", published_at as "publishedAt"`;

const VIDEOS = {
  name: "videos",
  text: `select ${VIDEO} from video where account_id = $1
    order by created_at desc, id desc limit $2`,
};
const VIDEO_BY_VID = {
  name: "video_by_vid",
  text: `select ${VIDEO} from video where vid = $2 and account_id = $1`,
};
const PLAY_SETS = {
  name: "play_sets",
  text: `select id, video_id as "videoId", status, resolution, width, height,
      duration_ms as "durationMs", file_size as "fileSize", bandwidth, codecs,
      created_at as "createdAt", updated_at as "updatedAt"
    from play_set where video_id = any($1)
    order by array_position('{360P,480P,720P,1080P,Origin}'::text[], resolution::text)`,
};
const STATISTICS = {
  name: "statistics",
  text: `select video_id as "videoId", plays, viewers, traffic_bytes as "trafficBytes",
      danmu_count as "danmuCount", likes, watch_seconds as "watchSeconds"
    from bench_statistics where video_id = any($1)`,
};
const DANMU = {
  name: "danmu",
  text: `select id, time_ms as "timeMs", mode, color, size, user_id as "userId", content,
      created_at as "createdAt"
    from bench_danmu where video_id = $2 and time_ms >= $3
      and exists (select from video where id = $2 and account_id = $1)
    order by time_ms, id limit $4`,
};

const rows = async (statement, ...values) =>
  (await pool.query({ ...statement, values })).rows;

export const videos = (accountId, first) => rows(VIDEOS, accountId, first);

export const videoByVid = async (accountId, vid) =>
  (await rows(VIDEO_BY_VID, accountId, vid))[0] ?? null;

export const danmu = (accountId, videoId, fromMs, first) =>
  rows(DANMU, accountId, videoId, fromMs, first);

// For data loaders: one value for each id, in the order of the ids.

export async function playSets(videoIds) {
  const grouped = new Map(videoIds.map((id) => [id, []]));
  for (const row of await rows(PLAY_SETS, videoIds)) grouped.get(row.videoId).push(row);
  return videoIds.map((id) => grouped.get(id));
}

export async function statistics(videoIds) {
  const found = new Map();
  for (const row of await rows(STATISTICS, videoIds)) found.set(row.videoId, row);
  return videoIds.map((id) => found.get(id) ?? null);
}
