"""Videos, play sets and uploads by the numbers and words of older systems."""

from datetime import datetime
from typing import ClassVar

import strawberry

from db import models
from domain import legacy
from domain.legacy import Clarity, DeviceClass
from domain.play_sets import PlaySetStatus
from domain.uploads import count_chunks, percent
from domain.videos import AspectRatio, Resolution, ShareState, VideoStatus
from schema import ids
from schema.enums import publish
from schema.execution.fields import as_text, column, computed
from schema.scalars import Bytes

publish(
    Clarity,
    "How sharp a rendition is, by the five names of older systems. New values may be added.",
    {
        Clarity.ORIGINAL: "The source's own streams: ORIGIN.",
        Clarity.FD: "Fluent: P240 and P360.",
        Clarity.LD: "Low: P480.",
        Clarity.SD: "Standard: P720.",
        Clarity.HD: "High: P1080 and above.",
        Clarity.LIVE_RECORDING: "What a live stream left; nothing of ours is.",
    },
)
publish(
    DeviceClass,
    "What a rendition is meant for. Any player may have any of them. New values may be added.",
    {
        DeviceClass.PC: "Large screens: P720 and above.",
        DeviceClass.RAW_VIDEO: "The source's own streams: ORIGIN.",
        DeviceClass.MOBILE: "Small screens: P480 and below.",
        DeviceClass.UNKNOWN: "Older systems do not say; nothing of ours is.",
    },
)


def _shared_state(state: ShareState) -> int:
    return legacy.SHARED_STATE[state]


def _image_ratio(ratio: AspectRatio) -> int:
    return legacy.IMAGE_RATIO[ratio]


def _forbidden(status: VideoStatus) -> int:
    return int(status is VideoStatus.BANNED)


def _unix_seconds_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else legacy.unix_seconds(moment)


@strawberry.type(
    description="A video by the numbers that older systems know. Times are as they write them."
)
class VideoLegacy:
    model: ClassVar = models.VideoLegacy

    status: int = computed(
        legacy.video_status,
        "status",
        "storage_id",
        description="0 INITIAL; 1 its file is here and was checked; 2 it is arriving or being"
        " checked; 3 UPLOAD_FAILED; 4 DELETED.",
    )
    status_name: str | None = computed(
        legacy.video_status_name,
        "status",
        description="`UPLOADING`, `PROCESSING`, `PUBLISHED` (BANNED, too) or `DELETED`; null for"
        " UPLOAD_FAILED, which has no name there.",
    )
    shared_state: int = computed(
        _shared_state, "share_state", description="0 private, 1 with a password, 2 public."
    )
    video_state: int = computed(
        legacy.video_state,
        "status",
        "made",
        description="1 when it can be played: PUBLISHED with a READY play set; else 0.",
    )
    transcode_state: int = computed(
        legacy.transcode_state,
        "made",
        description="When `encrypt` is 1: 1 encrypted and done, 2 only unencrypted ones done,"
        " 3 running, 4 failed, 5 nothing to do. When it is 0: 1 done, 2 nothing to do, 3 running,"
        " 4 failed.",
    )
    video_source_code: int = computed(
        legacy.source_code,
        "source_kind",
        "device_type",
        description="0 others, 1 upload, 3 fetched, 4 trimmed, 5 spliced; 11 and 12 uploads whose"
        " `deviceType` says that an SDK or a tool sent them. 2, 6 and 10 are live recordings,"
        " which we do not make.",
    )
    encrypt: int = computed(
        legacy.encrypt,
        "made",
        description="1 when a play set is encrypted, or was to be; else 0.",
    )
    image_ratio: int = computed(_image_ratio, "aspect_ratio", description="0 16:9, 1 4:3.")
    auto_play: int = computed(int, "auto_play", description="1 when players begin by themselves.")
    auth_play: int = computed(
        int, "auth_play", description="1 when viewers need a playback token; else 0."
    )
    forbidden: int = computed(_forbidden, "status", description="1 while it is BANNED; else 0.")
    video_size: Bytes = column(
        "size",
        description="Bytes of its READY play sets together: the exact sum of their `fileSize`.",
    )
    duration_ms: int | None = column(
        "duration_ms", description="Milliseconds; null until the file was checked."
    )
    duration_seconds: int | None = computed(
        legacy.whole_seconds, "duration_ms", description="Whole seconds of it."
    )
    duration_clock: str | None = computed(
        legacy.clock, "duration_ms", description="The same, such as `00:03:34`."
    )
    created_at: str = computed(
        legacy.rfc3339,
        "created_at",
        description="`Video.createdAt` in Beijing, such as `2010-11-22T15:16:17+08:00`.",
    )
    updated_at: str = computed(
        legacy.rfc3339, "updated_at", description="`Video.updatedAt` in Beijing."
    )
    create_time: str = computed(
        legacy.unix_seconds,
        "created_at",
        description="`Video.createdAt` in whole seconds since 1970, as text.",
    )
    update_time: str = computed(
        legacy.unix_seconds,
        "updated_at",
        description="`Video.updatedAt` in whole seconds since 1970, as text.",
    )
    upload_time: str | None = computed(
        _unix_seconds_or_none,
        "uploaded_at",
        description="`Video.uploadedAt` in whole seconds since 1970, as text; null before.",
    )


def play_set_status(status: PlaySetStatus) -> int:
    return legacy.PLAY_SET_STATUS[status]


def _clarity_number(resolution: Resolution) -> int:
    return legacy.CLARITY[legacy.clarity(resolution)]


def _server_type(resolution: Resolution) -> int:
    return legacy.SERVER_TYPE[legacy.device_class(resolution)]


@strawberry.type(description="A play set by the numbers that older systems know.")
class PlaySetLegacy:
    """Made of columns of the play set itself."""

    clarity: int = computed(
        _clarity_number,
        "resolution",
        description="`PlaySet.clarity`: 1 ORIGINAL, 2 FD, 3 LD, 4 SD, 5 HD.",
    )
    server_type: int = computed(
        _server_type,
        "resolution",
        description="`PlaySet.deviceClass`: 0 PC, 1 RAW_VIDEO, 2 MOBILE.",
    )
    created_at: str = computed(
        legacy.rfc3339,
        "created_at",
        description="`PlaySet.createdAt` in Beijing, such as `2010-11-22T15:16:17+08:00`.",
    )
    updated_at: str = computed(
        legacy.rfc3339, "updated_at", description="`PlaySet.updatedAt` in Beijing."
    )


def _upload_id(key: str) -> str:
    return ids.encode("UploadSession", key)


@strawberry.type(description="An upload by the five words that older systems have for one.")
class UploadSessionLegacy:
    model: ClassVar = models.UploadLegacy

    upload_session_id: strawberry.ID = computed(
        _upload_id, as_text("id"), description="Its id, as `UploadSession.id` has it."
    )
    total_chunks: int = computed(
        count_chunks, "file_size", "chunk_size", description="How many chunks there are."
    )
    completed_chunks: int = column("received_chunks", description="How many have arrived.")
    progress_percent: float = computed(
        percent,
        "received_bytes",
        "file_size",
        description="Part of the bytes that has arrived, 0.0 to 100.0.",
    )
    status: str | None = computed(
        legacy.upload_status_name,
        "status",
        "video_status",
        description="`UPLOADING`; `PROCESSING` while it is checked, and until its video can be"
        " played; then `PUBLISHED`; `DELETED` when either is gone. Null after a failure.",
    )
