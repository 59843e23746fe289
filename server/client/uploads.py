"""One file, from the disk to a URL that plays."""

import os
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from domain.text import MAX_TITLE
from domain.uploads import ChunkPlan
from server.client import instant
from server.client.api import Api, NewSession, PlaySet, Session
from server.client.errors import ClientError, Ended, TemporaryFailure
from server.client.instant import Check, Named
from server.client.progress import Display
from server.client.resume import Memory, Subject
from server.client.retries import Retries, persist
from server.client.sources import Source
from server.client.transfer import Targets, Transfer

STATUS_WORDS = {
    "INITIAL": "waiting",
    "TRANSCODING": "transcoding",
    "READY": "ready",
    "TRANSCODE_FAILED": "failed",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller wants of each upload. `watch`: to wait until no play set is to come."""

    title: str | None
    description: str | None
    parallel: int
    chunk_size: int | None
    watch: bool


@dataclass(frozen=True, slots=True)
class Playable:
    """A video that plays; `failures` says which play sets could not be made, and why."""

    title: str
    vid: str
    hls_url: str
    failures: list[str]


class Upload:
    """Sends one file and sees it through. Raises `ClientError`."""

    def __init__(
        self, api: Api, source: Source, wishes: Wishes, *, folder: Path, display: Display
    ) -> None:
        self._api = api
        self._source = source
        self._wishes = wishes
        self._folder = folder
        self._display = display

    async def run(self) -> Playable:
        await self._check_size()
        sha256 = await self._hash()
        memory = Memory(self._folder, self._subject(sha256))
        session = await self._begun(memory)
        if session is None:
            known = await persist(partial(self._known, sha256))
            if isinstance(known, str):
                return await self._played(known)
            session = await self._session(memory, known, sha256)
        try:
            playable = await self._finish(session, sha256)
        except Ended:
            self._remember(memory.forget)
            raise
        self._remember(memory.forget)
        return playable

    async def _known(self, sha256: str) -> str | Named | None:
        """What the server has of these bytes: the id of a video, or a session to go on with.

        All of it is repeated, never a proof alone: when its answer was lost, the video is there.
        """
        known = await self._check(sha256)
        found = self._found(known)
        if found:
            return found
        video_id = await instant.take_over(
            self._api.connection,
            self._source,
            known.challenge,
            title=self._title,
            description=self._wishes.description,
        )
        if video_id:
            self._display.note("The server has this file already: nothing was sent.")
            return video_id
        return self._found(await self._check(sha256))

    async def _check(self, sha256: str) -> Check:
        return await instant.check(self._api.connection, sha256, self._source.size)

    def _found(self, known: Check) -> str | Named | None:
        if known.video is None:
            return known.resumable
        self._display.note("This file is in your library already: nothing was sent.")
        return known.video.id

    @property
    def _title(self) -> str:
        return self._wishes.title or title_of(self._source.path)

    async def _finish(self, session: Session, sha256: str) -> Playable:
        if session.takes_chunks:
            await self._deliver(session, sha256)
        return await self._played(await self._verified(session.id))

    async def _deliver(self, session: Session, sha256: str) -> None:
        """Send what is missing, unless another uploader of the file has completed the session."""
        try:
            await self._send(session)
            await self._api.complete(session.id, sha256)
        except ClientError:
            if not await self._api.has_every_chunk(session.id):
                raise

    def _remember(self, change: Callable[[], None]) -> None:
        """What cannot be remembered cannot be resumed, but is uploaded all the same."""
        try:
            change()
        except OSError as failure:
            self._display.note(f"This upload cannot be resumed ({failure}).")

    async def _check_size(self) -> None:
        most = await self._api.max_file_size()
        if self._source.size > most:
            raise ClientError(f"The file has {self._source.size} bytes; the limit is {most}.")

    async def _hash(self) -> str:
        size = self._source.size
        read = self._counter("hash", ["hashing", "done"])
        return await self._source.sha256(0, size, on_read=read)

    def _counter(self, row: str, words: list[str], *, done: int = 0) -> Callable[[int], None]:
        """What adds bytes to a row, whose state is the second word once all are there."""
        size = self._source.size

        def add(count: int) -> None:
            nonlocal done
            done += count
            self._display.show(row, words[done == size], done=done, total=size)

        add(0)
        return add

    def _subject(self, sha256: str) -> Subject:
        source = self._source
        path = os.fsencode(source.path).decode(errors="backslashreplace")
        url = self._api.connection.url
        return Subject(url, path, source.size, source.mtime_ns, sha256)

    async def _begun(self, memory: Memory) -> Session | None:
        """The session that an earlier run of this command left behind, if it is of use."""
        known = memory.recall()
        return self._resumed(await self._api.session(known)) if known else None

    def _resumed(self, session: Session | None) -> Session | None:
        if session is None or not (session.takes_chunks or session.has_every_chunk):
            return None
        left = len(session.missing_chunks)
        self._display.note(f"Resuming the upload of {session.title!r}: {left} chunks left.")
        return session

    async def _session(self, memory: Memory, begun: Named | None, sha256: str) -> Session:
        """The session begun elsewhere for the same bytes; else a new one."""
        session = await self._continued(begun) or await self._created(sha256)
        self._remember(partial(memory.keep, session.id))
        return session

    async def _continued(self, begun: Named | None) -> Session | None:
        return self._resumed(await self._api.session(begun.id)) if begun else None

    async def _created(self, sha256: str) -> Session:
        """A new session. When an answer was lost, it may be there, and is not made twice."""
        retries = Retries()
        while True:
            try:
                return await self._api.create(self._announcement(sha256))
            except TemporaryFailure as failure:
                await retries.wait(failure)
            known = await self._check(sha256)
            if session := await self._continued(known.resumable):
                return session

    def _announcement(self, sha256: str) -> NewSession:
        return NewSession(
            title=self._title,
            description=self._wishes.description,
            sha256=sha256,
            file_size=self._source.size,
            chunk_size=self._wishes.chunk_size,
        )

    async def _send(self, session: Session) -> None:
        plan = ChunkPlan(self._source.size, session.chunk_size)
        missing = session.missing_chunks
        there = plan.file_size - sum(plan.length(index) for index in missing)
        transfer = Transfer(
            self._source,
            plan,
            Targets(self._api, session.id, missing),
            on_sent=self._counter("upload", ["uploading", "done"], done=there),
        )
        http = self._api.connection.http
        await transfer.send(http, missing, parallel=self._wishes.parallel)

    async def _verified(self, session_id: str) -> str:
        """The id of the video that the file became."""
        async with aclosing(self._api.watch_session(session_id)) as states:
            async for state in states:
                if state.status == "COMPLETED" and state.video is not None:
                    self._display.show("check", "done", done=1)
                    return state.video.id
                if state.error is not None:
                    raise Ended(f"The server refuses the file: {state.error}")
                progress = state.task.progress if state.task else 0.0
                self._display.show("check", state.status.lower(), done=progress)
        raise Ended("The upload ended without a video: it was cancelled, or has expired.")

    async def _played(self, video_id: str) -> Playable:
        play_sets = await self._transcoded(video_id)
        video = await self._api.video(video_id)
        if video.playback is None:
            raise Ended(f"Nothing of the video can be played: {video.status_reason or 'unknown.'}")
        return Playable(
            video.title,
            video.vid,
            video.playback.hls_url,
            [_failure(one) for one in play_sets if one.status == "TRANSCODE_FAILED"],
        )

    async def _transcoded(self, video_id: str) -> list[PlaySet]:
        """The play sets as soon as one is READY, or, to watch, when none is to come."""
        play_sets: list[PlaySet] = []
        async with aclosing(self._api.watch_play_sets(video_id)) as states:
            async for play_sets in states:
                for one in play_sets:
                    status = STATUS_WORDS.get(one.status, one.status.lower())
                    self._display.show(one.name, status, done=one.progress)
                if not self._wishes.watch and any(one.is_ready for one in play_sets):
                    break
        return play_sets


def _failure(play_set: PlaySet) -> str:
    error = play_set.task.error if play_set.task else None
    return f"{play_set.name} could not be made: {error or 'the server does not say why.'}"


def title_of(path: Path) -> str:
    """A title from the file's name, which may be no Unicode, and too long."""
    return os.fsencode(path.stem).decode(errors="replace")[:MAX_TITLE]
