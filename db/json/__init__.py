"""One statement whose value is the JSON text of a whole selection, shaped by PostgreSQL.

Objects are spelled with `concat()`: it looks its output functions up once per statement,
`json_build_object()` once per value. Two things that SQL cannot write are left as marks made
of control characters, which JSON text never holds: *holes*, which Python fills with what it
computes from a few columns, and a *misfit* where a value does not fit its field's type.
"""

from db.json.build import Joint, statement
from db.json.holes import Parse, filled, filler
from db.json.parts import (
    MISFIT,
    Body,
    Cases,
    Constant,
    Group,
    Hole,
    Inside,
    Kind,
    Leaf,
    Member,
    OfPage,
    Paged,
    Part,
    Parts,
    Related,
)

__all__ = [
    "MISFIT", "Body", "Cases", "Constant", "Group", "Hole", "Inside", "Joint", "Kind", "Leaf",
    "Member", "OfPage", "Paged", "Parse", "Part", "Parts", "Related", "filled", "filler",
    "statement",
]  # fmt: skip
