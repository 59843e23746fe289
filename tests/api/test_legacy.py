"""Videos, play sets and uploads in the terms of older systems."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from db.models import PlaySet, Template, UploadSession, Video
from domain.play_sets import PlaySetStatus
from domain.templates import Codec, Encryption, Quality
from domain.uploads import UploadStatus
from domain.videos import AspectRatio, Resolution, ShareState, SourceKind, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api
from tests.support.statements import recorded

VIDEO = """
query ($vid: String!) { video(by: {vid: $vid}) { legacy {
  status statusName sharedState videoState transcodeState videoSourceCode encrypt imageRatio
  autoPlay authPlay forbidden videoSize durationMs durationSeconds durationClock
  createdAt updatedAt createTime updateTime
} } }
"""


async def told(api: Api, video: Video) -> dict[str, Any]:
    return (await api.run(VIDEO, vid=video.vid))["video"]["legacy"]


async def change(services: Services, video: Video, **values: object) -> None:
    async with services.db.write() as session:
        row = await session.get_one(Video, video.id)
        for name, value in values.items():
            setattr(row, name, value)


async def make(
    services: Services,
    video: Video,
    *made: tuple[PlaySetStatus, int | None],
    encryption: Encryption = Encryption.NONE,
) -> None:
    """Play sets of these states and sizes."""
    task = await factories.transcode_task(services.db, video)
    async with services.db.write() as session:
        for status, size in made:
            template = Template(
                account_id=video.account_id,
                name="any",
                resolution=Resolution.P360,
                codec=Codec.H264,
                quality=Quality.FAST,
                encryption=encryption,
            )
            session.add(template)
            await session.flush()
            row = PlaySet(
                video_id=video.id,
                task_id=task.id,
                template_id=template.id,
                resolution=Resolution.P360,
                status=status,
                file_size=size,
            )
            session.add(row)


async def test_a_video_by_its_numbers(api: Api, services: Services, video: Video) -> None:
    moment = datetime(2010, 11, 22, 7, 16, 17, 999_999, tzinfo=UTC)
    await change(services, video, created_at=moment, updated_at=moment, duration_ms=214_567)
    assert await told(api, video) == {
        "status": 1,
        "statusName": "PROCESSING",
        "sharedState": 0,
        "videoState": 0,
        "transcodeState": 2,
        "videoSourceCode": 1,
        "encrypt": 0,
        "imageRatio": 0,
        "autoPlay": 0,
        "authPlay": 0,
        "forbidden": 0,
        "videoSize": 0,
        "durationMs": 214_567,
        "durationSeconds": 214,
        "durationClock": "00:03:34",
        "createdAt": "2010-11-22T15:16:17+08:00",
        "updatedAt": "2010-11-22T15:16:17+08:00",
        "createTime": "1290410177",
        "updateTime": "1290410177",
    }


async def test_a_video_by_its_other_numbers(api: Api, services: Services, video: Video) -> None:
    await make(services, video, (PlaySetStatus.READY, 7))
    await change(
        services,
        video,
        status=VideoStatus.BANNED,
        share_state=ShareState.PASSWORD,
        source_kind=SourceKind.SPLICE,
        aspect_ratio=AspectRatio.R4_3,
        auto_play=True,
        auth_play=True,
    )
    found = await told(api, video)
    assert {name: found[name] for name in found if name[-2:] not in ("At", "me")} == {
        "status": 1,
        "sharedState": 1,
        "videoState": 0,
        "transcodeState": 1,
        "videoSourceCode": 5,
        "encrypt": 0,
        "imageRatio": 1,
        "autoPlay": 1,
        "authPlay": 1,
        "forbidden": 1,
        "videoSize": 7,
        "durationMs": 4000,
        "durationSeconds": 4,
        "durationClock": "00:00:04",
    }


async def test_a_video_whose_file_was_not_checked_is_still_uploading(
    api: Api, services: Services, video: Video
) -> None:
    await change(services, video, storage_id=None, duration_ms=None)
    found = await told(api, video)
    assert (found["status"], found["statusName"]) == (2, "PROCESSING")
    assert [found[f"duration{unit}"] for unit in ("Ms", "Seconds", "Clock")] == [None] * 3


@pytest.mark.parametrize(
    ("sizes", "total"), [((5579209, 5573951), 11153160), ((2533394, 2531523), 5064917)]
)
async def test_the_size_is_the_exact_sum_of_what_can_be_played(
    api: Api, services: Services, video: Video, sizes: tuple[int, int], total: int
) -> None:
    ready = [(PlaySetStatus.READY, size) for size in sizes]
    await make(services, video, *ready, (PlaySetStatus.DELETED, 99), (PlaySetStatus.INITIAL, None))
    assert (await told(api, video))["videoSize"] == total


async def test_a_size_above_an_int(api: Api, services: Services, video: Video) -> None:
    await make(services, video, (PlaySetStatus.READY, 4_813_741_023), (PlaySetStatus.READY, 1))
    assert (await told(api, video))["videoSize"] == 4_813_741_024


async def test_transcoding_that_is_encrypted(api: Api, services: Services, video: Video) -> None:
    async def state() -> tuple[int, int]:
        found = await told(api, video)
        return found["encrypt"], found["transcodeState"]

    await make(services, video, (PlaySetStatus.READY, 1))
    assert await state() == (0, 1)
    await make(services, video, (PlaySetStatus.INITIAL, None), encryption=Encryption.AES_128)
    assert await state() == (1, 3)
    await _end(services, video, PlaySetStatus.TRANSCODE_FAILED)
    assert await state() == (1, 2)
    await make(services, video, (PlaySetStatus.READY, 1), encryption=Encryption.AES_128)
    assert await state() == (1, 1)


async def _end(services: Services, video: Video, status: PlaySetStatus) -> None:
    async with services.db.write() as session:
        await session.execute(
            update(PlaySet)
            .where(PlaySet.video_id == video.id, PlaySet.status == PlaySetStatus.INITIAL)
            .values(status=status)
        )


async def upload(services: Services, video: Video, **values: Any) -> UploadSession:
    async with services.db.write() as session:
        row = UploadSession(
            **{
                "account_id": video.account_id,
                "status": UploadStatus.COMPLETED,
                "title": "",
                "content_type": "video/mp4",
                "file_size": 3_000_000,
                "chunk_size": 1_000_000,
                "received_chunks": 2,
                "received_bytes": 2_000_000,
                "storage_key": "",
                "storage_token": "",
                "video_id": video.id,
                "expires_at": datetime.now(UTC),
                **values,
            }
        )
        session.add(row)
    return row


@pytest.mark.parametrize(
    ("device_type", "code"), [("WEB", 1), (None, 1), ("iOS SDK", 11), ("command line", 12)]
)
async def test_an_upload_says_what_sent_it(
    api: Api, services: Services, video: Video, device_type: str | None, code: int
) -> None:
    await upload(services, video, device_type=device_type)
    assert (await told(api, video))["videoSourceCode"] == code


async def test_many_videos_are_one_statement(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for size in range(3):
        one = await factories.video(services.db, owner.account, minutes=size)
        await make(services, one, (PlaySetStatus.READY, size))
    await api.run("{ viewer { id } }")  # from here on the key is known
    with recorded(services) as statements:
        found = await api.run("{ videos { nodes { legacy { videoSize transcodeState } } } }")
    sizes = [one["legacy"] for one in found["videos"]["nodes"]]
    assert sizes == [{"videoSize": size, "transcodeState": 1} for size in (2, 1, 0)]
    assert len(statements) == 1


async def test_numbers_of_a_video_are_its_owners_alone(
    stranger: Api, anonymous: Api, video: Video
) -> None:
    assert await stranger.run(VIDEO, vid=video.vid) == {"video": None}
    errors = (await anonymous.http.post("/graphql", json=_asked(video))).json()["errors"]
    assert [one["extensions"]["code"] for one in errors] == ["UNAUTHENTICATED"]


def _asked(video: Video) -> dict[str, Any]:
    return {"query": VIDEO, "variables": {"vid": video.vid}}


async def test_play_sets_by_their_numbers(api: Api, services: Services, video: Video) -> None:
    rungs = Resolution.P360, Resolution.P480, Resolution.P720, Resolution.P1080, Resolution.ORIGIN
    await factories.transcode_task(services.db, video, *rungs)
    moment = datetime(2026, 1, 1, 23, 0, tzinfo=UTC)
    async with services.db.write() as session:
        await session.execute(update(PlaySet).values(created_at=moment, updated_at=moment))
    query = """query ($vid: String!) { video(by: {vid: $vid}) { playSets {
      resolution legacyStatus clarity deviceClass
      legacy { clarity serverType createdAt updatedAt }
    } } }"""
    found = (await api.run(query, vid=video.vid))["video"]["playSets"]
    assert [list(one.values())[:4] for one in found] == [
        ["P360", 0, "FD", "MOBILE"],
        ["P480", 0, "LD", "MOBILE"],
        ["P720", 0, "SD", "PC"],
        ["P1080", 0, "HD", "PC"],
        ["ORIGIN", 0, "ORIGINAL", "RAW_VIDEO"],
    ]
    assert [list(one["legacy"].values())[:2] for one in found] == [
        [2, 2],
        [3, 2],
        [4, 0],
        [5, 0],
        [1, 1],
    ]
    written = "2026-01-02T07:00:00+08:00"
    assert list(found[0]["legacy"].values())[2:] == [written, written]


async def test_an_upload_by_the_words_of_its_progress(
    api: Api, stranger: Api, services: Services, video: Video
) -> None:
    query = """query ($id: ID!) { uploadSession(id: $id) { id legacy {
      uploadSessionId totalChunks completedChunks progressPercent status
    } } }"""
    row = await upload(services, video)
    found = await api.run(query, id=ids.encode("UploadSession", row.id))
    assert found["uploadSession"]["legacy"] == {
        "uploadSessionId": found["uploadSession"]["id"],
        "totalChunks": 3,
        "completedChunks": 2,
        "progressPercent": 66.67,
        "status": "PROCESSING",
    }
    await change(services, video, status=VideoStatus.PUBLISHED)
    found = await api.run(query, id=ids.encode("UploadSession", row.id))
    assert found["uploadSession"]["legacy"]["status"] == "PUBLISHED"
    found = await stranger.run(query, id=ids.encode("UploadSession", row.id))
    assert found == {"uploadSession": None}
    row = await upload(services, video, video_id=None, status=UploadStatus.WAITING)
    found = await api.run(query, id=ids.encode("UploadSession", row.id))
    assert found["uploadSession"]["legacy"]["status"] == "UPLOADING"
