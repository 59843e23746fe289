"""What to watch after a video: what was computed for it, and after that the newest.

It is read like a table and never written. The newest are there for videos that were not computed
yet, for callers that leave out all that was computed, and for what has come and gone since. So
whoever has another video that can be played is never left without one.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    all_,
    cast,
    extract,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from db.models.base import Base
from db.models.plays import Recommendation
from db.models.videos import Video
from domain.recommendations import MAX_EXCLUDED, Reason
from domain.videos import ShareState, VideoStatus

NEWEST: Final = MAX_EXCLUDED + 2
"""So many that one is left without the video itself and those that a caller leaves out."""

_VIDEO: Final[Table] = Base.metadata.tables[Video.__tablename__]
_MADE: Final[Table] = Base.metadata.tables[Recommendation.__tablename__]
_OF_CATEGORY: Final = 10**18
_OF_ACCOUNT: Final = 2 * 10**18
"""Places of the newest, less the microseconds of their moments: behind each other, and behind all
ranks. They stay the same when newer ones come."""


def _text(value: str) -> ColumnElement[str]:
    """A constant of the statement: with a parameter, no index of some rows would be used."""
    return literal_column(f"'{value}'", Text())


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), BigInteger())


def _shown(video: FromClause, *, public: bool) -> list[ColumnElement[bool]]:
    """Whether it may be recommended at this moment."""
    found: list[ColumnElement[bool]] = [video.c.status == _text(VideoStatus.PUBLISHED.value)]
    if public:
        found += [video.c.share_state == _text(ShareState.PUBLIC.value), ~video.c.auth_play]
    return found


def _computed(*, public: bool) -> Select[Any]:
    video, other = _VIDEO.alias("video"), _VIDEO.alias("other")
    columns: list[ColumnElement[Any]] = [
        video.c.id.label("video_id"),
        other.c.id,
        other.c.vid,
        _MADE.c.rank.label("place"),
        _MADE.c.score,
        _MADE.c.reasons,
    ]
    of_video = (_MADE.c.account_id == video.c.account_id) & (_MADE.c.video_id == video.c.id)
    return (
        select(*columns)
        .join_from(video, _MADE, of_video)
        .join(other, other.c.id == _MADE.c.other_id)
        .where(other.c.account_id == video.c.account_id, *_shown(other, public=public))
    )


def _newest(*, public: bool, of_category: bool) -> Select[Any]:
    """The newest of the video's category; or of all, without those of the category."""
    video, other = _VIDEO.alias("video"), _VIDEO.alias("other")
    scope = "category_id" if of_category else "account_id"
    newest = (
        select(
            *(other.c.id, other.c.vid, other.c.account_id, other.c.category_id),
            other.c.sort_published_at,
        )
        .where(other.c[scope] == video.c[scope], *_shown(other, public=public))
        .order_by(other.c.sort_published_at.desc(), other.c.id.desc())
        .limit(literal_column(str(NEWEST), Integer()))
        .correlate(video)
        .lateral("newest")
    )
    # As an array it is read once for a video, and not for each of the newest.
    made = (
        select(func.array_agg(_MADE.c.other_id).label("ids"))
        .where(_MADE.c.account_id == video.c.account_id, _MADE.c.video_id == video.c.id)
        .correlate(video)
        .lateral("made")
    )
    moment = cast(extract("epoch", newest.c.sort_published_at) * _number(10**6), BigInteger)
    reason = Reason.SAME_CATEGORY if of_category else Reason.NEW
    columns: list[ColumnElement[Any]] = [
        video.c.id.label("video_id"),
        newest.c.id,
        newest.c.vid,
        (_number(_OF_CATEGORY if of_category else _OF_ACCOUNT) - moment).label("place"),
        literal_column("0.0::float8", _MADE.c.score.type).label("score"),
        literal_column(f"array['{reason.value}']", _MADE.c.reasons.type).label("reasons"),
    ]
    others = [newest.c.id != video.c.id, newest.c.account_id == video.c.account_id]
    if not of_category:
        others.append(newest.c.category_id.is_distinct_from(video.c.category_id))
    return (
        select(*columns)
        .join_from(video, made, true())
        .join(newest, true())
        .where(*others, or_(made.c.ids.is_(None), newest.c.id != all_(made.c.ids)))
    )


def _whole(name: str, *, public: bool) -> Subquery:
    arms = (
        _computed(public=public),
        _newest(public=public, of_category=True),
        _newest(public=public, of_category=False),
    )
    return union_all(*arms).subquery(name)


class Recommended(Base):
    """`id` and `vid` are those of the other video."""

    __table__ = _whole("recommended", public=False)
    __mapper_args__ = {"primary_key": [__table__.c.video_id, __table__.c.id]}  # noqa: RUF012


class PublicRecommended(Base):
    """The same of what everybody may watch."""

    __table__ = _whole("public_recommended", public=True)
    __mapper_args__ = {"primary_key": [__table__.c.video_id, __table__.c.id]}  # noqa: RUF012
