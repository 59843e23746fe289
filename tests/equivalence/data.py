"""The rows of the suite: the same in every run, so that documents can name them.

The owner's rows are awkward but sound. The stranger has a few of the same kind. Rows that no
code of ours writes belong to a tenant of their own: they may fail whole lists.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, text

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
from db.session import Database, WriteSession
from domain import grams
from domain.error_codes import ErrorCode
from domain.play_sets import PlaySetStatus
from domain.recommendations import Reason
from domain.tasks import TaskKind, TaskStatus
from domain.templates import FIRST_OWN, Codec, Encryption, Quality
from domain.uploads import UploadPurpose, UploadStatus
from domain.videos import (
    AspectRatio,
    Resolution,
    ShareState,
    SourceKind,
    TranscodePass,
    VideoStatus,
)
from tests.equivalence import values
from tests.support import factories
from tests.support.factories import EPOCH, SOURCE

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
ROWS_OF_TASKS: Final = (
    *("file_name", "list_size", "list_storage_id"),
    *("total_count", "success_count", "fail_count"),
)
"""Columns of tasks that have many rows."""
OF_COVERS: Final = ("object_id", "at_ms")
"""Columns of tasks that make covers."""
SHA256: Final = "0123456789abcdef" * 4
TAGS: Final = ("news", "", '中"', *(text or "" for text in values.TEXTS[:20]))


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


def _pick(choices: Sequence[Any], number: int) -> Any:
    return choices[number % len(choices)]


def _moment(number: int) -> datetime:
    """Neighbours share a moment now and then, so that the order needs the id."""
    if number % 4 == 1:
        return _pick(values.MOMENTS, number // 4)
    return EPOCH + timedelta(minutes=number // 3, microseconds=_pick((0, 10, 123_456), number // 2))


@cache
def rows() -> Rows:
    made = contents()
    for tenant in TENANTS:
        _belongings(made, tenant)
    return made


def contents() -> Rows:
    """What all tenants hold together."""
    made = Rows()
    for number in range(OBJECTS):
        made.add(
            Content,
            id=key("content", number),
            sha256=digest(number),
            key=f"sources/{number}",
            size=_pick(values.SIZES, number),
            references=len(TENANTS),
        )
    return made


def belongings(tenant: str) -> Rows:
    """The rows of one tenant; of others, they name only the contents."""
    made = Rows()
    _belongings(made, tenant)
    return made


def _belongings(made: Rows, tenant: str) -> None:
    _account(made, tenant)
    for number in range(OBJECTS):
        _object(made, tenant, number)
    _templates(made, tenant)
    _categories(made, tenant)
    _rules(made, tenant)
    for number in range(TENANTS[tenant]):
        _video(made, tenant, number)
    for number in range(len(UploadStatus) * (2 if tenant == "owner" else 1)):
        _upload(made, tenant, number)
    for number in range(6):
        _fetch(made, tenant, number)
        _export(made, tenant, number)
    for number in range(0, TENANTS[tenant], 2):
        _recommendations(made, tenant, number, of=TENANTS[tenant])


def _account(made: Rows, tenant: str) -> None:
    made.add(
        Account,
        id=key(tenant, "account"),
        user_id=tenant,
        name=f'{tenant} "quoted" \\ 中',
        storage_used=_pick(values.SIZES, len(tenant)),
        storage_quota=None if tenant == "owner" else 2**53 - 1,
        referrers=[] if tenant == "stranger" else ["*.xn--bcher-kva.example", 'quoted".example'],
        empty_referrer=tenant == "stranger",
        networks=[] if tenant == "owner" else ["10.0.0.0/8", "2001:db8::/32"],
        created_at=EPOCH,
    )


def digest(number: int) -> str:
    return SHA256[number:] + SHA256[:number]


def _object(made: Rows, tenant: str, number: int) -> None:
    made.add(
        StoredObject,
        id=key(tenant, "object", number),
        storage_id=f"{tenant}-{number}",
        account_id=key(tenant, "account"),
        content_id=key("content", number),
        sha256=digest(number),
        file_size=_pick(values.SIZES, number),
        file_name=_pick(values.TITLES[:18], 4 * number) if number % 3 else None,
        content_type=_pick(("video/mp4", "application/octet-stream"), number),
        created_at=_moment(number),
    )


def _video(made: Rows, tenant: str, number: int) -> None:
    """Every fifth is of a file that was not checked yet."""
    id, checked = key(tenant, "video", number), number % 5 != 4
    title = _pick(values.TITLES, number)
    too_long = number == TENANTS[tenant] - 1
    made.add(
        Video,
        id=id,
        vid=f"{tenant}-{number}",
        account_id=key(tenant, "account"),
        status=_pick(list(VideoStatus), number),
        status_reason=_pick(values.TEXTS, number),
        title=title,
        search_text=grams.normal(title),
        grams=grams.of(title, key(tenant, "account")),
        description=_pick(values.TEXTS, 5 * number),
        category_id=key(tenant, "category", number % 4),
        owner_phone=_pick((None, "+86 138", ""), number),
        tags=[TAGS[one % len(TAGS)] for one in range(number, number + number % 5)],
        source_kind=_pick(list(SourceKind), number),
        clipped_from_id=key(tenant, "video", number // 2) if number % 5 == 2 else None,
        source_type=_pick((None, "library"), number),
        source_id=_pick((None, str(number)), number),
        content_id=key("content", number % OBJECTS) if checked else None,
        storage_id=f"{tenant}-{number % OBJECTS}" if checked else None,
        source_sha256=digest(number % OBJECTS) if checked else None,
        source=SOURCE.to_json() if checked else None,
        file_size=_pick(values.SIZES, number),
        width=_pick((0, 1, 1280, 2**31 - 1), number) if checked else None,
        height=_pick((720, -1, 0), number) if checked else None,
        duration_ms=_duration(number, too_long=too_long) if checked else None,
        poster_key=None if number % 3 else f"videos/{id.hex}/poster é.jpg",
        cover_key=None if number % 4 else f"videos/{id.hex}/cover é.jpg",
        player_id=_pick((None, '"', "p"), number),
        player_name=_pick((None, *values.TITLES[:9]), number),
        aspect_ratio=_pick(list(AspectRatio), number),
        auto_play=number % 3 == 1,
        publish_domain=_pick((None, "www.example.com"), number),
        storyboard_key=None if number % 2 else f"videos/{id.hex}/story.vtt",
        share_state=_pick(list(ShareState), number),
        share_password_hash=_pick((None, "scrypt$1$1$1$$"), number // 2),
        share_password_sealed=_pick((None, bytes(range(216, 256))), number // 2),
        epoch=number,
        auth_play=number % 4 == 1,
        deleted_at=None if number % 7 != 6 else _moment(4 * number),
        banned_at=None if number % 7 != 5 else _moment(4 * number),
        ban_reason=_pick(values.TEXTS, 3 * number),
        created_at=_moment(number),
        uploaded_at=_moment(3 * number) if checked else None,
        updated_at=_moment(7 * number),
        published_at=None if number % 3 == 0 else _moment(number + 1),
    )
    for place in range(number % 4):
        made.add(
            KeyPoint,
            id=key(id, "key point", place),
            video_id=id,
            at_ms=_pick((0, 2**31 - 1, 1_500), place + number),
            description=_pick(values.TITLES[:18], place + number),
            created_at=_moment(number),
            updated_at=_moment(place + number),
        )
    if number % 4 != 3:  # some have no work and no play set
        for place, kind in enumerate(list(TranscodePass)[: 1 + number % 3]):
            _transcode(made, tenant, number, place=place, kind=kind)
    if number % 5 == 1:
        _cover(made, tenant, number)
    if number % 5 == 2:
        kind = _pick((TaskKind.CLIP, TaskKind.SPLICE, TaskKind.SIMULATE), number // 5)
        _making(made, tenant, number, kind)


def _recommendations(made: Rows, tenant: str, number: int, *, of: int) -> None:
    """Of every second video; some name the video itself, or one that is not there any more."""
    for rank in range(1, 1 + number):
        gone = rank % 7 == 6
        made.add(
            Recommendation,
            account_id=key(tenant, "account"),
            video_id=key(tenant, "video", number),
            rank=rank,
            other_id=key("gone") if gone else key(tenant, "video", (number + 3 * rank) % of),
            score=_pick(values.PARTS_OF_ONE, rank + number),
            reasons=[one.value for one in list(Reason)[: (rank + number) % 6]],
        )


def _making(made: Rows, tenant: str, number: int, kind: TaskKind) -> None:
    """The task that makes the video's file, of pieces of other videos."""
    id = key(tenant, "making", number)
    _task(
        made,
        tenant,
        number,
        id=id,
        kind=kind,
        video_id=key(tenant, "video", number),
        upload_session_id=None,
        transcode_pass=None,
    )
    for position in range(0 if kind is TaskKind.SIMULATE else number % 4):
        made.add(
            ClipSegment,
            id=key(id, position),
            task_id=id,
            position=position,
            video_id=key(tenant, "video", (number + position) // 2),
            start_ms=position,
            end_ms=_pick((5_000, 2**31 - 1, values.TOO_LONG_MS), position),
        )


def _cover(made: Rows, tenant: str, number: int) -> None:
    """The task that makes the cover of a video, of a stored object or a moment."""
    of_object = number % 2 == 1
    _task(
        made,
        tenant,
        number,
        id=key(tenant, "cover", number),
        kind=TaskKind.COVER,
        video_id=key(tenant, "video", number),
        upload_session_id=None,
        transcode_pass=None,
        object_id=key(tenant, "object", number % OBJECTS) if of_object else None,
        at_ms=None if of_object else _pick((0, 2**31 - 1), number // 5),
    )


def _duration(number: int, *, too_long: bool) -> int:
    return values.TOO_LONG_MS if too_long else _pick((0, 1, 4_000, 2**31 - 1), number)


def _task(made: Rows, tenant: str, number: int, **row: Any) -> Row:
    failed = number % 3 == 0
    return made.add(
        Task,
        account_id=key(tenant, "account"),
        status=_pick(list(TaskStatus), number),
        progress=_pick(values.PARTS_OF_ONE, number),
        speed=_pick(values.NUMBERS, number),
        attempt=number % 4,
        command=_pick(values.TEXTS, number + 3),
        queue="transcode" if number % 5 else None,
        job_id=number if number % 4 else None,
        priority=number % 2,
        cost_s=_pick(values.NUMBERS, number + 1),
        redo=number % 2 == 1,
        worker=_pick(values.TEXTS, number + 1),
        error_code=_pick(list(ErrorCode), number) if failed else None,
        error_message=_pick(values.TEXTS, number // 3) if failed else None,
        log=_pick(values.TEXTS, 3 * number + 2),
        created_at=_moment(2 * number),
        started_at=None if number % 2 else _moment(number + 2),
        finished_at=None if number % 3 else _moment(number + 3),
        **(dict.fromkeys((*ROWS_OF_TASKS, *OF_COVERS)) | row),
    )


def _transcode(made: Rows, tenant: str, number: int, *, place: int, kind: TranscodePass) -> None:
    video, id = key(tenant, "video", number), key(tenant, "task", number, place)
    _task(
        made,
        tenant,
        3 * number + place,
        id=id,
        kind=TaskKind.TRANSCODE,
        video_id=video,
        upload_session_id=None,
        transcode_pass=None if number % 7 == 6 else kind,
    )
    rungs = (Resolution.P360, *([Resolution.ORIGIN] if number % 2 else []))
    if place:
        rungs = (Resolution.P480, Resolution.P720) if place == 1 else (Resolution.P1080,)
    for rung in rungs:
        _play_set(made, tenant, (video, id), rung, number=5 * number + 2 * place + len(rung))


def _play_set(
    made: Rows, tenant: str, of: tuple[UUID, UUID], rung: Resolution, *, number: int
) -> None:
    made.add(
        PlaySet,
        id=key(of[0], rung),
        video_id=of[0],
        task_id=of[1],
        template_id=_template_of(tenant, rung),
        resolution=rung,
        status=_pick(list(PlaySetStatus), number // 2),
        playlist_key=None,
        file_size=_pick((None, *values.SIZES), number),
        width=_pick((None, 640, 0), number),
        height=_pick((360, None), number),
        frame_rate=_pick(values.FRAME_RATES, number),
        duration_ms=_pick((None, 4_000, 0, 2**31 - 1, 1, values.TOO_LONG_MS, 7), number),
        bandwidth=_pick((None, 800_000, 2**31 - 1), number // 2),
        average_bandwidth=None,
        codecs=_pick(values.CODECS, number),
        created_at=_moment(number),
        updated_at=_moment(number + 5),
    )


def _template_of(tenant: str, rung: Resolution) -> UUID:
    """Now and then one of the tenant's own, which may be a former form."""
    if rung is Resolution.P1080:
        return key(tenant, "template", 3)
    return factories.template(rung).id


def _templates(made: Rows, tenant: str) -> None:
    """The last one is a former form of the first."""
    for number in range(TEMPLATES):
        made.add(
            Template,
            id=key(tenant, "template", number),
            public_id=key(tenant, "public template", number),
            replaced_by_id=key(tenant, "public template", 0) if number == TEMPLATES - 1 else None,
            account_id=key(tenant, "account"),
            number=FIRST_OWN + 10 * list(TENANTS).index(tenant) + number,
            name=_pick(values.TITLES, number + 7),
            resolution=_pick(list(Resolution), number),
            codec=_pick(list(Codec), number),
            quality=_pick(list(Quality), number),
            video_bitrate=_pick((None, 100_000_000, 50_000), number),
            audio_bitrate=_pick((None, 32_000), number),
            max_frame_rate=_pick((60, None, 1), number),
            encryption=_pick(list(Encryption), number),
            created_at=_moment(number),
            updated_at=_moment(number + 1),
            deleted_at=_moment(number + 2) if number >= TEMPLATES - 2 else None,
        )


def _categories(made: Rows, tenant: str) -> None:
    for number in range(TEMPLATES):
        parent = key(tenant, "category", number - 1) if number % 3 else None
        made.add(
            Category,
            id=key(tenant, "category", number),
            account_id=key(tenant, "account"),
            parent_id=parent,
            number=number + 1,
            name=_pick(values.TITLES, 2 * number),
            created_at=_moment(number),
            updated_at=_moment(number + 3),
        )


def _rules(made: Rows, tenant: str) -> None:
    """Of one template more each time; the first chooses none."""
    for number in range(TEMPLATES):
        id = key(tenant, "rule", number)
        made.add(
            TranscodeRule,
            id=id,
            account_id=key(tenant, "account"),
            source_type=_pick(values.TEXTS[:20], number),
            category_id=key(tenant, "category", number) if number % 2 else None,
            enabled=number % 3 > 0,
            created_at=_moment(number),
            updated_at=_moment(number + 1),
        )
        for position in range(number):
            template = key(tenant, "template", position)
            made.add(RuleTemplate, rule_id=id, template_id=template, position=number - position)


def _upload(made: Rows, tenant: str, number: int) -> None:
    """Odd ones have parts; every third became, or was to become, a video."""
    id = key(tenant, "upload", number)
    chunks, huge = 1 + number % 5, number == 3
    size = 2**53 - 1 if huge else chunks * 65_536
    parts = [part for part in range(1, chunks + 1) if part % 3] if number % 2 else []
    made.add(
        UploadSession,
        id=id,
        account_id=key(tenant, "account"),
        status=_pick(list(UploadStatus), number),
        title=_pick(values.TITLES, 3 * number),
        description=_pick(values.TEXTS, 2 * number),
        device_type=_pick(values.TEXTS, number),
        purpose=_pick(list(UploadPurpose), number),
        category_id=_pick((None, None, key(tenant, "category", 1)), number),
        file_name=_pick(values.TEXTS[:20], number + 2),
        content_type="video/mp4",
        sequential=number % 7 == 6,
        sha256=None if number % 7 == 6 else SHA256,
        storage_key=f"sources/{id}",
        storage_token=id.hex,
        speed=_pick(values.NUMBERS, number),
        object_id=key(tenant, "object", number % OBJECTS) if number % 4 == 3 else None,
        file_size=size,
        chunk_size=2**50 if huge else 65_536,
        received_bytes=len(parts) * 12_345,
        received_chunks=len(parts),
        video_id=None if number % 3 else key(tenant, "video", number // 3),
        error_code=_pick(list(ErrorCode), number) if number % 4 == 0 else None,
        error_message=_pick(values.TEXTS, number) if number % 4 == 0 else None,
        created_at=_moment(number),
        updated_at=_moment(number + 2),
        expires_at=_moment(number + 4),
    )
    for part in parts:
        made.add(UploadPart, session_id=id, number=part, size=12_345, sha256=SHA256)
    if number % 2:
        _task(
            made,
            tenant,
            number + 1,
            id=key(tenant, "verify", number),
            kind=TaskKind.VERIFY,
            video_id=key(tenant, "video", number) if number % 3 == 0 else None,
            upload_session_id=id,
            transcode_pass=None,
        )
    elif number % 3:
        _task(
            made,
            tenant,
            number + 1,
            id=key(tenant, "probe", number),
            kind=TaskKind.PROBE,
            video_id=key(tenant, "video", number // 3),
            upload_session_id=None,
            transcode_pass=None,
        )


def _fetch(made: Rows, tenant: str, number: int) -> None:
    """With no row, or as many as the number says; each in another state."""
    task = _task(
        made,
        tenant,
        number + 2,
        id=key(tenant, "fetch", number),
        kind=TaskKind.FETCH,
        video_id=None,
        upload_session_id=None,
        transcode_pass=None,
        file_name=_pick(values.TEXTS[:20], number),
        list_size=_pick((None, *values.SIZES), number),
        list_storage_id=_pick((None, f"{tenant}-1"), number),
        category_id=_pick((None, key(tenant, "category", 1)), number),
        total_count=number,
        success_count=number // 2,
        fail_count=_pick((0, None, 1), number),
    )
    for place in range(number):
        made.add(
            FetchItem,
            id=key(task["id"], place),
            task_id=task["id"],
            position=place + 1,
            url=f"http://films.example/{place}?{_pick(values.TITLES, number)}",
            title=_pick(values.TEXTS[:20], 2 * place + number),
            source_id=_pick((None, "", "7"), place),
            status=_pick(list(TaskStatus), place + number),
            video_id=key(tenant, "video", place) if place % 2 else None,
            bytes_fetched=_pick(values.SIZES, place),
            file_size=_pick((None, *values.SIZES), place),
            failures=place,
            retry_at=None if place % 2 else _moment(place),
            error_code=_pick(list(ErrorCode), place) if place % 3 == 0 else None,
            error_message=_pick(values.TEXTS, place) if place % 3 == 0 else None,
            created_at=_moment(number),
            finished_at=None if place % 2 else _moment(place + 1),
        )


def _export(made: Rows, tenant: str, number: int) -> None:
    """Odd ones have no file, yet or any more."""
    id, written = key(tenant, "export", number), number % 2 == 0
    _task(
        made,
        tenant,
        number + 3,
        id=id,
        kind=TaskKind.EXPORT,
        video_id=None,
        upload_session_id=None,
        transcode_pass=None,
        file_name=_pick(values.TEXTS[:20], number),
    )
    made.add(
        ExportFile,
        id=key(tenant, "file", number),
        task_id=id,
        source_task_id=key(tenant, "fetch", number),
        file_name="rows.csv",
        key=f"exports/{id.hex}/1.csv" if written else None,
        row_count=number if written else None,
        file_size=_pick(values.SIZES, number) if written else None,
        sha256=digest(number) if written else None,
        expires_at=EPOCH + timedelta(days=36_500) if written else None,  # else it is gone
    )


CURSES: Final = (
    ("update video set tags = array['a', null] where id = :id", ("video", 3)),
    ("update video set status = 'lost' where id = :id", ("video", 0)),
    ("update video set title = '', duration_ms = 1::bigint << 62 where id = :id", ("video", 1)),
    ("update video set file_size = -1 where id = :id", ("video", 2)),
    ("update video set category_id = null where id = :id", ("video", 3)),
    ("update task set error_code = 'NO_SUCH_CODE' where video_id = :id", ("video", 0)),
    ("update task set progress = 'NaN', speed = 'Infinity' where video_id = :id", ("video", 2)),
    (
        "update play_set set resolution = '8K' where video_id = :id and resolution = '360P'",
        ("video", 4),
    ),
    ("update play_set set frame_rate = '1/0' where video_id = :id", ("video", 5)),
    ("update play_set set status = '' where video_id = :id", ("video", 6)),
    ("update upload_session set status = 'lost' where id = :id", ("upload", 2)),
)
"""What no code of ours writes: enums without a member, numbers that no scalar can say."""


async def fill(db: Database) -> None:
    async with db.write() as session:
        await write(session, rows())
        for statement, names in CURSES:
            await session.execute(text(statement), {"id": key("cursed", *names)})
    async with db.write() as session:
        await session.execute(text("analyze"))


async def write(session: WriteSession, made: Rows) -> None:
    for table, some in made.of.items():
        if some:
            await session.execute(insert(table), some)
