"""Draws the arguments and variables of one document, for any schema."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)

from tests.equivalence.choices import Choices

InputType = (
    GraphQLScalarType
    | GraphQLEnumType
    | GraphQLInputObjectType
    | GraphQLList[Any]
    | GraphQLNonNull[Any]
)
"""graphql-core's own name for these leaves open what a list is of."""

Given = dict[str, Any]
"""Arguments by name, as JSON values; a variable in them is a `Ref`."""


@dataclass(frozen=True)
class Pool:
    """Values of an argument: those that do no harm, and those that may be an error."""

    good: Sequence[Any]
    bad: Sequence[Any] = ()
    null: bool = True
    """Whether null, or an absent variable, is good too."""


@dataclass(frozen=True, eq=False)
class Material:
    """What is known of a schema beyond its types."""

    pools: Mapping[str, Pool]
    """By the first of `Type.field.argument` or `Input.field`, argument, type that is there."""
    combinations: Mapping[frozenset[str], Sequence[tuple[str, ...]]]
    """Which arguments go together: a field with all of the key's is given one of these."""
    risky: frozenset[str]
    """`Type.field` of what often fails: only in documents that may."""
    fan_out: Callable[[str, GraphQLField, Given], int]
    """About how many objects one object has in a field, by `Type.field` and arguments."""
    likely: Callable[[str, Given], Collection[str]]
    """The names of the types that a field's objects are of, by `Type.field` and arguments."""
    unplanned: frozenset[str] = frozenset()
    """`Type.field` of what has an ordinary resolver, which no plan has: in some documents only."""
    never: frozenset[str] = frozenset()
    """`Type.field` of what is not asked for."""


@dataclass(frozen=True)
class Ref:
    """A variable in the place of a value."""

    name: str
    value: Any


@dataclass(frozen=True)
class Variable:
    kind: str
    default: str | None


PLAIN: Final = {
    "Int": Pool((1, 0, 2, 100), (-1, 101, 2**31)),
    "Float": Pool((0.5, 0, 1e22), ("x",)),
    "Boolean": Pool((True, False)),
    "String": Pool(("", "a", 'é"\\\n\u2028😀'), (7,)),
    "ID": Pool(("x", 1), (True,)),
}
EVERY: Final = 100


