"""Statements about places in the queues, and when a task will probably be done.

The queues are those of the whole installation: whoever asks is told numbers about own tasks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.session import ReadSession
from db.workers import ALIVE_FOR
from domain.forecasts import LONGEST_S, Forecast, Place, seconds_left

_FORECASTS: Final = text("""
with recursive wanted as (
    select id from task where id = any(:ids)
    union
    -- what it waits for, if it has no job yet
    select first.id
    from wanted
    join task on task.id = wanted.id
    join task first on first.video_id = task.video_id
    where task.status = 'queued' and task.job_id is null
      and first.transcode_pass = 'first_play' and first.status in ('queued', 'running')
      and task.transcode_pass = 'ladder'
),
unfinished as (
    select task.* from task join wanted using (id) where task.status in ('queued', 'running')
),
slots as (
    select served.queue, sum(lane.slots)::int as slots
    from worker
    join worker_lane lane on lane.worker_id = worker.id
    cross join unnest(lane.queues) as served (queue)
    where worker.heard_at > now() - cast(:alive as interval)
    group by served.queue
),
guessed as (
    select task.id, task.queue, task.status, task.priority, task.job_id,
        case
            when task.status = 'queued' then task.cost_s
            when task.speed > 0 and video.duration_ms is not null
            then (1 - task.progress) * video.duration_ms / 1000 / task.speed
            else (1 - task.progress) * task.cost_s
        end as left_s
    from task
    left join video on video.id = task.video_id and task.status = 'running'
    where task.queue in (select queue from unfinished)
      and task.status in ('queued', 'running') and task.job_id is not null
),
work as (
    select id, queue, status, priority, job_id,
        case when left_s is not null then greatest(0, least(:longest, left_s)) end as left_s
    from guessed
),
running as (
    select queue, count(*) as jobs, coalesce(sum(left_s), 0) as left_s
    from work where status = 'running' group by queue
),
line as (
    select id, queue,
        row_number() over in_turn - 1 as ahead,
        coalesce(sum(left_s) over (in_turn rows between unbounded preceding and 1 preceding), 0)
            as ahead_s
    from work where status = 'queued'
    window in_turn as (partition by queue order by priority desc, job_id)
),
whole as (
    select queue, count(*) as ahead, coalesce(sum(left_s), 0) as ahead_s
    from work where status = 'queued' group by queue
)
select task.id, task.status = 'running' as runs, line.ahead as position,
    coalesce(slots.slots, 0) as slots,
    case when task.job_id is null then task.cost_s else work.left_s end as own_s,
    coalesce(running.jobs, 0) + coalesce(line.ahead, whole.ahead, 0) as ahead,
    coalesce(running.left_s, 0) + coalesce(line.ahead_s, whole.ahead_s, 0) as ahead_s,
    first.id as follows, now() as now
from unfinished task
left join work on work.id = task.id
left join line on line.id = task.id
left join whole on whole.queue = task.queue
left join running on running.queue = task.queue
left join slots on slots.queue = task.queue
left join unfinished first on first.video_id = task.video_id and first.id <> task.id
    and first.transcode_pass = 'first_play' and task.transcode_pass = 'ladder'
    and task.job_id is null
""")


async def of_tasks(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Forecast]:
    """What is to be expected of each of these tasks, in one statement."""
    values = {"ids": list(ids), "alive": ALIVE_FOR, "longest": LONGEST_S}
    rows = (await session.execute(_FORECASTS, values)).all()
    places = {
        row.id: Place(
            runs=row.runs,
            position=row.position,
            ahead=row.ahead,
            ahead_s=row.ahead_s,
            own_s=row.own_s,
            slots=row.slots,
            follows=row.follows,
        )
        for row in rows
    }
    return {id: _forecast(id, places, rows[0].now) if id in places else Forecast() for id in ids}


def _forecast(id: UUID, places: Mapping[UUID, Place], now: datetime) -> Forecast:
    left_s = seconds_left(id, places)
    ready_at = None if left_s is None else (now + timedelta(seconds=left_s)).replace(microsecond=0)
    return Forecast(places[id].position, ready_at)
