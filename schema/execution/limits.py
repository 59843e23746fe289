"""What a document may be at most, and how one is refused."""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import GraphQLError, Node

from schema.failures import TOO_COMPLEX


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything; whatever is above is refused by an error that names both."""

    characters: int = 100_000
    lines: int = 5_000
    """Finding the place of an error counts the lines before it, so lines cost time."""
    tokens: int = 5_000
    comparisons: int = 100_000
    """Steps of the search for fields that cannot be merged; they take some 0.3 seconds."""
    depth: int = 12
    """Fields in fields."""
    aliases: int = 50
    """Fields under another name, of one operation."""
    cost: int = 5_000
    """Of one operation; see `analysis`."""


class Refused(Exception):
    """The document, or its operation, is not run. Every error has a code."""

    def __init__(self, errors: Iterable[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = list(errors)
        """May be shared with other requests: not to be raised or changed."""


class NoSuchOperation(Refused):
    """The document has no operation of this name, or none at all."""


def above(sentence: str, *, limit: int, actual: int, node: Node | None = None) -> GraphQLError:
    """`sentence` goes up to the limit: "The operation has 51 aliases"."""
    extensions = {"code": TOO_COMPLEX, "limit": limit, "actual": actual}
    return GraphQLError(f"{sentence}; the limit is {limit}.", node, extensions=extensions)
