"""Fetching files from URLs."""

from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.fetches import NewRow, legacy_status
from domain.paging import Window
from domain.tasks import TaskKind
from domain.tasks import TaskStatus as Status
from resolvers import categories, fetches, videos
from resolvers.context import Context
from resolvers.fetches import NewFetch
from schema import ids, nodes
from schema.categories import Category, key_of
from schema.connections import connection
from schema.enums import TaskStatus
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import as_text, column, computed, inside, relation
from schema.info import Info
from schema.nodes import Node
from schema.objects import DeletePayload
from schema.scalars import Bytes, Upload, Url
from schema.task_errors import TaskError
from schema.tasks import Subject, Task, register


def _progress(status: Status, received: int, size: int | None) -> float | None:
    if status is Status.SUCCEEDED:
        return 1.0
    return min(1.0, received / size) if size else None


@strawberry.type(
    description="One URL of a fetch, and what became of it. RUNNING until its file was checked."
)
class FetchItem(Node):
    model: ClassVar = models.FetchItem

    position: int = strawberry.field(description="Its place in the list, from 1.")
    url: Url = strawberry.field(description="As you gave it. Exports have it, too.")
    title: str | None = strawberry.field(
        description="Title for the video; null: the name of the file."
    )
    source_id: str | None = strawberry.field(
        description="Its id in the system that `sourceType` names; null when none was given."
    )
    status: TaskStatus = strawberry.field(description="How far it is.")
    error: TaskError | None = inside(
        "error_code",
        description="Why it ended without a video, or why its last try failed; null otherwise.",
    )
    failures: int = strawberry.field(
        description="Tries that failed one after the other for reasons that may pass. At most 5"
        " follow the first; once more of the file has come, they are counted anew."
    )
    retry_at: datetime | None = strawberry.field(
        description="It is not tried again before; null unless its last try failed."
    )
    bytes_fetched: Bytes = strawberry.field(description="Bytes of the file that have come.")
    file_size: Bytes | None = strawberry.field(
        description="Bytes of the whole file; null until its server says it, or all has come."
    )
    progress: float | None = computed(
        _progress,
        "status",
        "bytes_fetched",
        "file_size",
        description="Part of the bytes that has come, 0.0 to 1.0; null as long as the size is.",
    )
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null until then.")

    @relation(
        Subject,
        of="video_id",
        description="The video that it becomes, from when all bytes are here. For"
        " DUPLICATE_CONTENT, the one that there was.",
    )
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)


nodes.register(FetchItem)


def _milliseconds(moment: datetime | None) -> float | None:
    return None if moment is None else float(int(moment.timestamp() * 1000))


def _fetch_id(key: str) -> str:
    return ids.encode("FetchTask", key)


def _category_id(key: str | None) -> str | None:
    return None if key is None else ids.encode("Category", key)


def _zero(value: int | None) -> int:
    return value or 0


@strawberry.type(
    description="A fetch by the names that older systems know: all lower case, Y and N for states,"
    " moments in milliseconds since 1970."
)
class FetchTaskLegacyView:
    taskid: strawberry.ID = computed(
        _fetch_id, as_text("id"), description="The fetch's id, as `id` has it."
    )
    originalname: str | None = column(
        "file_name", description="Name of the list; null when none was given."
    )
    classifyid: strawberry.ID | None = computed(
        _category_id,
        as_text("category_id"),
        description="Id of the category of its videos; null for the default one.",
    )
    seccesscount: int = computed(_zero, "success_count", description="Rows that became videos.")
    totalcount: int = computed(_zero, "total_count", description="Rows of the list.")
    failcount: int = computed(_zero, "fail_count", description="Rows that ended without a video.")
    status: str = computed(
        legacy_status, "status", description="`Y` when it was started, `N` while it is paused."
    )
    createtime: float | None = computed(
        _milliseconds, "created_at", description="When it was asked for."
    )
    endtime: float | None = computed(
        _milliseconds, "finished_at", description="When it ended; null until then."
    )


