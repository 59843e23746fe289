"""Limits of the marks on the timeline of a video."""

from typing import Final

MAX_KEY_POINTS: Final = 200
"""On one video."""
MAX_DESCRIPTION: Final = 255
