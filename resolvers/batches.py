"""Changing many videos at once: all that can be, or all or none, in one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from uuid import UUID

from db import accounts, videos
from db.models import Video
from db.session import WriteSession
from domain.batches import BatchPolicy, TooManyIds
from domain.errors import DomainError, NotFound
from domain.ids import MAX_BATCH, find
from resolvers.context import Context

Found = TypeVar("Found")
Check = Callable[[Video], DomainError | None]
"""Why a video cannot be changed; None when it can be."""
Apply = Callable[[WriteSession, Sequence[Video]], Awaitable[None]]
"""Changes videos that can be changed, at least one, by statements about all of them."""
Lock = Callable[[WriteSession, UUID, Sequence[UUID]], Awaitable[dict[UUID, Video]]]
"""Locks the account's videos among these in one order, and returns them as they are."""
Refuse = Callable[[WriteSession, Sequence[Video]], Awaitable[Mapping[UUID, DomainError]]]
"""Why some of these cannot be changed, as far as only the tables tell; by their keys."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one id of a batch."""

    id: str
    """As it was sent."""
    video: Video | None
    """As it is now; None when there is none for the caller, or none any more."""
    changed: bool
    error: DomainError | None
    """Why it cannot be changed. One that can be may be unchanged all the same: for others."""


class _Named(NamedTuple):
    sent: str
    position: int
    """Among the ids that were sent."""
    key: UUID | None

    def of(self, found: Mapping[UUID, Found]) -> Found | None:
        return found.get(self.key) if self.key is not None else None


async def change(
    ctx: Context,
    ids: Sequence[str],
    *,
    policy: BatchPolicy,
    check: Check,
    apply: Apply,
    refuse: Refuse | None = None,
    lock: Lock = videos.lock_all,
    with_account: bool = False,
) -> list[Outcome]:
    """Change the caller's videos with these global ids, at most 500; raises `TooManyIds`.

    Outcomes are in the order of the ids; what is named twice has one. The videos' rows are
    locked until the transaction ends, always in the same order, `with_account` after the
    account's.
    """
    account_id = ctx.account_id
    named = _named(ids)
    keys = [one.key for one in named if one.key is not None]
    async with ctx.services.db.write() as session:
        if with_account:
            await accounts.lock(session, account_id)
        found = await lock(session, account_id, keys)
        errors = {one: _error(one, one.of(found), check) for one in named}
        if refuse is not None and (rows := _eligible(errors, found)):
            refused = await refuse(session, list(rows.values()))
            errors |= {one: one.of(refused) for one in rows}
        chosen = _eligible(errors, found)
        if policy == BatchPolicy.ALL_OR_NOTHING and len(chosen) < len(named):
            chosen = {}
        if chosen:
            await apply(session, list(chosen.values()))
            found = await lock(session, account_id, keys)
    return [
        Outcome(one.sent, one.of(found), one in chosen, _placed(errors[one], one)) for one in named
    ]


def _named(ids: Sequence[str]) -> list[_Named]:
    if len(ids) > MAX_BATCH:
        raise TooManyIds(len(ids))
    named: dict[UUID | str, _Named] = {}
    for position, sent in enumerate(ids):
        key = find(sent, "Video")
        named.setdefault(key or sent, _Named(sent, position, key))
    return list(named.values())


def _eligible(
    errors: Mapping[_Named, DomainError | None], found: Mapping[UUID, Video]
) -> dict[_Named, Video]:
    """The videos that nothing keeps from being changed."""
    rows = {one: one.of(found) for one, error in errors.items() if error is None}
    return {one: row for one, row in rows.items() if row is not None}


def _error(one: _Named, video: Video | None, check: Check) -> DomainError | None:
    return NotFound("Video", one.sent) if video is None else check(video)


def _placed(failure: DomainError | None, one: _Named) -> DomainError | None:
    """An error says which of the ids it is about, unless it knows better."""
    if failure is not None and not failure.path:
        failure.path = ("ids", str(one.position))
    return failure
