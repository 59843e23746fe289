"""How many bytes videos take, and of what.

A video takes the bytes of its source file, those of its READY play sets, and those of the sound
that goes with these, each sound once. A video in the recycle bin counts nowhere; nor does a file
that was not checked yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.videos import Resolution


class FileKind(StrEnum):
    SOURCE = "source"
    PLAY_SET = "play_set"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class ResolutionSize:
    """What a video takes at one rung; at ORIGIN the source is a part of it."""

    resolution: Resolution
    duration_ms: int | None
    size: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a video takes, in bytes."""

    source: int = 0
    play_sets: int = 0
    """Sound included."""
    sound: int = 0
    resolutions: Sequence[ResolutionSize] = ()

    @property
    def total(self) -> int:
        return self.source + self.play_sets


@dataclass(frozen=True, slots=True)
class Count:
    """How many videos there are, and how long they last together."""

    videos: int = 0
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account has and takes. Sizes in bytes."""

    storage_used: int
    storage_quota: int | None
    count: Count
    sizes: Sizes
