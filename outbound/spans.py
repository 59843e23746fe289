"""Which bytes of a file an answer carries, and if they were asked for (RFC 9110, section 14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from domain.errors import FetchFailed
from outbound import headers
from outbound.client import Answer

OF_RANGES: Final = {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}
"""Statuses of answers to who asked for a range, and to nobody else."""


@dataclass(frozen=True, slots=True)
class Resume:
    """What an earlier download of the same URL got."""

    offset: int
    """Bytes that are safe."""
    validator: str
    """Its `Download.validator`: without one, nothing tells whether the file is still the same."""
    size: int | None = None
    """Its `Download.size`."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes an answer carries, of a file of `size` bytes; None is what nobody said."""

    start: int
    end: int | None
    size: int | None
    validator: str | None
    """What a `Resume` of this needs."""


def wish(resume: Resume | None) -> dict[str, str]:
    if resume is None or resume.offset == 0:
        return {}
    return {"Range": f"bytes={resume.offset}-", "If-Range": resume.validator}


def span_of(answer: Answer, resume: Resume | None) -> Span:
    chunked = "Transfer-Encoding" in answer.headers
    length = None if chunked else headers.content_length(answer.headers)
    if resume is None or answer.status == HTTPStatus.OK:
        return Span(0, length, length, headers.validator(answer.headers))
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return _nothing_left(answer, resume)
    return _rest(answer, resume, length)


def _nothing_left(answer: Answer, resume: Resume) -> Span:
    """The file has not changed (or `If-Range` would have given it whole) and ends at our offset."""
    if headers.size_beyond(answer.headers) != resume.offset:
        raise FetchFailed("The server's file has become shorter.", status=answer.status)
    return Span(resume.offset, resume.offset, resume.offset, resume.validator)


def _rest(answer: Answer, resume: Resume, length: int | None) -> Span:
    part = headers.content_range(answer.headers)
    size = part.size if resume.size is None else resume.size
    if part.start != resume.offset:
        raise FetchFailed("The server sends another part than it was asked for.", status=206)
    if size is None or part.size not in (None, size):
        raise FetchFailed("The server's file has another size than before.", status=206)
    if length not in (None, part.end - part.start):
        raise FetchFailed("The server sends a part of another length than it says.", status=206)
    if _is_of_another(answer.headers, resume):
        raise FetchFailed("The server sends a part of another file.", status=206)
    return Span(part.start, part.end, size, resume.validator)


def _is_of_another(found: Mapping[str, str], resume: Resume) -> bool:
    tag = found.get("ETag", "").strip()
    by_tag = resume.validator.startswith('"')
    return bool(tag) and by_tag and tag != resume.validator
