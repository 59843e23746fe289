"""Rows of videos, of what belongs to them, and of the tasks that make their files."""

from uuid import UUID

from db.models import ClipSegment, KeyPoint, PlaySet, Recommendation, Video
from domain import grams
from domain.play_sets import PlaySetStatus
from domain.recommendations import Reason
from domain.tasks import TaskKind
from domain.videos import (
    AspectRatio,
    Resolution,
    ShareState,
    SourceKind,
    TranscodePass,
    VideoStatus,
)
from tests.equivalence import values
from tests.equivalence.tables import OBJECTS, TENANTS, Row, Rows, digest, key, moment, pick
from tests.equivalence.tasks import task
from tests.support import factories
from tests.support.factories import SOURCE


def video(made: Rows, tenant: str, number: int) -> None:
    """A video with its marks and its tasks. Some have no work, and so no play set."""
    _video(made, tenant, number)
    _key_points(made, key(tenant, "video", number), number)
    if number % 4 != 3:
        for place, kind in enumerate(list(TranscodePass)[: 1 + number % 3]):
            _transcode(made, tenant, number, place=place, kind=kind)
    if number % 5 == 1:
        _cover(made, tenant, number)
    if number % 5 == 2:
        kind = pick((TaskKind.CLIP, TaskKind.SPLICE, TaskKind.SIMULATE), number // 5)
        _making(made, tenant, number, kind)


def _video(made: Rows, tenant: str, number: int) -> None:
    id, title = key(tenant, "video", number), pick(values.TITLES, number)
    made.add(
        Video,
        id=id,
        vid=f"{tenant}-{number}",
        account_id=key(tenant, "account"),
        status=pick(list(VideoStatus), number),
        status_reason=pick(values.TEXTS, number),
        title=title,
        search_text=grams.normal(title),
        grams=grams.of(title, key(tenant, "account")),
        description=pick(values.TEXTS, 5 * number),
        category_id=key(tenant, "category", number % 4),
        owner_phone=pick((None, "+86 138", ""), number),
        tags=[pick(values.TAGS, one) for one in range(number, number + number % 5)],
        source_kind=pick(list(SourceKind), number),
        clipped_from_id=key(tenant, "video", number // 2) if number % 5 == 2 else None,
        source_type=pick((None, "library"), number),
        source_id=pick((None, str(number)), number),
        file_size=pick(values.SIZES, number),
        deleted_at=None if number % 7 != 6 else moment(4 * number),
        banned_at=None if number % 7 != 5 else moment(4 * number),
        ban_reason=pick(values.TEXTS, 3 * number),
        created_at=moment(number),
        updated_at=moment(7 * number),
        published_at=None if number % 3 == 0 else moment(number + 1),
        **_file(tenant, number),
        **_player(id, number),
        **_protection(number),
    )


def _file(tenant: str, number: int) -> Row:
    """What is known of the file; every fifth was not checked yet."""
    known = Row(
        content_id=key("content", number % OBJECTS),
        storage_id=f"{tenant}-{number % OBJECTS}",
        source_sha256=digest(number % OBJECTS),
        source=SOURCE.to_json(),
        width=pick((0, 1, 1280, 2**31 - 1), number),
        height=pick((720, -1, 0), number),
        duration_ms=pick((0, 1, 4_000, 2**31 - 1), number),
        uploaded_at=moment(3 * number),
    )
    if number == TENANTS[tenant] - 1:
        known["duration_ms"] = values.TOO_LONG_MS
    return known if number % 5 != 4 else dict.fromkeys(known)


def _player(id: UUID, number: int) -> Row:
    return Row(
        poster_key=None if number % 3 else f"videos/{id.hex}/poster é.jpg",
        cover_key=None if number % 4 else f"videos/{id.hex}/cover é.jpg",
        storyboard_key=None if number % 2 else f"videos/{id.hex}/story.vtt",
        player_id=pick((None, '"', "p"), number),
        player_name=pick((None, *values.TITLES[:9]), number),
        aspect_ratio=pick(list(AspectRatio), number),
        auto_play=number % 3 == 1,
    )


def _protection(number: int) -> Row:
    return Row(
        share_state=pick(list(ShareState), number),
        share_password_hash=pick((None, "scrypt$1$1$1$$"), number // 2),
        share_password_sealed=pick((None, bytes(range(216, 256))), number // 2),
        publish_domain=pick((None, "www.example.com"), number),
        auth_play=number % 4 == 1,
        epoch=number,
    )


def _key_points(made: Rows, video_id: UUID, number: int) -> None:
    for place in range(number % 4):
        made.add(
            KeyPoint,
            id=key(video_id, "key point", place),
            video_id=video_id,
            at_ms=pick((0, 2**31 - 1, 1_500), place + number),
            description=pick(values.TITLES[:18], place + number),
            created_at=moment(number),
            updated_at=moment(place + number),
        )


def recommendations(made: Rows, tenant: str, number: int) -> None:
    """As many as the number says; some name the video itself, or one that is not there any more."""
    for rank in range(1, 1 + number):
        gone = rank % 7 == 6
        other = (number + 3 * rank) % TENANTS[tenant]
        made.add(
            Recommendation,
            account_id=key(tenant, "account"),
            video_id=key(tenant, "video", number),
            rank=rank,
            other_id=key("gone") if gone else key(tenant, "video", other),
            score=pick(values.PARTS_OF_ONE, rank + number),
            reasons=[one.value for one in list(Reason)[: (rank + number) % 6]],
        )


def _making(made: Rows, tenant: str, number: int, kind: TaskKind) -> None:
    """The task that makes the video's file, of pieces of other videos."""
    id = key(tenant, "making", number)
    task(made, tenant, number, id=id, kind=kind, video_id=key(tenant, "video", number))
    for position in range(0 if kind is TaskKind.SIMULATE else number % 4):
        made.add(
            ClipSegment,
            id=key(id, position),
            task_id=id,
            position=position,
            video_id=key(tenant, "video", (number + position) // 2),
            start_ms=position,
            end_ms=pick((5_000, 2**31 - 1, values.TOO_LONG_MS), position),
        )


def _cover(made: Rows, tenant: str, number: int) -> None:
    """The task that makes the cover of a video, of a stored object or a moment."""
    of_object = number % 2 == 1
    task(
        made,
        tenant,
        number,
        id=key(tenant, "cover", number),
        kind=TaskKind.COVER,
        video_id=key(tenant, "video", number),
        object_id=key(tenant, "object", number % OBJECTS) if of_object else None,
        at_ms=None if of_object else pick((0, 2**31 - 1), number // 5),
    )


def _transcode(made: Rows, tenant: str, number: int, *, place: int, kind: TranscodePass) -> None:
    video_id, id = key(tenant, "video", number), key(tenant, "task", number, place)
    task(
        made,
        tenant,
        3 * number + place,
        id=id,
        kind=TaskKind.TRANSCODE,
        video_id=video_id,
        transcode_pass=None if number % 7 == 6 else kind,
    )
    rungs = (Resolution.P360, *([Resolution.ORIGIN] if number % 2 else []))
    if place:
        rungs = (Resolution.P480, Resolution.P720) if place == 1 else (Resolution.P1080,)
    for rung in rungs:
        _play_set(made, tenant, (video_id, id), rung, number=5 * number + 2 * place + len(rung))


def _play_set(
    made: Rows, tenant: str, of: tuple[UUID, UUID], rung: Resolution, *, number: int
) -> None:
    """`of` are the ids of its video and its task."""
    made.add(
        PlaySet,
        id=key(of[0], rung),
        video_id=of[0],
        task_id=of[1],
        template_id=_template_of(tenant, rung),
        resolution=rung,
        status=pick(list(PlaySetStatus), number // 2),
        playlist_key=None,
        file_size=pick((None, *values.SIZES), number),
        width=pick((None, 640, 0), number),
        height=pick((360, None), number),
        frame_rate=pick(values.FRAME_RATES, number),
        duration_ms=pick((None, 4_000, 0, 2**31 - 1, 1, values.TOO_LONG_MS, 7), number),
        bandwidth=pick((None, 800_000, 2**31 - 1), number // 2),
        average_bandwidth=None,
        codecs=pick(values.CODECS, number),
        created_at=moment(number),
        updated_at=moment(number + 5),
    )


def _template_of(tenant: str, rung: Resolution) -> UUID:
    """Now and then one of the tenant's own, which may be a former form."""
    if rung is Resolution.P1080:
        return key(tenant, "template", 3)
    return factories.template(rung).id
