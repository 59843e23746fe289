"""Log lines: text for people, JSON for machines."""

import json
import logging
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from server.logs import JsonFormatter
from tests.support import processes


def formatted(record: logging.LogRecord) -> dict[str, Any]:
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def record(message: str, *arguments: object, **values: Any) -> logging.LogRecord:
    return logging.LogRecord(
        "jobs.intake", logging.WARNING, "x.py", 1, message, arguments, **values
    )


def test_a_json_line_has_the_time_the_level_the_logger_and_the_message() -> None:
    one = record("%d of %s\nare lost", 3, "four", exc_info=None)
    one.created = datetime(2026, 11, 21, 9, 30, 0, 250_000, tzinfo=UTC).timestamp()
    assert formatted(one) == {
        "time": "2026-11-21T09:30:00.250000+00:00",
        "level": "warning",
        "logger": "jobs.intake",
        "message": "3 of four\nare lost",
    }


def test_a_json_line_has_the_trace_of_an_exception() -> None:
    with pytest.raises(ValueError, match="literal") as failure:
        int("no number")
    line = formatted(record("it failed", exc_info=(ValueError, failure.value, failure.tb)))
    assert line["message"] == "it failed"
    trace = line["exception"].splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "ValueError: invalid literal for int() with base 10: 'no number'"


def test_a_file_name_that_is_not_utf8_can_be_logged() -> None:
    name = b"caf\xe9.mp4".decode(errors="surrogateescape")
    assert formatted(record("no %s", name, exc_info=None))["message"] == f"no {name}"


CONFIGURED = """
import logging
from server import logs
logs.configure(form={form!r}, level="info")
log = logging.getLogger("jobs.worker")
log.debug("too quiet")
log.info("works")
logging.getLogger("httpx").info("everyday news")
logging.getLogger("httpx").warning("news")
"""


def logged(form: str) -> list[str]:
    """What a process that is configured so writes to standard error."""
    ended = subprocess.run(
        [sys.executable, "-c", CONFIGURED.format(form=form)],
        env=processes.environment(),
        cwd=processes.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_text_lines_are_for_people() -> None:
    assert logged("text") == ["INFO    works  [jobs.worker]", "WARNING news  [httpx]"]


def test_json_lines_are_for_machines() -> None:
    lines = [json.loads(line) for line in logged("json")]
    assert [(line["level"], line["logger"], line["message"]) for line in lines] == [
        ("info", "jobs.worker", "works"),
        ("warning", "httpx", "news"),
    ]
