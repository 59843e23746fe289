"""Passes that fail, and what keeps them from taking too much."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from domain import passes
from domain.errors import TranscodeFailed
from domain.passes import Pass
from domain.templates import BUILT_IN, DEFAULTS
from domain.videos import TranscodePass
from media import passes as passes_of
from media.passes import Encoder
from media.probe import probe
from tests.support import encoding
from tests.support.encoding import FIRST_PLAY, LADDER, ORIGIN
from tests.support.samples import FULL_HD, ffmpeg_path, make, sample


async def test_a_pace_holds_ffmpeg_back(samples: Path, tmp_path: Path) -> None:
    path = make(samples / "two_seconds.mp4", seconds=2)
    source = await probe(path)
    (one,) = passes.plan(source, [DEFAULTS[-1]], pictures=False)

    started = time.monotonic()
    await Encoder(ffmpeg_path()).run(one, source, path, tmp_path, lambda _: None, pace=2)

    # Of the two seconds of video, ffmpeg reads the first half at once.
    assert 0.7 < time.monotonic() - started < 10


def test_a_large_picture_may_use_more_memory_and_a_slow_codec_more_time() -> None:
    ours = {one.name: one for one in BUILT_IN}
    large = replace(FULL_HD, width=3840, height=2160)
    small, hevc = Pass(LADDER, [ours["360P"]]), Pass(LADDER, [ours["2160P HEVC"]])

    usual, slow = (passes_of._pass_limits(one, large, 1, pace=None) for one in (small, hevc))

    assert slow.memory == (4 << 30) + 450 * 3840 * 2160
    assert usual.cpu_s == 60 + 40 * 60
    assert slow.cpu_s == 5077  # ten times 34 s for a thousand million pixels
    paced = passes_of._pass_limits(small, large, 1, pace=0.01)
    assert paced.wall_s == 60 + 2 * 60 / 0.01


@pytest.mark.parametrize("kind", [FIRST_PLAY, ORIGIN])
async def test_a_source_that_ends_before_its_half_fails(
    samples: Path, tmp_path: Path, kind: TranscodePass
) -> None:
    with pytest.raises(TranscodeFailed, match=r"Only 1\.\d of 5\.0 seconds") as failure:
        await encoding.run(kind, sample(samples, "mostly_missing.mp4"), tmp_path)

    assert "partial file" in failure.value.log


async def test_a_failing_ffmpeg_gives_its_log(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Not a video.\n")

    with pytest.raises(TranscodeFailed, match="ffmpeg ended with exit code") as failure:
        await encoding.encode(FIRST_PLAY, FULL_HD, tmp_path / "text", tmp_path)

    assert "Invalid data found when processing input" in failure.value.log


async def test_a_list_of_other_files_is_not_opened_even_without_a_probe(
    samples: Path, tmp_path: Path
) -> None:
    sample(samples, "landscape.mp4")

    with pytest.raises(TranscodeFailed) as failure:
        await encoding.encode(FIRST_PLAY, FULL_HD, sample(samples, "concat_named.mp4"), tmp_path)

    assert "Format not on whitelist" in failure.value.log


async def test_a_success_that_made_nothing_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "source").touch()

    with pytest.raises(TranscodeFailed) as failure:
        await encoding.encode(ORIGIN, FULL_HD, tmp_path / "source", tmp_path, ffmpeg="true")

    assert str(failure.value) == "What ffmpeg made cannot be used. There is no Origin.m3u8."


async def test_a_file_of_another_size_than_its_playlist_says_is_a_failure(
    samples: Path, tmp_path: Path
) -> None:
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\n{ffmpeg_path()} "$@" && echo more >> {tmp_path}/360P.mp4\n')
    wrapper.chmod(0o755)
    path = sample(samples, "silent.mp4")

    with pytest.raises(TranscodeFailed) as failure:
        await encoding.encode(FIRST_PLAY, await probe(path), path, tmp_path, ffmpeg=str(wrapper))

    assert str(failure.value) == (
        "What ffmpeg made cannot be used. 360P.mp4 is not of the size that its playlist says."
    )
