"""Changing many things with one request: how, and what keeps it from happening."""

from enum import StrEnum

from domain.error_codes import ErrorCode
from domain.errors import DomainError, LimitExceeded
from domain.ids import MAX_BATCH


class BatchPolicy(StrEnum):
    """What becomes of a batch when not everything in it can be changed."""

    APPLY_ELIGIBLE = "apply_eligible"
    ALL_OR_NOTHING = "all_or_nothing"


class TooManyIds(LimitExceeded):
    code = ErrorCode.TOO_MANY_IDS

    def __init__(self, actual: int) -> None:
        super().__init__("The number of ids", limit=MAX_BATCH, actual=actual, path=["ids"])


class NoEligibleItem(DomainError):
    """Nothing that was named can be changed in this way."""

    code = ErrorCode.NO_ELIGIBLE_ITEM

    def __init__(self) -> None:
        message = "None of these can be changed like that; each of the results says why."
        super().__init__(message, path=["ids"])
