"""Batching: fields that are resolved object by object ask one by one; one statement answers.

Loaders never cache. A cached row would be stale after a mutation in the same request, and in
every message of a subscription but the first.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from db import forecasts, records
from db.paging import Page
from db.reader import Keys, Reader
from db.rows import Asked, Rows
from db.session import Database, ReadSession
from domain.forecasts import Forecast

Found = TypeVar("Found")
Key = TypeVar("Key", bound=Hashable)
Read = Callable[[Rows, Keys | None], Awaitable[Sequence[Found]]]
Ask = Callable[[ReadSession, Sequence[UUID]], Awaitable[Mapping[UUID, Found]]]
"""A statement that says something of each of these keys."""

_MOST: Final = 256
"""Wishes remembered: a socket may stay for days and ask for ever other pages."""


class Loaders:
    """Loaders of one request. Whose rows there are, the wishes say: see resolvers/."""

    def __init__(self, reader: Reader, db: Database) -> None:
        self._reader, self._db = reader, db
        self._rows: _Batches[list[Any]] = _Batches(self._records)
        self._pages: _Batches[Page] = _Batches(self._record_pages)
        self._counts: _Batches[int] = _Batches(reader.counts)
        self._answers: dict[Ask[Any], DataLoader[UUID, Any]] = {}

    async def rows(self, wanted: Rows, key: UUID | None = None) -> list[Any]:
        """All rows, or those of one parent, as records of their whole table."""
        return await self._rows.load(wanted, key)

    async def row(self, wanted: Rows, key: UUID | None = None) -> Any:  # noqa: ANN401  (of the wish's table)
        """The first row, if there is one."""
        found = await self.rows(wanted, key)
        return found[0] if found else None

    async def page(self, wanted: Rows, key: UUID | None = None) -> Page:
        return await self._pages.load(wanted, key)

    async def count(self, wanted: Rows, key: UUID | None = None) -> int:
        return await self._counts.load(wanted, key)

    async def answer(self, ask: Ask[Found], key: UUID) -> Found:
        """What a statement says of a thing of the caller's own.

        `ask` is the same object each time, such as a function of a module: there are few.
        """
        loader = self._answers.get(ask)
        if loader is None:
            loader = self._answers[ask] = DataLoader(partial(self._answered, ask), cache=False)
        return await _loaded(loader, key)

    async def forecast(self, task_id: UUID) -> Forecast:
        """What is to be expected of a task of the caller's own."""
        return await self.answer(forecasts.of_tasks, task_id)

    async def _answered(self, ask: Ask[Any], keys: list[UUID]) -> list[Any]:
        async with self._db.read() as session:
            found = await ask(session, list(dict.fromkeys(keys)))
        return [found[key] for key in keys]

    async def _records(self, wanted: Rows, keys: Keys | None) -> list[list[Any]]:
        found = await self._reader.rows(wanted, _columns(wanted), keys)
        return [_recorded(wanted, one) for one in found]

    async def _record_pages(self, wanted: Rows, keys: Keys | None) -> list[Page]:
        found = await self._reader.pages(wanted, _columns(wanted), keys)
        return [Page(_recorded(wanted, one.rows), one.has_next, one.has_previous) for one in found]


class _Batches(Generic[Found]):
    """A loader of keys for each different wish: in one document there are few."""

    def __init__(self, read: Read[Found]) -> None:
        self._read = read
        self._loaders: OrderedDict[Rows, DataLoader[UUID | None, Found]] = OrderedDict()

    async def load(self, wanted: Rows, key: UUID | None) -> Found:
        if wanted.by is None:
            return (await self._read(wanted, None))[0]
        loader = self._loaders.get(wanted)
        if loader is None:
            loader = self._loaders[wanted] = DataLoader(partial(self._read, wanted), cache=False)
            if len(self._loaders) > _MOST:
                self._loaders.popitem(last=False)
        return await _loaded(loader, key)


async def _loaded(loader: DataLoader[Key, Found], key: Key) -> Found:
    batch: Any = loader.batch
    if batch is not None and all(one.future.cancelled() for one in batch.tasks):
        loader.batch = None  # Strawberry never runs it, and would let us wait for it for ever
    return await loader.load(key)


def _columns(wanted: Rows) -> Sequence[Asked]:
    return records.value_columns(wanted.source.model)


def _recorded(wanted: Rows, found: Sequence[Any]) -> list[Any]:
    return records.records(wanted.source.model, found)
