"""Our own scalars: how each is read from a request and written to a response."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.files import File

Bytes = NewType("Bytes", int)
Sha256 = NewType("Sha256", str)
Url = NewType("Url", str)
EventCursor = NewType("EventCursor", str)
Upload = NewType("Upload", File)

MAX_BYTES: Final = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _bytes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1 != 0:
        raise GraphQLError(f"Bytes cannot represent {value!r}: it must be a whole number.")
    if not 0 <= value <= MAX_BYTES:
        raise GraphQLError(f"Bytes cannot represent {value!r}: it must be 0 to {MAX_BYTES}.")
    return int(value)


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise GraphQLError(f"SHA256 cannot represent {value!r}: 64 hexadecimal digits are needed.")
    return value.lower()


def _date_time(value: object) -> datetime:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise GraphQLError(
            f"DateTime cannot represent {value!r}: RFC 3339 with an offset is needed, such as"
            " 2026-11-21T09:30:00Z."
        )
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError(f"DateTime cannot represent {value!r}: no such moment.") from None


def _rfc3339(value: datetime) -> str:
    """As `db.rows.Form.MOMENT` has PostgreSQL write it."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _file(value: object) -> File:
    if not isinstance(value, File):
        raise GraphQLError(
            "Upload needs a file: send it by the GraphQL multipart request specification."
        )
    return value


def _text(name: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str):
            raise GraphQLError(f"{name} cannot represent {value!r}: it must be a string.")
        return value

    return parse


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Bytes: strawberry.scalar(
        name="Bytes",
        description="A number of bytes: a whole JSON number, 0 to 9007199254740991.",
        parse_value=_bytes,
    ),
    Sha256: strawberry.scalar(
        name="SHA256",
        description="A SHA-256 digest: 64 hexadecimal digits, in lower case when we send it.",
        parse_value=_sha256,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment by RFC 3339, with an offset; we always send UTC, with `Z`.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=_rfc3339,
        parse_value=_date_time,
    ),
    Url: strawberry.scalar(
        name="URL",
        description="An absolute http or https URL.",
        specified_by_url="https://url.spec.whatwg.org/",
        parse_value=_text("URL"),
    ),
    EventCursor: strawberry.scalar(
        name="EventCursor",
        description="A place in the account's log of events. Opaque: keep it and send it back.",
        parse_value=_text("EventCursor"),
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file, by the GraphQL multipart request specification.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        parse_value=_file,
    ),
}
