"""The ways of executing a query, and what each answers. A new way is plugged in here."""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql import GraphQLError
from typing_extensions import override

from domain.accounts import Viewer
from resolvers.context import Context, Services
from schema.execution.engine import JsonText, Mode, Schema
from tests.equivalence import tables
from tests.equivalence.agreement import agree
from tests.equivalence.documents import Question

STANDARD: Final = "standard"
MODES: Final[dict[Mode, float]] = {"rows": 0.55, "text": 0.5}
"""What is compared with a standard execution, and the least share that each must really handle."""

BASE_URL: Final = "http://test"
_ERROR_ID: Final = re.compile(rb'"errorId":"[0-9a-f]{12}"')


@dataclass(frozen=True)
class Answer:
    """The response as it is sent, and the mode that really made it."""

    body: bytes
    mode: str
    failed: bool
    refused: bool = False
    """Whether nothing was executed at all."""


Execute = Callable[[Schema, Question, Context], Awaitable[Answer]]


def executor(mode: Mode) -> Execute:
    """How a question is answered in this mode: the one place that knows the engine."""

    async def execute(schema: Schema, question: Question, context: Context) -> Answer:
        result = await schema.execute(
            question.document,
            variable_values=question.variables,
            context_value=context,
            operation_name=question.operation,
            mode=mode,
        )
        return answer(result.data, result.errors, getattr(result, "mode", "refused"))

    return execute


def answer(found: Any, errors: Sequence[Any] | None, mode: str) -> Answer:
    """The response as the server sends it, but for the extensions."""
    formatted = [error.formatted for error in errors or ()]
    formatted.sort(key=orjson.dumps)  # which is first is a matter of timing
    if isinstance(found, JsonText):
        found = orjson.Fragment(b"".join(found.pieces))
    response = {"data": found, "errors": formatted} if formatted else {"data": found}
    body = _ERROR_ID.sub(b'"errorId":""', orjson.dumps(response))
    return Answer(body, mode, failed=bool(formatted), refused=mode == "refused")


class Disagreement(AssertionError):
    def __init__(self, question: Question, what: str) -> None:
        super().__init__(f"{what}\n{question!r}")
        self.question = question


def _difference(mode: str, expected: bytes, found: bytes) -> str:
    at = next(
        (at for at, two in enumerate(zip(expected, found, strict=False)) if two[0] != two[1]),
        min(len(expected), len(found)),
    )
    near = slice(max(0, at - 80), at + 120)
    head = f"{mode} differs at byte {at}"
    return f"{head}\n  {STANDARD}: {expected[near]!r}\n  {mode}: {found[near]!r}"


class Faults(logging.Handler):
    """Plans that failed by a fault of their own: standard execution would hide it.

    That a field raised, which is then a `GraphQLError`, is no fault of a plan.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None and not isinstance(fault, GraphQLError):
            self.found.append(fault)


async def compare(
    executors: Mapping[str, Execute],
    schema: Schema,
    services: Services,
    question: Question,
) -> dict[str, Answer]:
    """The answer of each mode. Raises `Disagreement` unless all are the same.

    Links are signed until a whole second from now: when a second passed, it is asked again.
    """
    while True:
        started = int(time.time())
        with _plans_watched() as faults:
            answers = {
                mode: await execute(schema, question, _context(services, question.caller))
                for mode, execute in executors.items()
            }
        if faults:
            raise Disagreement(question, f"a plan failed: {faults[0]!r}") from faults[0]
        expected = answers[STANDARD].body
        wrong = [mode for mode, one in answers.items() if not agree(expected, one.body)]
        if not wrong:
            return answers
        if int(time.time()) == started:
            what = _difference(wrong[0], expected, answers[wrong[0]].body)
            raise Disagreement(question, what)


@contextmanager
def _plans_watched() -> Generator[list[BaseException]]:
    logger, handler = logging.getLogger("schema.execution.engine"), Faults()
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield handler.found
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


def _context(services: Services, caller: str) -> Context:
    if caller not in tables.TENANTS:
        return Context(services, BASE_URL)
    viewer = Viewer(tables.key(caller, "account"), tables.key(caller, "key"))
    return Context(services, BASE_URL, viewer)
