"""Log lines: readable text for people, JSON for machines."""

import asyncio
import json
import logging
from datetime import UTC, datetime

_QUIET = ("alembic", "httpx", "procrastinate", "uvicorn.access", "uvicorn.error", "websockets")
"""Libraries whose everyday news nobody needs."""

FAREWELL = "timeout graceful shutdown exceeded"


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the trace of an exception in `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # Unlike orjson, this also writes the lone surrogates of file names that are not UTF-8.
        return json.dumps(line)


def is_no_farewell(record: logging.LogRecord) -> bool:
    """Leave out the traces of streams that are cut off because the server ends."""
    cause = record.exc_info[1] if record.exc_info else None
    return not isinstance(cause, asyncio.CancelledError) and FAREWELL not in str(record.msg)


def configure(*, form: str, level: str) -> None:
    """Send all logs of the process to standard error."""
    handler = logging.StreamHandler()
    if form == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(levelname)-7s %(message)s  [%(name)s]"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").addFilter(is_no_farewell)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
