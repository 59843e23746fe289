"""What the owner of a video sees of how it is shared."""

from uuid import UUID

import strawberry

from resolvers.context import Context
from schema.enums import ShareState
from schema.execution.fields import column, computed


def _password(ctx: Context, id: UUID, sealed: bytes | None) -> str | None:
    return ctx.services.passwords.read(sealed, id)


@strawberry.type(description="Who may see a video without a key of yours.")
class Share:
    state: ShareState = column("share_state", description="Who may: `setVideoShare` changes it.")
    has_password: bool = column(
        "has_share_password",
        description="Whether it has a password; only PASSWORD asks for it, the others keep it.",
    )
    password: str | None = computed(
        _password,
        "id",
        "share_password_sealed",
        context=True,
        description="Its password; null without one, and where this installation cannot read"
        " passwords, which is usual.",
    )
