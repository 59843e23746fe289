"""What the fixture `work` is."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Work: TypeAlias = Callable[[], Awaitable[None]]
"""Runs every job that is queued, and those that they queue."""
