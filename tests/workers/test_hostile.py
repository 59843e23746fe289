"""Media that means harm, or is spoiled: refused, failed with a reason, or made into a good video.

Whatever a file is, each goes through the two doors that a worker sends it through.
"""

import asyncio
import io
import math
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

import av
import pytest

from domain import passes
from domain.errors import MediaRefused, TranscodeFailed
from domain.media import Refusal, Source
from domain.passes import Pass
from domain.templates import DEFAULTS, choose
from domain.videos import TranscodePass
from media import hls, probe_child
from media.commands import CONTAINERS
from media.passes import Encoder, Output, Progress
from media.probe import probe
from tests.support import hostile
from tests.support.samples import FULL_HD, ffmpeg, ffmpeg_path, sample

FLIPPED = int(os.environ.get("MEDIA_FLIPS", "30"))
"""How many files with some bits changed are tried."""

SHELL = "$(reboot) `reboot`; %d %s %v\n[0:v]drawtext=textfile=/etc/passwd,'\"\\ =1+1"
"""What a shell, a pattern of file names, a filter or a table might take for its own."""

TOO_MUCH = [
    (
        "4K, 130 a second",
        Refusal.TOO_MUCH_TO_DECODE,
        "The video has 1226833920 pixels per second; the limit is 1132462080.",
    ),
    (
        "1000 a second",
        Refusal.FRAME_RATE,
        "The video has 1000 frames per second; the limit is 240.",
    ),
    ("100 hours", Refusal.TOO_LONG, "The video lasts 100.00 hours; the limit is 12 hours."),
    *(
        (name, Refusal.NO_DURATION, "The file does not say how long it is.")
        for name in ("no number", "for ever", "less than nothing", "1e300 seconds")
    ),
    *(
        (name, Refusal.TOO_MANY_STREAMS, "The file has more than 16 streams.")
        for name in ("17 tracks", "33 tracks", "1000 tracks")
    ),
    *(
        (
            name,
            Refusal.DAMAGED,
            (
                "The file is damaged, or a part is missing."
                " Its header took more than 1.5 seconds to compute."
            ),
        )
        for name in ("many tags", "many keys")
    ),
]
UNUSUAL = [
    *("index first", "interlaced", "10 bits, 4:4:4", "16x16", "17x31", "1x1"),
    *("Matroska", "AVI", "FLV", "MPEG-TS", "QuickTime"),
]
MADE: dict[str, Callable[[Path], Path]] = {
    "4K, 130 a second": partial(hostile.sized, size="4096x2304", rate="130", frames=2),
    "1000 a second": partial(hostile.sized, size="16x16", rate="1000", frames=2000),
    "100 hours": partial(hostile.lasting, seconds=360_000),
    "no number": partial(hostile.lasting, seconds=math.nan),
    "for ever": partial(hostile.lasting, seconds=math.inf),
    "less than nothing": partial(hostile.lasting, seconds=-5),
    "1e300 seconds": partial(hostile.lasting, seconds=1e300),
    "17 tracks": partial(hostile.many_tracks, count=17),
    "33 tracks": partial(hostile.many_tracks, count=33),
    "1000 tracks": partial(hostile.many_tracks, count=1000),
    "many tags": hostile.many_tags,
    "many keys": hostile.many_keys,
    "index first": hostile.index_first,
    "interlaced": hostile.interlaced,
    "10 bits, 4:4:4": hostile.deep_color,
    "16x16": partial(hostile.sized, size="16x16"),
    "17x31": partial(hostile.sized, size="17x31"),
    "1x1": partial(hostile.sized, size="1x1"),
    "Matroska": partial(hostile.small, suffix=".mkv"),
    "AVI": partial(hostile.small, suffix=".avi"),
    "FLV": partial(hostile.small, suffix=".flv"),
    "MPEG-TS": partial(hostile.small, suffix=".ts"),
    "QuickTime": partial(hostile.small, suffix=".mov"),
}


