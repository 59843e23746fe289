"""What ffmpeg is told to do with one source, option by option."""

from itertools import pairwise
from pathlib import Path

from domain import passes
from domain.media import Source
from domain.passes import Pass
from domain.templates import BUILT_IN, DEFAULTS, Template
from media import commands, cuts
from media.cuts import Cut
from tests.support.samples import FULL_HD

INPUT, OUTPUT = Path("/in/source"), Path("/out")
OURS: dict[str, Template] = {one.name: one for one in BUILT_IN}
ORIGIN, FIRST_PLAY, LADDER = passes.plan(FULL_HD, DEFAULTS, pictures=True)


def cut(source: Source, *ranges: tuple[int, int], threads: int | None = None) -> list[str]:
    return cuts.command([Cut(INPUT, source, *one) for one in ranges], OUTPUT, threads=threads)


def encode(one: Pass, source: Source = FULL_HD) -> list[str]:
    return commands.encode(one, source, INPUT, OUTPUT)


def value(arguments: list[str], option: str) -> str:
    (value,) = values(arguments, option)
    return value


def values(arguments: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == option]
