"""What is told of a ban."""

from datetime import datetime

import strawberry

from schema.execution.fields import column


@strawberry.type(description="Why nobody can play a video, and since when.")
class Ban:
    banned_at: datetime = strawberry.field(description="When it was banned.")
    reason: str | None = column("ban_reason", description="Why; null when nobody said it.")
    by: str | None = column(
        "banned_by",
        description="Name of the API key that banned it; null once there is no such key any more.",
    )
