"""Making play sets anew: without a gap, with another key, and without leaving files behind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from db import play_sets, videos
from db.models import AudioTrack, Content, Garbage, PlaySet, SegmentKey, Video
from domain.events import EventType
from domain.media import Source
from domain.play_sets import PlaySetStatus
from domain.playback import MAX_TTL_SECONDS
from domain.templates import BUILT_IN, DEFAULTS, Encryption, Template
from jobs import maintenance, plans
from media.passes import Encoder
from storage import keys
from tests.support.house import House, content_of

P360, P480, _, _, ORIGIN = DEFAULTS
AES_360 = next(
    one
    for one in BUILT_IN
    if one.resolution is P360.resolution and one.encryption is Encryption.AES_128
)
READY, DELETED = PlaySetStatus.READY, PlaySetStatus.DELETED


async def made(house: House, source: Path) -> Video:
    """A video with all its play sets READY."""
    await house.add(source)
    await house.work()
    return await house.video()


async def ask(house: House, *wanted: Template, redo: bool = False) -> list[PlaySet]:
    async with house.tools.db.write() as session:
        video = await videos.lock(session, (await house.video()).id)
        assert video is not None
        new, again = ([], wanted) if redo else (wanted, [])
        return await plans.transcode(session, house.tools.queue, video, new, again=again)


async def of(house: House, template: Template, *statuses: PlaySetStatus) -> Sequence[PlaySet]:
    return [
        one
        for one in await house.rows(PlaySet)
        if one.template_id == template.id and one.status in statuses
    ]


async def test_the_old_one_plays_until_the_new_one_does(house: House, source: Path) -> None:
    await made(house, source)
    (old,) = await of(house, P480, READY)
    (coming,) = await ask(house, P480, redo=True)
    assert coming.status is PlaySetStatus.INITIAL
    (kept,) = await of(house, P480, READY)
    assert (kept.id, kept.playlist_key) == (old.id, old.playlist_key)
    await house.work()
    (new,) = await of(house, P480, READY)
    assert new.id == coming.id
    assert new.playlist_key != old.playlist_key
    (gone,) = await of(house, P480, DELETED)
    assert (gone.id, gone.playlist_key, gone.audio_track_id) == (old.id, None, None)


async def test_each_redo_is_announced_once(house: House, source: Path) -> None:
    await made(house, source)
    before = await house.events()
    await ask(house, P360, P480, ORIGIN, redo=True)
    await house.work()
    after = await house.events()
    assert after[EventType.PLAY_SET_READY] == before[EventType.PLAY_SET_READY] + 3
    assert after[EventType.VIDEO_READY] == 1


async def test_what_fails_leaves_the_old_one(house: House, source: Path) -> None:
    await made(house, source)
    (old,) = await of(house, P480, READY)
    await ask(house, P480, redo=True)
    await house.work(Encoder("/bin/false"))
    assert [one.id for one in await of(house, P480, READY)] == [old.id]
    assert len(await of(house, P480, PlaySetStatus.TRANSCODE_FAILED)) == 1
    assert await house.rows(Garbage) == []
    (again,) = await ask(house, P480, redo=True)  # the failed one is tried again, not a third
    assert again.status is PlaySetStatus.INITIAL
    await house.work()
    assert [one.id for one in await of(house, P480, READY)] == [again.id]


async def test_old_files_go_when_no_link_to_them_holds(house: House, source: Path) -> None:
    video = await made(house, source)
    (old,) = await of(house, P480, READY)
    assert old.playlist_key is not None
    await ask(house, P480, redo=True)
    await house.work()
    # The pass made nothing else: its whole folder goes.
    folder = old.playlist_key.removesuffix("480P.m3u8")
    (garbage,) = await house.rows(Garbage)
    assert garbage.key == folder
    in_time = timedelta(seconds=MAX_TTL_SECONDS)
    assert timedelta() <= datetime.now(UTC) + in_time - garbage.due_at < timedelta(minutes=1)
    assert house.files(folder) == {"480P.mp4", "480P.m3u8"}
    await maintenance.collect(house.tools, now=garbage.due_at - timedelta(seconds=1))
    assert house.files(folder) == {"480P.mp4", "480P.m3u8"}
    await maintenance.collect(house.tools, now=garbage.due_at)
    assert house.files(folder) == set()
    (new,) = await of(house, P480, READY)
    assert str(new.playlist_key).startswith(keys.media(content_of(video)))


async def test_what_others_need_of_an_old_run_stays(house: House, source: Path) -> None:
    await made(house, source)
    (first,) = await of(house, P360, READY)
    assert first.playlist_key is not None
    folder = first.playlist_key.removesuffix("360P.m3u8")
    await ask(house, P360, redo=True)
    await house.work()
    # 480P goes with the sound of the first run; its pictures are the video's.
    assert {one.key for one in await house.rows(Garbage)} == {
        folder + "360P.m3u8",
        folder + "360P.mp4",
    }


async def test_sound_that_nothing_goes_with_any_more_goes(house: House, source: Path) -> None:
    await made(house, source)
    (first,) = await of(house, P360, READY)
    assert first.playlist_key is not None
    await ask(house, P360, P480, redo=True)
    await house.work()
    folder = first.playlist_key.removesuffix("360P.m3u8")
    gone = {one.key for one in await house.rows(Garbage)}
    assert {folder + "audio.m3u8", folder + "audio.mp4"} <= gone
    tracks = {one.id: one.name for one in await house.rows(AudioTrack)}
    assert sorted(tracks.values()) == ["audio", "origin-audio"]
    ready = [one for one in await house.rows(PlaySet) if one.status is READY]
    assert {tracks[one.audio_track_id] for one in ready if one.audio_track_id} == set(
        tracks.values()
    )


async def test_a_twin_keeps_the_files_that_it_shares(house: House, source: Path) -> None:
    first = await made(house, source)
    async with house.tools.db.write() as session:
        content = await session.get(Content, first.content_id)
        assert content is not None
        twin = await plans.add_video(
            session, plans.NewVideo(account_id=first.account_id, title="Again")
        )
        twin.content_id, twin.source_sha256 = content.id, content.sha256
        await session.flush()
        await plans.make(session, house.tools.queue, twin, Source.from_json(first.source or {}))
    async with house.tools.db.write() as session:
        video = await videos.lock(session, first.id)
        assert video is not None
        await plans.transcode(session, house.tools.queue, video, [], again=[P480])
    await house.work()
    assert await house.rows(Garbage) == []
    async with house.tools.db.read() as session:
        shared = (await play_sets.of_videos(session, [twin.id]))[twin.id]
    (theirs,) = [one for one in shared if one.template_id == P480.id]
    assert theirs.status is READY
    assert house.files(str(theirs.playlist_key).removesuffix("480P.m3u8")) == {
        *("480P.mp4", "480P.m3u8")
    }


async def test_an_encrypted_one_has_a_key_and_sound_of_its_own(house: House, source: Path) -> None:
    await made(house, source)
    await ask(house, AES_360)
    await house.work()
    (encrypted,) = await of(house, AES_360, READY)
    (key,) = await house.rows(SegmentKey)
    assert encrypted.key_id == key.id
    tracks = {one.id: one for one in await house.rows(AudioTrack)}
    assert encrypted.audio_track_id is not None
    sound = tracks[encrypted.audio_track_id]
    assert (sound.name, sound.key_id) == ("audio-aes", key.id)
    (plain,) = await of(house, P360, READY)
    assert plain.key_id is None
    playlist = await text(house, str(encrypted.playlist_key))
    assert f'#EXT-X-KEY:METHOD=AES-128,URI="../../keys/{key.id.hex}"' in playlist
    assert "EXT-X-KEY" not in await text(house, str(plain.playlist_key))


async def test_a_redo_has_another_key(house: House, source: Path) -> None:
    await made(house, source)
    await ask(house, AES_360)
    await house.work()
    (old,) = await of(house, AES_360, READY)
    await ask(house, AES_360, redo=True)
    await house.work()
    (new,) = await of(house, AES_360, READY)
    assert new.key_id not in (None, old.key_id)
    async with house.tools.db.read() as session:
        values = [
            await play_sets.key(session, id, new.video_id)
            for id in (old.key_id, new.key_id)
            if id is not None
        ]
    assert len(set(values)) == 2  # who is still playing the old one needs its key


async def test_more_is_made_from_one_decode_with_the_sound_there_is(
    house: House, source: Path
) -> None:
    await made(house, source)
    hevc = next(one for one in BUILT_IN if one.name == "720P HEVC")
    sound_before = {one.id for one in await house.rows(AudioTrack)}
    await ask(house, hevc, BUILT_IN[5])
    await house.work()
    ready = [*await of(house, hevc, READY), *await of(house, BUILT_IN[5], READY)]
    assert len(ready) == 2
    assert {one.id for one in await house.rows(AudioTrack)} == sound_before
    assert len({one.task_id for one in ready}) == 1
    assert next(one for one in ready if one.template_id == hevc.id).codecs.startswith("hvc1.")  # pyright: ignore[reportOptionalMemberAccess]


async def text(house: House, key: str) -> str:
    async with house.tools.store.object_file(key) as path:
        return path.read_text()
