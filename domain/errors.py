"""Failures a caller can understand and act on.

A `DomainError` is an expected outcome: the API returns it as data, with its code.
Everything else is a bug: it is logged with an id, and the caller gets only that id.
"""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from domain.error_codes import ErrorCode
from domain.media import Refusal


class DomainError(Exception):
    """The message is a whole English sentence for the developer of the client."""

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.path = tuple(path)
        """Where in the mutation's input the fault is; empty when it is not in one place."""


class InvalidArgument(DomainError):
    code = ErrorCode.INVALID_ARGUMENT


class NotFound(DomainError):
    """There is no such thing, or it belongs to another account; the two look the same."""

    code = ErrorCode.NOT_FOUND

    def __init__(self, kind: str, id: UUID | str, *, path: Sequence[str] = ()) -> None:
        super().__init__(f"There is no {kind} with this id.", path=path)
        self.kind = kind
        """The name of its type in the API."""
        self.id = id
        """Our own id, or what the caller sent when that is no id at all."""


class LimitExceeded(DomainError):
    code = ErrorCode.LIMIT_EXCEEDED

    def __init__(self, what: str, *, limit: int, actual: int, path: Sequence[str] = ()) -> None:
        super().__init__(f"{what} is {actual}; the limit is {limit}.", path=path)
        self.limit = limit
        self.actual = actual


class QuotaExceeded(LimitExceeded):
    """The account's files would have more bytes than it may store."""

    code = ErrorCode.QUOTA_EXCEEDED


class ChunksMissing(DomainError):
    code = ErrorCode.CHUNK_MISSING

    def __init__(self, missing: Sequence[int]) -> None:
        super().__init__(f"{len(missing)} chunks have not arrived yet.")
        self.missing = list(missing)


class ChecksumMismatch(DomainError):
    code = ErrorCode.CHECKSUM_MISMATCH

    def __init__(
        self,
        what: str,
        *,
        expected: str,
        actual: str,
        algorithm: str = "SHA-256",
        path: Sequence[str] = (),
    ) -> None:
        message = f"The {algorithm} of {what} is {actual}; {expected} was expected."
        super().__init__(message, path=path)
        self.expected = expected
        self.actual = actual


class InvalidState(DomainError):
    code = ErrorCode.INVALID_STATE

    def __init__(
        self, what: str, *, current: str, allowed: Sequence[str], path: Sequence[str] = ()
    ) -> None:
        super().__init__(f"{what} is {current}; it must be {' or '.join(allowed)}.", path=path)
        self.current = current
        self.allowed = list(allowed)


class SessionClosed(InvalidState):
    """The upload session takes no more bytes."""

    code = ErrorCode.SESSION_CLOSED


class PartBusy(DomainError):
    """Another request is writing the same part at this moment."""

    code = ErrorCode.PART_BUSY

    def __init__(self, number: int) -> None:
        super().__init__(f"Part {number} is being written by another request.")


class IncompleteBody(DomainError):
    """The body ended early or went on too long. Sizes in bytes."""

    code = ErrorCode.INCOMPLETE_BODY

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"The body has {actual} bytes; {expected} were expected.")
        self.expected = expected
        self.actual = actual


class OffsetMismatch(DomainError):
    """Bytes that come in order must go on where the last ones ended."""

    code = ErrorCode.INVALID_STATE

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"The next byte is {expected}, not {actual}.")
        self.expected = expected
        self.actual = actual


class StorageFull(DomainError):
    code = ErrorCode.STORAGE_FULL

    def __init__(self) -> None:
        super().__init__("The object store has no room for these bytes. Try again later.")


class StorageBusy(DomainError):
    """The store asks for patience, or does not answer."""

    code = ErrorCode.STORAGE_BUSY

    def __init__(self) -> None:
        super().__init__("The object store is busy. Try again in a moment.")


class PossessionNotProven(DomainError):
    """There is no such content, or the proof is wrong, late or used: they look the same."""

    code = ErrorCode.POSSESSION_NOT_PROVEN

    def __init__(self) -> None:
        super().__init__("The file could not be taken over. Upload it.", path=("proof",))


