"""The upload client and its files: what it reads, remembers and shows."""

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from server import settings
from server.client import progress, sources, uploads
from server.client.errors import ClientError
from server.client.resume import Memory, Subject

SUBJECT = Subject("http://here", "/films/a.mp4", 3, 5, "ab")


def test_what_is_kept_is_recalled_until_it_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new" / "folder", SUBJECT)
    assert memory.recall() is None
    memory.keep("first")
    memory.keep("second")
    assert memory.recall() == "second"
    assert [path.name for path in memory.path.parent.iterdir()] == [memory.path.name]
    memory.forget()
    memory.forget()
    assert memory.recall() is None


def test_another_version_of_the_file_is_another_upload(tmp_path: Path) -> None:
    Memory(tmp_path, SUBJECT).keep("session")
    other = Subject(SUBJECT.url, SUBJECT.path, SUBJECT.size, 6, SUBJECT.sha256)
    assert Memory(tmp_path, other).recall() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"session_id": 1}', "\0"])
def test_a_damaged_memory_is_none(tmp_path: Path, content: str) -> None:
    memory = Memory(tmp_path, SUBJECT)
    memory.path.write_text(content)
    assert memory.recall() is None


def test_a_memory_of_another_upload_is_none(tmp_path: Path) -> None:
    memory = Memory(tmp_path, SUBJECT)
    other = Memory(tmp_path, Subject("http://there", "/b", 1, 1, "cd"))
    other.keep("session")
    other.path.rename(memory.path)
    assert memory.recall() is None


@pytest.mark.parametrize(
    ("state_home", "expected"),
    [
        ("/state", "/state/reelgraph/uploads"),
        ("", "/home/me/.local/state/reelgraph/uploads"),
        ("not/absolute", "/home/me/.local/state/reelgraph/uploads"),
    ],
)
def test_memories_lie_where_state_belongs(
    monkeypatch: pytest.MonkeyPatch, state_home: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", state_home)
    assert settings.state_dir() / "uploads" == Path(expected)


async def test_a_range_is_read_block_by_block(film: Path) -> None:
    with sources.opened(film) as source:
        blocks = [block async for block in source.blocks(10, source.size - 20)]
    assert [len(block) for block in blocks] == [sources.BLOCK_BYTES, sources.BLOCK_BYTES, 980]
    assert b"".join(blocks) == film.read_bytes()[10:-10]


async def test_a_range_is_hashed_and_every_byte_reported(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_SLICE_BYTES", 300_000)
    read: list[int] = []
    with sources.opened(film) as source:
        digest = await source.sha256(5, 500_000, on_read=read.append)
    assert digest == hashlib.sha256(film.read_bytes()[5:500_005]).hexdigest()
    assert read == [300_000, 200_000]


@pytest.mark.parametrize("size", [0, 10, 10**6])
async def test_a_file_that_grows_or_shrinks_is_not_sent(film: Path, size: int) -> None:
    with sources.opened(film) as source:
        os.truncate(film, size)
        with pytest.raises(ClientError, match="The file changed while"):
            await source.sha256(0, source.size)


async def test_a_file_that_is_written_again_is_not_sent(film: Path) -> None:
    with sources.opened(film) as source:
        os.utime(film, ns=(0, source.mtime_ns + 1))
        with pytest.raises(ClientError, match="The file changed while"):
            await source.sha256(0, source.size)


def _folder(path: Path) -> None:
    path.mkdir()


def _nothing(path: Path) -> None:
    del path


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_nothing, "There is no such file."),
        (_folder, "This is a folder, not a file."),
        (_pipe, "This is not a regular file."),
        (Path.touch, "The file is empty."),
        (_loop, "The file cannot be read: Too many levels of symbolic links."),
    ],
)
def test_what_cannot_be_sent_is_named(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "film.mp4")
    with pytest.raises(ClientError) as raised, sources.opened(tmp_path / "film.mp4"):
        pass
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("holiday 1.mp4", "holiday 1"),
        (".mp4", ".mp4"),
        ("x" * 250 + "é.mp4", "x" * 250 + "é"),
        (os.fsdecode(b"\xff.mp4"), "\ufffd"),
    ],
)
def test_a_title_is_made_of_the_name(name: str, title: str) -> None:
    assert uploads.title_of(Path(name)) == title


def test_logs_have_a_line_for_each_change_of_a_state() -> None:
    stream = io.StringIO()
    with progress.display("a.mp4", stream) as display:
        display.show("upload", "uploading", done=0, total=10)
        display.show("upload", "uploading", done=5, total=10)
        display.show("360P", "waiting", done=0)
        display.show("upload", "done", done=10, total=10)
        display.note("Well.")
    assert stream.getvalue() == (
        "a.mp4: upload uploading\na.mp4: 360P waiting\na.mp4: upload done\na.mp4: Well.\n"
    )


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminals_have_a_bar_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")  # only the last picture is printed
    monkeypatch.setenv("COLUMNS", "79")
    stream = _Terminal()
    with progress.display("[a].mp4", stream) as display:
        display.show("upload", "uploading", done=0, total=3_000_000)
        display.show("upload", "uploading", done=1_500_000, total=3_000_000)
        display.show("360P", "transcoding", done=0.25)
    name, upload, play_set = stream.getvalue().strip().splitlines()
    assert name == "[a].mp4"
    assert upload.split("50 %")[1].strip().startswith("1.5 MB of 3.0 MB")
    assert play_set.split() == ["360P", play_set.split()[1], "25", "%", "transcoding"]
