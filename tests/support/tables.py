"""What the tables hold, seen from within, and how the API names it."""

from typing import Any

from sqlalchemy import select, text

from db.models import Event, Task, Video
from db.session import Database
from domain.events import EventType
from schema import ids


async def rows(db: Database, kind: type[Any]) -> list[Any]:
    """All rows of a table."""
    async with db.read() as session:
        return list(await session.scalars(select(kind)))


async def events(db: Database) -> list[EventType]:
    """What happened, in its order."""
    async with db.read() as session:
        return list(await session.scalars(select(Event.type).order_by(Event.id)))


async def due_tasks(db: Database) -> list[str]:
    """The tasks that jobs wait for."""
    query = text("select args ->> 'task_id' from procrastinate_jobs where status = 'todo'")
    async with db.read() as session:
        return list(await session.scalars(query))


def global_id(row: Video | Task) -> str:
    """Of a video, or of a task that transcodes one."""
    return ids.encode("Video" if isinstance(row, Video) else "TranscodeTask", row.id)
