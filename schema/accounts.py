"""Who is calling."""

from datetime import datetime
from typing import Self

import strawberry

from db import models
from resolvers import accounts
from schema import ids, nodes
from schema.info import Info
from schema.nodes import Node


@strawberry.type(description="An owner of videos.")
class Account(Node):
    user_id: str = strawberry.field(description="Short id of the account, for people.")
    name: str = strawberry.field(description="Its name.")
    created_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, row: models.Account) -> Self:
        return cls(
            id=strawberry.ID(ids.encode("Account", row.id)),
            user_id=row.user_id,
            name=row.name,
            created_at=row.created_at,
        )


nodes.of.register(models.Account, Account.of)


@strawberry.type
class AccountQuery:
    @strawberry.field(description="Your own account; null without an API key.")
    async def viewer(self, info: Info) -> Account | None:
        return nodes.of(await accounts.viewer_account(info.context))
