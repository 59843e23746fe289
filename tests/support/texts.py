"""JSON that PostgreSQL makes of a few rows, from trees written by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from db import json, tasks
from db.json import Hole, Kind, Leaf, Paged, Parts, Related
from db.models import Task
from db.rows import Asked, Form, Rows
from domain.tasks import TaskKind, TaskStatus
from resolvers.context import Services


@dataclass
class Desk:
    """An account with tasks: they have columns of most types, and need nothing but an account."""

    services: Services
    account_id: UUID

    async def task(self, **values: Any) -> Task:
        given = {"kind": TaskKind.VERIFY, "status": TaskStatus.QUEUED, **values}
        row = Task(account_id=self.account_id, **given)
        async with self.services.db.write() as session:
            session.add(row)
            await session.flush()
        return row

    async def text(self, part: Related | Paged, *wishes: Rows | None) -> bytes:
        """What PostgreSQL makes of the part; its relations want these rows."""
        shapes = [one and one.shape for one in wishes]
        made = json.statement(part, shapes)
        arguments = made.arguments([one.values() if one else {} for one in wishes])
        found = await self.services.reader.text(made.sql, arguments)
        assert found is not None
        return found

    async def object(self, parts: Parts, task: Task | None = None) -> bytes:
        """The object that these parts make of one task: this one, or the only one."""
        wanted = Rows.of(tasks.TASKS, account_id=self.account_id, id=task and task.id)
        return await self.text(one_of(0, None, parts), wanted)


def leaf(
    column: str,
    kind: Kind,
    *,
    optional: bool = False,
    form: Form = Form.VALUE,
    names: Sequence[tuple[str, str]] = (),
) -> Leaf:
    return Leaf(Asked(column, form), kind, optional, tuple(names))


def all_of(number: int, of: str | None, body: json.Body) -> Related:
    return Related(number, of, body, many=True, optional=False)


def one_of(number: int, of: str | None, body: json.Body, *, optional: bool = False) -> Related:
    return Related(number, of, body, many=False, optional=optional)


def hole(number: int, *columns: str | Asked) -> Hole:
    asked = (one if isinstance(one, Asked) else Asked(one) for one in columns)
    return Hole(number, tuple(asked))