class DuplicateContent(DomainError):
    """A video of the same origin is in the library already."""

    code = ErrorCode.DUPLICATE_CONTENT

    def __init__(self, video_id: UUID, *, path: Sequence[str] = ()) -> None:
        super().__init__("There is a video of this source already.", path=path)
        self.video_id = video_id


class ObjectInUse(DomainError):
    """A video is made of the object; it can go only with the video."""

    code = ErrorCode.OBJECT_IN_USE

    def __init__(self) -> None:
        super().__init__("A video is made of this object.", path=("ids",))


class MediaRefused(DomainError):
    """The file cannot become a video. Raised by the probe."""

    code = ErrorCode.MEDIA_REFUSED

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class VideoUploading(InvalidState):
    """The file of the video was not looked into yet."""

    code = ErrorCode.VIDEO_UPLOADING


class VideoUploadFailed(InvalidState):
    """The video has no file that anything could be made of."""

    code = ErrorCode.VIDEO_UPLOAD_FAILED


class TranscodeExists(DomainError):
    """What is wanted is there or on its way; `redo` replaces what is there."""

    code = ErrorCode.TRANSCODE_EXISTS

    def __init__(self, name: str, *, runs: bool, path: Sequence[str] = ()) -> None:
        state = "is being made" if runs else "is there already; `redo` replaces it"
        super().__init__(f"The play set {name!r} {state}.", path=path)


class TemplateUnsuitable(DomainError):
    """A template would make nothing of this video."""

    code = ErrorCode.TEMPLATE_UNSUITABLE


class TemplateBuiltIn(DomainError):
    """Everybody has this template, and nobody changes it."""

    code = ErrorCode.TEMPLATE_BUILT_IN

    def __init__(self, name: str) -> None:
        message = f"The template {name!r} is built in. Save one of your own instead."
        super().__init__(message, path=["id"])


class TemplateInUse(DomainError):
    """Rules choose the template: they would make something else without it."""

    code = ErrorCode.TEMPLATE_IN_USE

    def __init__(self, name: str, rule_ids: Sequence[UUID]) -> None:
        choose = "chooses" if len(rule_ids) == 1 else "choose"
        message = f"{len(rule_ids)} of your rules {choose} the template {name!r}."
        super().__init__(message, path=["id"])
        self.rule_ids = list(rule_ids)


class TranscodeFailed(DomainError):
    """ffmpeg ended badly, or its output is not what was asked. `log` is the end of its log."""

    code = ErrorCode.TRANSCODE_FAILED

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class WorkerLost(DomainError):
    """The process that ran the task died, or was not heard of for too long."""

    code = ErrorCode.WORKER_LOST

    def __init__(self, worker: str | None) -> None:
        super().__init__(f"The worker {worker} was lost.")


class UrlNotAllowed(DomainError):
    """We do not send a request there, whoever asks; nothing was sent."""

    code = ErrorCode.URL_NOT_ALLOWED


class FetchFailed(DomainError):
    """The other server's answer cannot be used, and the next one would be no better."""

    code = ErrorCode.FETCH_FAILED

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """Of the answer in HTTP, if that is what is wrong with it."""


class FetchInterrupted(DomainError):
    """The other server is out of reach, busy, or broke off: it may go on later."""

    code = ErrorCode.FETCH_FAILED

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """How long it wants to be left alone; None when it does not say."""


class Cancelled(DomainError):
    """Somebody who may do so ended the task."""

    code = ErrorCode.CANCELLED


class Unauthenticated(DomainError):
    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, message: str = "Send an API key: `Authorization: Bearer <key>`.") -> None:
        super().__init__(message)


class LinkInvalid(DomainError):
    """A signed link that was altered, or that is for another purpose."""

    code = ErrorCode.LINK_INVALID

    def __init__(self) -> None:
        super().__init__("This link is not valid.")


class LinkExpired(DomainError):
    code = ErrorCode.LINK_EXPIRED

    def __init__(self) -> None:
        super().__init__("This link has expired. Ask the API for a new one.")


class BadCursor(DomainError):
    code = ErrorCode.BAD_CURSOR

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is not a cursor of this list.")
