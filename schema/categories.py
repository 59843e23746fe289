"""Categories: the tree in which an account keeps its videos."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, TypeAlias, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.categories import DEFAULT_CATEGORY
from domain.paging import Window
from resolvers import categories, sizes
from resolvers.context import Context
from schema import ids, nodes
from schema.connections import connection
from schema.errors import ExpectedErrors, MutationPayload
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import computed, relation
from schema.info import Info
from schema.nodes import Node
from schema.scalars import Bytes

Inner: TypeAlias = Annotated["Category", strawberry.lazy("schema.categories")]
Deep = Annotated[
    bool,
    strawberry.argument(description="Whether videos in categories below it count, too."),
]


def _written(number: int) -> str:
    return str(number)


def _is_default(number: int) -> bool:
    return number == DEFAULT_CATEGORY


@strawberry.type(
    description="A place for videos of yours. Categories lie in one another. Videos in the recycle"
    " bin are not counted."
)
class Category(Node):
    model: ClassVar = models.Category

    category_id: str = computed(
        _written,
        "number",
        description="Its number among your categories, for people and other systems; 1 is the"
        " default category. It never changes, and no other category gets it.",
    )
    is_default: bool = computed(
        _is_default,
        "number",
        description="Whether videos lie in it unless you say otherwise. You always have one such"
        " category: it can be renamed, not moved or deleted.",
    )
    name: str = strawberry.field(description="Name, 1 to 255 characters; others may have it, too.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @relation(
        Inner | None,
        of="parent_id",
        description="The category that it lies in; null for an outermost one.",
    )
    @staticmethod
    def parent(ctx: Context) -> Rows:
        return categories.own(ctx)

    @relation(
        list[Inner],
        of="id",
        description="The categories that lie in it, by name: the first 100. `categories` with"
        " `parentId` has pages of all.",
    )
    @staticmethod
    def children(ctx: Context) -> Rows:
        return categories.children(ctx)

    @strawberry.field(
        description="The names of the categories that it lies in, from outside, and its own.",
        metadata={LIST_SIZE: ListSize(3)},
    )
    @staticmethod
    async def path(root: strawberry.Parent[models.Category], info: Info) -> list[str]:
        return await categories.path(info.context, root.id)

    @strawberry.field(description="How many videos lie in it.")
    @staticmethod
    async def video_count(
        root: strawberry.Parent[models.Category], info: Info, *, include_subcategories: Deep = False
    ) -> int:
        return (await sizes.count(info.context, root.id, deep=include_subcategories)).videos

    @strawberry.field(description="Milliseconds that these videos last together.")
    @staticmethod
    async def total_duration_ms(
        root: strawberry.Parent[models.Category], info: Info, *, include_subcategories: Deep = False
    ) -> Bytes:
        counted = await sizes.count(info.context, root.id, deep=include_subcategories)
        return Bytes(counted.duration_ms)

    @strawberry.field(
        description="Bytes that these videos take: of each, the source file once it was checked,"
        " the play sets that are READY, and the sound that goes with them, each once. `videoSizes`"
        " has them one by one."
    )
    @staticmethod
    async def total_size(
        root: strawberry.Parent[models.Category], info: Info, *, include_subcategories: Deep = False
    ) -> Bytes:
        return Bytes(await sizes.total(info.context, root.id, deep=include_subcategories))


nodes.register(Category)


NOBODY: Final = UUID(int=0)
"""The key of no row."""


def key_of(id: strawberry.ID | None) -> UUID | None:
    """For inputs: the key of the category, or None without one."""
    return ids.decode_optional(id, "Category", path=("categoryId",))


@strawberry.input(description="Names one category: give exactly one of these.", one_of=True)
class CategoryBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its global id.")
    category_id: strawberry.Maybe[str] = strawberry.field(
        description="Its number; 1 is the default category."
    )


@strawberry.input(description="Which categories a list holds: those that fit every field given.")
class CategoryFilter:
    parent_id: strawberry.ID | None = strawberry.field(
        default=UNSET,
        description="Only those that lie in this category, not deeper; null: the outermost ones."
        " Left out, those of all depths.",
    )
    search: str | None = strawberry.field(
        default=UNSET,
        description="Only those with this text in their name, in either case; up to 255"
        " characters.",
    )


@strawberry.type
class CategoryQuery:
    @relation(Category | None, description="One category of yours; null when there is none such.")
    @staticmethod
    def category(
        ctx: Context, by: Annotated[CategoryBy, strawberry.argument(description="Which one.")]
    ) -> Rows | None:
        if by.category_id:
            return categories.by_number(ctx, by.category_id.value)
        return categories.by_id(ctx, ids.find(by.id.value, "Category") if by.id else None)

    @connection(Category, description="Your categories, by name; those of all depths by default.")
    @staticmethod
    def categories(
        ctx: Context,
        window: Window,
        *,
        filter: Annotated[
            CategoryFilter | None, strawberry.argument(description="Only some of them.")
        ] = UNSET,
    ) -> Rows:
        if not filter:
            return categories.page(ctx, window)
        search, parent = filter.search or None, filter.parent_id
        if parent is UNSET:
            return categories.page(ctx, window, search=search)
        if parent is None:
            return categories.page(ctx, window, outermost=True, search=search)
        parent_id = ids.find(parent, "Category") or NOBODY
        return categories.page(ctx, window, parent_id=parent_id, search=search)


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
