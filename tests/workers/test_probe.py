"""What the probe finds, what it refuses, and that its child never outlives it."""

import asyncio
import errno
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from domain.errors import MediaRefused
from domain.media import Refusal, Source
from media import probe as probing
from media import probe_child
from media.probe import judge, probe
from tests.support.samples import sample
from tests.support.waiting import until

LANDSCAPE = Source(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    duration_ms=5000,
    width=640,
    height=360,
    rotation=0,
    sample_aspect=Fraction(1),
    frame_rate=Fraction(30),
    video_codec="h264",
    pixel_format="yuv420p",
    audio_codec="aac",
    hdr=False,
    keyframe_first=True,
)

DAMAGED = "The file is damaged, or a part is missing."
NOT_MEDIA = (
    "The file is in none of the accepted containers: mov,matroska,avi,flv,mpegts,mpeg,asf,ogg."
)

FACTS: dict[str, Any] = {
    "container": "mov",
    "streams": 1,
    "duration_us": 1_000_000,
    "sound": None,
    "picture": {
        "codec": "h264",
        "width": 640,
        "height": 360,
        "sample_aspect": "1",
        "average_rate": "30",
        "base_rate": "30",
        "first": {
            "width": 640,
            "height": 360,
            "rotation": 0,
            "transfer": 1,
            "pixel_format": "yuv420p",
            "keyframe": True,
            "interlaced": False,
        },
    },
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("landscape.mp4", LANDSCAPE),
        ("portrait.mp4", replace(LANDSCAPE, width=720, height=1280)),
        ("silent.mp4", replace(LANDSCAPE, audio_codec=None)),
        (
            "odd_size_24fps.mp4",
            replace(
                LANDSCAPE,
                duration_ms=3003,
                width=855,
                height=481,
                frame_rate=Fraction(24000, 1001),
                pixel_format="yuv444p",
            ),
        ),
        ("rotated.mp4", replace(LANDSCAPE, rotation=90)),
        (
            "anamorphic.mp4",
            replace(
                LANDSCAPE,
                duration_ms=2000,
                width=720,
                height=576,
                sample_aspect=Fraction(64, 45),
                frame_rate=Fraction(25),
                audio_codec=None,
            ),
        ),
        (
            "hdr.mp4",
            replace(
                LANDSCAPE,
                duration_ms=2000,
                pixel_format="yuv420p10le",
                audio_codec=None,
                hdr=True,
            ),
        ),
        (
            "transport_stream.ts",
            replace(LANDSCAPE, container="mpegts", duration_ms=5021),
        ),
        ("mostly_missing.mp4", LANDSCAPE),
    ],
)
async def test_a_video_is_described_exactly(samples: Path, name: str, expected: Source) -> None:
    assert await probe(sample(samples, name)) == expected


async def test_a_variable_frame_rate_becomes_the_nearest_standard_one(samples: Path) -> None:
    source = await probe(sample(samples, "variable_frame_rate.mp4"))

    assert source.frame_rate == Fraction(24000, 1001)


async def test_a_recording_may_start_between_keyframes(samples: Path) -> None:
    source = await probe(sample(samples, "starts_between_keyframes.ts"))

    assert not source.keyframe_first


@pytest.mark.parametrize(
    ("name", "refusal", "sentence"),
    [
        ("text_named.mp4", Refusal.NOT_MEDIA, NOT_MEDIA),
        ("playlist_named.mp4", Refusal.NOT_MEDIA, NOT_MEDIA),
        ("concat_named.mp4", Refusal.NOT_MEDIA, NOT_MEDIA),
        ("png_named.mp4", Refusal.NOT_MEDIA, NOT_MEDIA),
        ("empty.mp4", Refusal.NOT_MEDIA, NOT_MEDIA),
        ("truncated.mp4", Refusal.DAMAGED, f"{DAMAGED} Its header cannot be read."),
        ("no_picture_data.mp4", Refusal.DAMAGED, f"{DAMAGED} Its first picture cannot be decoded."),
        ("sound_only.mp4", Refusal.NO_VIDEO, "The file has no video stream."),
        ("song_with_cover.mp4", Refusal.NO_VIDEO, "The file has no video stream."),
        ("no_duration.mkv", Refusal.NO_DURATION, "The file does not say how long it is."),
        ("too_long.mp4", Refusal.TOO_LONG, "The video lasts 13.00 hours; the limit is 12 hours."),
        (
            "huge_picture.mov",
            Refusal.TOO_MANY_PIXELS,
            "The picture has 16000 x 16000 pixels; the limit is 35651584 in all.",
        ),
        ("many_streams.mp4", Refusal.TOO_MANY_STREAMS, "The file has more than 16 streams."),
        (
            "absurd_frame_rate.mp4",
            Refusal.FRAME_RATE,
            "The video has 1000 frames per second; the limit is 240.",
        ),
    ],
)
async def test_what_cannot_become_a_video_is_refused_with_a_reason(
    samples: Path, name: str, refusal: Refusal, sentence: str
) -> None:
    with pytest.raises(MediaRefused) as refused:
        await probe(sample(samples, name))

    assert (refused.value.refusal, str(refused.value)) == (refusal, sentence)


