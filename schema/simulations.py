"""Videos that are only played at, to try a client with."""

from typing import ClassVar

import strawberry
from strawberry import UNSET

from domain.simulation import Stage
from domain.tasks import TaskKind
from schema.tasks import Task, register


@strawberry.type(description="Makes the test picture of a simulated video, like an upload.")
class SimulateTask(Task):
    kinds: ClassVar = None


register(TaskKind.SIMULATE, SimulateTask)


@strawberry.input(
    description="A test picture in place of a file. It takes the way of every video: the same"
    " states, events and failures."
)
class SimulateInput:
    duration_ms: int = strawberry.field(description="How long it lasts: 1000 to 600000 ms.")
    speed: float = strawberry.field(
        default=1.0,
        description="Seconds of video that each step makes in a second, 0.1 to 100, or fewer on a"
        " slow machine. No step may be to take longer than 10 minutes.",
    )
    fail_at: Stage | None = strawberry.field(
        default=UNSET, description="Where it is to fail; without it, nowhere."
    )
