"""How single values are written as JSON."""

from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    Text,
    case,
    cast,
    func,
    inspect,
    literal_column,
)

from db import records, rows
from db.json.parts import MISFIT, NULL, Kind, Leaf
from db.rows import Asked, Form

Text_ = ColumnElement[str]
Pieces = list[str | ColumnElement[Any]]
"""Texts of the statement and values, to be joined."""

ZERO: Final[ColumnElement[int]] = literal_column("0", Integer())
ONE: Final[ColumnElement[int]] = literal_column("1", Integer())


def quoted(text: str) -> ColumnElement[str]:
    """A constant of the statement. Names of a checked document need no more than this."""
    return literal_column("'" + text.replace("'", "''") + "'", String())


def mark(mark: bytes) -> ColumnElement[str]:
    escaped = "".join(f"\\x{one:02x}" for one in mark)
    return literal_column(f"E'{escaped}'", String())


def expressions(pieces: Pieces) -> list[ColumnElement[Any]]:
    """Constants that follow each other become one."""
    found: list[ColumnElement[Any]] = []
    for is_text, group in groupby(pieces, lambda piece: isinstance(piece, str)):
        if is_text:
            found.append(quoted("".join(map(str, group))))
        else:
            found += [piece for piece in group if not isinstance(piece, str)]
    return found


def text_of(value: ColumnElement[Any]) -> Text_:
    return cast(value, Text)


def leaf(row: Any, part: Leaf) -> Pieces:  # noqa: ANN401
    """The JSON text of a column's value; a misfit where the field cannot have that value."""
    value, known = rows.expression(row, part.asked), _fact(row, part.asked)
    absent = quoted("null") if part.optional else mark(MISFIT)
    if part.kind is Kind.TEXT and part.optional and known.nullable:
        return [func.coalesce(func.to_json(value), literal_column("'null'::json"))]
    if known.nullable:
        return [case((value.is_(None), absent), else_=joined(_written(value, part)))]
    return _written(value, part)


def joined(pieces: Pieces) -> Text_:
    return func.concat(*expressions(pieces))


def _written(value: ColumnElement[Any], part: Leaf) -> Pieces:  # noqa: PLR0911
    """How a value that is not null is written."""
    match part.kind:
        case Kind.TEXT:
            return [func.to_json(value)]
        case Kind.TEXTS:
            whole = func.array_position(value, literal_column("null")).is_(None)
            return [_fitting(whole, func.to_json(value))]
        case Kind.PLAIN:
            return ['"', value, '"']
        case Kind.INTEGER:
            return [value]
        case Kind.INT32:
            return [_fitting(value.between(literal_column(_LEAST), literal_column(_MOST)), value)]
        case Kind.BOOLEAN:
            return [boolean(value)]
        case Kind.FLOAT:
            return [_float(value)]
        case Kind.ENUM:
            names = [(value == quoted(one), quoted(f'"{name}"')) for one, name in part.names]
            return [case(*names, else_=mark(MISFIT))]
        case Kind.OTHER:
            raise ValueError(f"{part.asked.column} cannot be written in SQL")


_LEAST: Final = str(-(2**31))
_MOST: Final = str(2**31 - 1)


def _fitting(fits: ColumnElement[bool], value: ColumnElement[Any]) -> Text_:
    return case((fits, cast(value, Text)), else_=mark(MISFIT))


def boolean(value: ColumnElement[bool]) -> Text_:
    return case((value, quoted("true")), else_=quoted("false"))


def _float(value: ColumnElement[float]) -> Text_:
    """As orjson writes it, where both write the shortest digits without an exponent."""
    size, zero = func.abs(value), value == ZERO
    plain = (size.between(literal_column("0.001"), literal_column("1e9"))) | zero
    whole = func.concat(value, quoted(".0"))
    text = case((value == func.trunc(value), whole), else_=cast(value, Text))
    return _fitting(plain, text)


def need(row: Any, asked: Asked) -> ColumnElement[Any]:  # noqa: ANN401
    """A column as a hole holds it: text as JSON, all else as PostgreSQL prints it."""
    value, known = rows.expression(row, asked), _fact(row, asked)
    if asked.form is Form.VALUE:
        if known.python is datetime:
            value = rows.expression(row, Asked(asked.column, Form.MOMENT))
        elif known.python is str or known.is_texts:
            value = func.to_json(value)
    if known.nullable:
        return func.coalesce(cast(value, Text), mark(NULL))
    return value


def _fact(row: Any, asked: Asked) -> records.Fact:  # noqa: ANN401
    return records.fact(inspect(row).mapper.class_, asked.column)
