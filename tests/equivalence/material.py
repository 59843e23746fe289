"""What the suite knows of the product's schema: good and bad values of its arguments."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_nullable_type,
    is_list_type,
)
from strawberry.types.field import StrawberryField

from db.models import (
    Category,
    FetchItem,
    KeyPoint,
    PlaySet,
    Recommendation,
    StoredObject,
    Task,
    Template,
    TranscodeRule,
    UploadSession,
    Video,
)
from domain.paging import Cursor
from domain.tasks import TaskKind
from domain.templates import DEFAULTS
from schema import ids, root
from schema.execution.compiler import DEFINITION
from schema.execution.fields import declaration
from tests.equivalence import data, tables, values
from tests.equivalence.arguments import Given, Material, Pool, resolved

DEFAULT_PAGE: Final = 15
KINDS: Final = {
    TaskKind.VERIFY: "VerifyTask",
    TaskKind.PROBE: "ProbeTask",
    TaskKind.TRANSCODE: "TranscodeTask",
    TaskKind.FETCH: "FetchTask",
    TaskKind.EXPORT: "ExportTask",
    TaskKind.CLIP: "ClipTask",
    TaskKind.SPLICE: "SpliceTask",
    TaskKind.SIMULATE: "SimulateTask",
    TaskKind.COVER: "CoverTask",
}
NEVER_THE_SAME: Final = frozenset(
    {"UploadCheck.challenge", "QueueStats.oldestWaitSeconds", "Query.sharedVideo"}
)
"""Fields that answer something else each time."""
TEXTS: Final = ("a", "", " ", "視頻", "视", "null", "LONG  long", "e\u0301", "\\", "😀")
"""What titles are searched for."""
GARBAGE: Final = ("", "x", "VmlkZW86", "\x00", "é", "VmlkZW86Og==", "=" * 300)


def material(*, risky: frozenset[str] = frozenset()) -> Material:
    """`risky` are fields, as `Type.field`, beside those of the product that often fail."""
    never, risky = NEVER_THE_SAME, risky | {"UploadSession.targets"}
    return Material(_pools(), TOGETHER, risky, fan_out, likely, _unplanned(), never)


TOGETHER: Final = {
    frozenset({"first", "after", "last", "before", "page"}): (
        ("first",),
        (),
        ("first", "after"),
        ("last",),
        ("last", "before"),
        ("after",),
        ("first", "last"),
        ("before", "last"),
        ("page",),
        ("first", "page"),
    ),
    frozenset({"videoIds", "categoryIds"}): (
        ("videoIds",),
        ("categoryIds",),
        ("videoIds", "categoryIds"),
    ),
}
"""Which arguments go together."""


def fan_out(place: str, field: GraphQLField, given: Given) -> int:
    """The size of a page counts once, at the connection."""
    if "first" in field.args:
        size = given.get("last")
        size = given.get("first", DEFAULT_PAGE) if size is None else size
        return min(size, 30) if isinstance(size, int) else DEFAULT_PAGE
    if "ids" in field.args:
        return len(given["ids"]) if isinstance(given["ids"], list) else 1
    many = is_list_type(get_nullable_type(field.type))
    return 3 if many and not place.partition(".")[0].endswith("Connection") else 1


def likely(_place: str, given: Given) -> set[str]:
    """The types that the ids name."""
    named = given.get("ids", [given.get("id")])
    every = [resolved(one) for one in (named if isinstance(named, list) else [named])]
    found = [ids.split(one) for one in every if isinstance(one, str)]
    return {one[0] for one in found if one is not None}


def _unplanned() -> frozenset[str]:
    """What is executed the standard way in all modes, and with it what it is in."""
    return frozenset(
        f"{kind.name}.{name}"
        for kind in root.schema._schema.type_map.values()
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in kind.fields.items()
        if (known := field.extensions.get(DEFINITION)) and _is_unplanned(kind.name, known)
    )


def _is_unplanned(kind: str, known: StrawberryField) -> bool:
    """The parts of pages have resolvers, too, but plans know what they are."""
    is_page = kind.endswith(("Connection", "Edge", "PageInfo"))
    return not (is_page or known.is_basic_field) and declaration(known) is None


def _pools() -> dict[str, Pool]:
    videos, tasks = _ids("Video", Video), _tasks()
    uploads, play_sets = _ids("UploadSession", UploadSession), _ids("PlaySet", PlaySet)
    accounts = [ids.encode("Account", tables.key(tenant, "account")) for tenant in tables.TENANTS]
    unknown = ids.encode("Video", UUID(int=7))
    objects = _ids("StoredObject", StoredObject)
    wrong = (ids.encode("Video", tables.key("owner", "task", 1, 0)), unknown)
    templates = _templates()
    kept = [*_ids("Category", Category)[:2], *_ids("AutoTranscodeRule", TranscodeRule)[:2]]
    made = [*tasks[:9], *uploads[:9], *play_sets[:9], *objects[:3]]
    marks = [ids.encode("KeyPoint", row["id"]) for row in data.rows().of[KeyPoint][:3]]
    some = [*videos[:9], *marks, *made, *templates[:3], *kept, *accounts, *wrong]
    vids = [row["vid"] for row in data.rows().of[Video]]
    storage_ids = [row["storage_id"] for row in data.rows().of[StoredObject]]
    digests = [tables.digest(number) for number in range(tables.OBJECTS)]
    foreign = (*some[::5], *GARBAGE)
    return {
        "ID": Pool(some, GARBAGE),
        "Query.task.id": Pool([*tasks, unknown], foreign),
        "Query.uploadSession.id": Pool([*uploads, unknown], foreign),
        "Video.playSets.templateId": Pool([*templates, unknown], foreign),
        "Query.transcodeTemplates.after": _cursors(Template, "number", "name"),
        "Query.transcodeTemplates.before": _cursors(Template, "number", "created_at"),
        "Query.autoTranscodeRules.after": _cursors(TranscodeRule, "created_at"),
        "Query.autoTranscodeRules.before": _cursors(TranscodeRule, "created_at"),
        "Query.videoSizes.videoIds": Pool([*videos, unknown], foreign, null=False),
        "Query.videoSizes.categoryIds": Pool(_ids("Category", Category), foreign, null=False),
        "Query.videoSizes.after": _cursors(Video, "created_at", "title"),
        "Query.videoSizes.before": _cursors(Video, "created_at"),
        "CategoryFilter.parentId": Pool(_ids("Category", Category), foreign),
        "CategoryFilter.search": Pool(("a", "é", "%", "_"), ("\x00", "x" * 300)),
        "CategoryBy.id": Pool([*_ids("Category", Category), unknown], foreign),
        "CategoryBy.categoryId": Pool(("1", "3", "99"), ("", "x", "\x00", "-1", "9" * 30)),
        "Query.categories.after": _cursors(Category, "name", "created_at"),
        "Query.categories.before": _cursors(Category, "name"),
        "VideoBy.id": Pool([*videos, unknown], foreign),
        "TaskFilter.videoId": Pool([*videos, unknown], foreign),
        "VideoBy.vid": Pool([*vids, "nobody"], ("", "\x00", "x" * 300, "é\u2028")),
        "VideoBy.storageId": Pool([*storage_ids, "nobody"], ("", "\x00", "é\u2028")),
        "VideoFilter.search": Pool(
            (*TEXTS, vids[3], storage_ids[2], videos[4]), ("\x00", "x" * 256, "\u202e", "_")
        ),
        "VideoFilter.title": Pool(TEXTS, ("\x00", "x" * 256, "%")),
        "VideoFilter.tags": Pool(values.TAGS, ("\x00", "x" * 256, "no such tag")),
        "VideoFilter.ownerPhone": Pool(("+86 138", "", "0"), ("\x00", "x" * 256)),
        "VideoFilter.categoryId": Pool(_ids("Category", Category), foreign),
        "VideoFilter.sourceType": Pool(("library", "else"), ("", "\x00", "x" * 256)),
        "VideoSourceInput.sourceType": Pool(("library",), ("", "\x00", "else")),
        "VideoSourceInput.sourceId": Pool(("1", "3", "none"), ("", "\x00")),
        "Query.storedObject.storageId": Pool([*storage_ids, "nobody"], ("", "\x00", "é\u2028")),
        "Query.storedObjects.after": _cursors(StoredObject, "created_at"),
        "Query.storedObjects.before": _cursors(StoredObject, "created_at"),
        "SHA256": Pool([*digests, "f" * 64], ("", "x", "F" * 64, "é" * 64)),
        "Bytes": Pool((1, 2**31, 65_536, 2**32 + 1), (0, -1, 2**53, "x")),
        "Query.videos.after": _cursors(Video, "created_at", "title"),
        "Query.videos.before": _cursors(Video, "created_at", "updated_at", "title"),
        "Query.uploadSessions.after": _cursors(UploadSession, "created_at"),
        "Query.uploadSessions.before": _cursors(UploadSession, "created_at"),
        "FetchTask.items.after": _positions(),
        "FetchTask.items.before": _positions(),
        "Video.recommended.after": _places(),
        "Video.recommended.before": _places(),
        "after": _cursors(Task, "created_at"),
        "before": _cursors(Task, "created_at"),
        "first": Pool((2, 1, 15, 100, 3, 0), (-1, 101, 2**31, 2**31 - 1, -(2**31)), null=False),
        "last": Pool((2, 1, 5, 0, 100), (-1, 101, 2**31), null=False),
        "page": Pool((1, 2, 3), (0, -1, 10_000, 2**31)),
        "DateTime": Pool(
            ("2026-01-01T00:01:00Z", "2026-01-01T01:02:00.5+01:00"), ("", "x", "2026-13-01T00:00Z")
        ),
        "indexes": Pool((1, 2), (0, -1, 99, 2**31)),
        "ttlSeconds": Pool((10, 60, 86_400), (9, 86_401, 0, -1), null=False),
    }


def _ids(name: str, table: type) -> list[str]:
    return [ids.encode(name, row["id"]) for row in _mixed(table)]


def _tasks() -> list[str]:
    return [ids.encode(KINDS[row["kind"]], row["id"]) for row in _mixed(Task)]


def _templates() -> list[str]:
    built_in = [ids.encode("TranscodeTemplate", one.id) for one in DEFAULTS]
    own = [ids.encode("TranscodeTemplate", row["public_id"]) for row in _mixed(Template)]
    return [*own, *built_in]


def _mixed(table: type) -> list[tables.Row]:
    """Mostly rows of the owner, in steps, so that few of them show much."""
    own = data.rows().owned(table, "owner") if table is not PlaySet else data.rows().of[PlaySet]
    others = [] if table is PlaySet else data.rows().owned(table, "stranger")
    return [*own[::3], *others[:2], *own[1::3]]


def _cursors(table: type, column: str, *others: str) -> Pool:
    """Cursors of lists in the order of a column; those of other orders may be refused."""
    good = [cursor(row, column) for row in _mixed(table)[:10]]
    wrong = [cursor(row, other) for other in others for row in _mixed(table)[:9]]
    strange = (
        Cursor("2026-01-01T00:00:00", str(UUID(int=7))),
        Cursor("2026-01-01T00:00:00+00:00", "x"),
        Cursor("\x00", str(UUID(int=7))),
        Cursor("", ""),
    )
    # Pythons and databases know other years: these are refused, or hold no row.
    return Pool((*good, *wrong[:1]), (*wrong, *(one.encode() for one in strange), *GARBAGE))


def _places() -> Pool:
    """Cursors of what is recommended: of ranks, and of the newest behind them."""
    rows = data.rows().of[Recommendation][:6]
    good = [Cursor(str(row["rank"]), str(row["other_id"])).encode() for row in rows]
    newest = Cursor(str(10**18), str(UUID(int=7))).encode()
    return Pool([*good, newest], (Cursor("x", str(UUID(int=7))).encode(), *GARBAGE))


def _positions() -> Pool:
    """Cursors of the rows of fetches."""
    rows = data.rows().of[FetchItem][:9]
    good = [Cursor(str(row["position"]), str(row["id"])).encode() for row in rows]
    return Pool(good, (Cursor("x", str(UUID(int=7))).encode(), *GARBAGE))


def cursor(row: dict[str, Any], column: str) -> str:
    value = row[column]
    shown = value.isoformat() if isinstance(value, datetime) else str(value)
    return Cursor(shown, str(row["id"])).encode()
