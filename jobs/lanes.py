"""Which queues a worker's process serves, and how many jobs of each at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.queue import QUEUES, RESCUE

MOST_SLOTS: Final = 100


@dataclass(frozen=True, slots=True)
class Lane:
    """A group of queues, and how many of their jobs run at once in this process."""

    queues: Sequence[str]
    concurrency: int

    @property
    def name(self) -> str:
        return "+".join(self.queues)


class LanesError(ValueError):
    """Queues or numbers that cannot be; the message says which there are."""


def choose(
    usual: Sequence[Lane], *, queues: str | None = None, concurrency: str | None = None
) -> Sequence[Lane]:
    """The lanes for `queues`, such as "transcode,first_play"; empty: all of the usual ones.

    `concurrency` is a number for each of them, or "transcode=2,first_play=1". The rescue is
    always served, by one job: without it nobody would notice that other workers died.
    """
    slots = {name: lane.concurrency for lane in usual for name in lane.queues}
    named = _names(queues) if queues else list(slots)
    chosen = {name: slots[name] for name in slots if name in {*named, RESCUE}}
    chosen.update(_numbers(concurrency, chosen) if concurrency else {})
    return [Lane([name], number) for name, number in chosen.items()]


def _names(queues: str) -> list[str]:
    return [_known(name.strip(), QUEUES) for name in queues.split(",")]


def _known(name: str, queues: Sequence[str]) -> str:
    if name not in queues:
        raise LanesError(f'There is no queue "{name}" here. The queues are: {", ".join(queues)}.')
    return name


def _numbers(concurrency: str, chosen: Mapping[str, int]) -> dict[str, int]:
    if "=" not in concurrency:
        number = _number(concurrency)
        return {name: number for name in chosen if name != RESCUE}
    pairs = [pair.partition("=") for pair in concurrency.split(",")]
    return {_known(name.strip(), list(chosen)): _number(number) for name, _, number in pairs}


def _number(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= MOST_SLOTS:
        raise LanesError(f'"{text.strip()}" is no number of jobs from 1 to {MOST_SLOTS}.')
    return int(text)
