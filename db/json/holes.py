"""Filling the holes of a text with what Python computes."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from db import records
from db.json.parts import HOLE, NEXT, NULL
from db.models import Base
from db.rows import Asked, Form

Parse = Callable[[bytes], Any]


def filled(text: bytes, fill: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    """The text with its holes filled; `fill` is by the hole's number as written."""
    pieces = text.split(HOLE)
    for place in range(1, len(pieces), 2):
        number, _, values = pieces[place].partition(NEXT)
        pieces[place] = fill[number](values)
    return b"".join(pieces)


def filler(
    model: type[Base], columns: Sequence[Asked], make: Callable[..., bytes]
) -> Callable[[bytes], bytes]:
    """Reads the columns that a hole holds and gives them to `make` as Python's values."""
    if len(columns) == 1:
        parse = _parser(model, columns[0])
        return lambda values: make(parse(values))
    parsers = [_parser(model, one) for one in columns]

    def fill(values: bytes) -> bytes:
        texts = values.split(NEXT) if parsers else []
        return make(*(parse(one) for parse, one in zip(parsers, texts, strict=True)))

    return fill


def _parser(model: type[Base], asked: Asked) -> Parse:
    fact = records.fact(model, asked.column)
    if asked.form is not Form.VALUE:
        return _or_none(bytes.decode)
    if fact.is_texts:
        return _or_none(orjson.loads)
    if (members := fact.members) is not None:
        return _or_none(lambda raw: members.get(text := raw.decode(), text))
    return _or_none(_PARSERS[fact.python])


_PARSERS: Final[dict[type, Parse]] = {
    UUID: lambda raw: UUID(raw.decode()),
    str: orjson.loads,
    bool: lambda raw: raw == b"true",
    bytes: lambda raw: bytes.fromhex(raw.decode().removeprefix("\\x")),
    int: int,
    float: float,
    datetime: lambda raw: datetime.fromisoformat(raw.decode()),
}


def _or_none(parse: Parse) -> Parse:
    return lambda raw: None if raw == NULL else parse(raw)
