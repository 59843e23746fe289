"""Leaves of a selection: which column or function each is made of, and how it is written."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

from collections.abc import Sequence
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    is_leaf_type,
)
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import identity

from db.json import Kind, Leaf
from db.models import Base
from db.records import fact
from db.rows import Asked, Form
from schema.execution import fields
from schema.execution.fields import declaration
from schema.execution.plan import Column, Computed

_TEXTS: Final = {"String", "ID"}


def leaf(
    kind: GraphQLObjectType, field: GraphQLField, known: StrawberryField, model: type[Base]
) -> Column | Computed | None:
    """What a leaf of this type of objects, or a list of leaves, is made of.

    None for what takes a resolver.
    """
    inner, optional = _nullable(field.type)
    if isinstance(inner, GraphQLList):
        return _list(cast("GraphQLList[Any]", inner), optional, known, model)
    if not is_leaf_type(inner):
        return None
    what = declaration(known)
    if isinstance(what, fields.GlobalId):
        asked = Asked(what.column, Form.GLOBAL_ID, kind.name)
        return Column(Leaf(asked, Kind.PLAIN, optional))
    if isinstance(what, fields.Computed):
        serialize = inner.coerce_output_value
        return Computed(what.function, what.needs, what.with_context, optional, serialize)
    name = _column_of(known, model)
    return None if name is None else _column(inner, optional, name, model)


def _list(
    kind: GraphQLList[Any],
    optional: bool,  # noqa: FBT001
    known: StrawberryField,
    model: type[Base],
) -> Column | Computed | None:
    """A list of texts that a column holds, or of leaves that a function makes."""
    inner, has_nulls = _nullable(kind.of_type)
    if has_nulls or not is_leaf_type(inner):
        return None
    what = declaration(known)
    if isinstance(what, fields.Computed):

        def serialize(values: Sequence[object]) -> list[object]:
            return [inner.coerce_output_value(one) for one in values]

        return Computed(what.function, what.needs, what.with_context, optional, serialize)
    name = _column_of(known, model)
    if name is None or inner.name not in _TEXTS or not fact(model, name).is_texts:
        return None
    return Column(Leaf(Asked(name), Kind.TEXTS, optional))


def _column_of(known: StrawberryField, model: type[Base]) -> str | None:
    """The column that a field says it is, or that has its name."""
    what = declaration(known)
    if isinstance(what, fields.Column):
        return what.name
    is_own = known.is_basic_field and hasattr(model, known.python_name)
    return known.python_name if is_own else None


def _column(inner: Any, optional: bool, name: str, model: type[Base]) -> Column:  # noqa: ANN401, FBT001
    asked, serialize = Asked(name), None
    kind = _kind(inner, name, model)
    names: tuple[tuple[str, str], ...] = ()
    if kind is Kind.PLAIN:
        asked = Asked(name, Form.MOMENT)
    elif kind is Kind.ENUM:
        names = tuple(
            (str(getattr(one.value, "value", one.value)), name)
            for name, one in inner.values.items()
        )
    elif kind in (Kind.INT32, Kind.OTHER):
        serialize = inner.coerce_output_value
    return Column(Leaf(asked, kind, optional, names), serialize)


def _kind(inner: Any, name: str, model: type[Base]) -> Kind:  # noqa: ANN401
    """How values of this column are written where a field of this type stands."""
    known = fact(model, name)
    if isinstance(inner, GraphQLEnumType):
        return Kind.ENUM if known.members is not None else Kind.OTHER
    python = known.python.__name__
    if inner.name == "DateTime" and python == "datetime":
        return Kind.PLAIN
    if inner is GraphQLInt and python == "int":
        return Kind.INT32 if known.is_big else Kind.INTEGER
    passes = inner.name in _TEXTS or _passes_through(inner)
    kinds = {"int": Kind.INTEGER, "str": Kind.TEXT}
    if passes and python in kinds and not (python == "int" and inner.name in _TEXTS):
        return kinds[python]
    kinds = {("Float", "float"): Kind.FLOAT, ("Boolean", "bool"): Kind.BOOLEAN}
    return kinds.get((inner.name, python), Kind.OTHER)


def _passes_through(inner: GraphQLScalarType) -> bool:
    """Whether the scalar writes values as they are."""
    return inner.coerce_output_value in (GraphQLScalarType.serialize, identity)


def _nullable(kind: Any) -> tuple[Any, bool]:  # noqa: ANN401
    if isinstance(kind, GraphQLNonNull):
        return cast("Any", kind).of_type, False
    return kind, True
