"""Every number that older systems have for what we have names for."""

from datetime import UTC, datetime

import pytest

from domain import legacy
from domain.legacy import Clarity, DeviceClass
from domain.play_sets import PlaySetStatus
from domain.uploads import UploadStatus
from domain.videos import AspectRatio, Resolution, ShareState, SourceKind, VideoStatus

STATUSES = {
    "initial": (0, "UPLOADING"),
    "uploading": (2, "UPLOADING"),
    "upload_failed": (3, None),
    "processing": (1, "PROCESSING"),
    "published": (1, "PUBLISHED"),
    "banned": (1, "PUBLISHED"),
    "deleted": (4, "DELETED"),
}


def test_states_of_videos() -> None:
    found = {
        one.value: (legacy.video_status(one, "s"), legacy.video_status_name(one))
        for one in VideoStatus
    }
    assert found == STATUSES


def test_a_file_that_was_not_looked_into_is_on_its_way() -> None:
    found = {one: legacy.video_status(one, None) for one in VideoStatus}
    assert found.pop(VideoStatus.PROCESSING) == 2
    assert found == {one: STATUSES[one.value][0] for one in found}


UPLOADS = {
    "waiting": "UPLOADING",
    "uploading": "UPLOADING",
    "verifying": "PROCESSING",
    "completed": "PUBLISHED",
    "failed": None,
    "cancelled": "DELETED",
    "expired": "DELETED",
}


def test_states_of_uploads() -> None:
    found = {one.value: legacy.upload_status_name(one, None) for one in UploadStatus}
    assert found == UPLOADS


def test_a_complete_upload_is_as_its_video() -> None:
    done = UploadStatus.COMPLETED
    found = [legacy.upload_status_name(done, one) for one in VideoStatus]
    assert found == [STATUSES[one.value][1] for one in VideoStatus]
    waiting = legacy.upload_status_name(UploadStatus.WAITING, VideoStatus.DELETED)
    assert waiting == "UPLOADING"


def test_states_of_play_sets() -> None:
    assert {one.name: number for one, number in legacy.PLAY_SET_STATUS.items()} == {
        "INITIAL": 0,
        "READY": 1,
        "TRANSCODING": 2,
        "TRANSCODED": 3,
        "TRANSCODE_FAILED": 4,
        "UPLOADING": 5,
        "UPLOAD_FAILED": 6,
        "DELETED": 7,
    }
    assert set(legacy.PLAY_SET_STATUS) == set(PlaySetStatus)


def test_sharing_and_shape() -> None:
    assert {one: legacy.SHARED_STATE[one] for one in ShareState} == {
        "private": 0,
        "password": 1,
        "public": 2,
    }
    assert {one: legacy.IMAGE_RATIO[one] for one in AspectRatio} == {"16:9": 0, "4:3": 1}


STATES = {
    None: (0, 2),
    "deleted/none": (0, 2),
    "deleted/aes_128": (1, 5),
    "deleted/aes_128 deleted/none": (1, 5),
    "ready/none": (0, 1),
    "initial/none": (0, 3),
    "transcoding/none": (0, 3),
    "transcoded/none": (0, 3),
    "uploading/none": (0, 3),
    "ready/none uploading/none": (0, 3),
    "transcode_failed/none": (0, 4),
    "upload_failed/none": (0, 4),
    "ready/none upload_failed/none": (0, 1),
    "deleted/aes_128 ready/none": (0, 1),
    "ready/aes_128": (1, 1),
    "ready/aes_128 ready/none": (1, 1),
    "ready/none transcode_failed/aes_128": (1, 2),
    "ready/none initial/aes_128": (1, 3),
    "initial/none ready/aes_128": (1, 3),
    "transcode_failed/aes_128": (1, 4),
    "lost/none": (0, 2),
}


@pytest.mark.parametrize("made", STATES)
def test_states_of_transcoding(made: str | None) -> None:
    assert (legacy.encrypt(made), legacy.transcode_state(made)) == STATES[made]


def test_a_video_is_available_once_something_of_it_can_be_played() -> None:
    for status in VideoStatus:
        published = int(status is VideoStatus.PUBLISHED)
        assert legacy.video_state(status, "ready/none") == published
        assert legacy.video_state(status, "initial/none") == 0
        assert legacy.video_state(status, None) == 0


def test_where_videos_come_from() -> None:
    assert {one.name: legacy.source_code(one, "WEB") for one in SourceKind} == {
        "UPLOAD": 1,
        "FETCH": 3,
        "TRIM": 4,
        "SPLICE": 5,
        "SIMULATION": 0,
    }


@pytest.mark.parametrize(
    ("device_type", "code"),
    [
        (None, 1),
        ("", 1),
        ("iOS", 1),
        ("SDK", 11),
        ("android-sdk/2", 11),
        ("Upload Tool", 12),
        ("command line", 12),
    ],
)
def test_what_sent_an_upload(device_type: str | None, code: int) -> None:
    assert legacy.source_code(SourceKind.UPLOAD, device_type) == code
    assert legacy.source_code(SourceKind.FETCH, device_type) == 3


def test_clarities() -> None:
    assert {one.name: number for one, number in legacy.CLARITY.items()} == {
        "ORIGINAL": 1,
        "FD": 2,
        "LD": 3,
        "SD": 4,
        "HD": 5,
        "LIVE_RECORDING": -99,
    }
    assert set(legacy.CLARITY) == set(Clarity)
    assert [legacy.clarity(one).name for one in Resolution] == [
        *("FD", "FD", "LD", "SD", "HD", "HD", "HD"),
        "ORIGINAL",
    ]


def test_classes_of_devices() -> None:
    assert {one.name: number for one, number in legacy.SERVER_TYPE.items()} == {
        "PC": 0,
        "RAW_VIDEO": 1,
        "MOBILE": 2,
        "UNKNOWN": -1,
    }
    assert set(legacy.SERVER_TYPE) == set(DeviceClass)
    assert [legacy.device_class(one).name for one in Resolution] == [
        *("MOBILE",) * 3,
        *("PC",) * 4,
        "RAW_VIDEO",
    ]


def test_times() -> None:
    moment = datetime(2017, 8, 1, 9, 14, 34, 999_999, tzinfo=UTC)
    assert legacy.rfc3339(moment) == "2017-08-01T17:14:34+08:00"
    assert legacy.unix_seconds(moment) == "1501578874"
    before = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)
    assert legacy.unix_seconds(before) == "-1"
    assert legacy.rfc3339(before) == "1970-01-01T07:59:59+08:00"


@pytest.mark.parametrize(
    ("duration_ms", "seconds", "clock"),
    [
        (None, None, None),
        (0, 0, "00:00:00"),
        (999, 0, "00:00:00"),
        (36_000, 36, "00:00:36"),
        (214_999, 214, "00:03:34"),
        (43_199_999, 43_199, "11:59:59"),
        (360_000_000, 360_000, "100:00:00"),
    ],
)
def test_durations(duration_ms: int | None, seconds: int | None, clock: str | None) -> None:
    assert (legacy.whole_seconds(duration_ms), legacy.clock(duration_ms)) == (seconds, clock)
