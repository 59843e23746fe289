"""Statements about upload sessions and their parts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    case,
    func,
    select,
    update,
)

from db import accounts, categories, videos
from db.models import UploadSession
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.errors import DomainError, LimitExceeded, QuotaExceeded
from domain.uploads import (
    OPEN,
    TAKES_CHUNKS,
    UploadLimits,
    UploadPurpose,
    UploadStatus,
)

UPLOADS = Source(
    UploadSession,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "statuses": among("status"),
        "device_types": among("device_type"),
    },
)
NEWEST_FIRST = Order("created_at")


async def by_id(session: ReadSession, id: UUID) -> UploadSession | None:
    """For holders of a signed link and for workers; callers of the API use `of_account`."""
    return await session.get(UploadSession, id)


async def by_ids(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, UploadSession]:
    rows = await session.scalars(select(UploadSession).where(UploadSession.id.in_(ids)))
    return {row.id: row for row in rows}


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, UploadSession]:
    rows = await session.scalars(
        select(UploadSession).where(
            UploadSession.id.in_(ids), UploadSession.account_id == account_id
        )
    )
    return {row.id: row for row in rows}


async def add(session: WriteSession, upload: UploadSession) -> None:
    """Insert the row and fill in what the database chose.

    The account's row is locked (`make_room`). A category that has gone since it was looked up is
    left out.
    """
    upload.category_id = await categories.remaining(session, upload.category_id)
    session.add(upload)
    await session.flush()
    await session.refresh(upload)


def size(upload: UploadSession) -> int:
    """Bytes that are not counted yet: those of partial uploads are."""
    return 0 if upload.partials else upload.file_size


async def make_room(
    session: WriteSession, account_id: UUID, size: int, limits: UploadLimits, *, sessions: int = 0
) -> None:
    """Refuse what would bring the account above its quota or its open sessions.

    Raises `LimitExceeded` or `QuotaExceeded`. The account's row is locked until the
    transaction ends, so that sessions opened at once are counted one after the other.
    """
    account = await accounts.lock(session, account_id)
    counts_by_pieces = UploadSession.partials.is_not(None) & UploadSession.status.in_(TAKES_CHUNKS)
    counted = case((counts_by_pieces, 0), else_=UploadSession.file_size)
    waiting, coming = (
        await session.execute(
            select(
                func.count().filter(UploadSession.status.in_(TAKES_CHUNKS)),
                func.coalesce(func.sum(counted), 0),
            ).where(UploadSession.account_id == account_id, UploadSession.status.in_(OPEN))
        )
    ).one()
    if waiting + sessions > limits.open_sessions:
        raise LimitExceeded(
            "The number of open upload sessions",
            limit=limits.open_sessions,
            actual=waiting + sessions,
        )
    quota = account.storage_quota if account.storage_quota is not None else limits.storage_quota
    total = account.storage_used + int(coming) + size
    if quota is not None and total > quota:
        raise QuotaExceeded("The storage needed", limit=quota, actual=total, path=["fileSize"])


async def resumable(session: ReadSession, account_id: UUID, sha256: str) -> UploadSession | None:
    """The account's newest session that still takes chunks of a video of these bytes."""
    return await session.scalar(
        select(UploadSession)
        .where(
            UploadSession.account_id == account_id,
            UploadSession.sha256 == sha256,
            UploadSession.status.in_(TAKES_CHUNKS),
            UploadSession.purpose == UploadPurpose.VIDEO,
            UploadSession.sequential.is_(False),
        )
        .order_by(UploadSession.created_at.desc())
        .limit(1)
    )


async def fresh(session: WriteSession, upload: UploadSession) -> UploadSession:
    """The row as this transaction has changed it."""
    await session.refresh(upload)
    return upload


async def lock(session: WriteSession, id: UUID) -> UploadSession | None:
    """The session's row, locked until the transaction ends."""
    return await session.scalar(
        select(UploadSession)
        .where(UploadSession.id == id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def lock_with_video(session: WriteSession, id: UUID) -> UploadSession | None:
    """As `lock`, for whoever may change its video, too: that, and the account, are locked first."""
    upload = await by_id(session, id)
    if upload is None:
        return None
    await accounts.lock(session, upload.account_id)
    if upload.video_id is not None:
        await videos.lock(session, upload.video_id)
    return await lock(session, id)


async def change_status(
    session: WriteSession,
    id: UUID,
    status: UploadStatus,
    *,
    expected: Sequence[UploadStatus],
    failure: DomainError | None = None,
    **values: object,
) -> bool:
    """Move the session to `status` if it is in one of the `expected` ones.

    `values` are further columns that change with it.
    """
    changed = await session.scalar(
        update(UploadSession)
        .where(UploadSession.id == id, UploadSession.status.in_(expected))
        .values(
            status=status,
            error_code=failure.code if failure else None,
            error_message=str(failure) if failure else None,
            **values,
        )
        .returning(UploadSession.id)
    )
    return changed is not None


async def close_of_videos(
    session: WriteSession, video_ids: Collection[UUID], failure: DomainError
) -> list[UploadSession]:
    """End the sessions that bring files of these videos, or whose files are checked for them.

    Returns them: CANCELLED, or FAILED by the check that is ended.
    """
    is_checked = UploadSession.status == UploadStatus.VERIFYING
    rows = await session.scalars(
        update(UploadSession)
        .where(UploadSession.video_id.in_(video_ids), UploadSession.status.in_(OPEN))
        .values(
            status=case((is_checked, UploadStatus.FAILED), else_=UploadStatus.CANCELLED),
            error_code=case((is_checked, failure.code)),
            error_message=case((is_checked, str(failure))),
        )
        .returning(UploadSession),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)


async def uncleared(
    session: ReadSession, *, before: datetime, limit: int = 100
) -> list[UploadSession]:
    """Sessions that were closed before then, and whose bytes may still be in the store."""
    rows = await session.scalars(
        select(UploadSession)
        .where(
            UploadSession.status.not_in(OPEN),
            (UploadSession.purpose != UploadPurpose.PARTIAL)
            | (UploadSession.status != UploadStatus.COMPLETED),
            UploadSession.storage_token != "",
            UploadSession.updated_at < before,
        )
        .limit(limit)
    )
    return list(rows)


async def cleared(session: WriteSession, ids: Sequence[UUID]) -> None:
    """The store holds nothing of these uploads any more."""
    await session.execute(
        update(UploadSession)
        .where(UploadSession.id.in_(ids))
        .values(storage_token="", updated_at=UploadSession.updated_at)
    )


async def made_of(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> UploadSession | None:
    """The account's upload that these partial ones became, in this order."""
    return await session.scalar(
        select(UploadSession).where(
            UploadSession.account_id == account_id,
            UploadSession.partials == list(ids),
            UploadSession.status.in_((UploadStatus.VERIFYING, UploadStatus.COMPLETED)),
        )
    )


async def close_partials(session: WriteSession, ids: Sequence[UUID]) -> int:
    """They become part of another upload, which removes their bytes when it needs them no more.

    Returns how many of them were open.
    """
    closed = await session.scalars(
        update(UploadSession)
        .where(UploadSession.id.in_(ids), UploadSession.status.in_(TAKES_CHUNKS))
        .values(status=UploadStatus.COMPLETED)
        .returning(UploadSession.id)
    )
    return len(closed.all())


async def due(session: ReadSession, *, now: datetime) -> list[UUID]:
    """The sessions whose time is over, and that are open still."""
    rows = await session.scalars(
        select(UploadSession.id).where(
            UploadSession.status.in_(TAKES_CHUNKS), UploadSession.expires_at < now
        )
    )
    return list(rows)
