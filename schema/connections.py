"""Pages of lists, by the Relay connection specification, with keyset cursors."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Generic, TypeVar

import strawberry
from strawberry import UNSET

from db.paging import Page
from domain.paging import Window

Row = TypeVar("Row")
NodeType = TypeVar("NodeType")

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


@strawberry.type(description="An item of a page, with its place in the list.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(description="The item's place; valid while the order is same.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list. It stays right while items come and go.")
class Connection(Generic[NodeType]):
    nodes: list[NodeType] = strawberry.field(description="The items of this page.")
    edges: list[Edge[NodeType]] = strawberry.field(description="The items with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="Items in the whole list; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


def window(first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
    """The arguments of a list as it was called; absent ones are `UNSET`."""
    return Window.of(
        first=first,
        after=after or None,
        last=None if last is UNSET else last,
        before=before or None,
    )


def connection(
    page: Page[Row],
    make: Callable[[Row], NodeType],
    cursor: Callable[[Row], str],
    count: Callable[[], Awaitable[int]],
) -> Connection[NodeType]:
    nodes = [make(row) for row in page.rows]
    cursors = [cursor(row) for row in page.rows]
    return Connection(
        nodes=nodes,
        edges=[Edge(cursor=at, node=node) for at, node in zip(cursors, nodes, strict=True)],
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
        count=count,
    )
