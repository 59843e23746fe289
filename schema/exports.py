"""Rows as files to be downloaded."""

from datetime import datetime
from typing import Annotated, ClassVar, cast
from uuid import UUID

import strawberry

from db import models
from db.rows import Rows
from domain.tasks import TaskKind
from resolvers import exports
from resolvers.context import Context
from schema import ids
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import computed, relation
from schema.info import Info
from schema.scalars import Bytes, Sha256, Url
from schema.tasks import Task, register


def _download_url(ctx: Context, id: UUID, expires_at: datetime) -> str:
    return exports.url(ctx, id, expires_at)


@strawberry.type(description="What an export wrote: a table in CSV, in UTF-8, with a header.")
class ExportFile:
    model: ClassVar = models.ExportFile

    row_count: int = strawberry.field(description="Rows of the table, without the header.")
    file_size: Bytes = strawberry.field(description="Bytes of the file.")
    sha256: Sha256 = strawberry.field(description="Digest of the file.")
    download_url: Url = computed(
        _download_url,
        "id",
        "expires_at",
        context=True,
        description="Signed link that hands the file, with every URL in full, to whoever has it.",
    )
    expires_at: datetime = strawberry.field(
        description="When the link ends and the file is removed: 7 days after it was written."
    )


@strawberry.type(description="Writes rows into a file to be downloaded.")
class ExportTask(Task):
    kinds: ClassVar = None

    file_name: str | None = strawberry.field(description="Name that the file is saved under.")

    @relation(
        ExportFile | None,
        of="id",
        description="The file; null until it is written, and again when it has expired.",
    )
    @staticmethod
    def file(ctx: Context) -> Rows:
        return exports.file_of(ctx)


register(TaskKind.EXPORT, ExportTask)


@strawberry.input(description="What to export: give exactly one of these.", one_of=True)
class CreateExportInput:
    fetch_task_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        description="Id of a fetch: its rows, as they are when the export runs."
    )


@strawberry.type(description="The export as it is now.")
class ExportPayload(MutationPayload):
    task: ExportTask | None = strawberry.field(
        default=None, description="The export; null when there are errors."
    )


@strawberry.type
class ExportMutation:
    @strawberry.mutation(
        description="Write rows into a CSV file, in the background; watch the task for its link.",
        extensions=[ExpectedErrors(ExportPayload)],
    )
    async def create_export(
        self,
        info: Info,
        input: Annotated[CreateExportInput, strawberry.argument(description="Which rows.")],
    ) -> ExportPayload:
        sent = input.fetch_task_id.value if input.fetch_task_id else ""
        key = ids.decode(sent, "FetchTask", path=("fetchTaskId",))
        row = await exports.of_fetch(info.context, key, sent=sent)
        return ExportPayload(task=cast("ExportTask", row))
