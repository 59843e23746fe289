"""What ffmpeg is told whatever it makes."""

import pytest

from domain.passes import Pass
from domain.videos import TranscodePass
from media import commands
from tests.support.arguments import (
    FIRST_PLAY,
    INPUT,
    LADDER,
    ORIGIN,
    OURS,
    OUTPUT,
    cut,
    encode,
    value,
    values,
)
from tests.support.samples import FULL_HD


def _of_each_kind(threads: int | None = None) -> list[list[str]]:
    return [
        commands.origin(ORIGIN, FULL_HD, INPUT, OUTPUT, threads=threads),
        commands.encode(FIRST_PLAY, FULL_HD, INPUT, OUTPUT, threads=threads),
        commands.encode(LADDER, FULL_HD, INPUT, OUTPUT, threads=threads),
        cut(FULL_HD, (0, 1000), threads=threads),
    ]


KINDS = ["origin", "first", "ladder", "cut"]


@pytest.mark.parametrize("arguments", _of_each_kind(threads=2), ids=KINDS)
def test_every_command_opens_only_files_of_accepted_containers(arguments: list[str]) -> None:
    limits = arguments[: arguments.index("-threads")]

    assert limits == [
        *("-protocol_whitelist", "file"),
        *("-format_whitelist", "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg"),
        *("-max_pixels", "35651584", "-max_streams", "32"),
    ]


@pytest.mark.parametrize("arguments", _of_each_kind(), ids=KINDS)
def test_no_command_keeps_metadata(arguments: list[str]) -> None:
    # Once for the tracks and once for each image.
    assert values(arguments, "-map_metadata") == ["-1"] * (1 + arguments.count("image2"))
    assert values(arguments, "-map_chapters") == ["-1"]


def test_the_number_of_threads_goes_to_the_decoder_and_to_the_encoders() -> None:
    origin, first_play, ladder, cut = _of_each_kind(threads=2)

    for arguments in (origin, first_play, ladder, cut):
        assert values(arguments, "-threads") == ["2"]
    assert [value(ladder, f"-threads:v:{i}") for i in range(3)] == ["2", "2", "2"]
    assert value(first_play, "-threads:v:0") == "2"
    assert value(cut, "-threads:v") == "2"
    hevc = commands.encode(
        Pass(TranscodePass.LADDER, [OURS["720P HEVC"]]), FULL_HD, INPUT, OUTPUT, threads=2
    )
    assert value(hevc, "-x265-params:v:0").endswith(":pools=2")


def test_a_pace_holds_back_the_reading() -> None:
    paced = commands.encode(LADDER, FULL_HD, INPUT, OUTPUT, pace=1.5)
    copied = commands.origin(ORIGIN, FULL_HD, INPUT, OUTPUT, pace=2)

    assert paced[paced.index("-readrate") : paced.index("-i")] == ["-readrate", "1.5"]
    assert values(copied, "-readrate") == ["2"]
    assert values(commands.generate(1000, OUTPUT, pace=4), "-readrate") == ["4", "4"]
    assert "-readrate" not in encode(LADDER)
