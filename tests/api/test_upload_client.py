"""What `reelgraph upload` does, in this process, against the real application."""

import asyncio
import io
import os
from collections.abc import Awaitable
from pathlib import Path

import httpx
import pytest
from typing_extensions import override

from server.client import api as client_api
from server.client import sources
from server.client.connection import Connection, open_http
from server.client.errors import ClientError
from server.client.progress import Lines
from server.client.uploads import Playable, Upload, Wishes
from tests.support import cancelling, factories, samples
from tests.support.api import Api
from tests.support.waiting import until
from tests.support.work import Work

CHUNK = 65_536
WISHES = Wishes(title=None, description=None, parallel=1, chunk_size=CHUNK, watch=True)
SESSIONS = "{ uploadSessions { nodes { status completedChunks totalChunks title description } } }"
VIDEOS = "{ videos { nodes { title vid status playSets { resolution status } } } }"


class Stop(Lines):
    """Interrupts the upload, as Ctrl-C does, once it has so many bytes to show."""

    def __init__(self, stream: io.StringIO, *, after: int) -> None:
        super().__init__("film.mp4", stream)
        self._after = after
        self.task: asyncio.Task[Playable]

    @override
    def show(self, row: str, status: str, *, done: float, total: float = 1.0) -> None:
        super().show(row, status, done=done, total=total)
        if row == "upload" and done >= self._after:
            self.task.cancel()


class Client:
    """Uploads one file in this process, as one start of the command does."""

    def __init__(self, base_url: str, key: str, folder: Path) -> None:
        self._base_url = base_url
        self._key = key
        self.folder = folder
        self.shown = io.StringIO()
        self.loses: list[str] = []
        """Operations whose next answer does not arrive."""
        self.may_send = asyncio.Event()
        """Chunks wait for it."""
        self.may_send.set()

    async def upload(self, path: Path, wishes: Wishes = WISHES) -> Playable:
        return await self._run(path, wishes, Lines("film.mp4", self.shown))

    async def interrupt(self, path: Path, *, after: int) -> None:
        display = Stop(self.shown, after=after)
        display.task = asyncio.create_task(self._run(path, WISHES, display))
        with pytest.raises(asyncio.CancelledError):
            await display.task

    async def _run(self, path: Path, wishes: Wishes, display: Lines) -> Playable:
        async with open_http() as http:
            http.event_hooks = {"request": [self._hold], "response": [self._lose]}
            api = client_api.Api(Connection(http, self._base_url, key=self._key))
            with sources.opened(path) as source:
                upload = Upload(api, source, wishes, folder=self.folder, display=display)
                return await upload.run()

    async def _hold(self, request: httpx.Request) -> None:
        if request.method == "PUT":
            await self.may_send.wait()

    async def _lose(self, response: httpx.Response) -> None:
        if response.request.method != "POST":
            return
        for operation in self.loses:
            if f"mutation {operation}(".encode() in response.request.content:
                self.loses.remove(operation)
                raise httpx.ReadError("lost")

    def remembered(self) -> int:
        return len(list(self.folder.glob("*")))


@pytest.fixture
def client(base_url: str, owner: factories.Owner, tmp_path: Path) -> Client:
    return Client(base_url, owner.api_key, tmp_path / "state")


async def _worked(work: Work, api: Api, uploading: Awaitable[Playable]) -> Playable:
    """The end of an upload whose jobs are done as soon as they are there."""
    task = asyncio.ensure_future(uploading)

    async def is_sent() -> bool:
        sessions = (await api.run(SESSIONS))["uploadSessions"]["nodes"]
        return task.done() or any(one["status"] == "VERIFYING" for one in sessions)

    await until(is_sent)
    await work()
    return await task


