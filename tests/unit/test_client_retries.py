"""The upload client on a poor line: streams that break off, and tries again."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
import pytest

from server.client import sse
from server.client.connection import raise_if_temporary
from server.client.errors import ClientError, TemporaryFailure
from server.client.retries import Retries, persist


async def _events(*chunks: bytes) -> list[tuple[str, str]]:
    async def stream() -> AsyncGenerator[bytes]:
        for chunk in chunks:
            yield chunk

    return [(event.type, event.data) async for event in sse.events(stream())]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_events_are_whole_wherever_the_stream_is_cut(size: int) -> None:
    text = 'event: next\ndata: {"a": "ö\u2028"}\n\n: ping\n\nevent: complete\ndata:\n\n'.encode()
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert await _events(*chunks) == [("next", '{"a": "ö\u2028"}'), ("complete", "")]


async def test_lines_may_end_with_crlf_and_data_may_have_several() -> None:
    assert await _events(b"data:one\r\ndata: two\r\nid: 7\r\n\r\n") == [("", "one\ntwo")]


async def test_an_event_that_is_cut_off_is_dropped() -> None:
    assert await _events(b"data: 1\n\nevent: complete\ndata: 2\n") == [("", "1")]


def _longest(_: float, longest: float) -> float:
    return longest


def test_pauses_double_until_patience_ends() -> None:
    patience = Retries(jitter=_longest)
    failures = [patience.pause(TemporaryFailure("")) for _ in range(5)]
    assert failures == [0.5, 1.0, 2.0, 4.0, None]


def test_success_gives_patience_back() -> None:
    patience = Retries(jitter=_longest)
    for _ in range(4):
        patience.pause(TemporaryFailure(""))
    patience.reset()
    assert patience.pause(TemporaryFailure("")) == 0.5


@pytest.mark.parametrize(("asked", "pause"), [(7.0, 7.0), (0.1, 0.5), (1e9, 60.0)])
def test_a_longer_pause_that_the_server_asks_for_is_kept_within_reason(
    asked: float, pause: float
) -> None:
    patience = Retries(jitter=_longest)
    assert patience.pause(TemporaryFailure("", retry_after_s=asked)) == pause


def test_a_server_that_is_away_is_waited_for_half_a_minute() -> None:
    times = [0.0, 10.0, 20.0, 25.0, 29.0, 30.0]
    patience = Retries(clock=iter(times).__next__, jitter=_longest)
    away = TemporaryFailure("", unreached=True)
    assert [patience.pause(away) for _ in times] == [0.5, 1.0, 2.0, 4.0, 4.0, None]


def test_each_absence_of_the_server_has_its_own_half_minute() -> None:
    patience = Retries(clock=iter([0.0, 20.0, 40.0]).__next__)
    patience.pause(TemporaryFailure("", unreached=True))
    patience.pause(TemporaryFailure("it was there, and broke off"))
    assert patience.pause(TemporaryFailure("", unreached=True)) is not None


def _failing(times: int) -> Callable[[], Awaitable[int]]:
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise TemporaryFailure("not now")
        return calls

    return call


@pytest.mark.usefixtures("no_pauses")
async def test_the_fifth_try_may_succeed() -> None:
    assert await persist(_failing(4)) == 5


@pytest.mark.usefixtures("no_pauses")
async def test_a_failure_that_was_tried_again_in_vain_is_not_temporary() -> None:
    with pytest.raises(ClientError, match="not now") as raised:
        await persist(_failing(5))
    assert not isinstance(raised.value, TemporaryFailure)


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (409, {"Retry-After": "1"}, 1.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (503, {}, None),
        (507, {"Retry-After": "60"}, 60.0),
    ],
)
def test_some_answers_ask_to_come_again(
    status: int, headers: dict[str, str], pause_s: float | None
) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        raise_if_temporary(httpx.Response(status, headers=headers), "")
    assert raised.value.retry_after_s == pause_s


@pytest.mark.parametrize("status", [200, 400, 403, 404, 409, 413])
def test_other_answers_are_final(status: int) -> None:
    raise_if_temporary(httpx.Response(status), "")
