"""How much work there is, as one account sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """A queue, as an account sees it."""

    name: str
    queued: int
    running: int
    """Tasks of the account."""
    slots: int
    """Jobs, whosever they are, that the installation's living workers can run at once."""


@dataclass(frozen=True, slots=True)
class Loads:
    queues: tuple[QueueLoad, ...]
    workers: int
    oldest_wait_s: int
    """How long the account's first task in line has waited; 0 when none waits."""
