"""Alembic's entry point. A migration never waits long for a lock that a running server holds."""

from alembic import context
from sqlalchemy import create_engine, pool, text

from db.models import Base

url: str = context.config.attributes["url"]


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Only our own tables: the job queue brings and upgrades its own."""
    return kind != "table" or name in Base.metadata.tables


with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    connection.execute(text("set lock_timeout = '4s'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=ours,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
