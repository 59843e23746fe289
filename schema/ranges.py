"""Ranges of values in filters."""

from datetime import datetime

import strawberry
from strawberry import UNSET


@strawberry.input(description="A time from one moment to another. An end left out is open.")
class DateTimeRange:
    from_: datetime | None = strawberry.field(
        name="from", default=UNSET, description="The first moment in it."
    )
    to: datetime | None = strawberry.field(default=UNSET, description="The first moment after it.")
