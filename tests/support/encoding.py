"""Passes over a file, with the real ffmpeg."""

from pathlib import Path

from domain import passes
from domain.media import Source
from domain.passes import Pass
from domain.templates import DEFAULTS, choose
from domain.videos import TranscodePass
from media.passes import Encoder, Output
from media.probe import probe
from tests.support.samples import ffmpeg_path

FIRST_PLAY, LADDER, ORIGIN = TranscodePass.FIRST_PLAY, TranscodePass.LADDER, TranscodePass.ORIGIN


async def run(kind: TranscodePass, input: Path, output: Path) -> Output:
    """The pass of this kind over a file, with the usual templates."""
    return await encode(kind, await probe(input), input, output)


async def encode(
    kind: TranscodePass, source: Source, input: Path, output: Path, *, ffmpeg: str | None = None
) -> Output:
    """As `run`, but with what is said of the file, whether it is true or not."""
    chosen, _ = choose(source, DEFAULTS)
    (one,) = [each for each in passes.plan(source, chosen, pictures=True) if each.kind is kind]
    return await make(one, source, input, output, ffmpeg=ffmpeg)


async def make(
    one: Pass, source: Source, input: Path, output: Path, *, ffmpeg: str | None = None
) -> Output:
    encoder = Encoder(ffmpeg or ffmpeg_path(), threads=2)
    return await encoder.run(one, source, input, output, lambda _: None)
