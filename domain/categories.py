"""The tree in which an account keeps its videos: its limits, and what it refuses."""

from collections.abc import Sequence
from typing import Final

from domain.error_codes import ErrorCode
from domain.errors import DomainError

MAX_CATEGORIES: Final = 10_000
MAX_DEPTH: Final = 10
"""Categories that lie in one another, the outermost one counted."""
MAX_NAME: Final = 255
MAX_CHILDREN: Final = 100
"""Categories that one names as lying in it; pages of a list have them all."""
MOST_MOVED: Final = 5_000
"""Videos that one deletion moves: about a second, for which the account's uploads wait."""
DEFAULT_CATEGORY: Final = 1
"""The number of the category that every account has, and that videos lie in by default."""
DEFAULT_CATEGORY_NAME: Final = "Default"


class CategoryRequired(DomainError):
    """An id is empty."""

    code = ErrorCode.CATEGORY_REQUIRED

    def __init__(self, *, path: str) -> None:
        super().__init__(f"`{path}` names no category.", path=[path])


class CategoryInvalid(DomainError):
    """What was sent is the id of no category, whoever's."""

    code = ErrorCode.CATEGORY_INVALID

    def __init__(self, *, path: str) -> None:
        super().__init__(f"`{path}` is not the id of a category.", path=[path])


class CategorySame(DomainError):
    """A category is to be moved into itself, or a video to where it lies."""

    code = ErrorCode.CATEGORY_SAME

    def __init__(self, *, path: Sequence[str] = ()) -> None:
        super().__init__("That is the same category.", path=path)


class CategoryIsParent(DomainError):
    """A category is to be moved to where it lies."""

    code = ErrorCode.CATEGORY_IS_PARENT

    def __init__(self, *, path: str) -> None:
        super().__init__("The category lies there already.", path=[path])


class CategoryIsAncestor(DomainError):
    """A category would lie in itself, or in one that lies in it."""

    code = ErrorCode.CATEGORY_IS_ANCESTOR

    def __init__(self, *, path: str) -> None:
        super().__init__("A category cannot lie in itself or below itself.", path=[path])


class CategoryIsDefault(DomainError):
    """Every account has a default category, and it is an outermost one."""

    code = ErrorCode.CATEGORY_IS_DEFAULT

    def __init__(self, *, path: str) -> None:
        super().__init__("The default category cannot be moved or deleted.", path=[path])
