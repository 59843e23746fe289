"""Subscriptions that are executed once for all who ask the same."""

import asyncio
from unittest.mock import Mock
from uuid import UUID

import pytest
from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError

from domain.accounts import Viewer
from resolvers.context import Context
from schema.execution import sharing
from schema.execution.sharing import Message, key_of
from tests.support.sharing import Group, settle

KINDS = ["states", "live", "replay"]


@pytest.mark.parametrize("kind", KINDS)
async def test_all_who_ask_the_same_share_one_execution_and_its_messages(
    kind: str,
) -> None:
    group = Group(kind)
    members = [group.member() for _ in range(50)]
    await settle()
    for values in ([1], [1, 2]):
        group.source.send(values[-1])
        for member in members:
            await member.has(*values)
    assert len({id(member.got[-1]) for member in members}) == 1
    assert group.source.starts == 1
    message = members[0].got[-1]
    assert isinstance(message, Message)
    assert message.payload == '{"data":{"value":2}}'
    group.source.send(None)
    for member in members:
        await member.reading
    assert group.source.ends == 1


async def test_another_key_is_another_execution() -> None:
    group = Group("live")
    members = [group.member(key) for key in ("a", "b")]
    await settle()
    assert group.source.starts == 2
    for member in members:
        await member.leave()


async def test_a_newcomer_is_sent_the_state_as_read_after_it_came() -> None:
    group = Group("states")
    first = group.member()
    await settle()
    group.source.send("old")
    await first.has("old")
    newcomer = group.member()
    await settle()
    assert (newcomer.got, group.source.asked_again) == ([], 1)
    group.source.send("new")
    await newcomer.has("new")
    await first.has("old", "new")
    assert group.source.starts == 1


async def test_who_has_a_state_is_not_sent_it_again() -> None:
    group = Group("states")
    first = group.member()
    await settle()
    group.source.send("same")
    await first.has("same")
    newcomer = group.member()
    await settle()
    group.source.send("same")
    await newcomer.has("same")
    group.source.send("other")
    await newcomer.has("same", "other")
    await first.has("same", "other")


async def test_a_newcomer_at_the_end_has_an_execution_of_its_own() -> None:
    group = Group("states")
    first = group.member()
    await settle()
    group.source.send("last")
    await first.has("last")
    newcomers = [group.member(), group.member()]
    await settle()
    group.source.send(None, "last", None)
    for newcomer in newcomers:
        await newcomer.reading
        assert newcomer.values == ["last"]
    await first.reading
    assert first.values == ["last"]
    assert group.source.starts == 2


async def test_a_newcomer_to_live_events_gets_those_from_then_on() -> None:
    group = Group("live")
    first = group.member()
    await settle()
    group.source.send(1)
    await first.has(1)
    newcomer = group.member()
    await settle()
    group.source.send(2, 2)  # two events may look alike
    await newcomer.has(2, 2)
    await first.has(1, 2, 2)
    assert group.source.starts == 1


async def test_a_newcomer_to_a_replay_that_has_begun_replays_for_itself() -> None:
    group = Group("replay")
    first = group.member()
    await settle()
    group.source.send(1)
    await first.has(1)
    newcomer = group.member()
    await settle()
    assert group.source.starts == 2
    await first.leave()
    group.source.send(1, 2)
    await newcomer.has(1, 2)


async def test_the_end_without_a_result_is_the_end_for_all() -> None:
    group = Group("replay")
    members = [group.member() for _ in range(2)]
    group.source.send(None)
    for member in members:
        await member.reading
        assert member.got == []
    assert group.source.starts == 1


async def test_a_first_error_is_for_all() -> None:
    group = Group("states")
    members = [group.member() for _ in range(2)]
    error = PreExecutionError(None, [GraphQLError("No.")])
    group.source.send(error, None)
    for member in members:
        await member.reading
        assert member.got == [error]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_is_raised_to_all_and_the_next_starts_anew(
    kind: str,
) -> None:
    group = Group(kind)
    members = [group.member() for _ in range(2)]
    await settle()
    failure = ValueError("a bug")
    group.source.send(failure)
    for member in members:
        with pytest.raises(RuntimeError) as raised:
            await member.reading
        assert raised.value.__cause__ is failure
    group.source.send(1)
    await group.member().has(1)
    assert group.source.starts == 2


