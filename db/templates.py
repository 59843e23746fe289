"""Statements about templates and the rules that choose them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import literal, or_, select

from db import models
from db.models import Category, PlaySet, RuleTemplate, TranscodeRule, Video
from db.session import ReadSession
from domain.templates import BUILT_IN, Template

_COLUMNS: Final = (
    "id",
    "number",
    "name",
    "resolution",
    "codec",
    "quality",
    "video_bitrate",
    "audio_bitrate",
    "max_frame_rate",
    "encryption",
)
_INSTALL: Final = sql.SQL(
    "insert into template ({columns}) values ({values})"
    " on conflict (id) do update set ({columns}) = row({excluded})"
).format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    values=sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS)),
    excluded=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in _COLUMNS),
)


def install(connection: psycopg.Connection) -> None:
    """Write the built-in templates as this release has them."""
    with connection.cursor() as cursor:
        cursor.executemany(_INSTALL, [asdict(one) for one in BUILT_IN])


def template(row: models.Template) -> Template:
    """The rule's own form of a row."""
    return Template(**{name: getattr(row, name) for name in _COLUMNS})


async def usable(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Template]:
    """Those of these templates that the account may use now."""
    rows = await session.scalars(
        select(models.Template).where(
            models.Template.id.in_(ids),
            or_(models.Template.account_id == account_id, models.Template.account_id.is_(None)),
            models.Template.deleted_at.is_(None),
        )
    )
    return {row.id: template(row) for row in rows}


async def of_play_sets(session: ReadSession, play_sets: Sequence[PlaySet]) -> dict[UUID, Template]:
    """The templates that these play sets are made with, also deleted ones."""
    ids = {one.template_id for one in play_sets}
    rows = await session.scalars(select(models.Template).where(models.Template.id.in_(ids)))
    return {row.id: template(row) for row in rows}


async def automatic(session: ReadSession, video: Video) -> list[Template] | None:
    """What the account's rules say is made of this video; None when no rule is about it.

    The most particular rule counts: one for a category before one for a source type, one for a
    category nearer to the video before one further up, and the newest of equals.
    """
    rules = await session.scalars(
        select(TranscodeRule)
        .where(
            TranscodeRule.account_id == video.account_id,
            TranscodeRule.enabled,
            or_(
                TranscodeRule.source_type.is_(None), TranscodeRule.source_type == video.source_type
            ),
        )
        .order_by(TranscodeRule.created_at.desc(), TranscodeRule.id)
    )
    places = await _places(session, video.category_id)
    fitting = [one for one in rules if one.category_id is None or one.category_id in places]
    if not fitting:
        return None

    def particularity(rule: TranscodeRule) -> tuple[int, bool]:
        nearness = 0 if rule.category_id is None else len(places) - places.index(rule.category_id)
        return nearness, rule.source_type is not None

    return await _of_rule(session, max(fitting, key=particularity).id)


async def _of_rule(session: ReadSession, rule_id: UUID) -> list[Template]:
    rows = await session.scalars(
        select(models.Template)
        .join(RuleTemplate, RuleTemplate.template_id == models.Template.id)
        .where(RuleTemplate.rule_id == rule_id, models.Template.deleted_at.is_(None))
        .order_by(RuleTemplate.position)
    )
    return [template(row) for row in rows]


async def _places(session: ReadSession, category_id: UUID | None) -> list[UUID]:
    """The category and all that it lies in, from within."""
    if category_id is None:
        return []
    depth = literal(0).label("depth")
    inner = select(Category.id, Category.parent_id, depth).where(Category.id == category_id)
    tree = inner.cte("places", recursive=True)
    outer = select(Category.id, Category.parent_id, tree.c.depth + 1)
    tree = tree.union_all(outer.join(tree, Category.id == tree.c.parent_id))
    rows = await session.scalars(select(tree.c.id).order_by(tree.c.depth))
    return list(rows)
