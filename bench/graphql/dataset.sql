-- What stands in braces is filled in by dataset.py.

create temporary table made as
select n,
    md5('video' || n)::uuid as id,
    md5('task' || n)::uuid as task_id,
    encode(sha256(('source' || n)::bytea), 'hex') as sha256,
    timestamptz '2026-01-01 00:00:00Z' + n * interval '211 s'
        + (case when n % 10 = 0 then 0 else n * 7919 % 1000000 end) * interval '1 us' as created_at,
    (60000 + n::bigint * 7907 % 7200000) as duration_ms
from generate_series(1, {videos}) n;

insert into content (id, sha256, key, size, "references", created_at)
select id, sha256, 'sources/' || sha256, 10000000 + n::bigint * 104729 % 6000000000, 1, created_at
from made;

insert into stored_object (id, storage_id, account_id, content_id, sha256, file_size, content_type,
    created_at)
select md5('stored object' || n)::uuid,
    substr(translate(encode(sha256(('object' || n)::bytea), 'base64'), '+/', '-_'), 1, 11),
    {account}, id, sha256, 10000000 + n::bigint * 104729 % 6000000000, 'video/mp4', created_at
from made;

update account set storage_used = (select sum(file_size) from stored_object);

insert into video (id, vid, account_id, status, title, description, content_id, storage_id,
    source_sha256, source, file_size, width, height, duration_ms, created_at, updated_at,
    published_at, category_id)
select id,
    substr(translate(encode(sha256(('vid' || n)::bytea), 'base64'), '+/', '-_'), 1, 11),
    {account}, 'published',
    (array['第#集：深海的秘密', 'Episode #: "The Long Way Home"', '周末厨房 第#期 红烧牛肉面',
        'Product tour # – what is new', '城市骑行 # 🚲 上海到苏州'])[1 + n % 5],
    case when n % 3 = 0 then null
        when n % 3 = 1 then '本集带你走进南海三千米以下的世界，拍摄历时两年，由十二人的小组完成。'
        else E'Line one, with a path C:\\media\\#.\nLine two: <b>not bold</b> & "quoted".' end,
    id, substr(translate(encode(sha256(('object' || n)::bytea), 'base64'), '+/', '-_'), 1, 11),
    sha256,
    jsonb_build_object('container', 'mov', 'duration_ms', duration_ms, 'width', 1920,
        'height', 1080, 'rotation', 0, 'sample_aspect', '1', 'frame_rate', '30000/1001',
        'video_codec', 'h264', 'pixel_format', 'yuv420p', 'audio_codec', 'aac', 'hdr', false,
        'keyframe_first', true),
    10000000 + n::bigint * 104729 % 6000000000,
    1920, 1080, duration_ms, created_at, created_at + interval '193.5 s',
    created_at + interval '95.250125 s',
    (select id from category where account_id = {account} and number = 1)
from made;
update video set title = replace(title, '#', (duration_ms % 1000)::text),
    description = replace(description, '#', (duration_ms % 1000)::text);

insert into task (id, account_id, kind, status, video_id, transcode_pass, progress, attempt,
    created_at, started_at, finished_at)
select task_id, {account}, 'transcode', 'succeeded', id, 'ladder', 1, 1, created_at,
    created_at + interval '2 s', created_at + interval '193 s'
from made;

insert into play_set (id, video_id, task_id, resolution, status, playlist_key, file_size, width,
    height, frame_rate, duration_ms, bandwidth, average_bandwidth, codecs, created_at, updated_at)
select md5('play set' || n || rung.name)::uuid, id, task_id, rung.name, 'ready',
    'videos/' || id || '/' || rung.name || '.m3u8', duration_ms * rung.bandwidth / 9000,
    rung.width, rung.height, '30000/1001', duration_ms, rung.bandwidth + n % 1000,
    rung.bandwidth * 9 / 10, rung.codecs, created_at,
    created_at + rung.place * interval '31.000250 s'
from made, (values
    (1, '360P', 640, 360, 800000, 'avc1.64001e'), (2, '480P', 854, 480, 1400000, 'avc1.64001f'),
    (3, '720P', 1280, 720, 2800000, 'avc1.64001f'),
    (4, '1080P', 1920, 1080, 5200000, 'avc1.640028'),
    (5, 'Origin', 1920, 1080, 10100000, 'avc1.640032')
) rung (place, name, width, height, bandwidth, codecs)
order by md5(n || rung.name);

create table bench_statistics (
    video_id uuid primary key references video (id), plays bigint not null, viewers bigint not null,
    traffic_bytes bigint not null, danmu_count int not null, likes int not null,
    watch_seconds bigint not null
);
insert into bench_statistics
select id, n::bigint * 48611 % 5000000000, n::bigint * 15485863 % 90000000,
    n::bigint * 982451653 % 90000000000000, n * 31 % 10000, n * 97 % 100000,
    n::bigint * 7368787 % 8000000000
from made;

create table bench_danmu (
    id bigserial primary key, video_id uuid not null references video (id), time_ms int not null,
    mode int not null, color int not null, size int not null, user_id text not null,
    content text not null, created_at timestamptz not null
);
insert into bench_danmu (video_id, time_ms, mode, color, size, user_id, content, created_at)
select md5('video' || 1 + n % {danmu_videos})::uuid, n::bigint * 7919 % 3600000, 1 + n % 3 * 2,
    n::bigint * 104729 % 16777216, (array[18, 25, 36])[1 + n % 3],
    substr(md5('user' || n % 5000), 1, 12),
    (array['前方高能！', '哈哈哈哈哈哈', '这里的"配乐"太好听了', 'first!', '打卡 2026 ✨',
        '弹幕护体弹幕护体', 'who is watching this in 2026?'])[1 + n % 7],
    timestamptz '2026-10-01 00:00:00Z' + n * interval '7.000031 s'
from generate_series(1, {danmu}) n;
create index on bench_danmu (video_id, time_ms, id);
