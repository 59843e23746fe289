"""Places in the log of events, as callers keep them."""

import base64
import binascii
import struct

from db.events import Position
from domain.errors import BadCursor
from schema.scalars import EventCursor

_FIELDS = struct.Struct(">QQ")


def encode(position: Position) -> EventCursor:
    raw = _FIELDS.pack(position.transaction_id, position.event_id)
    return EventCursor(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def decode(cursor: EventCursor) -> Position:
    """Raises `BadCursor`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = Position(*_FIELDS.unpack(raw))
    except (binascii.Error, ValueError, struct.error):
        raise BadCursor(cursor) from None
    if max(position.transaction_id, position.event_id) >= 1 << 63:
        raise BadCursor(cursor)
    return position