@pytest.mark.parametrize(
    ("picture", "refusal"),
    [
        ({"codec": None}, Refusal.DAMAGED),
        ({"first": None}, Refusal.DAMAGED),
        ({"average_rate": "0"}, Refusal.FRAME_RATE),
        ({"sample_aspect": "200"}, Refusal.TOO_MANY_PIXELS),
        ({"width": 8192, "height": 4353}, Refusal.TOO_MANY_PIXELS),
    ],
)
def test_a_picture_that_no_player_could_show_is_refused(
    picture: dict[str, Any], refusal: Refusal
) -> None:
    with pytest.raises(MediaRefused) as refused:
        judge(FACTS | {"picture": FACTS["picture"] | picture})

    assert refused.value.refusal is refusal


def test_the_limits_themselves_are_allowed() -> None:
    fast = _picture(width=3072, height=1536, rate="240")
    large = _picture(width=8192, height=4352, rate="30")

    sources = [
        judge(FACTS | {"streams": 16, "duration_us": 12 * 3_600_000_000, "picture": picture})
        for picture in (fast, large)
    ]

    assert [(one.duration_ms, one.frame_rate) for one in sources] == [
        (43_200_000, Fraction(240)),
        (43_200_000, Fraction(30)),
    ]


def test_pixels_and_frames_are_limited_together() -> None:
    judge(FACTS | {"picture": _picture(width=4096, height=2304, rate="120")})

    with pytest.raises(MediaRefused) as refused:
        judge(FACTS | {"picture": _picture(width=4096, height=2304, rate="3601/30")})

    assert refused.value.refusal is Refusal.TOO_MUCH_TO_DECODE
    assert str(refused.value) == (
        "The video has 1132776653 pixels per second; the limit is 1132462080."
    )


@pytest.mark.parametrize(
    ("counterclockwise", "rotation"),
    [(0, 0), (-90, 90), (90, 270), (180, 180), (-180, 180), (-89, 90), (45, 0), (-2147483648, 0)],
)
def test_a_picture_is_turned_by_quarters_only(counterclockwise: int, rotation: int) -> None:
    first = FACTS["picture"]["first"] | {"rotation": counterclockwise}

    assert judge(FACTS | {"picture": FACTS["picture"] | {"first": first}}).rotation == rotation


def test_a_picture_is_as_large_as_it_decodes_not_as_its_header_says(samples: Path) -> None:
    facts = _inspect(sample(samples, "landscape.mp4"), max_pixels=640 * 360)
    facts["picture"] |= {"width": 10, "height": 10}

    assert (judge(facts).width, judge(facts).height) == (640, 360)


def test_a_picture_above_the_limit_is_not_decoded(samples: Path) -> None:
    facts = _inspect(sample(samples, "landscape.mp4"), max_pixels=640 * 360 - 1)

    assert facts["picture"]["first"] is None


def test_the_child_says_whether_an_unreadable_file_looks_like_media(samples: Path) -> None:
    assert _inspect(sample(samples, "truncated.mp4")) == {"container": None, "known": True}
    assert _inspect(sample(samples, "text_named.mp4")) == {"container": None, "known": False}


def test_the_child_replies_with_one_line(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probe_child.main(["mov", "32", "1000000", "9", str(sample(samples, "sound_only.mp4"))])

    assert capsys.readouterr().out == (
        '{"container": "mov,mp4,m4a,3gp,3g2,mj2", "streams": 1, "duration_us": 2000000,'
        ' "sound": "aac", "picture": null}\n'
    )


async def test_a_file_that_crashes_the_child_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os\nos.abort()\n")
    monkeypatch.setattr(probing, "CHILD", child)

    with pytest.raises(MediaRefused) as refused:
        await probe(tmp_path / "any")

    assert refused.value.refusal is Refusal.DAMAGED
    assert str(refused.value) == f"{DAMAGED} The process that read it was ended by SIGABRT."


async def test_a_child_that_fails_by_itself_is_a_bug_and_no_refusal(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="No such file or directory"):
        await probe(tmp_path / "missing")


async def test_a_file_that_takes_too_long_is_damaged(tmp_path: Path) -> None:
    pipe = _pipe(tmp_path)

    with pytest.raises(MediaRefused) as refused:
        await probe(pipe, timeout_s=0.5)

    assert refused.value.refusal is Refusal.DAMAGED
    assert str(refused.value) == f"{DAMAGED} Reading it took longer than 0.5 seconds."


async def test_a_cancelled_probe_leaves_no_child(tmp_path: Path) -> None:
    probing_pipe = asyncio.create_task(probe(pipe := _pipe(tmp_path)))
    writer = await until(lambda: _writer(pipe))
    assert writer is not None

    probing_pipe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probing_pipe

    with pytest.raises(BrokenPipeError):  # nobody has the other end any more
        os.write(writer, b"x")
    os.close(writer)


def _picture(*, width: int, height: int, rate: str) -> dict[str, Any]:
    """A picture's facts whose header tells the truth."""
    first = FACTS["picture"]["first"] | {"width": width, "height": height}
    size = {"width": width, "height": height}
    return FACTS["picture"] | size | {"first": first, "average_rate": rate, "base_rate": rate}


def _inspect(path: Path, max_pixels: int = 1_000_000) -> dict[str, Any]:
    return probe_child.inspect(
        path, containers="mov", max_streams=32, max_pixels=max_pixels, opening_cpu_s=60
    )


def _pipe(folder: Path) -> Path:
    """A file that can be opened, but has nothing to read and no end."""
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


async def _writer(pipe: Path) -> int | None:
    """The other end, as soon as there is a reader."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None
