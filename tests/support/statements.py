"""Recording the SQL statements that a piece of work costs."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import event

from resolvers.context import Services


@contextmanager
def recorded(services: Services) -> Generator[list[str]]:
    """The statements that anybody runs through the services while the block lasts, in their order.

    What begins and ends a transaction is not among them.
    """
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    engine = services.db._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    services.reader.on_statement = statements.append
    try:
        yield statements
    finally:
        services.reader.on_statement = None
        event.remove(engine, "before_cursor_execute", note)
