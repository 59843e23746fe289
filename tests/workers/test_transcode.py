"""Passes of ffmpeg over a real file: what they publish, and what a failure leaves behind."""

import asyncio
import shlex
from pathlib import Path

import pytest

from db import runs
from db.models import AudioTrack, Event
from domain.error_codes import ErrorCode
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskStatus
from domain.videos import Resolution, TranscodePass, VideoStatus
from jobs import publishing, transcode, worker
from jobs.runs import Overtaken, Run
from media.passes import Encoder
from storage import keys
from tests.support import samples
from tests.support.house import House, content_of

READY, FAILED = PlaySetStatus.READY, PlaySetStatus.TRANSCODE_FAILED
P360, P480, ORIGIN = Resolution.P360, Resolution.P480, Resolution.ORIGIN
FIRST_PLAY_FILES = {
    *("360P.mp4", "360P.m3u8", "audio.mp4", "audio.m3u8"),
    *("poster.jpg", "storyboard.jpg", "storyboard.vtt"),
}


def failing(folder: Path, when: str) -> Encoder:
    """An encoder whose ffmpeg fails when its arguments contain these words."""
    program = folder / "ffmpeg"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *{shlex.quote(when)}*) echo "No, not this." >&2; exit 3;; esac\n'
        f'exec {samples.ffmpeg_path()} "$@"\n'
    )
    program.chmod(0o755)
    return Encoder(str(program), threads=2)


async def test_every_play_set_is_announced_once(house: House, source: Path) -> None:
    await house.add(source)
    await house.work()
    assert await house.statuses() == {P360: READY, P480: READY, ORIGIN: READY}
    assert await house.events() == {EventType.PLAY_SET_READY: 3, EventType.VIDEO_READY: 1}
    news = [one for one in await house.rows(Event) if one.type is EventType.PLAY_SET_READY]
    play_sets = await house.play_sets()
    assert {event.play_set_id for event in news} == {one.id for one in play_sets.values()}
    assert {task.status for task in (await house.tasks()).values()} == {TaskStatus.SUCCEEDED}


async def test_a_video_is_published_before_its_ladder_begins(house: House, source: Path) -> None:
    await house.add(source)
    await worker.work_until_empty(house.tools, worker.LANES[:2])
    video = await house.video()
    assert video.status is VideoStatus.PUBLISHED
    assert video.published_at is not None
    assert await house.statuses() == {P360: READY, P480: PlaySetStatus.INITIAL, ORIGIN: READY}
    ladder = (await house.tasks())[TranscodePass.LADDER]
    assert (ladder.status, ladder.attempt) == (TaskStatus.QUEUED, 0)
    await house.work()
    assert (await house.video()).published_at == video.published_at
    assert (await house.statuses())[P480] is READY


async def test_all_that_is_published_is_stored_and_nothing_else(house: House, source: Path) -> None:
    video = await house.add(source)
    await house.work()
    video = await house.video()
    by_pass = {
        kind: keys.task(content_of(video), task.id) for kind, task in (await house.tasks()).items()
    }
    assert house.files(by_pass[TranscodePass.FIRST_PLAY] + "1") == FIRST_PLAY_FILES
    assert house.files(by_pass[TranscodePass.LADDER] + "1") == {"480P.mp4", "480P.m3u8"}
    assert house.files(by_pass[TranscodePass.ORIGIN] + "1") == {
        *("Origin.mp4", "Origin.m3u8", "origin-audio.mp4", "origin-audio.m3u8")
    }
    assert len(house.files(keys.media(content_of(video)))) == len(FIRST_PLAY_FILES) + 2 + 4
    assert video.poster_key == by_pass[TranscodePass.FIRST_PLAY] + "1/poster.jpg"
    assert video.storyboard_key == by_pass[TranscodePass.FIRST_PLAY] + "1/storyboard.vtt"
    async with house.tools.store.object_file(str(video.storyboard_key)) as vtt:
        assert vtt.read_text().startswith(
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard.jpg#xywh=0,0,160,90\n"
        )
    play_sets = await house.play_sets()
    assert play_sets[P480].playlist_key == by_pass[TranscodePass.LADDER] + "1/480P.m3u8"
    async with house.tools.store.object_file(by_pass[TranscodePass.LADDER] + "1/480P.mp4") as file:
        assert play_sets[P480].file_size == file.stat().st_size


async def test_encoded_rungs_share_one_sound(house: House, source: Path) -> None:
    await house.add(source)
    await house.work()
    tracks = {track.name: track.id for track in await house.rows(AudioTrack)}
    assert set(tracks) == {"audio", "origin-audio"}
    play_sets = await house.play_sets()
    assert play_sets[P360].audio_track_id == play_sets[P480].audio_track_id == tracks["audio"]
    assert play_sets[ORIGIN].audio_track_id == tracks["origin-audio"]


