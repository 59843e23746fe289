"""Tables of rows: whose they are, what their ids are, and what their columns choose from."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from db.models import (
    Account,
    Category,
    ClipSegment,
    Content,
    ExportFile,
    FetchItem,
    KeyPoint,
    PlaySet,
    Recommendation,
    RuleTemplate,
    StoredObject,
    Task,
    Template,
    TranscodeRule,
    UploadPart,
    UploadSession,
    Video,
)
from tests.equivalence import values
from tests.support.factories import EPOCH

Row = dict[str, Any]
TENANTS: Final = {"owner": 26, "stranger": 5, "cursed": 8}
"""How many videos each has; a page holds 15 unless the caller says otherwise."""

OBJECTS: Final = 7
"""How many stored objects each has; they hold the same contents."""

TEMPLATES: Final = 6
"""How many templates, categories and rules each has."""

TABLES: Final = (
    *(Account, Content, StoredObject, Template, Category, TranscodeRule, RuleTemplate, Video),
    *(KeyPoint, UploadSession, Task, PlaySet, UploadPart, ClipSegment, FetchItem, ExportFile),
    Recommendation,
)
SHA256: Final = "0123456789abcdef" * 4


@dataclass
class Rows:
    """By table, in the order in which foreign keys allow to insert them."""

    of: dict[type, list[Row]] = field(default_factory=lambda: {table: [] for table in TABLES})

    def add(self, table: type, **row: Any) -> Row:
        self.of[table].append(row)
        return row

    def owned(self, table: type, tenant: str) -> list[Row]:
        return [row for row in self.of[table] if row["account_id"] == key(tenant, "account")]


def key(*names: object) -> UUID:
    """The id of a row: random to look at, the same in every run."""
    return uuid.uuid5(uuid.NAMESPACE_OID, " ".join(map(str, names)))


def digest(number: int) -> str:
    return SHA256[number:] + SHA256[:number]


def pick(choices: Sequence[Any], number: int) -> Any:
    return choices[number % len(choices)]


def moment(number: int) -> datetime:
    """Neighbours share a moment now and then, so that the order needs the id."""
    if number % 4 == 1:
        return pick(values.MOMENTS, number // 4)
    return EPOCH + timedelta(minutes=number // 3, microseconds=pick((0, 10, 123_456), number // 2))
