"""Rows of tasks of every kind, and of what fetches and exports have besides."""

from datetime import timedelta
from typing import Any, Final

from db.models import ExportFile, FetchItem, Task
from domain.error_codes import ErrorCode
from domain.tasks import TaskKind, TaskStatus
from tests.equivalence import values
from tests.equivalence.tables import Rows, digest, key, moment, pick
from tests.support.factories import EPOCH

OF_SOME_KINDS: Final = (
    *("video_id", "upload_session_id", "transcode_pass"),
    *("file_name", "list_size", "list_storage_id"),  # those that have many rows
    *("total_count", "success_count", "fail_count"),
    *("object_id", "at_ms"),  # those that make covers
)
"""Columns that are null in tasks of the other kinds."""


def task(made: Rows, tenant: str, number: int, **row: Any) -> None:
    failed = number % 3 == 0
    made.add(
        Task,
        account_id=key(tenant, "account"),
        status=pick(list(TaskStatus), number),
        progress=pick(values.PARTS_OF_ONE, number),
        speed=pick(values.NUMBERS, number),
        attempt=number % 4,
        command=pick(values.TEXTS, number + 3),
        queue="transcode" if number % 5 else None,
        job_id=number if number % 4 else None,
        priority=number % 2,
        cost_s=pick(values.NUMBERS, number + 1),
        redo=number % 2 == 1,
        worker=pick(values.TEXTS, number + 1),
        error_code=pick(list(ErrorCode), number) if failed else None,
        error_message=pick(values.TEXTS, number // 3) if failed else None,
        log=pick(values.TEXTS, 3 * number + 2),
        created_at=moment(2 * number),
        started_at=None if number % 2 else moment(number + 2),
        finished_at=None if number % 3 else moment(number + 3),
        **(dict.fromkeys(OF_SOME_KINDS) | row),
    )


def fetch(made: Rows, tenant: str, number: int) -> None:
    """With no row, or as many as the number says; each in another state."""
    id = key(tenant, "fetch", number)
    task(
        made,
        tenant,
        number + 2,
        id=id,
        kind=TaskKind.FETCH,
        file_name=pick(values.TEXTS[:20], number),
        list_size=pick((None, *values.SIZES), number),
        list_storage_id=pick((None, f"{tenant}-1"), number),
        category_id=pick((None, key(tenant, "category", 1)), number),
        total_count=number,
        success_count=number // 2,
        fail_count=pick((0, None, 1), number),
    )
    for place in range(number):
        made.add(
            FetchItem,
            id=key(id, place),
            task_id=id,
            position=place + 1,
            url=f"http://films.example/{place}?{pick(values.TITLES, number)}",
            title=pick(values.TEXTS[:20], 2 * place + number),
            source_id=pick((None, "", "7"), place),
            status=pick(list(TaskStatus), place + number),
            video_id=key(tenant, "video", place) if place % 2 else None,
            bytes_fetched=pick(values.SIZES, place),
            file_size=pick((None, *values.SIZES), place),
            failures=place,
            retry_at=None if place % 2 else moment(place),
            error_code=pick(list(ErrorCode), place) if place % 3 == 0 else None,
            error_message=pick(values.TEXTS, place) if place % 3 == 0 else None,
            created_at=moment(number),
            finished_at=None if place % 2 else moment(place + 1),
        )


def export(made: Rows, tenant: str, number: int) -> None:
    """Odd ones have no file, yet or any more."""
    id, written = key(tenant, "export", number), number % 2 == 0
    task(
        made,
        tenant,
        number + 3,
        id=id,
        kind=TaskKind.EXPORT,
        file_name=pick(values.TEXTS[:20], number),
    )
    made.add(
        ExportFile,
        id=key(tenant, "file", number),
        task_id=id,
        source_task_id=key(tenant, "fetch", number),
        file_name="rows.csv",
        key=f"exports/{id.hex}/1.csv" if written else None,
        row_count=number if written else None,
        file_size=pick(values.SIZES, number) if written else None,
        sha256=digest(number) if written else None,
        expires_at=EPOCH + timedelta(days=36_500) if written else None,  # else it is gone
    )
