"""The numbers and words by which older systems know what we have names for. Pure.

Where their documents disagree with themselves, the tables count, not the samples.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

from domain.play_sets import FAILED_PLAY_SETS, LIVE_PLAY_SETS, OPEN_PLAY_SETS, PlaySetStatus
from domain.templates import Encryption
from domain.uploads import UploadStatus
from domain.videos import AspectRatio, Resolution, ShareState, SourceKind, VideoStatus

BEIJING: Final = timezone(timedelta(hours=8))
"""The offset that their times are written with; China has had no other since 1991."""

VIDEO_STATUS: Final[Mapping[VideoStatus, int]] = {
    VideoStatus.INITIAL: 0,
    VideoStatus.PROCESSING: 1,
    VideoStatus.PUBLISHED: 1,
    VideoStatus.BANNED: 1,
    VideoStatus.UPLOADING: 2,
    VideoStatus.UPLOAD_FAILED: 3,
    VideoStatus.DELETED: 4,
}
VIDEO_STATUS_NAME: Final[Mapping[VideoStatus, str]] = {
    VideoStatus.INITIAL: "UPLOADING",
    VideoStatus.UPLOADING: "UPLOADING",
    VideoStatus.PROCESSING: "PROCESSING",
    VideoStatus.PUBLISHED: "PUBLISHED",
    VideoStatus.BANNED: "PUBLISHED",
    VideoStatus.DELETED: "DELETED",
}
"""They have no word for a video that failed."""
UPLOAD_STATUS_NAME: Final[Mapping[UploadStatus, str]] = {
    UploadStatus.WAITING: "UPLOADING",
    UploadStatus.UPLOADING: "UPLOADING",
    UploadStatus.VERIFYING: "PROCESSING",
    UploadStatus.COMPLETED: "PUBLISHED",
    UploadStatus.CANCELLED: "DELETED",
    UploadStatus.EXPIRED: "DELETED",
}
SHARED_STATE: Final[Mapping[ShareState, int]] = {
    ShareState.PRIVATE: 0,
    ShareState.PASSWORD: 1,
    ShareState.PUBLIC: 2,
}
PLAY_SET_STATUS: Final[Mapping[PlaySetStatus, int]] = {
    PlaySetStatus.INITIAL: 0,
    PlaySetStatus.READY: 1,
    PlaySetStatus.TRANSCODING: 2,
    PlaySetStatus.TRANSCODED: 3,
    PlaySetStatus.TRANSCODE_FAILED: 4,
    PlaySetStatus.UPLOADING: 5,
    PlaySetStatus.UPLOAD_FAILED: 6,
    PlaySetStatus.DELETED: 7,
}
IMAGE_RATIO: Final[Mapping[AspectRatio, int]] = {AspectRatio.R16_9: 0, AspectRatio.R4_3: 1}


class Clarity(StrEnum):
    """How sharp a rendition is, in five steps."""

    ORIGINAL = "original"
    FD = "fd"
    LD = "ld"
    SD = "sd"
    HD = "hd"
    LIVE_RECORDING = "live_recording"
    """None of ours is."""


class DeviceClass(StrEnum):
    """What a rendition is meant for."""

    PC = "pc"
    RAW_VIDEO = "raw_video"
    """The source's own streams, whatever can show them."""
    MOBILE = "mobile"
    UNKNOWN = "unknown"
    """None of ours is; their samples have it, and no table of theirs."""


CLARITY: Final[Mapping[Clarity, int]] = {
    Clarity.ORIGINAL: 1,
    Clarity.FD: 2,
    Clarity.LD: 3,
    Clarity.SD: 4,
    Clarity.HD: 5,
    Clarity.LIVE_RECORDING: -99,
}
SERVER_TYPE: Final[Mapping[DeviceClass, int]] = {
    DeviceClass.PC: 0,
    DeviceClass.RAW_VIDEO: 1,
    DeviceClass.MOBILE: 2,
    DeviceClass.UNKNOWN: -1,
}
_CLARITY_OF: Final[Mapping[Resolution, Clarity]] = {
    Resolution.P240: Clarity.FD,
    Resolution.P360: Clarity.FD,
    Resolution.P480: Clarity.LD,
    Resolution.P720: Clarity.SD,
    Resolution.P1080: Clarity.HD,
    Resolution.P1440: Clarity.HD,
    Resolution.P2160: Clarity.HD,
    Resolution.ORIGIN: Clarity.ORIGINAL,
}
_FOR_MOBILES: Final = (Resolution.P240, Resolution.P360, Resolution.P480)

