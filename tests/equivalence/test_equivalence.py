"""Whatever is asked, and by whom: every mode answers the same bytes."""

from typing import Final

import pytest

from resolvers.context import Services
from schema import root
from tests.equivalence import modes
from tests.equivalence.documents import Shape
from tests.equivalence.exploring import MARKS, explore, faulty

pytestmark = MARKS

PRODUCT: Final = (
    Shape("videos", ("videos", "video")),
    Shape("tasks", ("tasks", "task")),
    Shape("uploads", ("uploadSessions", "uploadSession")),
    Shape("nodes", ("node", "nodes")),
    Shape("everything", risky=30),
)
FAULTY: Final = (
    Shape("faults in videos", ("videos",), spoiled=5, risky=100),
    Shape("faults anywhere", spoiled=5, risky=100),
)

# Each is three deviations of 350 questions below what it is in thousands.
LEAST: Final = {
    "succeeded": 0.7,
    "failed": 0.04,
    "rich": 0.2,
    "fragments": 0.65,
    "conditions": 0.65,
    "aliases": 0.9,
    "directives": 0.75,
    "variables": 0.65,
}
HANDLED: Final = {f"by {mode}": share for mode, share in modes.MODES.items()}
LEAST_OF_NODES: Final = LEAST | {"failed": 0.01}
"""What `node` finds is executed the standard way in all modes, and seldom fails."""
LEAST_OF_FAULTY: Final = {"succeeded": 0.4, "failed": 0.22, "rich": 0.2, "fragments": 0.6}
HANDLED_OF_FAULTY: Final = {"by rows": 0.28, "by text": 0.19}
EXECUTORS: Final = {mode: modes.executor(mode) for mode in (modes.STANDARD, *modes.MODES)}


@pytest.mark.parametrize("shape", PRODUCT, ids=lambda shape: shape.name)
async def test_all_modes_answer_the_same(shape: Shape, filled: Services) -> None:
    counted = await explore(shape, root.schema, EXECUTORS, filled)
    counted.require(LEAST_OF_NODES if shape.name == "nodes" else LEAST | HANDLED)


@pytest.mark.parametrize("shape", FAULTY, ids=lambda shape: shape.name)
async def test_all_modes_answer_the_same_when_fields_go_wrong(
    shape: Shape, filled: Services
) -> None:
    counted = await explore(shape, faulty(), EXECUTORS, filled)
    counted.require(LEAST_OF_FAULTY | HANDLED_OF_FAULTY)
