"""Changing many videos at once, whatever is changed of them."""

import asyncio
import random
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from db import video_states
from db.models import Video
from db.session import WriteSession
from domain.accounts import Viewer
from domain.batches import BatchPolicy, TooManyIds
from domain.errors import DomainError, InvalidArgument
from resolvers import batches
from resolvers.batches import Outcome
from resolvers.context import Context, Services
from schema import ids
from schema.batches import payload
from tests.support import factories
from tests.support.statements import recorded

ALL = BatchPolicy.ALL_OR_NOTHING


def context(services: Services, owner: factories.Owner) -> Context:
    return Context(services, "http://here", Viewer(owner.account.id, uuid.uuid4()))


async def added(services: Services, owner: factories.Owner, *titles: str) -> list[str]:
    rows = [await factories.video(services.db, owner.account, title=title) for title in titles]
    return [ids.encode("Video", row.id) for row in rows]


def not_called_no(video: Video) -> DomainError | None:
    return InvalidArgument("No.") if video.title == "no" else None


def never(_video: Video) -> DomainError | None:
    return InvalidArgument("Never.")


async def rename(session: WriteSession, chosen: Sequence[Video]) -> None:
    keys = [one.id for one in chosen]
    await session.execute(update(Video).where(Video.id.in_(keys)).values(title="yes"))


async def change(
    services: Services, owner: factories.Owner, sent: Sequence[str], **others: Any
) -> list[Outcome]:
    wanted: dict[str, Any] = {
        "policy": BatchPolicy.APPLY_ELIGIBLE,
        "check": not_called_no,
        "apply": rename,
        **others,
    }
    return await batches.change(context(services, owner), sent, **wanted)


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, str | None, bool, str | None]]:
    return [
        (one.id, one.video and one.video.title, one.changed, one.error and one.error.code)
        for one in outcomes
    ]


async def test_what_can_be_changed_is_and_each_id_is_told_of_in_its_order(
    services: Services, owner: factories.Owner
) -> None:
    other = await factories.owner(services.db)
    (foreign,) = await added(services, other, "theirs")
    first, second, third = await added(services, owner, "a", "no", "b")
    unknown = ids.encode("Video", uuid.uuid4())
    task = ids.encode("VerifyTask", ids.decode(first, "Video"))
    sent = [third, "no id", unknown, second, foreign, third, task, first, "no id"]
    outcomes = await change(services, owner, sent)
    assert told(outcomes) == [
        (third, "yes", True, None),
        ("no id", None, False, "NOT_FOUND"),
        (unknown, None, False, "NOT_FOUND"),
        (second, "no", False, "INVALID_ARGUMENT"),
        (foreign, None, False, "NOT_FOUND"),
        (task, None, False, "NOT_FOUND"),
        (first, "yes", True, None),
    ]
    paths = [one.error.path for one in outcomes if one.error]
    assert paths == [("ids", str(position)) for position in (1, 2, 3, 4, 6)]
    (theirs,) = await change(services, other, [foreign], check=never)
    assert theirs.video is not None
    assert theirs.video.title == "theirs"


async def test_an_id_written_in_another_way_is_the_same(
    services: Services, owner: factories.Owner
) -> None:
    (id,) = await added(services, owner, "a")
    again = ids.encode("Video", str(ids.decode(id, "Video")).upper())
    assert again != id
    assert told(await change(services, owner, [id, again])) == [(id, "yes", True, None)]


async def test_all_or_nothing_changes_nothing_when_one_cannot_be_changed(
    services: Services, owner: factories.Owner
) -> None:
    first, second = await added(services, owner, "a", "no")
    outcomes = await change(services, owner, [first, second], policy=ALL)
    assert told(outcomes) == [
        (first, "a", False, None),
        (second, "no", False, "INVALID_ARGUMENT"),
    ]
    (failure,) = payload(outcomes).user_errors
    assert (failure.code, failure.path) == ("INVALID_ARGUMENT", ["ids", "1"])
    outcomes = await change(services, owner, [first], policy=ALL)
    assert told(outcomes) == [(first, "yes", True, None)]
    assert payload(outcomes).user_errors == []


@pytest.mark.parametrize("sent", [[], ["no id"]])
async def test_none_that_can_be_changed_is_an_error(
    services: Services, owner: factories.Owner, sent: list[str]
) -> None:
    sent = [*sent, *(await added(services, owner, "no") if sent else [])]
    for policy in BatchPolicy:
        outcomes = await change(services, owner, sent, policy=policy)
        made = payload(outcomes)
        assert [one.video_id for one in made.results] == sent
        assert [error.code for error in made.user_errors] == ["NO_ELIGIBLE_ITEM"]
        assert made.changed_count == 0


async def test_what_only_the_tables_tell_can_keep_a_video_from_being_changed(
    services: Services, owner: factories.Owner
) -> None:
    first, second = await added(services, owner, "a", "b")
    key = ids.decode(second, "Video")

    async def refuse(_session: WriteSession, chosen: Sequence[Video]) -> dict[Any, DomainError]:
        assert [one.title for one in chosen] == ["a", "b"]
        return {key: InvalidArgument("Not this one.")}

    outcomes = await change(services, owner, [first, second], refuse=refuse)
    assert told(outcomes) == [(first, "yes", True, None), (second, "b", False, "INVALID_ARGUMENT")]


async def test_500_ids_are_changed_by_as_many_statements_as_one(
    services: Services, owner: factories.Owner
) -> None:
    many = await added(services, owner, *("a" for _ in range(30)))
    unknown = [ids.encode("Video", uuid.uuid4()) for _ in range(470)]
    with recorded(services) as one:
        await change(services, owner, many[:1])
    with recorded(services) as all_of_them:
        outcomes = await change(services, owner, many + unknown)
    assert sum(outcome.changed for outcome in outcomes) == 30
    assert len(all_of_them) == len(one) == 3
    with pytest.raises(TooManyIds) as failure:
        await change(services, owner, [*many, *unknown, many[0]])
    assert (failure.value.limit, failure.value.actual) == (500, 501)


async def test_20_batches_of_the_same_ids_at_once_wait_for_each_other(
    services: Services, owner: factories.Owner
) -> None:
    many = await added(services, owner, *("a" for _ in range(20)))

    async def one_more(session: WriteSession, chosen: Sequence[Video]) -> None:
        await video_states.end_playback(session, [one.id for one in chosen])

    orders = [random.sample(many, len(many)) for _ in range(20)]
    await asyncio.gather(*(change(services, owner, one, apply=one_more) for one in orders))
    (last,) = await change(services, owner, many[:1], check=never)
    assert last.video is not None
    assert last.video.epoch == 20
