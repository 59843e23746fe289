"""docs/development/fields.md: its examples, added to the product as it says, work."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from db import migrate
from db.embedded import EmbeddedPostgres
from tests.support import postgres

COPIED: Final = (
    "conftest.py", "pyproject.toml", "schema.graphql",
    "domain", "db", "storage", "media", "outbound", "jobs", "resolvers", "schema", "server",
    "tests",
)  # fmt: skip
_BLOCK: Final = re.compile(r"```python\n# (\S+\.py)(?:, in (\w+))?\n(.*?)```", re.DOTALL)
_DRAFT: Final = "import sys; from db import migrate; migrate.draft(sys.argv[1], 'From the page')"

ASKED: Final = '''
import orjson
import pytest

from db import play_sets
from domain.accounts import Viewer
from domain.play_sets import PlaySetStatus
from domain.videos import Resolution, VideoStatus
from resolvers.context import Context
from schema.root import schema
from sqlalchemy import text
from tests.api.test_audio_tracks import SOUND
from tests.support import factories
from tests.support.statements import recorded

LISTS = """{
  videos(filter: {status: PROCESSING}) {
    nodes {
      language shareUrl audioTracks(name: "a") { name codecs bandwidth } all: audioTracks { name }
      playSets { aspectRatio audioTrack { name } }
    }
  }
  failures { totalCount nodes { id status } }
}"""
CHUNKS = "{ uploadSessions { nodes { nextChunks(count: 2) } } }"
SESSION = """mutation { createUploadSession(input: {
  title: "x", fileSize: 1000000, totalChunks: 5, sha256: "%s", purpose: OBJECT
}) { uploadSession { nextChunks(count: 1) } } }""" % ("0" * 64)


@pytest.mark.parametrize("mode", ["standard", "rows", "text"])
async def test_all_fields(services, owner, mode):
    video = await factories.video(services.db, owner.account)
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    async with services.db.write() as session:
        await session.execute(text("update video set language = 'de-CH'"))
        await session.execute(text("update task set status = 'failed'"))
        await play_sets.save_sound(session, video.id, "b", SOUND)
        sound = await play_sets.save_sound(session, video.id, "a", SOUND)
        play_set = (await play_sets.of_videos(session, [video.id]))[video.id][0]
        ready = factories.READY | {"audio_track_id": sound}
        await play_sets.finish(session, play_set.id, ready)
    ctx = Context(services, "http://test", Viewer(owner.account.id, owner.account.id))
    await schema.execute(SESSION, context_value=ctx)

    async def ask(query):
        with recorded(services) as statements:
            answer = await schema.execute(query, context_value=ctx, mode=mode)
        assert (answer.errors, answer.mode) == (None, mode)
        return bytes().join(answer.data.pieces) if mode == "text" else answer.data, len(statements)

    data, count = await ask(LISTS)
    data = orjson.loads(data) if mode == "text" else data
    (found,) = data["videos"]["nodes"]
    assert found == {
        "language": "de-CH",
        "shareUrl": f"http://test/watch/{video.id}",
        "audioTracks": [{"name": "a", "codecs": "x", "bandwidth": 128_000}],
        "all": [{"name": "a"}, {"name": "b"}],
        "playSets": [{"aspectRatio": 1.778, "audioTrack": {"name": "a"}}],
    }
    assert data["failures"]["totalCount"] == 1
    assert data["failures"]["nodes"][0]["status"] == "FAILED"
    # By rows: videos, two of sound, play sets, their sound; failures, their count.
    assert count == (2 if mode == "text" else 7)


@pytest.mark.parametrize("mode", ["standard", "rows", "text"])
async def test_the_ordinary_resolver(services, owner, mode):
    ctx = Context(services, "http://test", Viewer(owner.account.id, owner.account.id))
    for _ in range(2):
        made = await schema.execute(SESSION, context_value=ctx)
        assert made.data["createUploadSession"] == {"uploadSession": {"nextChunks": [1]}}
    with recorded(services) as statements:
        answer = await schema.execute(CHUNKS, context_value=ctx, mode=mode)
    assert answer.data == {"uploadSessions": {"nodes": [{"nextChunks": [1, 2]}] * 2}}
    assert len(statements) == 2
'''
"""What the page's fields are asked for in the copy."""


class Example(NamedTuple):
    path: Path
    into: str | None
    """The class whose body it belongs to."""
    code: str


def examples(root: Path) -> list[Example]:
    text = (root / "docs/development/fields.md").read_text()
    return [Example(Path(path), into or None, code) for path, into, code in _BLOCK.findall(text)]


def add(folder: Path, example: Example) -> None:
    """Imports go to the top, fields to the end of the class, functions of theirs above it."""
    path = folder / example.path
    if not path.exists():
        path.write_text(example.code)
        return
    lines = path.read_text().splitlines()
    imports, functions, rest = _sorted(example.code)
    if example.into is None:
        lines += ["", "", *functions, *rest]
    else:
        kinds = (one for one in _body(lines) if isinstance(one, ast.ClassDef))
        kind = next(one for one in kinds if one.name == example.into)
        end = kind.end_lineno or 0
        lines[end:end] = ["", *(f"    {line}" if line else line for line in rest)]
        start = min(one.lineno for one in (kind, *kind.decorator_list)) - 1
        lines[start:start] = functions
    at = next(one.lineno for one in _body(lines) if isinstance(one, (ast.Import, ast.ImportFrom)))
    lines[at - 1 : at - 1] = imports
    path.write_text("\n".join([*lines, ""]))


def _body(lines: Sequence[str]) -> list[ast.stmt]:
    return ast.parse("\n".join(lines)).body


def _sorted(code: str) -> tuple[list[str], list[str], list[str]]:
    """The lines of the imports, of functions that are no fields, and of what is left."""
    imports: list[str] = []
    functions: list[str] = []
    rest: list[str] = []
    lines = code.splitlines()
    for one in ast.parse(code).body:
        start, kind = one.lineno, rest
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            kind = imports
        elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            kind = rest if one.decorator_list else functions
            start = min(node.lineno for node in (one, *one.decorator_list))
        kind += [*lines[start - 1 : one.end_lineno], ""]
    return imports, functions, rest


def run(folder: Path, *command: str) -> None:
    """Run Python in the copy, whose coverage is not ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", "console")
    for name in COPIED:
        source, target = root / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy(source, target)
    return tmp_path


def test_the_examples_of_the_page_work(
    root: Path, copy: Path, postgres_server: EmbeddedPostgres
) -> None:
    url = postgres.create_database(postgres_server, "fields_page")
    migrate.upgrade(url)  # the tables as they are without the examples
    found = examples(root)
    assert len(found) == 15
    for example in found:
        add(copy, example)
    run(copy, "-c", _DRAFT, url)
    (copy / "tests/api/test_asked.py").write_text(ASKED)
    tests = ["tests/api/test_audio_tracks.py", "tests/api/test_asked.py"]
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