@pytest.fixture
async def visits() -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a server of this machine, and the first line of each request to it."""
    requests: list[str] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readline()).decode())
        writer.close()

    async with await asyncio.start_server(note, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


@pytest.mark.parametrize("list_name", hostile.LISTS)
@pytest.mark.parametrize("spelling", ["{}", "file:{}", "file://{}", "./{}"])
async def test_a_file_that_names_another_one_is_neither_probed_nor_encoded(
    samples: Path, tmp_path: Path, list_name: str, spelling: str
) -> None:
    other = sample(samples, "landscape.mp4")
    name = spelling.format(other if "file" in spelling else other.name)
    listing = samples / list_name
    listing.write_text(hostile.LISTS[list_name].format(name))

    await _assert_not_opened(listing, tmp_path)


@pytest.mark.parametrize("list_name", hostile.LISTS)
async def test_a_file_that_names_an_address_reaches_nobody(
    tmp_path: Path, visits: tuple[str, list[str]], list_name: str
) -> None:
    address, requests = visits
    listing = tmp_path / list_name
    listing.write_text(hostile.LISTS[list_name].format(f"{address}/1.mp4"))
    (tmp_path / "output").mkdir()

    await _assert_not_opened(listing, tmp_path / "output")

    assert requests == []


@pytest.mark.parametrize(("name", "refusal", "sentence"), TOO_MUCH)
async def test_what_would_take_too_much_is_refused_soon(
    samples: Path, name: str, refusal: Refusal, sentence: str
) -> None:
    path = MADE[name](samples)

    before = _cpu_s()
    with pytest.raises(MediaRefused) as refused:
        await probe(path)

    assert (refused.value.refusal, str(refused.value)) == (refusal, sentence)
    assert _cpu_s() - before < 2


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
async def test_a_huge_picture_is_not_decoded(samples: Path, suffix: str) -> None:
    path = sample(samples, "huge_picture.mov")
    if suffix != path.suffix:
        path = ffmpeg("-i", str(path), "-c", "copy", to=path.with_suffix(suffix))

    before = _cpu_s()
    with pytest.raises(MediaRefused) as refused:
        await probe(path)

    assert refused.value.refusal is Refusal.TOO_MANY_PIXELS
    assert _cpu_s() - before < 1


async def test_many_chapters_take_no_time(samples: Path) -> None:
    path = hostile.many_chapters(samples)

    before = _cpu_s()
    source = await probe(path)

    assert source.duration_ms == 1021
    assert _cpu_s() - before < 2


async def test_a_header_cannot_turn_a_picture_by_no_angle(samples: Path, tmp_path: Path) -> None:
    output = await _made(hostile.without_matrix(samples), tmp_path)

    assert [(one.width, one.height) for one in output.tracks if one.width] == [(160, 90)]


async def test_interlacing_is_seen(samples: Path) -> None:
    assert (await probe(hostile.interlaced(samples))).interlaced
    assert not (await probe(hostile.small(samples))).interlaced


@pytest.mark.parametrize("name", UNUSUAL)
async def test_an_unusual_file_becomes_a_good_video(
    samples: Path, tmp_path: Path, name: str
) -> None:
    output = await _made(MADE[name](samples), tmp_path)

    assert output.warning is None
    _assert_every_segment_decodes(output)


@pytest.mark.parametrize("size", ["4096x16", "16x4096", "1921x3", "100x2"])
async def test_a_strip_becomes_a_good_video_or_fails_with_a_reason(
    samples: Path, tmp_path: Path, size: str
) -> None:
    path = hostile.sized(samples, size=size)

    with suppress(TranscodeFailed):
        _assert_every_segment_decodes(await _made(path, tmp_path))


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x00\x00\x00\x18ftyp", bytes(100_000)])
async def test_a_file_of_next_to_nothing_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "little.mp4"
    path.write_bytes(content)

    with pytest.raises(MediaRefused):
        await probe(path)


@pytest.mark.timeout(120 + 2 * FLIPPED)
async def test_a_spoiled_file_becomes_a_good_video_or_fails_with_a_reason(
    samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Anything else, a crash of ours above all, is raised here."""
    fates = {"made": 0, "refused": 0, "failed": 0}
    for path in _spoiled(samples):
        try:
            _assert_every_segment_decodes(await _made(path, tmp_path_factory.mktemp("spoiled")))
            fates["made"] += 1
        except MediaRefused:
            fates["refused"] += 1
        except TranscodeFailed:
            fates["failed"] += 1

    assert min(fates.values()) > 0


