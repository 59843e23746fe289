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

LEAST: Final = {
    "succeeded": 0.6,
    "failed": 0.02,
    "rich": 0.1,
    "fragments": 0.3,
    "conditions": 0.2,
    "aliases": 0.3,
    "directives": 0.3,
    "variables": 0.3,
}
HANDLED: Final = {f"by {mode}": share for mode, share in modes.MODES.items()}
LEAST_OF: Final = {
    # What `node` finds is executed the standard way in all modes, and seldom fails.
    "nodes": LEAST | {"failed": 0.01, "rich": 0.07},
    # So is a share of all roots, such as `transcodePlan`, `usage` and `sharedVideo`.
    "everything": LEAST | HANDLED | {"by rows": 0.4, "by text": 0.3},
}
LEAST_OF_FAULTY: Final = {"succeeded": 0.1, "failed": 0.2, "rich": 0.1, "fragments": 0.3}
EXECUTORS: Final = {mode: modes.executor(mode) for mode in (modes.STANDARD, *modes.MODES)}


@pytest.mark.parametrize("shape", PRODUCT, ids=lambda shape: shape.name)
async def test_all_modes_answer_the_same(shape: Shape, filled: Services) -> None:
    counted = await explore(shape, root.schema, EXECUTORS, filled)
    counted.require(LEAST_OF.get(shape.name, LEAST | HANDLED))


@pytest.mark.parametrize("shape", FAULTY, ids=lambda shape: shape.name)
async def test_all_modes_answer_the_same_when_fields_go_wrong(
    shape: Shape, filled: Services
) -> None:
    counted = await explore(shape, faulty(), EXECUTORS, filled)
    counted.require(LEAST_OF_FAULTY | dict.fromkeys(HANDLED, 0.1))
