"""Arguments and input fields that callers may leave out."""

from typing import TypeVar

from strawberry import UNSET

Value = TypeVar("Value")


def given(value: Value | None) -> Value | None:
    """What was sent; None when nothing was, the same as for null. 0 and "" are values."""
    return None if value is UNSET else value
