"""Sending the chunks of a file, several at once."""

import asyncio
import base64
from bisect import bisect_left
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from functools import partial
from http import HTTPStatus

import httpx
from pydantic import BaseModel, ValidationError

from domain.uploads import ChunkPlan
from server.client.api import TARGETS_AT_ONCE, Api, Target
from server.client.connection import no_answer, raise_if_temporary
from server.client.errors import ClientError, TemporaryFailure
from server.client.retries import persist
from server.client.sources import Source


class Targets:
    """Where chunks are sent, asked for in batches shortly before they are needed."""

    def __init__(self, api: Api, session_id: str, indexes: Sequence[int]) -> None:
        """`indexes` ascend."""
        self._api = api
        self._session_id = session_id
        self._indexes = indexes
        self._known: dict[int, Target] = {}
        self._lock = asyncio.Lock()

    async def of(self, index: int) -> Target:
        async with self._lock:
            if index not in self._known:
                place = bisect_left(self._indexes, index)
                start = place - place % TARGETS_AT_ONCE
                batch = self._indexes[start : start + TARGETS_AT_ONCE]
                found = await self._api.targets(self._session_id, batch)
                self._known |= {target.chunk_index: target for target in found}
            return self._known[index]

    def forget(self) -> None:
        """Ask anew: the links have expired."""
        self._known = {}


class Transfer:
    """Chunks on their way.

    `on_sent` hears how many bytes left, or, as a number below 0, how many have to leave again.
    """

    def __init__(
        self, source: Source, plan: ChunkPlan, targets: Targets, *, on_sent: Callable[[int], None]
    ) -> None:
        self._source = source
        self._plan = plan
        self._targets = targets
        self._on_sent = on_sent

    async def send(self, http: httpx.AsyncClient, indexes: Sequence[int], *, parallel: int) -> None:
        """Send these chunks. The first failure stops them all, and is raised."""
        waiting = iter(indexes)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(parallel):
                    group.create_task(self._send_each(http, waiting))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _send_each(self, http: httpx.AsyncClient, waiting: Iterator[int]) -> None:
        for index in waiting:
            await persist(partial(self._send_one, http, index))

    async def _send_one(self, http: httpx.AsyncClient, index: int) -> None:
        offset, length = self._plan.offset(index), self._plan.length(index)
        target = await self._targets.of(index)
        headers = {header.name: header.value for header in target.headers}
        headers["Content-Length"] = str(length)
        if target.checksum_header:
            digest = bytes.fromhex(await self._source.sha256(offset, length))
            headers[target.checksum_header] = base64.b64encode(digest).decode()
        sent = 0

        async def body() -> AsyncGenerator[bytes]:
            nonlocal sent
            async for block in self._source.blocks(offset, length):
                yield block
                sent += len(block)
                self._on_sent(len(block))

        request = http.build_request(target.method, target.url, headers=headers, content=body())
        try:
            await self._deliver(http, request, index)
        except ClientError:
            self._on_sent(-sent)
            raise

    async def _deliver(self, http: httpx.AsyncClient, request: httpx.Request, index: int) -> None:
        place = f"{request.url.scheme}://{request.url.netloc.decode()}"
        try:
            response = await http.send(request)
        except httpx.TransportError as failure:
            raise no_answer(place, failure) from None
        if response.is_success:
            return
        status = response.status_code
        refusal = f"{place} refuses chunk {index} (HTTP {status}): {_reason(response)}"
        raise_if_temporary(response, refusal)
        if status == HTTPStatus.FORBIDDEN:
            self._targets.forget()
            raise TemporaryFailure(refusal)
        raise ClientError(refusal)


class _Refusal(BaseModel):
    message: str


def _reason(response: httpx.Response) -> str:
    """The server's sentence; what another store says is taken as it is."""
    try:
        return _Refusal.model_validate_json(response.content).message
    except ValidationError:
        return " ".join(response.text[:300].split())
