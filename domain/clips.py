"""What a clip may be cut out of a video, and which videos make a splice. Times are milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.error_codes import ErrorCode
from domain.errors import DomainError, InvalidArgument, LimitExceeded
from domain.media import LONGEST_MS

MAX_SEGMENTS: Final = 5
MIN_SEGMENT_MS: Final = 5_000
MIN_SPLICED: Final = 2
MAX_SPLICED: Final = 20


class ClipSegmentsEmpty(DomainError):
    """Nothing is to be cut out."""

    code = ErrorCode.CLIP_SEGMENTS_EMPTY


class ClipSegmentsInvalid(DomainError):
    """A segment begins before the video does."""

    code = ErrorCode.CLIP_SEGMENTS_INVALID


class ClipTooManySegments(LimitExceeded):
    code = ErrorCode.CLIP_TOO_MANY_SEGMENTS


class ClipEndBeforeStart(DomainError):
    code = ErrorCode.CLIP_END_BEFORE_START


class ClipSegmentTooShort(DomainError):
    code = ErrorCode.CLIP_SEGMENT_TOO_SHORT


class ClipEndAfterVideo(LimitExceeded):
    """The limit is how long the video lasts."""

    code = ErrorCode.CLIP_END_AFTER_VIDEO


class ClipInitFailed(DomainError):
    """A source has no file that anything could be cut out of."""

    code = ErrorCode.CLIP_INIT_FAILED


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a video."""

    start_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms


def check_count(segments: Sequence[Segment]) -> None:
    """What can be said before the video is known."""
    if not segments:
        raise ClipSegmentsEmpty("Name at least one segment.", path=["segments"])
    if len(segments) > MAX_SEGMENTS:
        raise ClipTooManySegments(
            "The number of segments", limit=MAX_SEGMENTS, actual=len(segments), path=["segments"]
        )


def check_segments(segments: Sequence[Segment], duration_ms: int) -> None:
    """Refuse what cannot be cut out of a video that lasts so long.

    Segments may come in any order, overlap and repeat: the clip shows them as they are listed.
    """
    for number, segment in enumerate(segments):
        _check_segment(segment, duration_ms, ["segments", str(number)])
    check_duration(sum(segment.duration_ms for segment in segments), path=["segments"])


def _check_segment(segment: Segment, duration_ms: int, path: Sequence[str]) -> None:
    start_ms, end_ms = segment.start_ms, segment.end_ms
    if start_ms < 0:
        raise ClipSegmentsInvalid("A segment cannot begin before 0.", path=[*path, "startMs"])
    if end_ms < start_ms:
        raise ClipEndBeforeStart("The segment ends before it begins.", path=[*path, "endMs"])
    if segment.duration_ms < MIN_SEGMENT_MS:
        raise ClipSegmentTooShort(
            f"The segment lasts {segment.duration_ms} ms; the least is {MIN_SEGMENT_MS}.", path=path
        )
    if end_ms > duration_ms:
        raise ClipEndAfterVideo(
            "The end of the segment in milliseconds",
            limit=duration_ms,
            actual=end_ms,
            path=[*path, "endMs"],
        )


def check_spliced(count: int) -> None:
    """Refuse a splice of too few or too many videos."""
    if count < MIN_SPLICED:
        raise InvalidArgument(f"Name at least {MIN_SPLICED} videos.", path=["videoIds"])
    if count > MAX_SPLICED:
        raise LimitExceeded(
            "The number of videos", limit=MAX_SPLICED, actual=count, path=["videoIds"]
        )


def check_duration(duration_ms: int, *, path: Sequence[str]) -> None:
    """Refuse a video that would be longer than any may be."""
    if duration_ms > LONGEST_MS:
        raise LimitExceeded(
            "The duration of the new video in milliseconds",
            limit=LONGEST_MS,
            actual=duration_ms,
            path=path,
        )
