"""Running a plan: all objects of a selection together, one statement for each relation.

Nothing is caught here. Whatever fails - a value that does not fit, a wish that is refused, a
resolver that raises - ends the run, and the operation is executed the standard way, which
says exactly what failed and where.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any, Final

from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from db.paging import Order, Page
from db.rows import Asked, Rows
from resolvers.context import Context
from schema.execution.code import Misfit
from schema.execution.plan import (
    Connection,
    Edges,
    Kinds,
    Member,
    Nodes,
    Object,
    PageInfo,
    Plan,
    Related,
    Row,
    Typename,
)
from schema.execution.text import Text, Written


class Failed(Exception):
    """A field of the standard kind has reported an error."""


class Levels:
    """One run of a plan. `executor` makes graphql-core's, for fields that only it can execute."""

    def __init__(
        self,
        ctx: Context,
        variables: VariableValues,
        executor: Callable[[], Any],
        *,
        as_text: bool,
    ) -> None:
        self._ctx = ctx
        self._variables = variables
        self._executor = executor
        self._as_text = as_text
        self._reader = ctx.services.reader

    async def objects(self, selection: Plan | Kinds, rows: Sequence[Row]) -> list[Object]:
        """The response's objects for these rows, in their order."""
        if not rows:
            return []
        if isinstance(selection, Kinds):
            return await self._by_kind(selection, rows)
        return await self._level(selection, rows)

    async def _by_kind(self, kinds: Kinds, rows: Sequence[Row]) -> list[Object]:
        place = kinds.columns.place(kinds.by)
        found: list[Any] = [None] * len(rows)
        for kind, plan in kinds.plans.items():
            places = [at for at, row in enumerate(rows) if row[place] == kind]
            made = await self.objects(plan, [rows[at] for at in places])
            for at, one in zip(places, made, strict=True):
                found[at] = one
        if None in found:
            raise Misfit("a row of no known kind")
        return found

    async def _level(self, plan: Plan, rows: Sequence[Row]) -> list[Object]:
        try:
            made = plan.build(rows, self._ctx)
        except Exception as failure:
            raise Misfit(str(failure)) from failure
        work: list[Awaitable[Any]] = [
            self._relation(plan, name, one, rows, made) for name, one in plan.related
        ]
        if plan.others:
            work.append(self._one_by_one(plan, rows, made))
        if len(work) == 1:
            await work[0]
        elif work:
            await _all(work)
        return made

    async def _one_by_one(self, plan: Plan, rows: Sequence[Row], made: list[Object]) -> None:
        """Fields that graphql-core executes. Where the object stands does not matter to them."""
        executor = self._executor()
        waiting: dict[tuple[int, str], Awaitable[Any]] = {}
        records = plan.records(rows) if plan.model else [executor.root_value]
        try:
            for name, other in plan.others:
                path = Path(None, name, plan.kind.name)
                for place, record in enumerate(records):
                    value = executor.execute_field(plan.kind, record, other.details, path, None)
                    made[place][name] = value
                    if executor.is_awaitable(value):
                        waiting[place, name] = value
        finally:
            # Also those that nobody wants any more, since another one failed, come to an end.
            found = await _all(list(waiting.values()))
        for (place, name), value in zip(waiting, found, strict=True):
            made[place][name] = value
        if executor.collected_errors.errors:
            raise Failed

    async def _relation(
        self, plan: Plan, name: str, one: Related, rows: Sequence[Row], made: list[Object]
    ) -> None:
        if self._as_text and one.of is None:
            one.text = one.text or Text.of(one)
            text = await one.text.read(self._ctx, self._variables)
            if text is not None:
                made[0][name] = Written(text)
                return
        wanted = one.wanted(self._ctx, self._variables)
        values: Sequence[Any]
        keys = None
        if one.of is not None:
            place = plan.columns.place(one.of)
            keys = [row[place] for row in rows]
        if wanted is None:
            values = [[] if one.many else None] * len(made)
        elif isinstance(one.selection, Connection):
            values = await self._pages(one.selection, wanted, keys)
        else:
            values = await self._values(one, one.selection, wanted, keys)
        if not one.optional and None in values:
            raise Misfit(f"{name} is null")
        for parent, value in zip(made, values, strict=True):
            parent[name] = value

    async def _values(
        self, one: Related, selection: Plan | Kinds, wanted: Rows, keys: Sequence[Any] | None
    ) -> list[Any]:
        columns = selection.columns.asked
        if one.many:
            groups = await self._reader.rows(wanted, columns, keys)
            return await self._spread(selection, groups)
        distinct = None if keys is None else list(dict.fromkeys(keys))
        groups = await self._reader.rows(wanted, columns, distinct)
        firsts = [group[0] for group in groups if group]
        made = iter(await self.objects(selection, firsts))
        values = [next(made) if group else None for group in groups]
        if keys is None or distinct is None:
            return values
        by_key = dict(zip(distinct, values, strict=True))
        return [by_key[key] for key in keys]

    async def _spread(
        self, selection: Plan | Kinds, groups: Sequence[Sequence[Row]]
    ) -> list[list[Object]]:
        """The objects of each group, made all together."""
        if len(groups) == 1:
            return [await self.objects(selection, groups[0])]
        made = iter(await self.objects(selection, list(chain.from_iterable(groups))))
        return [[next(made) for _ in group] for group in groups]

    async def _pages(
        self, connection: Connection, wanted: Rows, keys: Sequence[Any] | None
    ) -> list[Object]:
        order = wanted.order or Order("id")
        cursor = order_columns(order)
        columns = connection.columns
        places = [columns.place(one) for one in cursor] if _has_cursors(connection) else []
        if connection.members <= _COUNTED and not _has_nodes(connection):
            wanted.values()  # a bad cursor is one also where only the count is asked for
            pages = [Page([], has_next=False, has_previous=False)] * len(keys or [None])
        else:
            pages = await self._reader.pages(wanted, columns.asked or cursor[1:], keys)
        counts = None
        if connection.members & {"total_count", "total_pages"}:
            counts = await self._reader.counts(wanted, keys)
        made: list[Object] = [{} for _ in pages]
        for name, part in connection.parts.items():
            for object_, value in zip(
                made, await self._part(part, wanted, pages, counts, places), strict=True
            ):
                object_[name] = value
        return made

    async def _part(
        self,
        part: Any,  # noqa: ANN401  (a part of a connection)
        wanted: Rows,
        pages: Sequence[Page],
        counts: Sequence[int] | None,
        places: Sequence[int],
    ) -> Sequence[Any]:
        match part:
            case Typename():
                return [part.name] * len(pages)
            case Nodes():
                return await self._spread(part.selection, [page.rows for page in pages])
            case Edges():
                return await self._edges(part, pages, places)
            case PageInfo():
                made: list[Object] = [{} for _ in pages]
                for name, one in part.parts.items():
                    values = await self._part(one, wanted, pages, counts, places)
                    for object_, value in zip(made, values, strict=True):
                        object_[name] = value
                return made
            case Member():
                return [
                    member(part.name, page, wanted, counts[at] if counts else 0, places)
                    for at, page in enumerate(pages)
                ]
            case _:
                raise TypeError(part)

    async def _edges(
        self, edges: Edges, pages: Sequence[Page], places: Sequence[int]
    ) -> list[list[Object]]:
        made: list[list[Object]] = [[{} for _ in page.rows] for page in pages]
        for name, part in edges.parts.items():
            if isinstance(part, Nodes):
                values: Any = await self._spread(part.selection, [page.rows for page in pages])
            elif isinstance(part, Typename):
                values = [[part.name] * len(page.rows) for page in pages]
            else:
                values = [[cursor_of(row, places) for row in page.rows] for page in pages]
            for objects, column in zip(made, values, strict=True):
                for object_, value in zip(objects, column, strict=True):
                    object_[name] = value
        return made


