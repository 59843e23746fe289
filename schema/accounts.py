"""Who is calling."""

from datetime import datetime
from typing import ClassVar

import strawberry

from db import models
from db.rows import Rows
from resolvers import accounts
from resolvers.context import Context
from schema import nodes
from schema.execution.fields import column, inside, relation
from schema.nodes import Node
from schema.scalars import Bytes


@strawberry.type(description="Whose pages and which networks may play an account's videos.")
class PlaybackRules:
    """Made of columns of the account."""

    referrers: list[str] = column(
        "referrers", description="Hosts of pages that may play; *. is all below one. Empty: any."
    )
    allow_empty_referrer: bool = column(
        "empty_referrer", description="Whether players that name no page may play."
    )
    networks: list[str] = column(
        "networks", description="Networks of viewers that may play, as CIDR. Empty: any."
    )


@strawberry.type(description="An owner of videos.")
class Account(Node):
    model: ClassVar = models.Account

    user_id: str = strawberry.field(description="Short id of the account, for people.")
    name: str = strawberry.field(description="Its name.")
    storage_used: Bytes = strawberry.field(description="Bytes of its stored objects together.")
    storage_quota: Bytes | None = strawberry.field(
        description="Bytes that they may have; null: what `limits` says."
    )
    playback_rules: PlaybackRules = inside(
        "id", description="Whose pages and which networks may play its videos."
    )
    created_at: datetime = strawberry.field(description="When it was made.")


nodes.register(Account)


@strawberry.type
class AccountQuery:
    @relation(Account | None, description="Your own account; null without an API key.")
    @staticmethod
    def viewer(ctx: Context) -> Rows | None:
        return accounts.viewer(ctx)
