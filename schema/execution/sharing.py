"""Running subscriptions, each shared by all who ask the same.

A subscription is executed once for all members of a group, and each of its results is encoded
once. Whoever comes before the first result gets all of them. A later newcomer is let in at a
moment after which the subscription sends all that it needs: `Context.admit` tells of these.
Where there is no such moment any more, newcomers make a group of their own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from resolvers.context import Admit, Context

MAX_WAITING: Final = 1_000
"""Events that may wait for one member; with one more it is sent away."""
TOO_SLOW: Final = "TOO_SLOW"
"""Code of the error that such a member is sent."""
AT_ONCE: Final = 200
"""Members that are told something before other work of the process may go on."""

Start: TypeAlias = Callable[[Admit], AsyncGenerator[ExecutionResult]]


@dataclass
class Message(ExecutionResult):
    """A result and its JSON, encoded once for all who get it."""

    payload: str = ""

    @classmethod
    def of(cls, result: ExecutionResult) -> "Message":
        content: dict[str, Any] = {"data": result.data}
        if result.errors:
            content["errors"] = [error.formatted for error in result.errors]
        if result.extensions:
            content["extensions"] = result.extensions
        payload = orjson.dumps(content).decode()
        return cls(result.data, result.errors, result.extensions, payload)


def key_of(
    query: str,
    operation_name: str | None,
    variables: dict[str, Any] | None,
    context: Context,
) -> Hashable:
    """Equal for those who ask the same and get the same answer.

    Equal to nothing else when the variables are more than JSON.
    """
    try:
        values = orjson.dumps(variables or {}, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return object()
    account_id = context.viewer and context.viewer.account_id
    return query, operation_name, values, account_id, context.base_url


class Sharing:
    """The groups that newcomers may join."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, key: Hashable, start: Start) -> AsyncGenerator[ExecutionResult]:
        """The results of the subscription that runs under `key`, or else is started now.

        They are `Message`s, or one `PreExecutionError`. `start` is given the `admit` of the
        context to execute it with.
        """
        was_admitted = False
        while not was_admitted:
            group = self._groups.get(key) or self._open(key, start)
            member = group.enter()
            try:
                while (result := await member.following()) is not None:
                    yield result
            finally:
                group.leave(member)
            was_admitted = member.was_admitted

    def _open(self, key: Hashable, start: Start) -> "_Group":
        group = _Group(lambda: self._close(key, group))
        self._groups[key] = group
        group.task = asyncio.create_task(group.run(start))
        self._tasks.add(group.task)
        group.task.add_done_callback(self._tasks.discard)
        return group

    def _close(self, key: Hashable, group: "_Group") -> None:
        if self._groups.get(key) is group:
            del self._groups[key]


class _Group:
    """One execution and its members.

    A subscription that can be asked for its state again sends states: a slow member gets only
    the newest one, and no member gets one twice. Any other sends events: every member gets
    all, in order, and they are fetched as fast as the fastest member takes them.
    """

    task: asyncio.Task[None]

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._members: dict[_Member, None] = {}
        self._newcomers: dict[_Member, None] = {}
        self._is_open = False
        self._again: Callable[[], None] | None = None
        self._wanted = asyncio.Event()

    def enter(self) -> "_Member":
        member = _Member(self._wanted)
        self._newcomers[member] = None
        if self._is_open:
            self._let_in()
        elif self._again is not None:
            self._again()
        return member

    def leave(self, member: "_Member") -> None:
        self._members.pop(member, None)
        self._newcomers.pop(member, None)
        if not self._members and not self._newcomers:
            self._close()
            self.task.cancel()

    async def run(self, start: Start) -> None:
        failure: BaseException | None = None
        try:
            async with aclosing(start(self._admit)) as results:
                await self._pass_on(results)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (members raise it)
            failure = error
        self._close()
        if self._again is None:
            self._let_in()
        for members in (self._members, self._newcomers):
            await _each(members, partial(_Member.end, failure=failure))

    def _admit(self, again: Callable[[], None] | None) -> None:
        self._is_open, self._again = again is None, again
        self._let_in()

    def _let_in(self) -> None:
        for member in self._newcomers:
            member.was_admitted = True
        self._members |= self._newcomers
        self._newcomers.clear()

    async def _pass_on(self, results: AsyncGenerator[ExecutionResult]) -> None:
        shown: ExecutionResult | None = None
        async for result in results:
            message = result if isinstance(result, PreExecutionError) else Message.of(result)
            if self._again is None:
                await self._add(message)
            else:
                shown = _newest(shown, message)
                await _each(self._members, partial(_Member.show, state=shown))

    async def _add(self, event: ExecutionResult) -> None:
        if not self._is_open:
            self._let_in()
            self._close()
        self._wanted.clear()
        await _each(self._members, partial(_Member.add, event=event))
        await self._wanted.wait()


class _Member:
    """What one member has still to be sent."""

    def __init__(self, wanted: asyncio.Event) -> None:
        self.was_admitted = False
        self._wanted = wanted
        self._waiting: deque[ExecutionResult] = deque()
        self._shown: ExecutionResult | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._is_over = False
        self._failure: BaseException | None = None

    def show(self, state: ExecutionResult) -> None:
        if state is not self._shown:
            self._shown = state
            self._waiting.clear()
            self._put(state)

    def add(self, event: ExecutionResult) -> None:
        if self._is_over:
            return
        if len(self._waiting) == MAX_WAITING:
            self._waiting.clear()
            self._is_over, event = True, _too_slow()
        self._put(event)

    def end(self, failure: BaseException | None) -> None:
        self._is_over, self._failure = True, failure
        self._wake()

    async def following(self) -> ExecutionResult | None:
        """The next result, as soon as there is one; None after the last."""
        while not self._waiting:
            if self._is_over:
                return self._nothing()
            self._wanted.set()
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self._waiting.popleft()

    def _nothing(self) -> None:
        if self._failure is not None and self.was_admitted:
            raise RuntimeError("The shared subscription failed.") from self._failure

    def _put(self, result: ExecutionResult) -> None:
        self._waiting.append(result)
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


async def _each(members: Iterable[_Member], tell: Callable[[_Member], None]) -> None:
    for number, member in enumerate(tuple(members), 1):
        tell(member)
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)


def _newest(shown: ExecutionResult | None, message: ExecutionResult) -> ExecutionResult:
    """`message`, or what is shown when that says the same: nobody is sent the same object twice."""
    if isinstance(shown, Message) and isinstance(message, Message):
        return shown if shown.payload == message.payload else message
    return message


def _too_slow() -> Message:
    text = "More events are waiting for you than we keep. Resume after the last one you have."
    return Message.of(ExecutionResult(None, [GraphQLError(text, extensions={"code": TOO_SLOW})]))