@strawberry.type(
    description="Fetches files from URLs and makes a video of each. Goes on until the last file"
    " was checked."
)
class FetchTask(Task):
    kinds: ClassVar = None

    file_name: str | None = strawberry.field(
        description="Name of the list; null when none was given."
    )
    total_count: int = computed(_zero, "total_count", description="Rows of the list.")
    success_count: int = computed(_zero, "success_count", description="Rows that became videos.")
    fail_count: int = computed(_zero, "fail_count", description="Rows that ended without a video.")
    legacy: FetchTaskLegacyView = inside(
        "id", description="The same in the terms of older systems."
    )

    @relation(
        Category | None,
        of="category_id",
        description="The category of its videos; null for the default one.",
    )
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)

    @connection(FetchItem, of="id", description="Its rows, in the order of the list.")
    @staticmethod
    def items(
        ctx: Context,
        window: Window,
        *,
        status: Annotated[
            list[TaskStatus] | None,
            strawberry.argument(description="Only rows in these states."),
        ] = UNSET,
    ) -> Rows:
        return fetches.items(ctx, window, statuses=status or None)


register(TaskKind.FETCH, FetchTask)


@strawberry.input(description="A file to fetch.")
class FetchItemInput:
    url: str = strawberry.field(
        description="http or https URL, up to `limits.maxUrlLength` characters."
    )
    title: str | None = strawberry.field(
        default=UNSET, description="Title of the video; without it, the name of the file."
    )
    source_id: str | None = strawberry.field(
        default=UNSET,
        description="Its id in the system that `sourceType` names. One makes one video.",
    )


@strawberry.input(description="What to fetch: give exactly one of these.", one_of=True)
class FetchSource:
    items: strawberry.Maybe[list[FetchItemInput]] = strawberry.field(
        description="The files themselves, up to `limits.maxFetchRows`."
    )
    csv_file: strawberry.Maybe[Upload] = strawberry.field(
        description="A list in CSV with the columns url, title and sourceId, in UTF-8 or GB18030,"
        " by the GraphQL multipart request specification; up to `limits.maxFetchListSize`."
    )
    csv_storage_id: strawberry.Maybe[str] = strawberry.field(
        description="`storageId` of such a list that is stored already."
    )


@strawberry.input(description="Files to be fetched from URLs.")
class CreateFetchInput:
    source: FetchSource = strawberry.field(description="What to fetch.")
    source_type: str | None = strawberry.field(
        default=UNSET,
        description="The system that each `sourceId` is of, up to 64 characters.",
    )
    category_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category of all the videos."
    )
    file_name: str | None = strawberry.field(
        default=UNSET,
        description="Name of the list, up to 255 characters; without it, the file's.",
    )
    skip_auto_transcode: bool = strawberry.field(
        default=False, description="Make nothing of the videos until `transcodeVideo` asks for it."
    )


@strawberry.type(description="The fetch as it is now.")
class FetchPayload(MutationPayload):
    task: FetchTask | None = strawberry.field(
        default=None, description="The fetch; null when there are errors."
    )


@strawberry.type
class FetchMutation:
    @strawberry.mutation(
        description="Fetch files from URLs, in the background, and make a video of each. When a"
        " URL cannot be one that we ask for, nothing is fetched.",
        extensions=[ExpectedErrors(FetchPayload)],
    )
    async def create_fetch(
        self,
        info: Info,
        input: Annotated[CreateFetchInput, strawberry.argument(description="What to fetch.")],
    ) -> FetchPayload:
        row = await _created(info.context, _new(input), input.source)
        return FetchPayload(task=cast("FetchTask", row))

    @strawberry.mutation(
        description="Delete a fetch with its rows and their exports. What is still being fetched"
        " is cancelled; videos stay.",
        extensions=[ExpectedErrors(DeletePayload)],
    )
    async def delete_fetch(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the fetch.")],
    ) -> DeletePayload:
        await fetches.delete(info.context, ids.decode(id, "FetchTask"), sent=id)
        return DeletePayload(deleted_ids=[id])


def _new(input: CreateFetchInput) -> NewFetch:
    return NewFetch(
        input.source_type or None,
        key_of(input.category_id),
        input.file_name or None,
        skip_auto_transcode=input.skip_auto_transcode,
    )


async def _created(ctx: Context, new: NewFetch, source: FetchSource) -> models.Task:
    if source.csv_file:
        return await fetches.of_file(ctx, new, source.csv_file.value)
    if source.csv_storage_id:
        return await fetches.of_object(ctx, new, source.csv_storage_id.value)
    given = source.items.value if source.items else []
    rows = [NewRow(one.url, one.title or None, one.source_id or None) for one in given]
    return await fetches.of_rows(ctx, new, rows)
