"""A subscription that many share, and those who do, without a schema around them."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from typing import Any

from strawberry.types import ExecutionResult

from resolvers.context import Admit
from schema.execution.sharing import Sharing
from tests.support.waiting import until


class Source:
    """A subscription that sends what the test says, and counts how often it is executed."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.results: asyncio.Queue[Any] = asyncio.Queue()
        self.starts = self.ends = self.asked_again = 0

    async def __call__(self, admit: Admit) -> AsyncGenerator[ExecutionResult]:
        self.starts += 1
        try:
            if self._kind == "live":
                admit(None)
            while (result := await self.results.get()) is not None:
                if isinstance(result, Exception):
                    raise result
                if self._kind == "states":
                    admit(self.again)
                given = isinstance(result, ExecutionResult)
                yield result if given else ExecutionResult({"value": result}, None)
        finally:
            self.ends += 1

    def send(self, *values: Any) -> None:
        for value in values:
            self.results.put_nowait(value)

    def again(self) -> None:
        self.asked_again += 1


class Group:
    """Those who ask the same source."""

    def __init__(self, kind: str) -> None:
        self.source = Source(kind)
        self.sharing = Sharing()

    def member(self, key: Hashable = "key") -> "Follower":
        return Follower(self.sharing.join(key, self.source))


class Follower:
    """Reads ahead, so that it has always asked for the next message."""

    def __init__(self, stream: AsyncGenerator[ExecutionResult]) -> None:
        self.stream = stream
        self.got: list[ExecutionResult] = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for result in self.stream:
            self.got.append(result)

    @property
    def values(self) -> list[Any]:
        return [(result.data or {}).get("value") for result in self.got]

    async def has(self, *values: Any) -> None:
        async def arrived() -> bool:
            return self.values == list(values)

        try:
            await until(arrived, timeout_s=5)
        except TimeoutError:
            assert self.values == list(values)  # and says what came instead

    async def leave(self) -> None:
        self.reading.cancel()
        await asyncio.wait([self.reading])


async def settle() -> None:
    """Let everything run that can run without an event from outside."""
    for _ in range(20):
        await asyncio.sleep(0)
