"""ffmpeg's arguments for each pass."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from domain import passes
from domain.passes import Pass
from domain.templates import DEFAULTS
from domain.videos import TranscodePass
from media import commands
from media.commands import Grid
from tests.support.arguments import (
    FIRST_PLAY,
    INPUT,
    LADDER,
    ORIGIN,
    OURS,
    OUTPUT,
    encode,
    value,
    values,
)
from tests.support.samples import FULL_HD


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
    arguments = encode(FIRST_PLAY)

    assert values(arguments, "-map") == ["[v0]", "0:a:0", "[storyboard]", "[poster]"]
    assert values(arguments, "-var_stream_map") == ["v:0,name:360P a:0,name:audio"]
    assert values(arguments, "-filter_complex") == [
        (
            "[0:V:0]split=2[all][still];"
            "[all]fps=30/1:start_time=0,split=1[s0];"
            "[s0]scale=640:360:flags=bicubic,setsar=1,format=yuv420p,split=2[v0][small];"
            "[small]fps=1000/1000:start_time=0:round=down:eof_action=pass,"
            "scale=160:90:flags=bicubic,pad=160:90:-1:-1,"
            "tile=10x6[storyboard];"
            "[still]fps=2:start_time=0:round=up,scale=1280:720:flags=bicubic,thumbnail=n=12,"
            "setsar=1,format=yuv420p[poster]"
        )
    ]


def test_a_first_play_writes_into_its_folder_only() -> None:
    assert [argument for argument in encode(FIRST_PLAY) if argument.startswith("/")] == [
        "/out/%v.mp4",
        "/out/%v.m3u8",
        "/out/storyboard.jpg",
        "/out/poster.jpg",
    ]


def test_the_poster_is_not_larger_than_the_source() -> None:
    (graph,) = values(
        encode(FIRST_PLAY, replace(FULL_HD, width=320, height=240)), "-filter_complex"
    )

    assert "[still]fps=2:start_time=0:round=up,scale=320:240:" in graph


def test_a_ladder_has_one_decode_and_no_sound_of_its_own() -> None:
    arguments = encode(LADDER)

    assert values(arguments, "-i") == ["file:/in/source"]
    assert values(arguments, "-map") == ["[v0]", "[v1]", "[v2]"]
    assert values(arguments, "-var_stream_map") == ["v:0,name:480P v:1,name:720P v:2,name:1080P"]
    assert values(arguments, "-filter_complex") == [
        (
            "[0:V:0]fps=30/1:start_time=0,split=3[s0][s1][s2];"
            "[s0]scale=854:480:flags=bicubic,setsar=1,format=yuv420p[v0];"
            "[s1]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v1];"
            "[s2]scale=1920:1080:flags=bicubic,setsar=1,format=yuv420p[v2]"
        )
    ]


def test_any_pass_can_have_stills_and_sounds() -> None:
    arguments = encode(
        Pass(TranscodePass.LADDER, LADDER.templates, FIRST_PLAY.sounds, pictures=True)
    )

    maps = ["[v0]", "[v1]", "[v2]", "0:a:0", "[storyboard]", "[poster]"]
    assert values(arguments, "-map") == maps
    (graph,) = values(arguments, "-filter_complex")
    assert graph.count("split=2[v0][small]") == graph.count("split=2") - 1 == 1


def test_every_picture_has_its_own_ceiling_and_twice_that_as_buffer() -> None:
    templates = [
        *LADDER.templates,
        OURS["1080P HEVC"],
        replace(OURS["720P AV1"], video_bitrate=900_000),
    ]

    arguments = encode(Pass(TranscodePass.LADDER, templates))

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
        "-maxrate:v:3": "3500000",
        "-bufsize:v:3": "7000000",
        "-maxrate:v:4": "900000",
        "-bufsize:v:4": "1800000",
    }


def test_every_picture_has_its_own_codec_and_quality() -> None:
    names = ("720P", "720P, high quality", "720P HEVC", "720P AV1")

    arguments = encode(Pass(TranscodePass.LADDER, [OURS[name] for name in names]))

    settings = [
        [value(arguments, f"-{name}:v:{i}") for name in ("c", "preset", "crf")] for i in range(4)
    ]
    assert settings == [
        ["libx264", "veryfast", "23"],
        ["libx264", "medium", "21"],
        ["libx265", "veryfast", "26"],
        ["libsvtav1", "8", "35"],
    ]
    assert value(arguments, "-tag:v:2") == "hvc1"


@pytest.mark.parametrize(
    ("name", "option", "words"),
    [
        ("720P", "-sc_threshold:v:0", "0"),
        ("720P HEVC", "-x265-params:v:0", "scenecut=0:open-gop=0:info=0:log-level=error"),
        ("720P AV1", "-svtav1-params:v:0", "scd=0"),
    ],
)
def test_no_codec_makes_a_keyframe_of_its_own_accord(name: str, option: str, words: str) -> None:
    arguments = encode(Pass(TranscodePass.LADDER, [OURS[name]]))

    assert value(arguments, option) == words


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

    for one in (FIRST_PLAY, LADDER):
        arguments = encode(one, source)
        for i in range(len(one.templates)):
            assert value(arguments, f"-g:v:{i}") == gop
            assert value(arguments, f"-keyint_min:v:{i}") == gop
        assert values(arguments, "-hls_time") == [segment_s]


def test_a_lower_frame_rate_is_taken_from_the_highest() -> None:
    half = replace(OURS["360P"], max_frame_rate=30)
    source = replace(FULL_HD, frame_rate=Fraction(60000, 1001))

    arguments = encode(Pass(TranscodePass.LADDER, [half, OURS["720P"]]), source)

    assert values(arguments, "-filter_complex") == [
        (
            "[0:V:0]fps=60000/1001:start_time=0,split=2[s0][s1];"
            "[s0]fps=30000/1001:start_time=0,"
            "scale=640:360:flags=bicubic,setsar=1,format=yuv420p[v0];"
            "[s1]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v1]"
        )
    ]
    assert [value(arguments, f"-g:v:{i}") for i in (0, 1)] == ["120", "240"]


def test_segments_are_as_long_as_the_shortest_distance_of_keyframes() -> None:
    at_24 = replace(OURS["360P"], max_frame_rate=24)
    source = replace(FULL_HD, frame_rate=Fraction(30000, 1001))

    arguments = encode(Pass(TranscodePass.LADDER, [at_24, OURS["720P"]]), source)

    assert values(arguments, "-hls_time") == ["4.000000"]


def test_every_sound_has_its_bitrate() -> None:
    quiet = replace(OURS["360P"], audio_bitrate=64_000)
    templates = [quiet, OURS["480P"]]

    arguments = encode(Pass(TranscodePass.LADDER, templates, passes.sounds_of(FULL_HD, templates)))

    assert values(arguments, "-map")[2:] == ["0:a:0", "0:a:0"]
    assert [value(arguments, f"-b:a:{i}") for i in (0, 1)] == ["64000", "128000"]
    assert values(arguments, "-var_stream_map") == [
        "v:0,name:360P v:1,name:480P a:0,name:audio-64000 a:1,name:audio"
    ]


def test_an_origin_is_copied() -> None:
    arguments = commands.origin(ORIGIN, FULL_HD, INPUT, OUTPUT)

    assert values(arguments, "-c") == ["copy"]
    assert values(arguments, "-map") == ["0:V:0", "0:a:0"]
    assert values(arguments, "-var_stream_map") == ["v:0,name:Origin a:0,name:origin-audio"]


def test_a_silent_source_gives_no_sound() -> None:
    silent = replace(FULL_HD, audio_codec=None)
    origin, first_play, _ = passes.plan(silent, DEFAULTS, pictures=True)

    arguments = encode(first_play, silent)
    assert values(arguments, "-map") == ["[v0]", "[storyboard]", "[poster]"]
    assert values(arguments, "-var_stream_map") == ["v:0,name:360P"]
    arguments = commands.origin(origin, silent, INPUT, OUTPUT)
    assert values(arguments, "-map") == ["0:V:0"]
    assert values(arguments, "-var_stream_map") == ["v:0,name:Origin"]
    assert "-bsf:a" not in arguments


def test_hdr_is_mapped_once_for_all_rungs() -> None:
    (graph,) = values(encode(LADDER, replace(FULL_HD, hdr=True)), "-filter_complex")

    assert graph.count("tonemap=hable:desat=0") == 1
    assert graph.index("scale=1920:1080") < graph.index("tonemap") < graph.index("split=3")


def test_hdr_is_mapped_for_the_first_play_and_for_the_poster() -> None:
    (graph,) = values(encode(FIRST_PLAY, replace(FULL_HD, hdr=True)), "-filter_complex")

    assert graph.count("tonemap=hable:desat=0") == 2
