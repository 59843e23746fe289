"""Background work that callers can watch, stop and run again."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeAlias, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.errors import InvalidArgument, NotFound
from domain.paging import Window
from domain.tasks import TaskKind
from resolvers import play_sets, tasks, uploads, videos
from resolvers.context import Context
from resolvers.tasks import Wanted
from schema import ids, nodes
from schema.connections import connection
from schema.enums import TaskStatus, TranscodePass
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import inside, relation
from schema.info import Info
from schema.nodes import Node
from schema.play_sets import PlaySet
from schema.ranges import DateTimeRange
from schema.task_errors import TaskError

if TYPE_CHECKING:
    from schema.uploads import UploadSession
    from schema.videos import Video

Subject: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")] | None
Upload: TypeAlias = Annotated["UploadSession", strawberry.lazy("schema.uploads")] | None

NOBODY: Final = UUID(int=0)
"""No row has this key."""
KINDS: Final[dict[str, str]] = {}
"""The name of each kind's type. It grows as their modules are loaded: read it late."""
TYPES: Final[list[type["Task"]]] = []


def register(kind: TaskKind, shown_as: type["Task"]) -> None:
    """Make known that tasks of a kind are objects of this type. To be called below the type."""
    KINDS[kind.value] = shown_as.__name__
    TYPES.append(shown_as)


@strawberry.interface(description="Work that goes on in the background.")
class Task(Node):
    model: ClassVar = models.Task
    kinds: ClassVar = ("kind", KINDS)

    status: TaskStatus = strawberry.field(description="How far it is.")
    progress: float = strawberry.field(description="Part that is done, 0.0 to 1.0.")

    @strawberry.field(
        description="Jobs of the same queue that go before it, whosever they are: 0 when it is the"
        " next. Null unless it is QUEUED, and while it waits for another task."
    )
    @staticmethod
    async def queue_position(root: strawberry.Parent[models.Task], info: Info) -> int | None:
        return await tasks.queue_position(info.context, root)

    @strawberry.field(
        description="When it will probably be done, by what the like has taken lately. Null when"
        " it is over or PAUSED, when nobody works, or when nobody can tell."
    )
    @staticmethod
    async def estimated_ready_at(
        root: strawberry.Parent[models.Task], info: Info
    ) -> datetime | None:
        return await tasks.ready_at(info.context, root)

    attempt: int = strawberry.field(
        description="Which run this is: 0 before the first, 2 when one had to be repeated."
    )
    worker: str | None = strawberry.field(
        description="The worker of the latest run; null before the first."
    )
    error: TaskError | None = inside(
        "error_code", description="Why it failed or was cancelled; null otherwise."
    )
    log: str | None = strawberry.field(
        description="End of the log of the program that ran; null when there is none."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    started_at: datetime | None = strawberry.field(
        description="When its first run began; null before."
    )
    finished_at: datetime | None = strawberry.field(
        description="When it ended; null until then, and again when it is retried."
    )

    @relation(
        Subject,
        of="video_id",
        description="The video that it works on; null before there is one.",
    )
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)


@strawberry.type(description="Hashes an uploaded file, and makes of it what it was sent for.")
class VerifyTask(Task):
    kinds: ClassVar = None

    @relation(
        Upload,
        of="upload_session_id",
        description="The upload whose file it checks.",
    )
    @staticmethod
    def upload_session(ctx: Context) -> Rows:
        return uploads.own(ctx)


register(TaskKind.VERIFY, VerifyTask)


@strawberry.type(description="Looks into a stored file that is to become a video.")
class ProbeTask(Task):
    kinds: ClassVar = None


register(TaskKind.PROBE, ProbeTask)


@strawberry.type(description="One run of the encoder over a video.")
class TranscodeTask(Task):
    kinds: ClassVar = None

    transcode_pass: TranscodePass | None = strawberry.field(
        name="pass", description="What it makes."
    )
    speed: float | None = strawberry.field(
        description="Seconds of video made in a second; null while it does not run."
    )
    command: str | None = strawberry.field(
        description="What the latest run started, as a shell would want it; in place of files it"
        " has `source` and `output`. Null before there was one."
    )
    redo: bool = strawberry.field(
        description="Whether its play sets take the place of others, which stay until then."
    )

    @relation(
        list[PlaySet],
        of="id",
        description="The play sets that it makes, lowest rung first.",
        assumed=6,
    )
    @staticmethod
    def play_sets(ctx: Context) -> Rows:
        return play_sets.of_task(ctx)


