"""ffmpeg's arguments for each pass."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from domain.media import Source
from domain.videos import Resolution
from media import commands
from media.commands import Grid
from tests.support.samples import FULL_HD

INPUT, OUTPUT = Path("/in/source"), Path("/out")
LADDER = [Resolution.P480, Resolution.P720, Resolution.P1080]


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [
        (1, Grid(columns=1, rows=1, step_ms=1000)),
        (4500, Grid(columns=5, rows=1, step_ms=1000)),
        (10_001, Grid(columns=10, rows=2, step_ms=1000)),
        (100_000, Grid(columns=10, rows=10, step_ms=1000)),
        (100_001, Grid(columns=10, rows=6, step_ms=2000)),
        (3_600_000, Grid(columns=10, rows=10, step_ms=36_000)),
    ],
)
def test_a_storyboard_has_at_most_a_hundred_tiles_and_no_empty_row(
    duration_ms: int, expected: Grid
) -> None:
    assert commands.grid(duration_ms) == expected


def test_a_first_play_is_360p_the_sound_the_poster_and_the_storyboard() -> None:
    arguments = commands.first_play(FULL_HD, INPUT, OUTPUT)

    assert _values(arguments, "-map") == ["[v0]", "0:a:0", "[storyboard]", "[poster]"]
    assert _values(arguments, "-var_stream_map") == [
        "v:0,name:360P,agroup:sound a:0,name:audio,agroup:sound,default:yes"
    ]
    assert _values(arguments, "-filter_complex") == [
        (
            "[0:V:0]split=2[play][still];"
            "[play]fps=30/1:start_time=0,scale=640:360:flags=bicubic,setsar=1,format=yuv420p,"
            "split=2[v0][small];"
            "[small]fps=1000/1000:start_time=0:round=down:eof_action=pass,"
            "scale=160:90:force_original_aspect_ratio=decrease,pad=160:90:-1:-1,"
            "tile=10x6[storyboard];"
            "[still]fps=2:start_time=0:round=up,scale=1280:720:flags=bicubic,thumbnail=n=12,"
            "setsar=1,format=yuv420p[poster]"
        )
    ]


def test_a_first_play_writes_into_its_folder_only() -> None:
    arguments = commands.first_play(FULL_HD, INPUT, OUTPUT)

    assert [argument for argument in arguments if argument.startswith("/")] == [
        "/out/%v.mp4",
        "/out/%v.m3u8",
        "/out/storyboard.jpg",
        "/out/poster.jpg",
    ]


def test_the_poster_is_not_larger_than_the_source() -> None:
    (graph,) = _values(
        commands.first_play(replace(FULL_HD, width=320, height=240), INPUT, OUTPUT),
        "-filter_complex",
    )

    assert "[still]fps=2:start_time=0:round=up,scale=320:240:" in graph


def test_a_ladder_has_one_decode_and_no_sound() -> None:
    arguments = commands.ladder(FULL_HD, LADDER, INPUT, OUTPUT)

    assert _values(arguments, "-i") == ["file:/in/source"]
    assert _values(arguments, "-map") == ["[v0]", "[v1]", "[v2]"]
    assert _values(arguments, "-var_stream_map") == ["v:0,name:480P v:1,name:720P v:2,name:1080P"]
    assert _values(arguments, "-filter_complex") == [
        (
            "[0:V:0]fps=30/1:start_time=0,split=3[s0][s1][s2];"
            "[s0]scale=854:480:flags=bicubic,setsar=1,format=yuv420p[v0];"
            "[s1]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v1];"
            "[s2]scale=1920:1080:flags=bicubic,setsar=1,format=yuv420p[v2]"
        )
    ]


def test_every_rung_has_its_own_ceiling_and_twice_that_as_buffer() -> None:
    arguments = commands.ladder(FULL_HD, LADDER, INPUT, OUTPUT)

    ceilings = {
        name: value for name, value in pairwise(arguments) if name.startswith(("-maxrate", "-buf"))
    }
    assert ceilings == {
        "-maxrate:v:0": "1400000",
        "-bufsize:v:0": "2800000",
        "-maxrate:v:1": "2800000",
        "-bufsize:v:1": "5600000",
        "-maxrate:v:2": "5000000",
        "-bufsize:v:2": "10000000",
    }


@pytest.mark.parametrize(
    ("rate", "gop", "segment_s"),
    [
        (Fraction(30), "120", "4.000000"),
        (Fraction(24000, 1001), "96", "4.004000"),
        (Fraction(25, 2), "50", "4.000000"),
        (Fraction(7), "28", "4.000000"),
        (Fraction(3756, 119), "127", "4.023695"),
    ],
)
def test_the_first_play_and_the_ladder_have_the_same_keyframes(
    rate: Fraction, gop: str, segment_s: str
) -> None:
    source = replace(FULL_HD, frame_rate=rate)

    for arguments in (
        commands.first_play(source, INPUT, OUTPUT),
        commands.ladder(source, LADDER, INPUT, OUTPUT),
    ):
        assert _values(arguments, "-g:v") == [gop]
        assert _values(arguments, "-keyint_min:v") == [gop]
        assert _values(arguments, "-sc_threshold:v") == ["0"]
        assert _values(arguments, "-hls_time") == [segment_s]


def test_an_origin_is_copied() -> None:
    arguments = commands.origin(FULL_HD, INPUT, OUTPUT)

    assert _values(arguments, "-c") == ["copy"]
    assert _values(arguments, "-map") == ["0:V:0", "0:a:0"]
    assert _values(arguments, "-var_stream_map") == [
        "v:0,name:Origin,agroup:sound a:0,name:origin-audio,agroup:sound,default:yes"
    ]


def test_a_silent_source_gives_no_sound() -> None:
    silent = replace(FULL_HD, audio_codec=None)

    first_play = commands.first_play(silent, INPUT, OUTPUT)
    assert _values(first_play, "-map") == ["[v0]", "[storyboard]", "[poster]"]
    assert _values(first_play, "-var_stream_map") == ["v:0,name:360P"]
    origin = commands.origin(silent, INPUT, OUTPUT)
    assert _values(origin, "-map") == ["0:V:0"]
    assert _values(origin, "-var_stream_map") == ["v:0,name:Origin"]


def test_hdr_is_mapped_once_for_all_rungs() -> None:
    (graph,) = _values(
        commands.ladder(replace(FULL_HD, hdr=True), LADDER, INPUT, OUTPUT), "-filter_complex"
    )

    assert graph.count("tonemap=hable:desat=0") == 1
    assert graph.index("scale=1920:1080") < graph.index("tonemap") < graph.index("split=3")


def test_hdr_is_mapped_for_the_first_play_and_for_the_poster() -> None:
    (graph,) = _values(
        commands.first_play(replace(FULL_HD, hdr=True), INPUT, OUTPUT), "-filter_complex"
    )

    assert graph.count("tonemap=hable:desat=0") == 2


def _of_each_pass(source: Source, threads: int | None = None) -> list[list[str]]:
    return [
        commands.origin(source, INPUT, OUTPUT, threads=threads),
        commands.first_play(source, INPUT, OUTPUT, threads=threads),
        commands.ladder(source, LADDER, INPUT, OUTPUT, threads=threads),
    ]


@pytest.mark.parametrize("arguments", _of_each_pass(FULL_HD), ids=["origin", "first", "ladder"])
def test_every_pass_opens_only_files_of_accepted_containers(arguments: list[str]) -> None:
    limits = arguments[: arguments.index("-i")]

    assert limits == [
        *("-protocol_whitelist", "file"),
        *("-format_whitelist", "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg"),
        *("-max_pixels", "35651584", "-max_streams", "32"),
    ]


@pytest.mark.parametrize("arguments", _of_each_pass(FULL_HD), ids=["origin", "first", "ladder"])
def test_no_pass_keeps_metadata(arguments: list[str]) -> None:
    # Once for the tracks and once for each image.
    assert _values(arguments, "-map_metadata") == ["-1"] * (1 + arguments.count("image2"))
    assert _values(arguments, "-map_chapters") == ["-1"]


def test_the_number_of_threads_goes_to_the_decoder_and_to_the_encoders() -> None:
    origin, *encodes = _of_each_pass(FULL_HD, threads=2)

    assert _values(origin, "-threads") == ["2"]
    for arguments in encodes:
        assert _values(arguments, "-threads") == ["2"]
        assert _values(arguments, "-threads:v") == ["2"]


def _values(arguments: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]
