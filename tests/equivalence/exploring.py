"""Asks a schema many questions, in all modes."""

import asyncio
import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from resolvers.context import Services
from schema import root
from schema.execution.engine import Schema
from tests.equivalence import modes, tally
from tests.equivalence.arguments import Material
from tests.equivalence.choices import BYTES, Choices
from tests.equivalence.documents import Shape, question
from tests.equivalence.material import material
from tests.equivalence.modes import Execute
from tests.equivalence.schema import faults, with_faults
from tests.equivalence.tally import Tally

EXAMPLES: Final = int(os.environ.get("EQUIVALENCE_EXAMPLES") or 0)
"""How many questions are asked in all, new ones in every run; 0: the same few in every CI run."""

CI_EXAMPLES: Final = 1_750
TESTS: Final = 7
"""How many tests share them."""
ANSWERED_S: Final = 60
"""Within this time every question is answered in all modes."""
CALLERS: Final = (*("owner",) * 14, *("stranger",) * 3, "cursed", "cursed", "anonymous")

MARKS: Final = [
    # A search that somebody asked for takes what it takes; to make a failure simple takes a minute.
    pytest.mark.timeout(0 if EXAMPLES else 240),
    # When one field fails, graphql-core cancels others: some before they began, and some while
    # they were waiting for a connection, which is then lost.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:The garbage collector is trying to clean up"),
    pytest.mark.filterwarnings("ignore:.* was deleted while still open:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@cache
def faulty() -> Schema:
    """The product's schema with fields that go wrong."""
    return with_faults()


@cache
def _known(schema: Schema) -> Material:
    return material(risky=frozenset() if schema is root.schema else faults(schema))


async def explore(
    shape: Shape,
    schema: Schema,
    executors: Mapping[str, Execute],
    services: Services,
    *,
    simplify: bool = True,
) -> Tally:
    """Ask questions of this shape until two modes differ, or enough were asked.

    Raises `Disagreement` with the simplest question that Hypothesis finds to show it.
    """
    counted, started, loop = Tally(shape.name), time.monotonic(), asyncio.get_running_loop()

    @settings(
        max_examples=(EXAMPLES or CI_EXAMPLES) // TESTS,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, *([Phase.shrink] if simplify else [])],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        report_multiple_bugs=False,
    )
    @given(drawn=strategies.binary(min_size=BYTES, max_size=BYTES))
    def ask(drawn: bytes) -> None:
        asked = question(Choices(drawn), schema._schema, _known(schema), CALLERS, shape)
        comparing = modes.compare(executors, schema, services, asked)
        waiting = asyncio.run_coroutine_threadsafe(comparing, loop)
        answers = waiting.result(timeout=ANSWERED_S)
        counted.add(asked, answers)

    # Hypothesis waits for each answer; the loop that makes them must not.
    await asyncio.to_thread(ask)
    tally.REPORTS.append(counted.report(time.monotonic() - started))
    return counted