@dataclass
class Arguments:
    """Draws values; `spoiled` says whether any of them may be one that is an error."""

    choices: Choices
    material: Material
    spoiled: bool
    declared: dict[str, Variable] = field(default_factory=dict[str, Variable])
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    _known: dict[Any, Ref] = field(default_factory=dict[Any, Ref])

    def chance(self, percent: int) -> bool:
        """Shrinks to False."""
        return self.choices.below(EVERY) >= EVERY - percent

    def one_of(self, choices: Sequence[Any]) -> Any:
        """Shrinks to the first."""
        return choices[self.choices.below(len(choices))] if len(choices) > 1 else choices[0]

    def of(self, place: str, arguments: Mapping[str, GraphQLArgument]) -> Given:
        """Arguments of the field at `place`, which is `Type.field`."""
        given: Given = {}
        for name in self._chosen(arguments):
            pool = self._pool((f"{place}.{name}", name), arguments[name].type)
            given[name] = self._value(arguments[name], pool)
        return given

    def _chosen(self, arguments: Mapping[str, GraphQLArgument]) -> list[str]:
        tied: set[str] = set()
        chosen: list[str] = []
        for names, choices in self.material.combinations.items():
            if names <= arguments.keys() and not (self.spoiled and self.chance(30)):
                tied |= names
                chosen += self.one_of(choices)
        for name, argument in arguments.items():
            if name not in tied and (is_required(argument) or self.chance(40)):
                chosen.append(name)
        return chosen

    def condition(self) -> Any:
        """A value for the `if` of @skip and @include."""
        return self._value(GraphQLArgument(GraphQLNonNull(GraphQLBoolean)), PLAIN["Boolean"])

    def _pool(self, keys: tuple[str, ...], kind: InputType) -> Pool | None:
        name = str(kind).strip("[]!")
        for one in (*keys, name):
            if one in self.material.pools:
                return self.material.pools[one]
        return PLAIN.get(name)

    def _value(
        self, at: GraphQLArgument | GraphQLInputField, pool: Pool | None, *, one_of: bool = False
    ) -> Any:
        """A value for a place in the document: a literal, or a variable somewhere in it."""
        if self.chance(35):
            return self._variable(at.type, pool, optional=_has_default(at), strict=one_of)
        return self._literal(at.type, pool, constant=False)

    def _variable(
        self,
        kind: InputType,
        pool: Pool | None,
        *,
        optional: bool = False,
        strict: bool = False,
    ) -> Ref:
        """A variable for a place of this type, a new one or one of another such place.

        `optional` places have a default of their own; `strict` ones take no other type.
        """
        known = (str(kind), id(pool), optional, strict)
        if known in self._known and self.chance(40):
            return self._known[known]
        own, default = (kind, None) if strict else self._declaration(kind, pool, optional=optional)
        name = f"v{len(self.declared) + 1}"
        self.declared[name] = Variable(str(own), None if default is None else text(default, own))
        ref = self._known[known] = Ref(name, default)
        nullable = not isinstance(kind, GraphQLNonNull) and self._null(pool)
        may_be_absent = default is not None or not isinstance(own, GraphQLNonNull)
        unharmed = default is not None or optional or nullable
        if may_be_absent and (unharmed or self.spoiled) and self.chance(25):
            return ref
        if nullable and not isinstance(own, GraphQLNonNull) and self.chance(15):
            self.values[name] = None
        else:
            self.values[name] = self._present(_bare(own), pool, constant=True)
        ref = self._known[known] = Ref(name, self.values[name])
        return ref

    def _declaration(
        self, kind: InputType, pool: Pool | None, *, optional: bool
    ) -> tuple[InputType, Any]:
        """One of the types that a variable of this place may have, and its default."""
        required = isinstance(kind, GraphQLNonNull)
        if not self.chance(30):
            return kind, None
        if not required and self.chance(30):
            return GraphQLNonNull(cast("Any", kind)), None
        if required and optional and self.chance(50):
            return _bare(kind), None
        return _bare(kind), self._present(_bare(kind), pool, constant=True)

    def _null(self, pool: Pool | None) -> bool:
        return pool is None or pool.null or (self.spoiled and self.chance(30))

    def _literal(self, kind: InputType, pool: Pool | None, *, constant: bool) -> Any:
        """A value without a variable at its top; inside it there may be some."""
        if isinstance(kind, GraphQLNonNull):
            return self._present(cast("InputType", kind.of_type), pool, constant=constant)
        if self._null(pool) and self.chance(8):
            return None
        return self._present(kind, pool, constant=constant)

    def _present(self, kind: InputType, pool: Pool | None, *, constant: bool) -> Any:
        if isinstance(kind, GraphQLList):
            return self._list(kind, pool, constant=constant)
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, constant=constant)
        if isinstance(kind, GraphQLEnumType):
            wrong = constant and self.spoiled and self.chance(3)
            return "NO_SUCH_VALUE" if wrong else self.one_of(list(kind.values))
        known = pool or Pool(("x",))
        wrong = known.bad and self.spoiled and self.chance(30)
        return self.one_of(known.bad if wrong else known.good)

    def _list(self, kind: GraphQLList[Any], pool: Pool | None, *, constant: bool) -> Any:
        item = kind.of_type
        if self.chance(10):  # a list of one may be written without brackets
            return self._present(_bare(item), pool, constant=constant)
        items: list[Any] = []
        while len(items) < 6 and self.chance(80):
            variable = not constant and self.chance(20)
            items.append(
                self._variable(item, pool)
                if variable
                else self._literal(item, pool, constant=constant)
            )
        return items

    def _object(self, kind: GraphQLInputObjectType, *, constant: bool) -> Given:
        names = [name for name, one in kind.fields.items() if is_required(one) or self.chance(50)]
        one_of = is_one_of(kind)
        if one_of:
            names = [self.one_of(list(kind.fields))]
        given: Given = {}
        for name in names:
            one = kind.fields[name]
            pool = self._pool((f"{kind.name}.{name}", name), one.type)
            if one_of:  # its one value may be neither null nor absent
                one = GraphQLInputField(GraphQLNonNull(cast("Any", _bare(one.type))))
            given[name] = (
                self._literal(one.type, pool, constant=True)
                if constant
                else self._value(one, pool, one_of=one_of)
            )
        return given


def text(value: Any, kind: InputType) -> str:
    """The value as it stands in a document."""
    if isinstance(value, Ref):
        return f"${value.name}"
    bare = _bare(kind)
    if isinstance(bare, GraphQLList):
        item = cast("InputType", bare.of_type)
        if isinstance(value, list):
            return f"[{', '.join(text(one, item) for one in cast('list[Any]', value))}]"
        return text(value, item)
    if isinstance(bare, GraphQLInputObjectType) and isinstance(value, dict):
        fields = cast("Given", value).items()
        return "{" + ", ".join(f"{k}: {text(v, bare.fields[k].type)}" for k, v in fields) + "}"
    if isinstance(bare, GraphQLEnumType) and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def resolved(value: Any) -> Any:
    """The value with that of each variable in its place."""
    return resolved(value.value) if isinstance(value, Ref) else value


def _bare(kind: InputType) -> InputType:
    return cast("InputType", kind.of_type) if isinstance(kind, GraphQLNonNull) else kind


def is_one_of(kind: GraphQLInputObjectType) -> bool:
    """Strawberry checks @oneOf by itself, and does not tell graphql-core."""
    return kind.is_one_of or getattr(
        kind.extensions.get("strawberry-definition"), "is_one_of", False
    )


def _has_default(one: GraphQLArgument | GraphQLInputField) -> bool:
    return one.default_value is not Undefined or one.default is not None


def is_required(one: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(one.type, GraphQLNonNull) and not _has_default(one)
