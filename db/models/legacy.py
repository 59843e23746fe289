"""What older systems say of a video, an upload or a fetch: rows of several tables, as one.

They are read like tables and never written. What no query asks for costs nothing: PostgreSQL
puts each of these statements into the one that reads from it. What another row has is a
subquery, not an outer join: a column of a join would be known as one that is never null.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db.models.accounts import Account
from db.models.base import Base
from db.models.categories import Category
from db.models.play_sets import PlaySet
from db.models.tasks import ExportFile, Task
from db.models.templates import Template
from db.models.uploads import UploadSession
from db.models.videos import Video
from domain.play_sets import PlaySetStatus


def _table(model: type[Base]) -> Table:
    return Base.metadata.tables[model.__tablename__]


_ACCOUNT: Final = _table(Account)
_CATEGORY: Final = _table(Category)
_EXPORT: Final = _table(ExportFile)
_PLAY_SET: Final = _table(PlaySet)
_TASK: Final = _table(Task)
_TEMPLATE: Final = _table(Template)
_UPLOAD: Final = _table(UploadSession)
_VIDEO: Final = _table(Video)


def _made() -> ColumnElement[str | None]:
    """The states of its play sets, each with how it is encrypted: `ready/none uploading/none`."""
    slash, space = literal_column("'/'", Text()), literal_column("' '", Text())
    each = func.concat(_PLAY_SET.c.status, slash, _TEMPLATE.c.encryption)
    found = (
        select(func.string_agg(each.distinct(), aggregate_order_by(space, each)))
        .join_from(_PLAY_SET, _TEMPLATE, _TEMPLATE.c.id == _PLAY_SET.c.template_id)
        .where(_PLAY_SET.c.video_id == _VIDEO.c.id)
    )
    return cast(found.scalar_subquery(), Text)


def _size() -> ColumnElement[int]:
    """Bytes of what can be played."""
    ready = select(func.sum(_PLAY_SET.c.file_size)).where(
        _PLAY_SET.c.video_id == _VIDEO.c.id, _PLAY_SET.c.status == PlaySetStatus.READY
    )
    return cast(func.coalesce(ready.scalar_subquery(), literal_column("0")), BigInteger)


def _device_type() -> ColumnElement[Any]:
    """What sent its file; null when no upload did."""
    found = select(func.min(_UPLOAD.c.device_type)).where(_UPLOAD.c.video_id == _VIDEO.c.id)
    return found.scalar_subquery()


class VideoLegacy(Base):
    __table__ = select(
        _VIDEO.c.id,
        _VIDEO.c.status,
        _VIDEO.c.storage_id,
        _VIDEO.c.source_kind,
        _VIDEO.c.share_state,
        _VIDEO.c.aspect_ratio,
        _VIDEO.c.auto_play,
        _VIDEO.c.auth_play,
        _VIDEO.c.duration_ms,
        _VIDEO.c.created_at,
        _VIDEO.c.updated_at,
        _VIDEO.c.uploaded_at,
        _made().label("made"),
        _size().label("size"),
        _device_type().label("device_type"),
    ).subquery("video_legacy")
    __mapper_args__ = {"primary_key": [__table__.c.id]}  # noqa: RUF012


def _video_status() -> ColumnElement[Any]:
    """That of the video that the upload is to become; null without one."""
    return select(_VIDEO.c.status).where(_VIDEO.c.id == _UPLOAD.c.video_id).scalar_subquery()


class UploadLegacy(Base):
    __table__ = select(
        _UPLOAD.c.id,
        _UPLOAD.c.status,
        _UPLOAD.c.file_size,
        _UPLOAD.c.chunk_size,
        _UPLOAD.c.received_chunks,
        _UPLOAD.c.received_bytes,
        _video_status().label("video_status"),
    ).subquery("upload_legacy")
    __mapper_args__ = {"primary_key": [__table__.c.id]}  # noqa: RUF012


def _newest_file(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of the files with the rows of a fetch that can be downloaded, the one written last."""
    found = (
        select(column)
        .where(
            _EXPORT.c.source_task_id == _TASK.c.id,
            _EXPORT.c.key.is_not(None),
            _EXPORT.c.expires_at > func.now(),
        )
        .order_by(_EXPORT.c.expires_at.desc(), _EXPORT.c.id)
        .limit(literal_column("1", Integer()))
    )
    return found.scalar_subquery()


def _category_name() -> ColumnElement[Any]:
    """That of the category of its videos; null without one."""
    return select(_CATEGORY.c.name).where(_CATEGORY.c.id == _TASK.c.category_id).scalar_subquery()


class FetchLegacy(Base):
    __table__ = (
        select(
            _TASK.c.id,
            _TASK.c.status,
            _TASK.c.file_name,
            _TASK.c.list_size,
            _TASK.c.list_storage_id,
            _TASK.c.category_id,
            _TASK.c.total_count,
            _TASK.c.success_count,
            _TASK.c.fail_count,
            _TASK.c.created_at,
            _TASK.c.finished_at,
            _ACCOUNT.c.user_id,
            _category_name().label("category_name"),
            _newest_file(_EXPORT.c.id).label("export_id"),
            _newest_file(_EXPORT.c.expires_at).label("export_expires_at"),
        )
        .join_from(_TASK, _ACCOUNT, _ACCOUNT.c.id == _TASK.c.account_id)
        .subquery("fetch_legacy")
    )
    __mapper_args__ = {"primary_key": [__table__.c.id]}  # noqa: RUF012
