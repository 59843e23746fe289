"""Batching: the fields of many objects ask one by one, and one statement answers them all.

Loaders never cache. A cached row would be stale after a mutation in the same request, and in
every message of a subscription but the first.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from db import tasks, uploads, videos
from db.models import PlaySet, Task, UploadSession, Video
from db.paging import Page
from db.session import Database, ReadSession
from domain.paging import Window
from domain.tasks import TaskStatus

Found = TypeVar("Found")
Read = Callable[[ReadSession, Sequence[UUID]], Awaitable[Mapping[UUID, Found]]]
Loader = DataLoader[UUID, Found]
Key = TypeVar("Key")
Kind = TypeVar("Kind")
Statuses = frozenset[TaskStatus] | None
TaskPage = tuple[UUID, Statuses, Window]
TaskCount = tuple[UUID, Statuses]


class Loaders:
    """Loaders of one request. `account_id` is whose rows there are; other rows are not found."""

    def __init__(self, db: Database, account_id: Callable[[], UUID]) -> None:
        self._db = db
        self._account_id = account_id
        self.video: Loader[Video | None] = self._rows(videos.of_account)
        self.play_set: Loader[PlaySet | None] = self._rows(videos.play_sets_of_account)
        self.task: Loader[Task | None] = self._rows(tasks.of_account)
        self.upload: Loader[UploadSession | None] = self._rows(uploads.of_account)
        self.task_of_upload: Loader[Task | None] = self._loader(tasks.of_upload)
        # The parents of these come from the loaders above, so they are the viewer's own.
        self.play_sets: Loader[list[PlaySet]] = self._loader(videos.play_sets)
        self.play_sets_of_task: Loader[list[PlaySet]] = self._loader(videos.play_sets_of_tasks)
        self.tasks_of_video = DataLoader(self._task_pages, cache=False)
        self.task_count_of_video = DataLoader(self._task_counts, cache=False)
        self.received_chunks: Loader[list[int]] = self._loader(uploads.parts)

    async def _task_pages(self, keys: list[TaskPage]) -> Sequence[Page[Task]]:
        """One statement for each different window: in one document there are few."""
        found: dict[TaskPage, Page[Task]] = {}
        async with self._db.read() as session:
            for (statuses, window), group in _grouped(keys, lambda key: key[1:]).items():
                ids = [id for id, *_ in group]
                pages = await tasks.pages_of_videos(session, ids, statuses, window)
                found |= {key: pages[key[0]] for key in group}
        return [found[key] for key in keys]

    async def _task_counts(self, keys: list[TaskCount]) -> Sequence[int]:
        found: dict[TaskCount, int] = {}
        async with self._db.read() as session:
            for statuses, group in _grouped(keys, lambda key: key[1]).items():
                counts = await tasks.counts_of_videos(session, [id for id, _ in group], statuses)
                found |= {key: counts[key[0]] for key in group}
        return [found[key] for key in keys]

    def _rows(
        self,
        read: Callable[[ReadSession, UUID, Sequence[UUID]], Awaitable[Mapping[UUID, Found]]],
    ) -> Loader[Found | None]:
        async def load(keys: list[UUID]) -> Sequence[Found | None]:
            account_id = self._account_id()
            async with self._db.read() as session:
                found = await read(session, account_id, keys)
            return [found.get(key) for key in keys]

        return DataLoader(load, cache=False)

    def _loader(self, read: Read[Found]) -> Loader[Found]:
        async def load(keys: list[UUID]) -> Sequence[Found]:
            async with self._db.read() as session:
                found = await read(session, keys)
            return [found.get(key) for key in keys]  # pyright: ignore[reportReturnType]

        return DataLoader(load, cache=False)


def _grouped(keys: Sequence[Key], kind: Callable[[Key], Kind]) -> dict[Kind, list[Key]]:
    groups: dict[Kind, list[Key]] = {}
    for key in keys:
        groups.setdefault(kind(key), []).append(key)
    return groups
