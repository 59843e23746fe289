"""Statements about templates and the rules that choose them.

A template that anything was made with never changes: its owner's changes make another row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from sqlalchemy import bindparam, delete, func, insert, or_, select, update

from db import categories, models
from db.models import PlaySet, RuleTemplate, TemplateCost, TranscodeRule, Video
from db.paging import Order
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.templates import BUILT_IN, Template

TEMPLATES = Source(
    models.Template,
    {
        "usable_by": lambda row, name: or_(
            row.account_id == bindparam(name), row.account_id.is_(None)
        ),
        "public_id": equals("public_id"),
        "deleted": lambda row, name: row.deleted_at.is_not(None) == bindparam(name),
    },
)
BY_NUMBER = Order("number", descending=False)

RULES = Source(TranscodeRule, {"account_id": equals("account_id"), "id": equals("id")})
NEWEST_FIRST = Order("created_at")

RULE_TEMPLATES = Source(RuleTemplate, {}, lambda row: [row.position])

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
    "insert into template ({columns}, public_id) values ({values}, %(id)s)"
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
    session: ReadSession, account_id: UUID, public_ids: Sequence[UUID]
) -> dict[UUID, Template]:
    """Those of these templates that the account may use now, by their keys in the API."""
    return {
        public_id: template(row)
        for public_id, row in (await _present(session, account_id, public_ids)).items()
    }


async def present(
    session: ReadSession, account_id: UUID, public_id: UUID
) -> models.Template | None:
    """The account's own template with this key in the API, or a built-in one."""
    return (await _present(session, account_id, [public_id])).get(public_id)


async def _present(
    session: ReadSession, account_id: UUID, public_ids: Sequence[UUID]
) -> dict[UUID, models.Template]:
    rows = await session.scalars(
        select(models.Template).where(
            models.Template.public_id.in_(public_ids),
            or_(models.Template.account_id == account_id, models.Template.account_id.is_(None)),
            models.Template.deleted_at.is_(None),
        )
    )
    return {row.public_id: row for row in rows}


async def count(session: ReadSession, account_id: UUID) -> int:
    """How many templates of its own the account has."""
    counted = select(func.count()).where(
        models.Template.account_id == account_id, models.Template.deleted_at.is_(None)
    )
    return await session.scalar(counted) or 0


async def save(session: WriteSession, row: models.Template) -> models.Template:
    """Insert or change the row, and fill in what the database chose."""
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row


async def change(
    session: WriteSession, row: models.Template, form: Mapping[str, Any]
) -> models.Template:
    """Give a template another form under its key and number; rules use that from now on.

    The row of the former form stays for what was made with it, if anything was.
    """
    if await _made_anything(session, row):
        return await _replace(session, row, form)
    for name, value in form.items():
        setattr(row, name, value)
    return await save(session, row)


async def _made_anything(session: WriteSession, row: models.Template) -> bool:
    """Whether anything was made with this form, or is to be.

    Who plans locks the account, as who changes a template does: nobody begins at this moment.
    """
    play_set = select(PlaySet.id).where(PlaySet.template_id == row.id).exists()
    cost = select(TemplateCost.cost).where(TemplateCost.template_id == row.id).exists()
    return bool(await session.scalar(select(play_set | cost)))


async def _replace(
    session: WriteSession, former: models.Template, form: Mapping[str, Any]
) -> models.Template:
    public_id, number = former.public_id, former.number
    sequence = func.pg_get_serial_sequence("template", "number")
    await session.execute(
        update(models.Template)
        .where(models.Template.id == former.id)
        .values(
            public_id=uuid4(),
            number=func.nextval(sequence),
            replaced_by_id=public_id,
            deleted_at=func.now(),
            updated_at=models.Template.updated_at,
        )
    )
    row = models.Template(
        public_id=public_id,
        number=number,
        account_id=former.account_id,
        created_at=former.created_at,
        **form,
    )
    await save(session, row)
    await session.execute(
        update(RuleTemplate).where(RuleTemplate.template_id == former.id).values(template_id=row.id)
    )
    return row


async def remove(session: WriteSession, id: UUID) -> None:
    """Nothing new is made with it."""
    await session.execute(
        update(models.Template).where(models.Template.id == id).values(deleted_at=func.now())
    )


async def keys(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Under which key in the API the present form of each of these templates is found."""
    key = func.coalesce(models.Template.replaced_by_id, models.Template.public_id)
    rows = await session.execute(
        select(models.Template.id, key.label("key")).where(models.Template.id.in_(ids))
    )
    return {row.id: row.key for row in rows}


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
    places = await categories.places(session, video.category_id)
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


async def rule(session: ReadSession, account_id: UUID, id: UUID) -> TranscodeRule | None:
    return await session.scalar(
        select(TranscodeRule).where(TranscodeRule.id == id, TranscodeRule.account_id == account_id)
    )


async def count_rules(session: ReadSession, account_id: UUID) -> int:
    counted = select(func.count()).where(TranscodeRule.account_id == account_id)
    return await session.scalar(counted) or 0


async def rules_with(session: ReadSession, template_id: UUID) -> list[UUID]:
    """The rules that choose this template, the oldest first."""
    rows = await session.scalars(
        select(TranscodeRule.id)
        .join(RuleTemplate, RuleTemplate.rule_id == TranscodeRule.id)
        .where(RuleTemplate.template_id == template_id)
        .order_by(TranscodeRule.created_at, TranscodeRule.id)
    )
    return list(rows)


async def save_rule(
    session: WriteSession, row: TranscodeRule, template_ids: Sequence[UUID]
) -> TranscodeRule:
    """Insert or change a rule; it chooses these templates, in this order."""
    session.add(row)
    await session.flush()
    await session.execute(delete(RuleTemplate).where(RuleTemplate.rule_id == row.id))
    if template_ids:
        await session.execute(
            insert(RuleTemplate),
            [
                {"rule_id": row.id, "template_id": id, "position": position}
                for position, id in enumerate(template_ids)
            ],
        )
    await session.refresh(row)
    return row


async def delete_rule(session: WriteSession, account_id: UUID, id: UUID) -> bool:
    """Whether there was one."""
    deleted = await session.scalar(
        delete(TranscodeRule)
        .where(TranscodeRule.id == id, TranscodeRule.account_id == account_id)
        .returning(TranscodeRule.id)
    )
    return deleted is not None
