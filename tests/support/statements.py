"""Recording the SQL statements that a piece of work costs."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import event

from db.session import Database


@contextmanager
def recorded(db: Database) -> Generator[list[str]]:
    """The statements that anybody runs through `db` while the block lasts, in their order.

    What begins and ends a transaction is not among them.
    """
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = db._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
