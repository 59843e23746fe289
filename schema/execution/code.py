"""The code that makes response objects of rows: one comprehension, generated for each plan.

The only names from a document in it are response names, which GraphQL confines to
`[_A-Za-z0-9]`; everything else is a number or a name given here.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NoReturn

from db.json import Kind
from db.models import Base
from db.records import fact, recorder, value_columns
from db.rows import Asked, Form
from resolvers.context import Context
from schema.execution.plan import (
    Column,
    Columns,
    Computed,
    Inside,
    Object,
    Other,
    Part,
    Parts,
    Related,
    Row,
    Typename,
)


class Misfit(Exception):
    """A value does not fit its field's type; standard execution will say where, and how."""


def misfit(value: object) -> NoReturn:
    raise Misfit(repr(value))


class Code:
    """Writes expressions over a row `r`, and keeps the objects that they name."""

    def __init__(self, model: type[Base] | None, columns: Columns) -> None:
        self._model = model
        self._columns = columns
        self._names: dict[str, Any] = {"isfinite": isfinite, "misfit": misfit}

    def builder(self, parts: Parts) -> Callable[[Sequence[Row], Context], list[Object]]:
        return self._compiled(f"lambda rows, ctx: [{self._object(parts)} for r in rows]")

    def recorder(self) -> Callable[[Sequence[Row]], list[Any]]:
        """Makes records of the table's own columns, which the statement must then read."""
        if self._model is None:
            return list
        places = [self._columns.place(one) for one in value_columns(self._model)]
        return recorder(self._model, places)

    def _compiled(self, text: str) -> Any:  # noqa: ANN401  (a function)
        return eval(text, self._names)  # noqa: S307  # generated here, see above

    def _name(self, thing: object) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = thing
        return name

    def _place(self, asked: Asked) -> str:
        return f"r[{self._columns.place(asked)}]"

    def _object(self, parts: Parts) -> str:
        return "{" + ", ".join(f"{name!r}: {self._part(one)}" for name, one in parts.items()) + "}"

    def _part(self, part: Part) -> str:
        match part:
            case Typename():
                return repr(part.name)
            case Column():
                return self._column(part)
            case Computed():
                return self._computed(part)
            case Inside():
                there = f"{self._place(part.present)} is not None"
                return f"({self._object(part.parts)} if {there} else None)"
            case Related() | Other():
                return "None"

    def _column(self, part: Column) -> str:
        leaf = part.leaf
        value = self._place(leaf.asked)
        match leaf.kind:
            case Kind.ENUM:
                code = f"{self._name(dict(leaf.names))}[{value}]"
            case Kind.FLOAT:
                code = f"({value} if isfinite({value}) else misfit({value}))"
            case Kind.TEXTS:
                code = f"({value} if None not in {value} else misfit({value}))"
            case _:
                code = value
        if part.serialize:
            code = f"{self._name(part.serialize)}({self._value(leaf.asked)})"
        return code if code == value and leaf.optional else self._absent(value, code, leaf.optional)

    def _absent(self, value: str, code: str, optional: bool) -> str:  # noqa: FBT001
        return f"({'None' if optional else 'misfit(None)'} if {value} is None else {code})"

    def _computed(self, part: Computed) -> str:
        values = [self._value(one) for one in part.needs]
        if part.with_context:
            values.insert(0, "ctx")
        call = f"{self._name(part.function)}({', '.join(values)})"
        absent = "None" if part.optional else "misfit(None)"
        return f"({self._name(part.serialize)}(x) if (x := {call}) is not None else {absent})"

    def _value(self, asked: Asked) -> str:
        """A column's value as the ORM has it: members of enums, where the driver has text."""
        value = self._place(asked)
        if self._model is None or asked.form is not Form.VALUE:
            return value
        members = fact(self._model, asked.column).members
        return value if members is None else f"{self._name(members)}.get({value}, {value})"