async def test_what_a_file_says_of_itself_is_never_run_nor_kept(
    samples: Path, tmp_path: Path
) -> None:
    output = await _made(hostile.described(samples, SHELL), tmp_path)

    _assert_every_segment_decodes(output)
    for file in tmp_path.iterdir():
        assert b"reboot" not in file.read_bytes()
        assert b"drawtext" not in file.read_bytes()


@pytest.mark.parametrize("name", ["-i", "%03d.mp4", "a b'c\";$(reboot)|&", "line\nline", "é\u202e"])
async def test_the_name_of_a_file_is_a_name_only(samples: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(hostile.small(samples).read_bytes())
    (tmp_path / "output").mkdir()

    _assert_every_segment_decodes(await _made(path, tmp_path / "output"))


async def _assert_not_opened(listing: Path, output: Path) -> None:
    with pytest.raises(MediaRefused) as refused:
        await probe(listing)
    # As if nothing kept the reader from other files.
    unconfined = probe_child.inspect(
        listing, containers=CONTAINERS, max_streams=32, max_pixels=10_000_000, opening_cpu_s=60
    )
    # As if the probe had been deceived.
    with pytest.raises(TranscodeFailed) as failure:
        await Encoder(ffmpeg_path()).run(
            *(first_play(FULL_HD), FULL_HD),
            *(listing, output, _ignore),
        )

    assert refused.value.refusal is Refusal.NOT_MEDIA
    assert unconfined == {"container": None, "known": False}
    assert "Format not on whitelist" in failure.value.log
    assert [*output.iterdir()] == []


async def _made(path: Path, output: Path) -> Output:
    source = await probe(path)
    encoder = Encoder(ffmpeg_path(), threads=2)
    return await encoder.run(first_play(source), source, path, output, _ignore)


def first_play(source: Source) -> Pass:
    chosen, _ = choose(source, DEFAULTS)
    planned = passes.plan(source, chosen, pictures=True)
    return next(one for one in planned if one.kind is TranscodePass.FIRST_PLAY)


def _ignore(_progress: Progress) -> None:
    """Nobody is watching."""


def _spoiled(folder: Path) -> Iterator[Path]:
    kinds = (".mp4", ".mkv", ".ts")
    return chain(
        hostile.cut(hostile.index_first(folder), 8),
        hostile.cut(hostile.small(folder, ".mkv"), 6),
        hostile.cut(hostile.small(folder, ".avi"), 4),
        *(
            hostile.flipped(hostile.small(folder, kind), files=FLIPPED // len(kinds), seed=seed)
            for seed, kind in enumerate(kinds)
        ),
    )


def _assert_every_segment_decodes(output: Output) -> None:
    for track in output.tracks:
        content = track.file.read_bytes()
        playlist = hls.parse(track.playlist.read_text())
        header = content[: playlist.header_size]
        for one in playlist.segments:
            piece = header + content[one.offset : one.offset + one.size]
            with av.open(io.BytesIO(piece), "r") as opened:
                assert sum(1 for _ in opened.decode(opened.streams[0])) > 0


def _cpu_s() -> float:
    """CPU time of the processes that have ended: theirs is what is limited, on a busy machine."""
    times = os.times()
    return times.children_user + times.children_system
