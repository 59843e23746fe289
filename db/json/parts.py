"""What a text is made of: a tree of parts, and the marks that a statement may leave in it."""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Final, Literal

from db.rows import Asked

MISFIT: Final = b"\x03"
HOLE: Final = b"\x01"
NEXT: Final = b"\x02"
NULL: Final = b"\x04"


class Kind(StrEnum):
    """How a column's value is written."""

    TEXT = auto()
    PLAIN = auto()
    """Text in which nothing needs escaping: ids, times."""
    INTEGER = auto()
    INT32 = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    ENUM = auto()
    TEXTS = auto()
    """A list of texts."""
    OTHER = auto()
    """In a way that only Python knows."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is a column. `names` are an enum's: the column's value, and what is written."""

    asked: Asked
    kind: Kind
    optional: bool = False
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A field that Python computes from columns; `number` is its place among the fillers."""

    number: int
    columns: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """Different objects by the text in a column; any other text is a misfit."""

    column: str
    parts: tuple[tuple[str, "Parts"], ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """An object of the same row; null where the column `present` is, if one is named."""

    body: "Body"
    present: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Objects of other rows: `number` is the place of their `Shape`, `of` the parent's key."""

    number: int
    of: str | None
    body: "Body"
    many: bool
    optional: bool


Member = Literal[
    "cursor",
    "nodes",
    "edges",
    "total_count",
    "has_next_page",
    "has_previous_page",
    "start_cursor",
    "end_cursor",
    "page_number",
    "total_pages",
]


@dataclass(frozen=True, slots=True)
class OfPage:
    """A member of a page: `body` of a node or an edge, `hole` of a cursor."""

    member: Member
    body: "Body" = ()
    hole: Hole | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """A page of other rows. Its parts are `OfPage`, constants, and objects of such."""

    number: int
    of: str | None
    parts: "Parts"


@dataclass(frozen=True, slots=True)
class Group:
    """An object that only holds members of the page around it."""

    parts: "Parts"


Part = Leaf | Constant | Hole | Inside | Related | Paged | OfPage | Group
Parts = tuple[tuple[str, Part], ...]
Body = Parts | Cases