async def test_a_video_of_which_no_pass_works_has_failed(house: House, source: Path) -> None:
    video = await house.add(source)
    await house.work(Encoder("/bin/false"))
    reason = "ffmpeg ended with exit code 1."
    found = await house.tasks()
    assert {kind: task.status for kind, task in found.items()} == {
        TranscodePass.FIRST_PLAY: TaskStatus.FAILED,
        TranscodePass.ORIGIN: TaskStatus.FAILED,
        TranscodePass.LADDER: TaskStatus.CANCELLED,  # it would have no sound
    }
    assert {task.error_code for task in found.values()} == {ErrorCode.TRANSCODE_FAILED}
    assert {task.error_message for task in found.values()} == {reason}
    assert await house.statuses() == {P360: FAILED, P480: FAILED, ORIGIN: FAILED}
    assert await house.events() == {EventType.PLAY_SET_FAILED: 3, EventType.VIDEO_FAILED: 1}
    video = await house.video()
    assert (video.status, video.status_reason) == (VideoStatus.UPLOAD_FAILED, reason)
    assert house.files(keys.media(content_of(video))) == set()


async def test_a_pass_that_fails_leaves_the_others(
    house: House, source: Path, tmp_path: Path
) -> None:
    video = await house.add(source)
    await house.work(failing(tmp_path, "name:480P"))
    assert await house.statuses() == {P360: READY, P480: FAILED, ORIGIN: READY}
    ladder = (await house.tasks())[TranscodePass.LADDER]
    assert ladder.status is TaskStatus.FAILED
    assert ladder.error_message == "ffmpeg ended with exit code 3."
    assert ladder.log == "No, not this.\n"
    assert (await house.video()).status is VideoStatus.PUBLISHED
    assert house.files(keys.task(content_of(video), ladder.id)) == set()


async def test_without_a_first_play_a_video_can_still_be_played_as_it_is(
    house: House, source: Path, tmp_path: Path
) -> None:
    await house.add(source)
    await house.work(failing(tmp_path, "name:360P"))
    assert await house.statuses() == {P360: FAILED, P480: FAILED, ORIGIN: READY}
    assert (await house.video()).status is VideoStatus.PUBLISHED
    found = await house.events()
    assert found[EventType.PLAY_SET_FAILED] == 2
    assert EventType.VIDEO_FAILED not in found


async def begin(house: House, worker_: str) -> Run:
    """A run of the first play, by this worker."""
    task = (await house.tasks())[TranscodePass.FIRST_PLAY]
    async with house.tools.db.write() as session:
        claimed = await runs.claim(session, task.id, worker=worker_)
    assert claimed is not None
    return Run(house.tools, claimed)


async def test_what_a_dead_run_stored_is_cleared(
    house: House, source: Path, tmp_path: Path
) -> None:
    video = await house.add(source)
    dead = await begin(house, "dead")
    (tmp_path / "half").write_text("half")
    left = keys.attempt(content_of(video), dead.task.id, 1) + "360P.mp4"
    await house.tools.store.put_file(left, tmp_path / "half", "video/mp4")
    await house.work()
    task = (await house.tasks())[TranscodePass.FIRST_PLAY]
    assert (task.status, task.attempt) == (TaskStatus.SUCCEEDED, 2)
    expected = {f"2/{name}" for name in FIRST_PLAY_FILES}
    assert house.files(keys.task(content_of(video), task.id)) == expected


async def test_a_run_that_wakes_up_late_destroys_nothing(house: House, source: Path) -> None:
    video = await house.add(source)
    frozen = await begin(house, "frozen")
    await house.work()
    before = house.files(keys.media(content_of(video))), await house.events()
    with pytest.raises(Overtaken):
        await transcode.transcode(frozen)
    assert (house.files(keys.media(content_of(video))), await house.events()) == before
    assert await house.statuses() == {P360: READY, P480: READY, ORIGIN: READY}


async def test_a_run_that_wakes_up_late_leaves_what_a_later_one_stores(
    house: House, source: Path, tmp_path: Path
) -> None:
    video = await house.add(source)
    frozen, later = await begin(house, "frozen"), await begin(house, "later")
    (tmp_path / "half").write_text("half")
    prefix = keys.attempt(content_of(video), later.task.id, 2)
    await house.tools.store.put_file(prefix + "360P.mp4", tmp_path / "half", "video/mp4")
    with pytest.raises(Overtaken):
        await transcode.transcode(frozen)
    assert house.files(keys.task(content_of(video), later.task.id)) == {"2/360P.mp4"}


async def test_two_runs_at_once_publish_once(house: House, source: Path) -> None:
    video = await house.add(source)
    first, second = await begin(house, "one"), await begin(house, "two")
    results = await asyncio.gather(
        transcode.transcode(first), transcode.transcode(second), return_exceptions=True
    )
    assert [type(result) for result in results] == [Overtaken, type(None)]
    expected = {f"2/{name}" for name in FIRST_PLAY_FILES}
    assert house.files(keys.task(content_of(video), first.task.id)) == expected
    assert (await house.events())[EventType.PLAY_SET_READY] == 1


async def test_what_was_published_is_not_discarded(house: House, source: Path) -> None:
    """The answer to its commit may have been lost."""
    video = await house.add(source)
    run = await begin(house, "one")
    await transcode.transcode(run)
    prefix = keys.attempt(content_of(video), run.task.id, run.task.attempt)
    await publishing.discard(run, prefix)
    assert house.files(prefix) == FIRST_PLAY_FILES


async def test_no_work_folder_is_left(house: House, source: Path) -> None:
    await house.add(source)
    await house.work(Encoder("/bin/false"))
    kept = [path.name for path in (house.settings.data_dir / "work").glob("worker-*/*")]
    assert set(kept) == {"lock"}
