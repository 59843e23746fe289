"""What the workloads ask for and the product does not have yet. The one place that adds it.

`statistics` of a video, `danmu` of a video and `signedUrl` of a play set, over the tables
`bench_statistics` and `bench_danmu` of `dataset.py`: declared as docs/development/fields.md says.
"""

import hmac
import os
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

import strawberry
from sqlalchemy import BigInteger, ForeignKey, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.field import StrawberryField

from db.models import Base
from db.models import Video as VideoRow
from db.rows import Rows, Source, equals
from resolvers.context import Context
from schema import ids
from schema.execution.fields import as_text, computed, global_id, relation
from schema.play_sets import PlaySet
from schema.scalars import Bytes
from schema.videos import Video, VideoQuery

INSTALLED: Final = True
_SECRET: Final = bytes.fromhex(os.environ.get("SIGNING_SECRET", ""))
_MOST: Final = 1_000


class Statistics(Base):
    __tablename__ = "bench_statistics"

    video_id: Mapped[UUID] = mapped_column(ForeignKey("video.id"), primary_key=True)
    plays: Mapped[int] = mapped_column(BigInteger)
    viewers: Mapped[int] = mapped_column(BigInteger)
    traffic_bytes: Mapped[int] = mapped_column(BigInteger)
    danmu_count: Mapped[int]
    likes: Mapped[int]
    watch_seconds: Mapped[int] = mapped_column(BigInteger)


class Danmu(Base):
    __tablename__ = "bench_danmu"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    video_id: Mapped[UUID] = mapped_column(ForeignKey("video.id"))
    time_ms: Mapped[int]
    mode: Mapped[int]
    color: Mapped[int]
    size: Mapped[int]
    user_id: Mapped[str]
    content: Mapped[str]
    created_at: Mapped[datetime]


STATISTICS = Source(Statistics, {})
DANMU = Source(
    Danmu,
    {
        "account_id": lambda row, name: (
            select(VideoRow.id)
            .where(VideoRow.id == row.video_id, VideoRow.account_id == bindparam(name))
            .exists()
        ),
        "video_id": equals("video_id"),
        "from_ms": lambda row, name: row.time_ms >= bindparam(name),
    },
    lambda row: [row.time_ms, row.id],
)


@strawberry.type(name="VideoStatistics", description="How a video was watched.")
class VideoStatistics:
    model: ClassVar = Statistics

    plays: Bytes
    viewers: Bytes
    traffic_bytes: Bytes
    danmu_count: int
    likes: int
    watch_seconds: Bytes


@strawberry.type(name="Danmu", description="A comment that flies over the picture.")
class DanmuType:
    model: ClassVar = Danmu

    id: strawberry.ID = global_id(ids.encode, description="Its id.")
    time_ms: int
    mode: int
    color: int
    size: int
    user_id: str
    content: str
    created_at: datetime


def _signed_url(id: str) -> str:
    signature = hmac.digest(_SECRET, id.encode(), "sha256").hex()
    return f"https://cdn.example.com/v/{id}/{signature}/index.m3u8"


def _statistics() -> Any:  # noqa: ANN401  (a field of Strawberry's)
    @relation(VideoStatistics | None, of="id", description="How it was watched.")
    @staticmethod
    def statistics(ctx: Context) -> Rows:
        del ctx
        return Rows.of(STATISTICS, by="video_id")

    return statistics


def _danmu() -> Any:  # noqa: ANN401
    @relation(list[DanmuType], description="Comments from a moment of a video on.", assumed=1_000)
    @staticmethod
    def danmu(ctx: Context, *, video_id: strawberry.ID, from_ms: int, first: int) -> Rows | None:
        account_id, key = ctx.account_id, ids.find(video_id, "Video")
        if key is None:
            return None
        limit = min(first, _MOST)
        return Rows.of(DANMU, account_id=account_id, video_id=key, from_ms=from_ms, limit=limit)

    return danmu


def _add(kind: type[Any], name: str, field: StrawberryField) -> None:
    """Give a type of the product one more field, as if its class had it."""
    field.python_name = name
    field.origin = kind
    kind.__strawberry_definition__.fields.append(field)


def install() -> None:
    """Add the fields to the product's types; called before the schema is made of them."""
    signed = computed(_signed_url, as_text("id"), description="Where it is played.")
    signed.type_annotation = StrawberryAnnotation(str)
    _add(PlaySet, "signed_url", signed)
    _add(Video, "statistics", _statistics())
    _add(VideoQuery, "danmu", _danmu())
