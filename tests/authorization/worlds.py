"""Two worlds that differ in one thing: whether the owner exists.

In both the stranger has the same rows. So whatever he asks, he must be answered the same in both:
not a value, a number, an order or a word of an error may come from rows of the owner, and the
owner's ids, unknown in one world, must be no better known in the other.
"""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db import accounts, migrate
from db.embedded import EmbeddedPostgres
from db.models import (
    Account,
    Base,
    Content,
    Event,
    ExportFile,
    KeyPoint,
    PlaySet,
    Recommendation,
    StoredObject,
    Task,
    UploadSession,
    Video,
)
from db.session import Database
from domain import grams
from domain.accounts import Viewer
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind
from domain.uploads import UploadStatus
from domain.videos import ShareState, VideoStatus
from resolvers.context import Context, Services
from server import wiring
from server.settings import Settings
from tests.equivalence import data, values
from tests.equivalence.tables import Rows, key
from tests.support import postgres
from tests.support.factories import EPOCH, SOURCE

BASE_URL: Final = "http://test"
OWNER: Final = "owner"
STRANGER: Final = "stranger"
NOBODY: Final = "nobody"
LATER: Final = EPOCH + timedelta(days=20_000)
SOLE_SIZE: Final = 987_654_321
"""Bytes of the one file that a tenant shares with nobody."""

_DIGESTS: Final = " union all ".join(
    f"select '{table.name}', md5(string_agg(t::text, '|' order by t::text)) from {table.name} t"
    for table in Base.metadata.sorted_tables
)


@dataclass(frozen=True)
class Worlds:
    alone: Services
    """There is no owner."""
    beside: Services
    """There is one."""
    spare: Services
    """There is no owner either; this world may be changed."""
    digests: dict[str, str]
    """Of each table of the world with the owner, as it was when it was last looked at."""

    async def changed(self) -> list[str]:
        """The tables of the world with the owner that have changed meanwhile."""
        before, after = self.digests.copy(), await _digests(self.beside.db)
        self.digests.update(after)
        return [name for name in before if before[name] != after[name]]


def context(services: Services, caller: str) -> Context:
    """A request of this tenant, or of nobody."""
    if caller == NOBODY:
        return Context(services, BASE_URL)
    return Context(services, BASE_URL, Viewer(key(caller, "account"), key(caller, "key")))


@asynccontextmanager
async def created(server: EmbeddedPostgres, folder: Path) -> AsyncGenerator[Worlds]:
    """Both worlds, with one secret: links that are the same are signed the same."""
    alone = postgres.create_database(server, "alone")
    migrate.upgrade(alone)
    await _populate(alone, data.contents(), belongings(STRANGER))
    spare = postgres.create_database(server, "spare", like="alone")
    beside = postgres.create_database(server, "beside", like="alone")
    await _populate(beside, belongings(OWNER), crossing())
    async with (
        opened(alone, folder) as one,
        opened(beside, folder) as other,
        opened(spare, folder) as third,
    ):
        yield Worlds(one, other, third, await _digests(other.db))


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncGenerator[Services]:
    settings = Settings(data_dir=folder, database_url=url, readable_share_passwords=True)
    async with wiring.open_services(settings, url) as services:
        yield services


async def _populate(url: str, *rows: Rows) -> None:
    db = Database(url)
    try:
        async with db.write() as session:
            await accounts.signing_secret(session)
            for made in rows:
                await data.write(session, made)
    finally:
        await db.close()


@cache
def belongings(tenant: str) -> Rows:
    """A tenant as the suite of equivalence knows it, with a file of its own that is in order."""
    made = _sound(data.belongings(tenant))
    _file(made, tenant)
    _arriving(made, tenant)
    _videos(made, tenant)
    _work(made, tenant)
    _marks(made, tenant)
    return made


def _sound(made: Rows) -> Rows:
    """Without numbers that cannot be said: errors would hide what else is answered."""
    for row in (row for rows in made.of.values() for row in rows):
        for column in row.keys() & {"duration_ms", "end_ms"}:
            row[column] = row[column] and min(row[column], values.TOO_LONG_MS - 1)
    for row in made.of[Account]:
        row["storage_quota"] = 2**53 - 1
    for row in made.of[ExportFile]:
        row["expires_at"] = row["expires_at"] and LATER
    return made


def _file(made: Rows, tenant: str) -> None:
    made.add(
        Content,
        id=key(tenant, "content"),
        sha256=sole_digest(tenant),
        key=f"sources/{tenant}",
        size=SOLE_SIZE,
        references=1,
        source=SOURCE.to_json(),
    )
    made.add(
        StoredObject,
        id=key(tenant, "object"),
        storage_id=tenant,
        account_id=key(tenant, "account"),
        content_id=key(tenant, "content"),
        sha256=sole_digest(tenant),
        file_size=SOLE_SIZE,
        file_name=f"{tenant}.mp4",
        content_type="video/mp4",
        created_at=EPOCH,
    )


