"""Background work that callers can watch and cancel."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry import UNSET

from db import models
from domain.tasks import TaskKind
from resolvers import tasks
from schema import ids, nodes
from schema.connections import After, Before, Connection, First, Last, connection, window
from schema.enums import ErrorCode, TaskStatus, TranscodePass
from schema.errors import ExpectedErrors, MutationPayload
from schema.info import Info
from schema.nodes import Node
from schema.play_sets import PlaySet

if TYPE_CHECKING:
    from schema.uploads import UploadSession
    from schema.videos import Video

KINDS = {TaskKind.VERIFY: "VerifyTask", TaskKind.TRANSCODE: "TranscodeTask"}


@strawberry.type(description="Why a task or an upload ended without a result.")
class TaskError:
    code: ErrorCode = strawberry.field(description="Stable name of the failure.")
    message: str = strawberry.field(description="A whole English sentence.")

    @classmethod
    def of(cls, code: ErrorCode | None, message: str | None) -> Self | None:
        """None as long as nothing failed."""
        return None if code is None else cls(code=code, message=message or "")


@strawberry.interface(description="Work that goes on in the background.")
class Task(Node):
    row: strawberry.Private[models.Task]
    status: TaskStatus = strawberry.field(description="How far it is.")
    progress: float = strawberry.field(description="Part that is done, 0.0 to 1.0.")
    attempt: int = strawberry.field(
        description="Which run this is: 0 before the first, 2 when one had to be repeated."
    )
    worker: str | None = strawberry.field(
        description="The worker of the latest run; null before the first."
    )
    error: TaskError | None = strawberry.field(
        description="Why it failed or was cancelled; null otherwise."
    )
    log: str | None = strawberry.field(
        description="End of the log of the program that ran; null when there is none."
    )
    created_at: datetime = strawberry.field(description="When it was queued.")
    started_at: datetime | None = strawberry.field(description="When its first run began.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null until then.")

    @strawberry.field(description="The video that it works on; null before there is one.")
    async def video(
        self, info: Info
    ) -> Annotated["Video", strawberry.lazy("schema.videos")] | None:
        id = self.row.video_id
        return nodes.of(await info.context.load.video.load(id)) if id else None


@strawberry.type(description="Hashes and probes an uploaded file and makes a video of it.")
class VerifyTask(Task):
    @strawberry.field(description="The upload whose file it checks.")
    async def upload_session(
        self, info: Info
    ) -> Annotated["UploadSession", strawberry.lazy("schema.uploads")] | None:
        id = self.row.upload_session_id
        return nodes.of(await info.context.load.upload.load(id)) if id else None


@strawberry.type(description="One run of the encoder over a video.")
class TranscodeTask(Task):
    transcode_pass: TranscodePass | None = strawberry.field(
        name="pass", description="What it makes."
    )
    speed: float | None = strawberry.field(
        description="Seconds of video made in a second; null while it does not run."
    )

    @strawberry.field(description="The play sets that it makes, lowest rung first.")
    async def play_sets(self, info: Info) -> list[PlaySet]:
        rows = await info.context.load.play_sets_of_task.load(self.row.id)
        return [PlaySet.of(row) for row in rows]


def _common(row: models.Task) -> dict[str, Any]:
    return {
        "id": strawberry.ID(ids.encode(KINDS[row.kind], row.id)),
        "row": row,
        "status": row.status,
        "progress": row.progress,
        "attempt": row.attempt,
        "worker": row.worker,
        "error": TaskError.of(row.error_code, row.error_message),
        "log": row.log,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def task_of(row: models.Task) -> Task:
    """The object of the row's own kind."""
    if row.kind is TaskKind.VERIFY:
        return VerifyTask(**_common(row))
    return TranscodeTask(**_common(row), transcode_pass=row.transcode_pass, speed=row.speed)


nodes.of.register(models.Task, task_of)

Statuses = Annotated[
    list[TaskStatus] | None, strawberry.argument(description="Only tasks in these states.")
]


@strawberry.type
class TaskQuery:
    @strawberry.field(description="One task of yours; null when there is none with this id.")
    async def task(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the task.")],
    ) -> Task | None:
        key = ids.find(id, *KINDS.values())
        return nodes.of(await info.context.load.task.load(key)) if key else None

    @strawberry.field(description="Your tasks, newest first.")
    async def tasks(
        self,
        info: Info,
        *,
        first: First = 15,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        status: Statuses = UNSET,
    ) -> Connection[Task]:
        ctx, statuses = info.context, status or None
        page = await tasks.page(ctx, window(first, after, last, before), statuses)
        return connection(page, task_of, tasks.cursor, lambda: tasks.count(ctx, statuses))


@strawberry.type(description="The task as it is now.")
class TaskPayload(MutationPayload):
    task: Task | None = strawberry.field(
        default=None, description="The task; null when there are errors."
    )


@strawberry.type
class TaskMutation:
    @strawberry.mutation(
        description="End a task that waits or runs. Its program is stopped and nothing of its"
        " output stays; play sets that needed it fail.",
        extensions=[ExpectedErrors(TaskPayload)],
    )
    async def cancel_task(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the task.")],
    ) -> TaskPayload:
        key = ids.decode(id, *KINDS.values())
        return TaskPayload(task=task_of(await tasks.cancel(info.context, key, sent=id)))
