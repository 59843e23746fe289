"""The rows of the suite: the same in every run, so that documents can name them.

The owner's rows are awkward but sound. The stranger has a few of the same kind. Rows that no
code of ours writes belong to a tenant of their own: they may fail whole lists.
"""

from functools import cache
from typing import Final

from sqlalchemy import insert, text

from db.session import Database, WriteSession
from domain.uploads import UploadStatus
from tests.equivalence import accounts, tasks, uploads, videos
from tests.equivalence.tables import TENANTS, Rows, key

TASKS: Final = 6
"""How many fetches and exports each tenant has."""


@cache
def rows() -> Rows:
    made = contents()
    for tenant in TENANTS:
        _belongings(made, tenant)
    return made


def contents() -> Rows:
    """What all tenants hold together."""
    made = Rows()
    accounts.contents(made)
    return made


def belongings(tenant: str) -> Rows:
    """The rows of one tenant; of others, they name only the contents."""
    made = Rows()
    _belongings(made, tenant)
    return made


def _belongings(made: Rows, tenant: str) -> None:
    accounts.account(made, tenant)
    accounts.stored_objects(made, tenant)
    accounts.templates(made, tenant)
    accounts.categories(made, tenant)
    accounts.rules(made, tenant)
    for number in range(TENANTS[tenant]):
        videos.video(made, tenant, number)
    for number in range(len(UploadStatus) * (2 if tenant == "owner" else 1)):
        uploads.upload(made, tenant, number)
    for number in range(TASKS):
        tasks.fetch(made, tenant, number)
        tasks.export(made, tenant, number)
    for number in range(0, TENANTS[tenant], 2):
        videos.recommendations(made, tenant, number)


CURSES: Final = (
    ("update video set tags = array['a', null] where id = :id", ("video", 3)),
    ("update video set status = 'lost' where id = :id", ("video", 0)),
    ("update video set title = '', duration_ms = 1::bigint << 62 where id = :id", ("video", 1)),
    ("update video set file_size = -1 where id = :id", ("video", 2)),
    ("update video set category_id = null where id = :id", ("video", 3)),
    ("update task set error_code = 'NO_SUCH_CODE' where video_id = :id", ("video", 0)),
    ("update task set progress = 'NaN', speed = 'Infinity' where video_id = :id", ("video", 2)),
    (
        "update play_set set resolution = '8K' where video_id = :id and resolution = '360P'",
        ("video", 4),
    ),
    ("update play_set set frame_rate = '1/0' where video_id = :id", ("video", 5)),
    ("update play_set set status = '' where video_id = :id", ("video", 6)),
    ("update upload_session set status = 'lost' where id = :id", ("upload", 2)),
)
"""What no code of ours writes: enums without a member, numbers that no scalar can say."""


async def fill(db: Database) -> None:
    async with db.write() as session:
        await write(session, rows())
        for statement, names in CURSES:
            await session.execute(text(statement), {"id": key("cursed", *names)})
    async with db.write() as session:
        await session.execute(text("analyze"))


async def write(session: WriteSession, made: Rows) -> None:
    for table, some in made.of.items():
        if some:
            await session.execute(insert(table), some)
