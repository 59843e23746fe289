"""What the headers of a stranger's answer say, as far as it can be believed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from domain import text
from domain.errors import DomainError, FetchFailed
from domain.links import Link

MAX_PATIENCE_S = 86_400
"""Longer than this nobody can make us wait."""
_STRONG_TAG: Final = re.compile(r'"[\x21\x23-\x7e]*"')
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_UNSATISFIED: Final = re.compile(r"bytes \*/(\d{1,18})", re.IGNORECASE)
_LENGTH: Final = re.compile(r"\d{1,18}")
_CHARSETS: Final = {"utf-8", "iso-8859-1", "gbk", "gb2312", "gb18030", "big5", "shift_jis"}
_EXTENDED_NAME: Final = re.compile(
    r"(?:^|;)\s*filename\*\s*=\s*([\w-]+)'[^']*'([^;\s]+)", re.IGNORECASE
)
_QUOTED_NAME: Final = re.compile(r'(?:^|;)\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r'(?:^|;)\s*filename\s*=\s*([^";\s]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The bytes from `start` to before `end`, of a whole of `size`, if that is known."""

    start: int
    end: int
    size: int | None


def content_range(headers: Mapping[str, str]) -> ContentRange:
    """RFC 9110, section 14.4. Raises `FetchFailed` for one that cannot be."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if not found:
        raise FetchFailed("The server sends a part and does not say which.", status=206)
    size = None if found[3] == "*" else int(found[3])
    part = ContentRange(int(found[1]), int(found[2]) + 1, size)
    if part.end <= part.start or (size is not None and part.end > size):
        raise FetchFailed("The server sends a part that cannot be.", status=206)
    return part


def size_beyond(headers: Mapping[str, str]) -> int | None:
    """The whole size, as an answer says it that could not give the range."""
    found = _UNSATISFIED.fullmatch(headers.get("Content-Range", "").strip())
    return int(found[1]) if found else None


def content_length(headers: Mapping[str, str]) -> int | None:
    written = headers.get("Content-Length", "").strip()
    return int(written) if _LENGTH.fullmatch(written) else None


def validator(headers: Mapping[str, str]) -> str | None:
    """What `If-Range` may carry: a strong entity tag, or a date that counts as strong.

    A date does when it lies before that of the answer (RFC 9110, section 8.8.2.2): within one
    second a file can change and keep it.
    """
    tag = headers.get("ETag", "").strip()
    if _STRONG_TAG.fullmatch(tag):
        return tag
    written = headers.get("Last-Modified", "").strip()
    modified, sent = _date(written), _date(headers.get("Date", ""))
    strong = modified and sent and sent - modified >= timedelta(seconds=1)
    return written if strong else None


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    written = headers.get("Retry-After", "").strip()
    if _LENGTH.fullmatch(written):
        return min(int(written), MAX_PATIENCE_S)
    until = _date(written)
    if until is None:
        return None
    seconds = round((until - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), MAX_PATIENCE_S)


def file_name(headers: Mapping[str, str], link: Link) -> str | None:
    """What the server calls the file, or else the last part of the URL's path."""
    path = link.target.partition("?")[0]
    for name in (_attached(headers.get("Content-Disposition", "")), unquote(path)):
        try:
            if found := text.file_name(name):
                return found
        except DomainError:  # too long, or nothing that we could store
            continue
    return None


def _attached(disposition: str) -> str | None:
    """RFC 6266: the extended name wins. Plain ones come in the bytes of who knows which code."""
    if found := _EXTENDED_NAME.search(disposition):
        return _decoded(unquote_to_bytes(found[2]), found[1])
    if found := _QUOTED_NAME.search(disposition):
        return _decoded(re.sub(r"\\(.)", r"\1", found[1]).encode(errors="surrogateescape"))
    found = _PLAIN_NAME.search(disposition)
    return _decoded(unquote_to_bytes(found[1])) if found else None


def _decoded(raw: bytes, charset: str = "utf-8") -> str | None:
    declared = charset.lower()
    for each in (declared if declared in _CHARSETS else "utf-8", "gb18030"):
        try:
            return raw.decode(each)
        except UnicodeDecodeError:
            continue
    return None


def _date(written: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(written)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