def order_columns(order: Order) -> tuple[Asked, Asked]:
    """What a cursor is made of."""
    return Asked(order.column), Asked("id")


def cursor_of(row: Row, places: Sequence[int]) -> str:
    value, id = (row[place] for place in places)
    return Order.cursor(value, id).encode()


def member(  # noqa: PLR0911  (a table)
    name: str, page: Page, wanted: Rows, count: int, places: Sequence[int]
) -> bool | int | str | None:
    """A value that belongs to a page as a whole."""
    window = wanted.window
    match name:
        case "has_next_page":
            return page.has_next
        case "has_previous_page":
            return page.has_previous
        case "start_cursor":
            return cursor_of(page.rows[0], places) if page.rows else None
        case "end_cursor":
            return cursor_of(page.rows[-1], places) if page.rows else None
        case "total_count":
            return count
        case "page_number":
            return window.page if window else None
        case "total_pages":
            return -(-count // window.size) if window and window.size else None
        case _:
            raise TypeError(name)


_COUNTED: Final = frozenset({"total_count", "total_pages", "page_number"})
"""Members of a page for which its rows need not be read."""


def _has_nodes(connection: Connection) -> bool:
    return any(isinstance(part, (Nodes, Edges)) for part in connection.parts.values())


def _has_cursors(connection: Connection) -> bool:
    return bool(connection.members & {"cursor", "start_cursor", "end_cursor"})


async def _all(work: Sequence[Awaitable[Any]]) -> list[Any]:
    """Wait for all; the first failure ends the others."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
