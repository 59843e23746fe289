"""Rows of uploads, of their parts, and of the tasks that read what came."""

from db.models import UploadPart, UploadSession
from domain.error_codes import ErrorCode
from domain.tasks import TaskKind
from domain.uploads import UploadPurpose, UploadStatus
from tests.equivalence import values
from tests.equivalence.tables import OBJECTS, SHA256, Rows, key, moment, pick
from tests.equivalence.tasks import task


def upload(made: Rows, tenant: str, number: int) -> None:
    """Odd ones have parts; every third became, or was to become, a video."""
    id = key(tenant, "upload", number)
    chunks, huge = 1 + number % 5, number == 3
    size = 2**53 - 1 if huge else chunks * 65_536
    parts = [part for part in range(1, chunks + 1) if part % 3] if number % 2 else []
    made.add(
        UploadSession,
        id=id,
        account_id=key(tenant, "account"),
        status=pick(list(UploadStatus), number),
        title=pick(values.TITLES, 3 * number),
        description=pick(values.TEXTS, 2 * number),
        device_type=pick(values.TEXTS, number),
        purpose=pick(list(UploadPurpose), number),
        category_id=pick((None, None, key(tenant, "category", 1)), number),
        file_name=pick(values.TEXTS[:20], number + 2),
        content_type="video/mp4",
        sequential=number % 7 == 6,
        sha256=None if number % 7 == 6 else SHA256,
        storage_key=f"sources/{id}",
        storage_token=id.hex,
        speed=pick(values.NUMBERS, number),
        object_id=key(tenant, "object", number % OBJECTS) if number % 4 == 3 else None,
        file_size=size,
        chunk_size=2**50 if huge else 65_536,
        received_bytes=len(parts) * 12_345,
        received_chunks=len(parts),
        video_id=None if number % 3 else key(tenant, "video", number // 3),
        error_code=pick(list(ErrorCode), number) if number % 4 == 0 else None,
        error_message=pick(values.TEXTS, number) if number % 4 == 0 else None,
        created_at=moment(number),
        updated_at=moment(number + 2),
        expires_at=moment(number + 4),
    )
    for part in parts:
        made.add(UploadPart, session_id=id, number=part, size=12_345, sha256=SHA256)
    _reading(made, tenant, number)


def _reading(made: Rows, tenant: str, number: int) -> None:
    """The task that reads what came: odd ones check the whole of it first."""
    if number % 2:
        task(
            made,
            tenant,
            number + 1,
            id=key(tenant, "verify", number),
            kind=TaskKind.VERIFY,
            video_id=key(tenant, "video", number) if number % 3 == 0 else None,
            upload_session_id=key(tenant, "upload", number),
        )
    elif number % 3:
        task(
            made,
            tenant,
            number + 1,
            id=key(tenant, "probe", number),
            kind=TaskKind.PROBE,
            video_id=key(tenant, "video", number // 3),
        )