async def test_a_slow_member_gets_the_newest_state_and_holds_up_nobody() -> None:
    group = Group("states")
    slow = group.sharing.join("key", group.source)
    reading = asyncio.ensure_future(anext(slow))
    fast = group.member()
    await settle()
    group.source.send(1)
    assert (await reading).data == {"value": 1}
    for value in range(2, 5):
        group.source.send(value)
        await fast.has(*range(1, value + 1))
    assert (await anext(slow)).data == {"value": 4}
    await slow.aclose()


async def test_a_slow_member_is_sent_away_before_it_loses_events() -> None:
    group = Group("live")
    slow = group.sharing.join("key", group.source)
    reading = asyncio.ensure_future(anext(slow))
    fast = group.member()
    await settle()
    events = list(range(sharing.MAX_WAITING + 2))
    group.source.send(*events)
    assert (await reading).data == {"value": 0}
    await fast.has(*events)
    (error,) = (await anext(slow)).errors or []
    assert error.extensions == {"code": "TOO_SLOW"}
    with pytest.raises(StopAsyncIteration):
        await anext(slow)


async def test_alone_nobody_is_too_slow() -> None:
    group = Group("replay")
    slow = group.sharing.join("key", group.source)
    events = range(2 * sharing.MAX_WAITING)
    group.source.send(*events)
    for event in events:
        assert (await anext(slow)).data == {"value": event}
        await asyncio.sleep(0)
    assert group.source.results.empty()
    await slow.aclose()


@pytest.mark.parametrize("kind", KINDS)
async def test_the_last_to_leave_ends_the_execution(kind: str) -> None:
    group = Group(kind)
    members = [group.member() for _ in range(3)]
    await settle()
    group.source.send(1)
    for member in members:
        await member.has(1)
    for member in members:
        assert group.source.ends == 0
        await member.leave()
    await settle()
    assert group.source.ends == 1
    assert not group.sharing._groups
    assert not group.sharing._tasks


async def test_who_leaves_before_it_was_let_in_is_forgotten() -> None:
    group = Group("states")
    first = group.member()
    await settle()
    newcomer = group.member()
    await settle()
    for member in (newcomer, first):
        assert group.source.ends == 0
        await member.leave()
    await settle()
    assert (group.source.starts, group.source.ends) == (1, 1)


async def test_a_large_group_lets_other_work_go_on() -> None:
    group = Group("live")
    members = [group.member() for _ in range(5 * sharing.AT_ONCE)]
    await settle()
    group.source.send(1)
    reached: set[int] = set()
    while len(members[-1].got) < 1:
        await asyncio.sleep(0)
        reached.add(sum(len(member.got) for member in members))
    assert {sharing.AT_ONCE, 3 * sharing.AT_ONCE} <= reached
    for member in members:
        await member.leave()


def context(account: int | None = 1, base_url: str = "http://here") -> Context:
    viewer = None if account is None else Viewer(UUID(int=account), UUID(int=9))
    return Context(Mock(), base_url, viewer)


def test_who_asks_the_same_has_the_same_key() -> None:
    asked = key_of("q", "A", {"b": 1, "a": [{"x": None}]}, context())
    assert asked == key_of("q", "A", {"a": [{"x": None}], "b": 1}, context())
    assert key_of("q", None, None, context()) == key_of("q", None, {}, context())


def test_whatever_changes_the_answer_changes_the_key() -> None:
    keys = [
        key_of("q", None, {"id": "1"}, context()),
        key_of("p", None, {"id": "1"}, context()),
        key_of("q", "A", {"id": "1"}, context()),
        key_of("q", None, {"id": 1}, context()),
        key_of("q", None, {}, context()),
        key_of("q", None, {"id": "1"}, context(2)),
        key_of("q", None, {"id": "1"}, context(None)),
        key_of("q", None, {"id": "1"}, context(base_url="http://there")),
        key_of("q", None, {"id": object()}, context()),
        key_of("q", None, {"id": object()}, context()),
    ]
    assert len(set(keys)) == len(keys)
