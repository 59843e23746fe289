"""Background work that callers can watch and cancel."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.paging import Window
from domain.tasks import TaskKind
from resolvers import play_sets, tasks, uploads, videos
from resolvers.context import Context
from schema import ids, nodes
from schema.connections import connection
from schema.enums import ErrorCode, TaskStatus, TranscodePass
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import column, computed, inside, relation
from schema.info import Info
from schema.nodes import Node
from schema.play_sets import PlaySet

if TYPE_CHECKING:
    from schema.uploads import UploadSession
    from schema.videos import Video

Subject: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")] | None
Upload: TypeAlias = Annotated["UploadSession", strawberry.lazy("schema.uploads")] | None

KINDS = {
    TaskKind.VERIFY: "VerifyTask",
    TaskKind.PROBE: "ProbeTask",
    TaskKind.TRANSCODE: "TranscodeTask",
    TaskKind.FETCH: "FetchTask",
    TaskKind.EXPORT: "ExportTask",
}


def _sentence(message: str | None) -> str:
    return message or ""


@strawberry.type(description="Why a task or an upload ended without a result.")
class TaskError:
    """Made of columns of the task or the upload itself."""

    code: ErrorCode = column("error_code", description="Stable name of the failure.")
    message: str = computed(_sentence, "error_message", description="A whole English sentence.")


@strawberry.interface(description="Work that goes on in the background.")
class Task(Node):
    model: ClassVar = models.Task
    kinds: ClassVar = ("kind", {str(kind.value): name for kind, name in KINDS.items()})

    status: TaskStatus = strawberry.field(description="How far it is.")
    progress: float = strawberry.field(description="Part that is done, 0.0 to 1.0.")
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
    created_at: datetime = strawberry.field(description="When it was queued.")
    started_at: datetime | None = strawberry.field(description="When its first run began.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null until then.")

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


@strawberry.type(description="Looks into a stored file that is to become a video.")
class ProbeTask(Task):
    kinds: ClassVar = None


@strawberry.type(description="One run of the encoder over a video.")
class TranscodeTask(Task):
    kinds: ClassVar = None

    transcode_pass: TranscodePass | None = strawberry.field(
        name="pass", description="What it makes."
    )
    speed: float | None = strawberry.field(
        description="Seconds of video made in a second; null while it does not run."
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


nodes.register(Task)

Statuses = Annotated[
    list[TaskStatus] | None, strawberry.argument(description="Only tasks in these states.")
]


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
    def tasks(ctx: Context, window: Window, *, status: Statuses = UNSET) -> Rows:
        return tasks.page(ctx, window, statuses=status or None)


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
        row = await tasks.cancel(info.context, key, sent=id)
        return TaskPayload(task=cast("Task", row))
