"""Tracks that only holders of a key can watch."""

import asyncio
import functools
import os
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from domain.passes import Pass, sounds_of
from domain.templates import BUILT_IN, Template
from domain.videos import TranscodePass
from media import encryption, hls, passes
from media.encryption import SegmentKey
from media.hls import MediaPlaylist, Segment
from media.passes import Encoder, Output, Track
from media.probe import probe
from tests.support.samples import ffmpeg_path, make

OURS: dict[str, Template] = {one.name: one for one in BUILT_IN}
PLAIN, SECRET = OURS["360P"], OURS["360P, encrypted"]
KEY = SegmentKey(bytes(range(16)), uri="360P.key")


@dataclass(frozen=True)
class Made:
    output: Output

    def track(self, name: str) -> Track:
        (track,) = [one for one in self.output.tracks if one.name == name]
        return track


@pytest.fixture(scope="session")
async def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The same picture and the same sound twice from one pass: clear, and encrypted."""
    folder = tmp_path_factory.mktemp("encrypted")
    path = make(folder / "source.mp4", seconds=9)
    source = await probe(path)
    templates = [PLAIN, SECRET]
    one = Pass(TranscodePass.LADDER, templates, sounds_of(source, templates))
    encoder = Encoder(ffmpeg_path(), threads=2)
    return Made(await encoder.run(one, source, path, folder, lambda _: None, key=KEY))


PAIRS = pytest.mark.parametrize(
    ("clear", "secret"), [("360P", "360P-16"), ("audio", "audio-aes")], ids=["picture", "sound"]
)


def test_only_what_a_template_wants_encrypted_is(made: Made) -> None:
    assert {one.name: one.encrypted for one in made.output.tracks} == {
        "360P": False,
        "360P-16": True,
        "audio": False,
        "audio-aes": True,
    }


@PAIRS
def test_each_segment_decrypts_to_the_clear_one_with_its_number_as_iv(
    made: Made, clear: str, secret: str
) -> None:
    expected, found = (_segments(made.track(name)) for name in (clear, secret))

    assert len(found) == len(expected) == 3
    for number, segment in enumerate(found):
        assert _decrypt(segment, number) == expected[number]


@PAIRS
def test_the_header_is_clear_and_nothing_else_is(made: Made, clear: str, secret: str) -> None:
    content = made.track(secret).file.read_bytes()
    header = _playlist(made.track(secret)).header_size

    assert content[:header] == made.track(clear).file.read_bytes()[:header]
    assert b"moof" not in content[header:]
    assert made.track(secret).codecs == made.track(clear).codecs


@PAIRS
def test_sizes_and_bandwidths_are_those_of_the_encrypted_file(
    made: Made, clear: str, secret: str
) -> None:
    track, playlist = made.track(secret), _playlist(made.track(secret))

    sizes = [one.size // 16 * 16 + 16 for one in _playlist(made.track(clear)).segments]
    assert [one.size for one in playlist.segments] == sizes
    assert track.size == playlist.size == track.file.stat().st_size
    assert track.bandwidth == hls.peak_bandwidth(playlist)
    assert track.average_bandwidth == hls.average_bandwidth(playlist)
    assert track.duration_ms == made.track(clear).duration_ms


def test_the_playlist_names_the_key_after_the_header(made: Made) -> None:
    text = made.track("360P-16").playlist.read_text()

    assert text.count("#EXT-X-KEY") == 1
    assert text.index("#EXT-X-MAP") < text.index("#EXT-X-KEY") < text.index("#EXTINF")
    assert _playlist(made.track("360P-16")).key_uri == "360P.key"
    assert "#EXT-X-KEY" not in made.track("360P").playlist.read_text()


def test_no_clear_file_is_left(made: Made) -> None:
    folder = made.track("360P-16").file.parent

    assert {one.name for one in folder.iterdir()} == {
        "source.mp4",
        *(f"{name}.mp4" for name in ("360P", "360P-16", "audio", "audio-aes")),
        *(f"{name}.m3u8" for name in ("360P", "360P-16", "audio", "audio-aes")),
    }


@pytest.fixture
def web(made: Made) -> Iterator[str]:
    """Serves the folder of the pass, with ranges, and the key."""
    folder = made.track("360P-16").file.parent
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Ranges, directory=str(folder))
    )
    with ThreadPoolExecutor(1) as pool:
        serving = pool.submit(server.serve_forever)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.result()
    server.server_close()


@PAIRS
def test_a_player_with_the_key_plays_all_of_it(
    made: Made, web: str, clear: str, secret: str
) -> None:
    assert _played(f"{web}/{secret}.m3u8") == _played(str(made.track(clear).file))


async def test_a_pass_without_the_key_that_it_needs_does_not_begin(tmp_path: Path) -> None:
    path = make(tmp_path / "source.mp4", seconds=0.1)
    output = tmp_path / "output"
    output.mkdir()

    with pytest.raises(ValueError, match="needs a key"):
        await Encoder(ffmpeg_path()).run(
            Pass(TranscodePass.LADDER, [SECRET]), await probe(path), path, output, lambda _: None
        )

    assert list(output.iterdir()) == []


def test_equal_segments_of_any_size_become_unlike_ones(tmp_path: Path) -> None:
    file, sizes = tmp_path / "a.mp4", (15, 16, 17, 17, 3 * encryption.BLOCK_BYTES + 5)
    playlist = _write(file, sizes)

    encrypted = encryption.encrypt(file, playlist, KEY)

    content = file.read_bytes()
    pieces = [content[one.offset : one.offset + one.size] for one in encrypted.segments]
    assert [len(piece) for piece in pieces] == [16, 32, 32, 32, 3 * encryption.BLOCK_BYTES + 16]
    assert [_decrypt(piece, i) for i, piece in enumerate(pieces)] == [b"x" * n for n in sizes]
    assert len({piece[:16] for piece in pieces}) == len(sizes)
    assert encrypted.size == len(content)
    assert [one.duration_us for one in encrypted.segments] == [1_000_000] * len(sizes)


def test_a_file_that_ends_too_early_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    playlist = _write(file, (1000, 1000))
    os.truncate(file, 1500)

    with pytest.raises(EOFError, match="ends 600 bytes before"):
        encryption.encrypt(file, playlist, KEY)

    assert list(tmp_path.iterdir()) == []


def test_a_key_has_16_bytes_and_is_not_shown() -> None:
    with pytest.raises(ValueError, match="16 bytes, not 15"):
        SegmentKey(bytes(15), "key")

    assert repr(SegmentKey(b"0123456789abcdef", "key")) == "SegmentKey(uri='key')"


async def test_a_cancelled_run_waits_for_the_thread_that_works_in_its_folder() -> None:
    started, released, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        released.wait(30)
        ended.set()

    running = asyncio.create_task(passes._to_the_end(work))
    await asyncio.to_thread(started.wait, 30)
    running.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()

    released.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


class _Ranges(SimpleHTTPRequestHandler):
    """Files of a folder, whole or in part."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        content = KEY.value if name == KEY.uri else Path(self.directory, name).read_bytes()
        wanted = self.headers.get("Range")
        first, last = 0, len(content) - 1
        if wanted:
            start, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last = int(start), min(last, int(end or last))
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        self.wfile.write(content[first : last + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _played(url: str) -> list[bytes]:
    """A checksum of each frame, or of some samples, as ffmpeg decodes them."""
    hls_only = ("-allowed_extensions", "ALL", "-extension_picky", "0")
    command = [
        *(ffmpeg_path(), "-loglevel", "error", "-xerror"),
        *(hls_only if url.startswith("http:") else ()),
        *("-i", url, "-f", "framemd5", "-"),
    ]
    played = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    frames = [line for line in played.stdout.splitlines() if not line.startswith(b"#")]
    # 9 s of pictures, or of 1024 samples of sound; only of the plain file is there one before 0.
    checksums = [line.split(b",")[-1] for line in frames][-422:]
    assert len(checksums) in {270, 422}
    return checksums


def _write(file: Path, sizes: tuple[int, ...]) -> MediaPlaylist:
    header, segments = b"header" + bytes(94), list[Segment]()
    offset = len(header)
    for size in sizes:
        segments.append(Segment(1_000_000, offset, size))
        offset += size
    file.write_bytes(header + b"x" * sum(sizes))
    return MediaPlaylist(file.name, len(header), tuple(segments))


def _playlist(track: Track) -> MediaPlaylist:
    return hls.parse(track.playlist.read_text())


def _segments(track: Track) -> list[bytes]:
    content = track.file.read_bytes()
    return [content[one.offset : one.offset + one.size] for one in _playlist(track).segments]


def _decrypt(segment: bytes, number: int) -> bytes:
    iv = bytes(12) + number.to_bytes(4, "big")
    decryptor = Cipher(algorithms.AES(KEY.value), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    padded = decryptor.update(segment) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