_OTHER_SOURCE, _UPLOAD, _SDK, _TOOL = 0, 1, 11, 12
_SOURCE: Final[Mapping[SourceKind, int]] = {
    SourceKind.UPLOAD: _UPLOAD,
    SourceKind.FETCH: 3,
    SourceKind.TRIM: 4,
    SourceKind.SPLICE: 5,
    SourceKind.SIMULATION: _OTHER_SOURCE,
}
"""Their 2, 6 and 10 are recordings of live streams, which we do not have."""


def video_status(status: VideoStatus, storage_id: str | None) -> int:
    """The document's 1 means that the file can be transcoded: it was looked into."""
    if status is VideoStatus.PROCESSING and storage_id is None:
        return VIDEO_STATUS[VideoStatus.UPLOADING]
    return VIDEO_STATUS[status]


def video_status_name(status: VideoStatus) -> str | None:
    return VIDEO_STATUS_NAME.get(status)


def upload_status_name(status: UploadStatus, video_status: VideoStatus | None) -> str | None:
    """The state of the upload until it has become a video, and that video's from then on."""
    if status is UploadStatus.COMPLETED and video_status is not None:
        return video_status_name(video_status)
    return UPLOAD_STATUS_NAME.get(status)


def video_state(status: VideoStatus, made: str | None) -> int:
    """1 if it can be played; `made` as in `transcode_state`."""
    return int(status is VideoStatus.PUBLISHED and bool(_encryptions(made, PlaySetStatus.READY)))


def encrypt(made: str | None) -> int:
    """1 if a play set that is there, or was wanted, is encrypted; `made` as below."""
    return int(_is_encrypted(made))


def transcode_state(made: str | None) -> int:
    """How far transcoding is, by two tables: one for videos that are encrypted, one for others.

    `made` has the states of the play sets with how they are encrypted, each once, such as
    `ready/none uploading/aes_128`.
    """
    done, running, failed, none = 1, 3, 4, 2
    encrypted = _is_encrypted(made)
    if encrypted:
        done, none = 2, 5
    if _encryptions(made, *OPEN_PLAY_SETS):
        return running
    ready = _encryptions(made, PlaySetStatus.READY)
    if encrypted and ready - {Encryption.NONE.value}:
        return 1
    if ready:
        return done
    return failed if _encryptions(made, *FAILED_PLAY_SETS) else none


def _is_encrypted(made: str | None) -> bool:
    """Deleted play sets count only where there are no others."""
    found = _encryptions(made, *LIVE_PLAY_SETS) or _encryptions(made, PlaySetStatus.DELETED)
    return bool(found - {Encryption.NONE.value})


def _encryptions(made: str | None, *states: PlaySetStatus) -> set[str]:
    """How the play sets in these states are encrypted; empty without one."""
    pairs = (one.partition("/") for one in (made or "").split())
    wanted = {one.value for one in states}
    return {encryption for state, _, encryption in pairs if state in wanted}


def source_code(kind: SourceKind, device_type: str | None) -> int:
    """Where a video came from; an upload also by what its client said it is."""
    client = (device_type or "").upper()
    if kind is not SourceKind.UPLOAD:
        return _SOURCE[kind]
    if "SDK" in client:
        return _SDK
    return _TOOL if "TOOL" in client or client == "COMMAND LINE" else _UPLOAD


def clarity(resolution: Resolution) -> Clarity:
    return _CLARITY_OF[resolution]


def device_class(resolution: Resolution) -> DeviceClass:
    if resolution is Resolution.ORIGIN:
        return DeviceClass.RAW_VIDEO
    return DeviceClass.MOBILE if resolution in _FOR_MOBILES else DeviceClass.PC


def rfc3339(moment: datetime) -> str:
    """Such as 2010-11-22T15:16:17+08:00."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def unix_seconds(moment: datetime) -> str:
    """Such as 1501578874, as text."""
    return str(math.floor(moment.timestamp()))


def whole_seconds(duration_ms: int | None) -> int | None:
    return None if duration_ms is None else duration_ms // 1000


def clock(duration_ms: int | None) -> str | None:
    """Such as 00:03:34."""
    if duration_ms is None:
        return None
    minutes, seconds = divmod(duration_ms // 1000, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
