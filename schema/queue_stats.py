"""How busy the queues are."""

import strawberry

from domain.queue_stats import Loads
from resolvers import queue_stats
from schema.execution.costs import LIST_SIZE, ListSize
from schema.info import Info


@strawberry.type(description="One line of work. Each kind of task has its own.")
class QueueLoad:
    name: str = strawberry.field(
        description="`intake`, `first_play`, `transcode`, `clip`, `fetch` or `export`. New ones"
        " may be added."
    )
    queued: int = strawberry.field(description="Tasks of yours that wait in it.")
    running: int = strawberry.field(description="Tasks of yours that it runs.")
    slots: int = strawberry.field(
        description="Tasks, whosever they are, that the workers serving it now can run at once;"
        " 0 while nobody works."
    )


@strawberry.type(
    description="How much of your work waits and runs, and who does it. Other accounts share the"
    " workers; how much they have is not told."
)
class QueueStats:
    queued: int = strawberry.field(description="Tasks of yours that are QUEUED.")
    running: int = strawberry.field(description="Tasks of yours that are RUNNING.")
    workers: int = strawberry.field(
        description="Worker processes of this installation that were heard of in the last 15"
        " seconds."
    )
    oldest_wait_seconds: int = strawberry.field(
        description="Age of the oldest task of yours that waits for a worker; 0 when none does."
    )
    queues: list[QueueLoad] = strawberry.field(
        description="The same for each queue.", metadata={LIST_SIZE: ListSize(6)}
    )


def shown(loads: Loads) -> QueueStats:
    return QueueStats(
        queued=sum(one.queued for one in loads.queues),
        running=sum(one.running for one in loads.queues),
        workers=loads.workers,
        oldest_wait_seconds=loads.oldest_wait_s,
        queues=[
            QueueLoad(name=one.name, queued=one.queued, running=one.running, slots=one.slots)
            for one in loads.queues
        ],
    )


@strawberry.type
class QueueStatsQuery:
    @strawberry.field(description="How much of your work waits and runs, and who does it.")
    @staticmethod
    async def queue_stats(info: Info) -> QueueStats:
        return shown(await queue_stats.loads(info.context))
