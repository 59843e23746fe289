"""What is known of a table's columns, and its rows as records: for code that works row by row."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import BigInteger, String, inspect
from sqlalchemy.dialects.postgresql import JSONB

from db.models import Base
from db.rows import Asked

_KEPT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of a column. `python` is the type of its values, such as an enum."""

    python: type
    nullable: bool
    is_big: bool
    is_texts: bool = False
    """Whether its values are lists of texts."""

    @property
    def members(self) -> Mapping[str, Any] | None:
        """The members of an enum by the text that the table holds."""
        if not issubclass(self.python, Enum):
            return None
        return {one.value: one for one in self.python}


@lru_cache(_KEPT)
def fact(model: type[Base], column: str) -> Fact:
    attribute = getattr(model, column)
    kind: Any = attribute.type
    nullable = getattr(attribute.expression, "nullable", True)
    is_texts = isinstance(getattr(kind, "item_type", None), String)
    return Fact(kind.python_type, nullable, isinstance(kind, BigInteger), is_texts)


@lru_cache(_KEPT)
def value_columns(model: type[Base]) -> tuple[Asked, ...]:
    """Every column of a table, but for those that are large: documents, and deferred ones."""
    names = [one.key for one in inspect(model).column_attrs if not one.deferred]
    return tuple(Asked(one) for one in names if not isinstance(getattr(model, one).type, JSONB))


def recorder(model: type[Base], places: Sequence[int]) -> Callable[[Sequence[Any]], list[Any]]:
    """Makes records of rows that have the `value_columns` at these places.

    A record has them as attributes, as the ORM's object of the row has.
    """
    make, pick = _record_type(model)._make, itemgetter(*places)
    known = [fact(model, one.column).members for one in value_columns(model)]
    enums = [(place, members) for place, members in enumerate(known) if members is not None]

    def record(row: Any) -> Any:  # noqa: ANN401
        values = list(pick(row))
        for place, members in enums:
            values[place] = members.get(values[place], values[place])
        return make(values)

    return lambda found: [record(row) for row in found]


def records(model: type[Base], found: Sequence[Any]) -> list[Any]:
    """Records of rows that begin with the `value_columns`."""
    return _first_columns(model)(found)


@lru_cache(_KEPT)
def _first_columns(model: type[Base]) -> Callable[[Sequence[Any]], list[Any]]:
    return recorder(model, range(len(value_columns(model))))


@lru_cache(_KEPT)
def _record_type(model: type[Base]) -> Any:  # noqa: ANN401  (a named tuple's class)
    names = [one.column for one in value_columns(model)]
    made: Any = namedtuple(model.__name__, names)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple]
    made.model = model
    return made
