"""Limits of the tree in which an account keeps its videos."""

from typing import Final

MAX_CATEGORIES: Final = 10_000
MAX_DEPTH: Final = 10
"""Categories that lie in one another, the outermost one counted."""
MAX_NAME: Final = 255
DEFAULT_CATEGORY: Final = 1
"""The number of the category that every account has, and that videos lie in by default."""
DEFAULT_CATEGORY_NAME: Final = "Default"
