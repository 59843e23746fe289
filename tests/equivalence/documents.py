"""Makes documents that are valid for a schema, and now and then meet an error."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from graphql import (
    GraphQLBoolean,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from tests.equivalence.arguments import Arguments, Given, Material, resolved, text
from tests.equivalence.choices import Choices
from tests.equivalence.selectable import Fields, Parent, Place, conditions_of, fields_of

Lines = list[str]
SHADOWS: Final = ("id", "title", "a", "r", "rows", "data", "None", "lambda", "node", "__a", "_")
"""Aliases that are names of something else, in the schema or in code that a plan may generate."""

INTROSPECTION: Final = (
    "__schema { queryType { name } }",
    '__type(name: "Video") { kind name fields { name type { kind name } } }',
    '__type(name: "Nothing") { name }',
)
MAX_SELECTIONS: Final = 40
"""About how many selections a document has, those of several fields at once not counted."""

MAX_LEAVES: Final = 800
"""About how many leaves a response has."""
MAX_TIMES: Final = 150
"""About how many objects of one level there are."""


@dataclass(frozen=True)
class Shape:
    """What the documents of one test are about. Shares are in percent."""

    name: str
    roots: tuple[str, ...] = ()
    """Fields of the root type to choose from; all of them if there are none."""
    spoiled: int = 25
    """The share of the documents with values that may be an error."""
    risky: int = 10
    """The share of the documents with fields that often fail."""


@dataclass(frozen=True)
class Question:
    document: str
    variables: dict[str, Any]
    operation: str | None
    caller: str

    def __repr__(self) -> str:
        return f"as {self.caller}, with {self.variables!r}, {self.operation}:\n{self.document}"


@dataclass(frozen=True)
class Fragment:
    name: str
    on: Parent
    depth: int
    """How many levels of fields it has."""
    leaves: int
    """About how many leaves it adds to each object that it is spread on."""
    lines: Lines


@dataclass
class Document:
    """One document while it is drawn. Whatever is chosen, 0 is the simplest."""

    schema: GraphQLSchema
    shape: Shape
    arguments: Arguments
    depth: int
    """How many fields it may be deep."""
    risky: bool
    """Whether it may have fields that often fail."""
    unplanned: bool
    """Whether it may have fields with ordinary resolvers."""
    fragments: list[Fragment] = field(default_factory=list[Fragment])
    leaves: int = 0
    made: int = 0
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """What each response name stands for, everywhere in the document, so that all fields merge."""
    _own: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _known: dict[str, list[Given]] = field(default_factory=dict[str, list[Given]])

    def selections(self, at: Place) -> tuple[Lines, int]:
        """Lines for the objects of a place; and how many levels of fields are in them."""
        lines: Lines = []
        deepest = 0
        # Of an interface there is little to ask; its types are worth several fragments.
        percent = 80 if at.is_abstract else 66

        while True:
            more = self.arguments.chance(percent)
            enough = self.made > MAX_SELECTIONS or self.leaves > MAX_LEAVES
            if lines and (enough or not more):
                return lines, deepest
            self.made += 1
            found, levels = self._selection(at)
            lines, deepest = [*lines, *found], max(deepest, levels)

    def _selection(self, at: Place) -> tuple[Lines, int]:
        chance = self.arguments.chance
        if chance(50 if at.is_abstract else 18) and self.leaves < MAX_LEAVES:
            return self._spread(at) if chance(45) else self._inline(at)
        return self._field(at)

    def _inline(self, at: Place) -> tuple[Lines, int]:
        kind: Parent | None = None
        if self.arguments.chance(80):
            kind = self.arguments.one_of(self._conditions(at))
        lines, levels = self.selections(at if kind is None else replace(at, parent=kind))
        head = f"... on {kind.name}" if kind else "..."
        return [f"{head}{self._directives()} {{", *_indented(lines), "}"], levels

    def _spread(self, at: Place) -> tuple[Lines, int]:
        conditions = self._conditions(at)
        known = [
            one
            for one in self.fragments
            if one.on in conditions
            and one.depth <= at.depth
            and self.leaves + one.leaves * at.times <= MAX_LEAVES
        ]
        if known and self.arguments.chance(50):
            fragment = self.arguments.one_of(known)
            self.leaves += fragment.leaves * at.times
        else:
            kind, before = self.arguments.one_of(conditions), self.leaves
            lines, levels = self.selections(replace(at, parent=kind))
            each = -(-(self.leaves - before) // at.times)
            fragment = Fragment(f"F{len(self.fragments) + 1}", kind, levels, each, lines)
            self.fragments.append(fragment)
        return [f"...{fragment.name}{self._directives()}"], fragment.depth

    def _conditions(self, at: Place) -> Sequence[Parent]:
        """The types that a fragment may be on: mostly those that the objects are known to be of."""
        every = conditions_of(self.schema, at.parent)
        likely = [one for one in every if at.is_abstract and one.name in at.likely]
        return likely if likely and self.arguments.chance(75) else every

    def _field(self, at: Place) -> tuple[Lines, int]:
        parent, chance, one_of = at.parent, self.arguments.chance, self.arguments.one_of
        choices = self._choices(parent)
        if len(choices.together) > 1 and chance(15):
            start = self.arguments.choices.below(len(choices.together))
            some = choices.together[start : start + 1 + self.arguments.choices.below(12)]
            self.leaves += at.times * len(some)
            return [self._plain(parent, name) for name in some], 0
        at_root, deeper = parent is self.schema.query_type, at.depth > 0 and at.times <= MAX_TIMES
        wanted = chance(94 if at_root else 45)
        if choices.risky and chance(25):
            name = one_of(choices.risky)
        elif wanted and choices.composites and deeper:
            name = one_of(choices.composites)
        elif wanted and at_root:
            return [one_of(INTROSPECTION)], 1
        else:
            name = one_of(choices.leaves)
        if name in choices.leaves:
            return self._leaf(parent, name, at.times), 0
        if not deeper:
            return self._leaf(parent, "__typename", at.times), 0
        return self._composite(at, name)

    def _choices(self, parent: Parent) -> Fields:
        roots, material = self.shape.roots, self.arguments.material
        return fields_of(
            self.schema, parent, roots, material, risky=self.risky, unplanned=self.unplanned
        )

    def _leaf(self, parent: Parent, name: str, times: int) -> Lines:
        self.leaves += times
        if name == "__typename":
            return [self._named(name, "", "String!") + self._directives()]
        kind, given = str(parent.fields[name].type), self._given(parent, name)
        if not given and isinstance(parent, GraphQLObjectType) and self.arguments.chance(4):
            return [self._of_its_own(parent, name, kind)]
        return [self._named(name, self._text(parent, name, given), kind) + self._directives()]

    def _plain(self, parent: Parent, name: str) -> str:
        return self._named(name, "", str(parent.fields[name].type), alias=False)

    def _composite(self, at: Place, name: str) -> tuple[Lines, int]:
        parent, material = at.parent, self.arguments.material
        found, given, place = (
            parent.fields[name],
            self._given(parent, name),
            f"{parent.name}.{name}",
        )
        head = self._named(name, self._text(parent, name, given), str(found.type))
        values = {name: resolved(value) for name, value in given.items()}
        inside = Place(
            cast("Parent", get_named_type(found.type)),
            depth=at.depth - 1,
            times=at.times * max(1, material.fan_out(place, found, values)),
            likely=material.likely(place, values),
        )
        lines, levels = self.selections(inside)
        return [f"{head}{self._directives()} {{", *_indented(lines), "}"], levels + 1

    def _given(self, parent: Parent, name: str) -> Given:
        """New arguments of a field, or some that it has elsewhere: then both are one field."""
        place, expected = f"{parent.name}.{name}", parent.fields[name].args
        if not expected:
            return {}
        known = self._known.setdefault(place, [])
        if known and self.arguments.chance(30):
            return self.arguments.one_of(known)
        known.append(self.arguments.of(place, expected))
        return known[-1]

    @staticmethod
    def _text(parent: Parent, name: str, given: Given) -> str:
        expected = parent.fields[name].args
        texts = [f"{one}: {text(value, expected[one].type)}" for one, value in given.items()]
        return f"({', '.join(texts)})" if texts else ""

    def _named(self, name: str, arguments: str, kind: str, *, alias: bool = True) -> str:
        """The field under a name that stands for nothing else in the document."""
        meaning = (name, arguments, kind)
        names = itertools.chain([name], (f"{name}_{n}" for n in itertools.count(1)))
        if alias and self.arguments.chance(15):
            names = itertools.chain([self.arguments.one_of(SHADOWS)], names)
        free = next(one for one in names if self._names.setdefault(one, meaning) == meaning)
        return f"{name}{arguments}" if free == name else f"{free}: {name}{arguments}"

    def _of_its_own(self, parent: GraphQLObjectType, name: str, kind: str) -> str:
        """The field under a name that may stand for another field in objects of other types."""
        alias = "own_" + kind.translate({ord("!"): "_", ord("["): "L", ord("]"): None})
        return f"{alias}: {self._own.setdefault((parent.name, alias), name)}"

    def _directives(self) -> str:
        if not self.arguments.chance(12):
            return ""
        names = self.arguments.one_of((["include"], ["skip"], ["skip", "include"]))
        conditions = [text(self.arguments.condition(), GraphQLBoolean) for _ in names]
        return "".join(f" @{name}(if: {one})" for name, one in zip(names, conditions, strict=True))

    def operation(self) -> tuple[str, str | None]:
        """The whole document, and which of its operations is meant, if it has to be said."""
        root = self.schema.query_type
        assert root is not None
        lines, _ = self.selections(Place(root, self.depth, times=1))
        declared = [
            f"${name}: {one.kind}" + (f" = {one.default}" if one.default is not None else "")
            for name, one in self.arguments.declared.items()
        ]
        variables, named = f"({', '.join(declared)})" if declared else "", self.arguments.chance(10)
        head = f"query{' Q' if named else ''}{variables} " if declared or named else ""
        whole = [f"{head}{{", *_indented(lines), "}"]
        for one in self.fragments:
            whole += [f"fragment {one.name} on {one.on.name} {{", *_indented(one.lines), "}"]
        if named:
            whole.append("query Other { __typename }")
        return "\n".join(whole), "Q" if named else None


def _indented(lines: Lines) -> Lines:
    return [f"  {line}" for line in lines]


def question(
    choices: Choices,
    schema: GraphQLSchema,
    material: Material,
    callers: Sequence[str],
    shape: Shape,
) -> Question:
    """A document of a shape, with its variables and caller; frequent callers come repeatedly."""
    arguments = Arguments(choices, material, spoiled=False)
    arguments.spoiled = arguments.chance(shape.spoiled)
    risky, depth = arguments.chance(shape.risky), arguments.one_of((3, 2, 4, 5, 6, 9))
    unplanned, caller = arguments.chance(50), arguments.one_of(callers)
    drawn = Document(schema, shape, arguments, depth=depth, risky=risky, unplanned=unplanned)
    document, operation = drawn.operation()
    return Question(document, arguments.values, operation, caller)