async def test_a_file_becomes_a_video_that_plays(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    playable = await _worked(work, api, client.upload(film))
    (video,) = (await api.run(VIDEOS))["videos"]["nodes"]
    assert (playable.title, playable.vid, playable.failures) == ("film", video["vid"], [])
    assert {one["status"] for one in video["playSets"]} == {"READY"}
    async with open_http() as http:
        assert (await http.get(playable.hls_url)).text.startswith("#EXTM3U")
    assert client.remembered() == 0
    lines = client.shown.getvalue().splitlines()
    assert lines[:4] == [
        "film.mp4: hash hashing",
        "film.mp4: hash done",
        "film.mp4: upload uploading",
        "film.mp4: upload done",
    ]
    assert {"film.mp4: 360P ready", "film.mp4: 480P ready", "film.mp4: Origin ready"} < {*lines}


async def test_the_wishes_reach_the_server(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    size = film.stat().st_size
    wishes = Wishes(title="A", description="B", parallel=3, chunk_size=size, watch=False)
    await _worked(work, api, client.upload(film, wishes))
    (session,) = (await api.run(SESSIONS))["uploadSessions"]["nodes"]
    assert session == {
        "status": "COMPLETED",
        "completedChunks": 1,
        "totalChunks": 1,
        "title": "A",
        "description": "B",
    }


async def test_an_interrupted_upload_goes_on_with_the_missing_chunks(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    await client.interrupt(film, after=2 * CHUNK + 1)
    (session,) = (await api.run(SESSIONS))["uploadSessions"]["nodes"]
    assert session["completedChunks"] in {1, 2}  # the answer to the latest may have been lost
    assert client.remembered() == 1
    await _worked(work, api, client.upload(film))
    left = session["totalChunks"] - session["completedChunks"]
    note = f"film.mp4: Resuming the upload of 'film': {left} chunks left.\n"
    assert note in client.shown.getvalue()
    assert len((await api.run(SESSIONS))["uploadSessions"]["nodes"]) == 1
    assert client.remembered() == 0


async def test_another_device_goes_on_with_what_was_begun_here(
    client: Client, base_url: str, owner: factories.Owner, api: Api, work: Work, film: Path
) -> None:
    await client.interrupt(film, after=2 * CHUNK + 1)
    elsewhere = Client(base_url, owner.api_key, client.folder.with_name("elsewhere"))
    await _worked(work, api, elsewhere.upload(film))
    assert "Resuming the upload of 'film'" in elsewhere.shown.getvalue()
    assert len((await api.run(SESSIONS))["uploadSessions"]["nodes"]) == 1


async def test_a_file_that_is_in_the_library_is_not_sent_again(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    first = await _worked(work, api, client.upload(film))
    again = await client.upload(film)
    assert again.vid == first.vid
    note = "film.mp4: This file is in your library already: nothing was sent."
    assert note in client.shown.getvalue().splitlines()
    assert len((await api.run(SESSIONS))["uploadSessions"]["nodes"]) == 1


async def test_a_file_that_the_server_has_is_not_sent(
    client: Client, base_url: str, stranger: Api, api: Api, work: Work, film: Path
) -> None:
    other = Client(base_url, str(stranger.api_key), client.folder.with_name("other"))
    await _worked(work, stranger, other.upload(film))
    playable = await client.upload(film)
    assert playable.title == "film"
    note = "film.mp4: The server has this file already: nothing was sent."
    assert note in client.shown.getvalue().splitlines()
    assert (await api.run(SESSIONS))["uploadSessions"]["nodes"] == []
    async with open_http() as http:
        assert (await http.get(playable.hls_url)).text.startswith("#EXTM3U")


async def test_a_proof_whose_answer_is_lost_makes_one_video(
    client: Client, base_url: str, stranger: Api, api: Api, work: Work, film: Path
) -> None:
    other = Client(base_url, str(stranger.api_key), client.folder.with_name("other"))
    await _worked(work, stranger, other.upload(film))
    client.loses = ["ProveUploadPossession"]
    playable = await _worked(work, api, client.upload(film))
    assert client.loses == []
    (video,) = (await api.run(VIDEOS))["videos"]["nodes"]
    assert video["vid"] == playable.vid
    assert (await api.run(SESSIONS))["uploadSessions"]["nodes"] == []


async def test_a_session_whose_answer_is_lost_is_not_opened_again(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    client.loses = ["CreateUploadSession"]
    await _worked(work, api, client.upload(film))
    assert client.loses == []
    (session,) = (await api.run(SESSIONS))["uploadSessions"]["nodes"]
    assert session["status"] == "COMPLETED"


async def test_the_slower_of_two_uploads_ends_with_the_same_video(
    client: Client, base_url: str, owner: factories.Owner, api: Api, work: Work, film: Path
) -> None:
    client.may_send.clear()
    slower = asyncio.create_task(client.upload(film))

    async def is_begun() -> bool:
        return client.remembered() == 1

    await until(is_begun)
    elsewhere = Client(base_url, owner.api_key, client.folder.with_name("elsewhere"))
    faster = await _worked(work, api, elsewhere.upload(film))
    client.may_send.set()
    assert (await slower).vid == faster.vid
    assert len((await api.run(VIDEOS))["videos"]["nodes"]) == 1


async def test_a_cancelled_session_is_not_resumed(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    await client.interrupt(film, after=1)
    (session,) = (await api.run("{ uploadSessions { nodes { id } } }"))["uploadSessions"]["nodes"]
    await api.run(cancelling.SESSION, id=session["id"])
    await _worked(work, api, client.upload(film))
    sessions = (await api.run(SESSIONS))["uploadSessions"]["nodes"]
    assert [one["status"] for one in sessions] == ["COMPLETED", "CANCELLED"]
    assert "Resuming" not in client.shown.getvalue()


async def test_a_refused_file_is_not_remembered(
    client: Client, api: Api, work: Work, tmp_path: Path
) -> None:
    text = samples.sample(tmp_path, "text_named.mp4")
    with pytest.raises(ClientError, match=r"The server refuses the file: .*\(MEDIA_REFUSED\)"):
        await _worked(work, api, client.upload(text))
    assert client.remembered() == 0


async def test_an_upload_that_cannot_be_remembered_is_made_all_the_same(
    client: Client, api: Api, work: Work, film: Path
) -> None:
    client.folder.touch()
    await _worked(work, api, client.upload(film))
    assert client.shown.getvalue().count("This upload cannot be resumed (") == 1


async def test_what_the_server_refuses_is_said_in_its_words(client: Client, film: Path) -> None:
    wishes = Wishes(title=" ", description=None, parallel=1, chunk_size=None, watch=False)
    with pytest.raises(ClientError) as raised:
        await client.upload(film, wishes)
    assert str(raised.value) == "The server says: The title is empty."


async def test_a_file_above_the_limit_is_not_even_hashed(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    path.touch()
    os.truncate(path, (256 << 30) + 1)
    with pytest.raises(ClientError) as raised:
        await client.upload(path)
    assert str(raised.value) == "The file has 274877906945 bytes; the limit is 274877906944."
    assert client.shown.getvalue() == ""
