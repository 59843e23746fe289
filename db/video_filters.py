"""Conditions on videos that are more than a comparison of a column."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    String,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from db.models import Category
from domain.videos import VideoStatus

_NONE: Final = literal_column("0", Integer)
_DELETED: Final = literal_column(f"'{VideoStatus.DELETED.value}'", String)


def contains(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401  (a model or its alias)
    """The title contains a text. Its grams, a parameter beside it, find it by the index."""
    wanted = bindparam(f"{name}_grams", type_=ARRAY(Text))
    return and_(
        func.strpos(row.search_text, bindparam(name, type_=Text)) > _NONE,
        _has_all(row.grams, wanted),
    )


def has_tags(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video has all tags of a list."""
    return _has_all(row.tags, bindparam(name, type_=ARRAY(String)))


def is_kept(row: Any, _name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video is not in the recycle bin. What the parameter is makes no difference."""
    return row.status != _DELETED


def _has_all(column: Any, wanted: ColumnElement[Any]) -> ColumnElement[bool]:  # noqa: ANN401
    return column.bool_op("@>")(wanted)


def named(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video is the one of an id, or one of a stored object's."""
    text = bindparam(f"{name}_name", type_=String)
    stored = and_(row.storage_id.is_not(None), row.storage_id == text)
    return or_(row.vid == text, row.id == bindparam(f"{name}_id", type_=row.id.type), stored)


def below(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video lies in one of these categories, or below it."""
    outer, inner = aliased(Category), aliased(Category)
    roots = any_(bindparam(name, type_=ARRAY(Uuid())))
    tree = select(outer.id).where(outer.id == roots).cte(recursive=True)
    tree = tree.union(select(inner.id).join(tree, inner.parent_id == tree.c.id))
    return row.category_id == any_(func.array(select(tree.c.id).scalar_subquery()))
