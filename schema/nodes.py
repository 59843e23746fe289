"""Everything with a global id, and how a row becomes the object of its type."""

from functools import singledispatch
from typing import Any

import strawberry


@strawberry.interface(description="A thing with a global id; `node` finds it again.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque, and unique over all types.")


@singledispatch
def of(row: object) -> Any:  # noqa: ANN401  (each type registers itself, and returns its own)
    """The API's object of a row. Lets types that refer to each other live in modules of their own.

    None stays None.
    """
    if row is None:
        return None
    raise TypeError(f"{type(row).__name__} has no type in the API")