def _arriving(made: Rows, tenant: str) -> None:
    """An upload of another such file."""
    made.of[UploadSession].append(
        made.of[UploadSession][0]
        | {
            "id": key(tenant, "arriving"),
            "status": UploadStatus.UPLOADING,
            "sha256": sole_digest(f"{tenant}, arriving"),
            "file_size": SOLE_SIZE,
            "chunk_size": SOLE_SIZE,
            "error_code": None,
            "expires_at": LATER,
        }
    )


def _videos(made: Rows, tenant: str) -> None:
    """A video of the file that everybody may watch, and a clip of it; their texts are its own."""
    id, title = key(tenant, "video"), f"{tenant}'s very own"
    video = next(row for row in made.of[Video] if row["content_id"]) | {
        "id": id,
        "vid": tenant,
        "status": VideoStatus.PUBLISHED,
        "share_state": ShareState.PUBLIC,
        "title": title,
        "search_text": grams.normal(title),
        "grams": grams.of(title, key(tenant, "account")),
        "description": f"Of {tenant}",
        "owner_phone": f"+1 {tenant}",
        "tags": [tenant],
        "source_type": tenant,
        "source_id": tenant,
        "content_id": key(tenant, "content"),
        "storage_id": tenant,
        "source_sha256": sole_digest(tenant),
        "file_size": SOLE_SIZE,
        "width": 1280,
        "height": 720,
        "duration_ms": 60_000,
        "deleted_at": None,
        "banned_at": None,
        "created_at": EPOCH,
        "published_at": EPOCH,
    }
    clip = {"id": key(tenant, "clip"), "vid": f"{tenant}-clip", "source_id": None}
    made.of[Video] += [video, video | clip | {"clipped_from_id": id}]


def _work(made: Rows, tenant: str) -> None:
    """What can be played of both; the clip was transcoded first of all, and last of all."""
    play_set = next(row for row in made.of[PlaySet] if row["status"] is PlaySetStatus.READY)
    for of in ("video", "clip"):
        own = {"id": key(tenant, of, "play set"), "template_id": key(tenant, "template", 0)}
        own |= {"video_id": key(tenant, of), "width": 640, "height": 360}
        made.of[PlaySet].append(play_set | own)
    task = next(row for row in made.of[Task] if row["kind"] is TaskKind.TRANSCODE)
    for when in (EPOCH - timedelta(days=1), LATER):
        own = {"id": key(tenant, "task", when), "video_id": key(tenant, "clip")}
        made.of[Task].append(task | own | {"created_at": when})
    made.of[Event] = [
        {
            "transaction_id": 1 if tenant == OWNER else 2,
            "account_id": key(tenant, "account"),
            "type": EventType.PLAY_SET_READY,
            "video_id": key(tenant, "clip"),
            "play_set_id": key(tenant, "clip", "play set"),
        }
    ]


def _marks(made: Rows, tenant: str) -> None:
    """A moment of the clip, and what to watch after it."""
    made.add(
        KeyPoint,
        id=key(tenant, "key point"),
        video_id=key(tenant, "clip"),
        at_ms=1_000,
        description=f"Where {tenant} is seen",
        created_at=EPOCH,
        updated_at=EPOCH,
    )
    _recommend(made, tenant, key(tenant, "video"), rank=2)


def _recommend(made: Rows, tenant: str, other_id: UUID, *, rank: int) -> None:
    """A video for those who have watched the tenant's clip."""
    made.add(
        Recommendation,
        account_id=key(tenant, "account"),
        video_id=key(tenant, "clip"),
        rank=rank,
        other_id=other_id,
        score=0.5,
        reasons=[],
    )


def crossing() -> Rows:
    """Two rows that only a fault could write, in the world with the owner.

    A clip by the owner of a video of the stranger: a list of what was made of a video shows
    whether it holds the caller's own alone. And a video of the owner that is recommended after
    one of the stranger.
    """
    made, own = Rows(), belongings(OWNER)
    clip = {"id": key("crossing clip"), "vid": "crossing", "source_id": None}
    made.add(Video, **own.of[Video][-1] | clip | {"clipped_from_id": key(STRANGER, "video")})
    _recommend(made, STRANGER, key(OWNER, "video"), rank=1)
    return made


def sole_digest(tenant: str) -> str:
    """Of the file that nobody else has."""
    return hashlib.sha256(tenant.encode()).hexdigest()


async def _digests(db: Database) -> dict[str, str]:
    """What every table holds, whosever it is."""
    async with db.read() as session:
        found = await session.execute(text(_DIGESTS))
        return {row[0]: row[1] for row in found}