register(TaskKind.TRANSCODE, TranscodeTask)
nodes.register(Task)


@strawberry.input(description="Which tasks a list holds: those that fit every field given.")
class TaskFilter:
    status: list[TaskStatus] | None = strawberry.field(
        default=UNSET, description="Only tasks in these states; an empty list is any."
    )
    kind: list[TaskKind] | None = strawberry.field(
        default=UNSET, description="Only tasks that do one of these; an empty list is any."
    )
    video_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Only tasks that work on this video."
    )
    created: DateTimeRange | None = strawberry.field(
        default=UNSET, description="Only tasks that were made in this time."
    )


def key_of(id: str) -> UUID:
    """The key of a task, of whichever type. Raises `NotFound`."""
    key = ids.find(id, *KINDS.values())
    if key is None:
        raise NotFound("Task", id, path=["id"])
    return key


Filter = Annotated[TaskFilter | None, strawberry.argument(description="Only some of them.")]


def wanted(filter: TaskFilter | None) -> Wanted:
    """The filter as resolvers want it. Raises `InvalidArgument`."""
    if not filter:
        return Wanted()
    created = filter.created or DateTimeRange()
    if created.from_ and created.to and created.from_ > created.to:
        raise InvalidArgument("created.from is after created.to.", path=["filter", "created"])
    one_video = filter.video_id is not None and filter.video_id is not UNSET
    return Wanted(
        statuses=filter.status or None,
        kinds=filter.kind or None,
        video_id=ids.find(str(filter.video_id), "Video") or NOBODY if one_video else None,
        created_from=created.from_ or None,
        created_before=created.to or None,
    )


@strawberry.type
class TaskQuery:
    @relation(Task | None, description="One task of yours; null when there is none with this id.")
    @staticmethod
    def task(
        ctx: Context,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the task.")],
    ) -> Rows | None:
        return tasks.by_id(ctx, ids.find(id, *KINDS.values()))

    @connection(Task, description="Your tasks, newest first.")
    @staticmethod
    def tasks(ctx: Context, window: Window, *, filter: Filter = UNSET) -> Rows:
        return tasks.page(ctx, window, wanted(filter))


@strawberry.type(description="The task as it is now.")
class TaskPayload(MutationPayload):
    task: Task | None = strawberry.field(
        default=None, description="The task; null when there are errors."
    )


TaskId = Annotated[strawberry.ID, strawberry.argument(description="Id of the task.")]
Change = Callable[..., Awaitable[models.Task]]


@strawberry.type
class TaskMutation:
    @strawberry.mutation(
        description="End a task that waits, runs or is PAUSED. Its program is stopped and nothing"
        " of its output stays; play sets that needed it fail, and those that it was to replace"
        " stay. Cancelling again changes nothing.",
        extensions=[ExpectedErrors(TaskPayload)],
    )
    async def cancel_task(self, info: Info, id: TaskId) -> TaskPayload:
        return await _change(tasks.cancel, info, id)

    @strawberry.mutation(
        description="Run a task again that is FAILED, CANCELLED or PARTIAL: what it did not make,"
        " and what was cancelled with it. INVALID_STATE when there is nothing left to work on, as"
        " after the check of an upload, whose bytes are gone.",
        extensions=[ExpectedErrors(TaskPayload)],
    )
    async def retry_task(self, info: Info, id: TaskId) -> TaskPayload:
        return await _change(tasks.retry, info, id)

    @strawberry.mutation(
        description="Stop a task until `resumeTask`; what it has done stays. Only what goes on"
        " where it was stopped can be paused: a fetch. Pausing again changes nothing.",
        extensions=[ExpectedErrors(TaskPayload)],
    )
    async def pause_task(self, info: Info, id: TaskId) -> TaskPayload:
        return await _change(tasks.pause, info, id)

    @strawberry.mutation(
        description="Have a PAUSED task go on. Resuming one that waits or runs changes nothing.",
        extensions=[ExpectedErrors(TaskPayload)],
    )
    async def resume_task(self, info: Info, id: TaskId) -> TaskPayload:
        return await _change(tasks.resume, info, id)


async def _change(change: Change, info: Info, id: str) -> TaskPayload:
    row = await change(info.context, key_of(id), sent=id)
    return TaskPayload(task=cast("Task", row))
