"""Categories: the tree in which an account keeps its videos."""

from datetime import datetime
from typing import Annotated, ClassVar, Optional, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.paging import Window
from resolvers import categories
from resolvers.context import Context
from schema import ids, nodes
from schema.connections import connection
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.fields import relation
from schema.info import Info
from schema.nodes import Node


@strawberry.type(description="A place for videos of yours. Categories lie in one another.")
class Category(Node):
    model: ClassVar = models.Category

    name: str = strawberry.field(description="Name, 1 to 255 characters; others may have it, too.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @relation(
        Optional[Annotated["Category", strawberry.lazy("schema.categories")]],  # noqa: UP045
        of="parent_id",
        description="The category that it lies in; null for an outermost one.",
    )
    @staticmethod
    def parent(ctx: Context) -> Rows:
        return categories.own(ctx)


nodes.register(Category)


def key_of(id: strawberry.ID | None) -> UUID | None:
    """For inputs: the key of the category, or None without one."""
    return ids.decode_optional(id, "Category", path=("categoryId",))


@strawberry.type
class CategoryQuery:
    @connection(Category, description="Your categories of all depths, by name.")
    @staticmethod
    def categories(ctx: Context, window: Window) -> Rows:
        return categories.page(ctx, window)


@strawberry.input(description="What a category is to be.")
class SaveCategoryInput:
    name: str = strawberry.field(description="Name, 1 to 255 characters.")
    id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Id of the category to change; without it, a new one is made."
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Id of the category that it is to lie in; null for none. Left out, it stays"
        " where it is.",
    )


@strawberry.type(description="The category as it is now.")
class CategoryPayload(MutationPayload):
    category: Category | None = strawberry.field(
        default=None, description="The category; null when there are errors."
    )


@strawberry.type
class CategoryMutation:
    @strawberry.mutation(
        description="Make a category, or rename and move one. At most 10 lie in one another;"
        " `limits` has how many there may be.",
        extensions=[ExpectedErrors(CategoryPayload)],
    )
    async def save_category(
        self,
        info: Info,
        input: Annotated[SaveCategoryInput, strawberry.argument(description="The category.")],
    ) -> CategoryPayload:
        ctx, parent = info.context, input.parent_id
        key = ids.decode_optional(input.id, "Category")
        parent_id = ids.decode_optional(parent, "Category", path=("parentId",))
        if key is None:
            row = await categories.add(ctx, name=input.name, parent_id=parent_id)
        else:
            moves = parent is not UNSET
            row = await categories.change(
                ctx, key, name=input.name, moves=moves, parent_id=parent_id
            )
        return CategoryPayload(category=cast("Category", row))
