"""Pages of lists, by the Relay connection specification, with keyset cursors."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry import UNSET

from db.paging import Order, Page
from db.rows import Rows
from domain.paging import Window
from resolvers.context import Context
from schema.execution import fields
from schema.optional import given

NodeType = TypeVar("NodeType")
Count = Callable[[], Awaitable[int]]

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start, or after `after`; 0 to 100."),
]
After = Annotated[
    str | None, strawberry.argument(description="A cursor: the page is what comes after it.")
]
Last = Annotated[
    int | None,
    strawberry.argument(description="How many from the end, or before `before`; 0 to 100."),
]
Before = Annotated[
    str | None, strawberry.argument(description="A cursor: the page is what comes before it.")
]
Number = Annotated[
    int | None,
    strawberry.argument(
        description="The number of a page of `first` items, from 1; not with cursors. At most"
        " 10000 items may lie before it."
    ),
]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more comes after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before it.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first item; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last item; null on an empty page."
    )
    page_number: int | None = strawberry.field(
        description="The number of the page; null unless it was asked for by `page`."
    )
    size: strawberry.Private[int]
    count: strawberry.Private[Count]

    @strawberry.field(
        description="How many pages of this size the list has; null when the size is 0."
    )
    async def total_pages(self) -> int | None:
        return -(-await self.count() // self.size) if self.size else None


@strawberry.type(description="An item of a page, with its place in the list.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(description="The item's place; valid while the order is same.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list. It stays right while items come and go.")
class Connection(Generic[NodeType]):
    nodes: list[NodeType] = strawberry.field(description="The items of this page.")
    edges: list[Edge[NodeType]] = strawberry.field(description="The items with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Count]

    @strawberry.field(description="Items in the whole list; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


def window(
    *,
    first: First = 15,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
    page: Number = UNSET,
) -> Window:
    """What the arguments of every connection mean; absent ones are `UNSET`."""
    return Window.of(
        first=first,
        after=after or None,
        last=given(last),
        before=before or None,
        page=given(page),
    )


_ARGUMENTS = tuple(inspect.signature(window).parameters.values())


def connection(kind: Any, *, of: str | None = None, description: str) -> Any:  # noqa: ANN401
    """A field that is pages of a type's rows.

    The decorated static method says which: `(ctx, window, **filters) -> Rows`. The arguments
    of pages come by themselves. `of` is as in `relation`.
    """
    return fields.paged(
        Connection[kind],
        of=of,
        description=description,
        arguments=_ARGUMENTS,
        window=window,
        make=_connection,
    )


async def _connection(ctx: Context, wanted: Rows, key: Any) -> Connection[Any]:  # noqa: ANN401
    """The page for standard execution, which completes it object by object."""
    page = await ctx.load.page(wanted, key)

    async def count() -> int:
        return await ctx.load.count(wanted, key)

    cursors = [_cursor(wanted, row) for row in page.rows]
    return Connection(
        nodes=list(page.rows),
        edges=[Edge(cursor=at, node=node) for at, node in zip(cursors, page.rows, strict=True)],
        page_info=_page_info(page, cursors, wanted, count),
        count=count,
    )


def _page_info(page: Page, cursors: list[str], wanted: Rows, count: Count) -> PageInfo:
    window = wanted.window or Window(0)
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
        page_number=window.page,
        size=window.size,
        count=count,
    )


def _cursor(wanted: Rows, row: Any) -> str:  # noqa: ANN401
    column = wanted.order.column if wanted.order else "id"
    return Order.cursor(getattr(row, column), row.id).encode()
