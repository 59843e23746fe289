"""What each tenant knows: the ids and texts that may stand in each place of the arguments."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from db.events import Position
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
from domain.files import File
from domain.paging import Cursor
from domain.tasks import TaskKind
from schema import cursors, ids
from tests.authorization import worlds
from tests.authorization.kinds import ALSO, IDS, KIND_OF, PAIRS
from tests.authorization.places import Filling, Given, Place, Slot
from tests.authorization.worlds import OWNER, SOLE_SIZE
from tests.equivalence import tables
from tests.equivalence.material import KINDS, cursor

Values = Sequence[Any]
TOO_LONG: Final = 200
ENOUGH: Final = 3
"""Values of one kind; they are in steps, so that all states are among them."""


def values(tenant: str, key: str) -> Values:
    """What the tenant may put into the place of this key."""
    assert key in KIND_OF, f"say in kinds.KIND_OF what may stand in {key}"
    return kinds(tenant)[KIND_OF[key]]


def arguments(
    caller: str, slots: Mapping[str, Slot], place: Place, *, whose: str = OWNER
) -> list[Given]:
    """The arguments of a field, once for each of the owner's values in this place.

    The other places that must be filled have what is good for the caller.
    """
    filling = Filling(_own(caller), _plain(), ALSO)
    times = 2 if place.key in PAIRS else 1
    return [
        filling.arguments(slots, place, [value] * times if times > 1 else value)
        for value in values(whose, place.key)
    ]


def good(caller: str, slots: Mapping[str, Slot], of: str) -> Given:
    """Arguments that are good for the caller, of the field `of`: `Type.field`."""
    return Filling(_own(caller), _plain(), ALSO).good(slots, of)


def _plain() -> dict[str, Any]:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    return {
        "Bytes": SOLE_SIZE,
        "Boolean": False,
        "String": OWNER,
        "Int": 1_500,
        "Float": 1.0,
        "SHA256": "0" * 64,
        "Upload": File(None, "video/mp4", 1, body()),
    }


@cache
def _own(tenant: str) -> dict[str, Any]:
    """Ids of the tenant's own, for every place that takes one."""
    first = {key: values(tenant, key)[0] for key, kind in KIND_OF.items() if kind in IDS}
    return {
        **first,
        **{key: [first[key]] * 2 for key in PAIRS},
        "CreateVideoInput.storageId": tenant,
        "CreateFetchInput.source": {"items": [{"url": "http://films.example/1.mp4"}]},
        "ClipSegmentInput.endMs": 9_000,
    }


@cache
def kinds(tenant: str) -> Mapping[str, Values]:
    """All that a tenant knows, by kind; first what is in the best order."""
    rows = {table: made[::-1] for table, made in worlds.belongings(tenant).of.items()}
    nodes = global_ids(tenant)
    videos = rows[Video]
    tasks = {name: nodes[name] for name in KINDS.values()}
    return {
        "anything": _some(
            [*nodes["Video"][:9], *(some[0] for some in nodes.values() if some)], of=99
        ),
        "video": _some(nodes["Video"]),
        "task": [*(some[0] for some in tasks.values() if some), *_some(tasks["TranscodeTask"])],
        "fetch": nodes["FetchTask"],
        "upload": _some(nodes["UploadSession"]),
        "object": nodes["StoredObject"],
        "template": nodes["TranscodeTemplate"],
        "rule": nodes["AutoTranscodeRule"],
        "category": nodes["Category"],
        "key point": _some(nodes["KeyPoint"]),
        "storage id": [row["storage_id"] for row in rows[StoredObject]],
        "vid": _some([row["vid"] for row in videos]),
        "digest": [row["sha256"] for row in (rows[UploadSession][0], *rows[StoredObject])],
        "number of a category": [str(row["number"]) for row in rows[Category]],
        "name of a category": _texts(rows[Category], "name"),
        "device": _texts(rows[UploadSession], "device_type"),
        "phone": _texts(videos, "owner_phone"),
        "source type": _texts(videos, "source_type"),
        "source id": _texts(videos, "source_id"),
        "tag": list(dict.fromkeys(tag for row in videos for tag in row["tags"]))[:ENOUGH],
        "title": _texts(videos, "title"),
        "what finds a video": [
            *(videos[0][name] for name in ("vid", "storage_id", "title")),
            *_some(nodes["Video"]),
        ],
        "place of a rule": _places(rows[TranscodeRule], "created_at"),
        "place of a category": _places(rows[Category], "name"),
        "place of an object": _places(rows[StoredObject], "created_at"),
        "place of a task": _places(rows[Task], "created_at"),
        "place of a template": _places(rows[Template], "number"),
        "place of an upload": _places(rows[UploadSession], "created_at"),
        "place of a video": _places(videos, "created_at"),
        "place of a row": [
            Cursor(str(row["position"]), str(row["id"])).encode() for row in rows[FetchItem][:2]
        ],
        "rank": [
            Cursor(str(row["rank"]), str(row["other_id"])).encode()
            for row in rows[Recommendation][-2:]
        ],
        "place of an event": [cursors.encode(Position(0, 0))],
    }


@cache
def global_ids(tenant: str) -> Mapping[str, Sequence[str]]:
    """The global ids of all that a tenant has, by the type of the API."""
    rows = {table: made[::-1] for table, made in worlds.belongings(tenant).of.items()}
    models = {
        "Video": Video,
        "PlaySet": PlaySet,
        "UploadSession": UploadSession,
        "StoredObject": StoredObject,
        "Category": Category,
        "AutoTranscodeRule": TranscodeRule,
        "KeyPoint": KeyPoint,
        "FetchItem": FetchItem,
    }
    return {
        "Account": [ids.encode("Account", tables.key(tenant, "account"))],
        **{name: _encoded(name, rows[model]) for name, model in models.items()},
        "TranscodeTemplate": [
            ids.encode("TranscodeTemplate", row["public_id"]) for row in rows[Template][::-1]
        ],
        **{name: _encoded(name, _of_kind(rows[Task], kind)) for kind, name in KINDS.items()},
    }


def _of_kind(rows: Sequence[tables.Row], kind: TaskKind) -> Sequence[tables.Row]:
    return [row for row in rows if row["kind"] is kind]


def _encoded(name: str, rows: Sequence[tables.Row]) -> list[str]:
    return [ids.encode(name, row["id"]) for row in rows]


def _places(rows: Sequence[tables.Row], column: str) -> Values:
    """Cursors of a list in the order of the column."""
    return [cursor(row, column) for row in rows[:2]]


def _texts(rows: Sequence[tables.Row], column: str) -> Values:
    """Some that are there and not too long to be asked for."""
    found = dict.fromkeys(row[column] for row in rows if 0 < len(row[column] or "") < TOO_LONG)
    return list(found)[:ENOUGH]


def _some(values: Values, of: int = ENOUGH) -> Values:
    """The first ones, and some of the others."""
    step = max(1, len(values) // of)
    return [*values[:3], *values[3::step]]
