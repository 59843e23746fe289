"""Simulated videos: a test picture that takes the way of every upload."""

from dataclasses import dataclass
from uuid import UUID

from db import accounts, tasks, videos
from db.models import Task, Video
from domain import details, text
from domain.simulation import Simulation
from domain.tasks import TaskKind, TaskStatus
from domain.videos import SourceKind
from jobs import plans
from jobs.plans import NewVideo
from resolvers import categories, objects
from resolvers.context import Context
from resolvers.objects import Origin

TITLE = "Simulation"


@dataclass(frozen=True, slots=True)
class Simulated:
    """A video to be simulated, and perhaps where the caller says it comes from."""

    simulation: Simulation
    origin: Origin | None
    title: str | None
    category_id: UUID | None
    skip_auto_transcode: bool
    owner_phone: str | None = None


async def create_video(ctx: Context, new: Simulated) -> Video:
    """Begin to make a test picture. Raises `DuplicateContent` as for every other video."""
    account_id, origin = ctx.account_id, new.origin
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # two requests for one origin are two
        if origin is not None:
            await objects.check_origin(session, account_id, origin)
        video = await plans.add_video(
            session,
            NewVideo(
                account_id=account_id,
                title=text.title(new.title or TITLE),
                source_kind=SourceKind.SIMULATION,
                source_type=origin and origin.source_type,
                source_id=origin and origin.source_id,
                category_id=await categories.check(session, account_id, new.category_id),
                simulation=new.simulation,
                skip_auto_transcode=new.skip_auto_transcode,
                owner_phone=details.phone(new.owner_phone),
            ),
        )
        task = Task(
            account_id=account_id,
            kind=TaskKind.SIMULATE,
            status=TaskStatus.QUEUED,
            video_id=video.id,
        )
        await tasks.add(session, task)
        await ctx.services.queue.defer(session, task)
        return await videos.fresh(session, video)
