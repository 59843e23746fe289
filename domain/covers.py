"""What the cover of a video may be made of, and what is made of it."""

from dataclasses import dataclass
from typing import Final

from domain.errors import LimitExceeded

MAX_FILE_SIZE: Final = 20 << 20
"""Bytes of a picture that a cover is made of."""
MAX_SIDE: Final = 16_384
"""Pixels of its longer side."""
LONG_SIDE: Final = 1920
"""Pixels of a cover's longer side, at most."""
FILE_NAME: Final = "cover.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which cover an owner wants: of a stored picture, or of a moment of the video itself.

    Neither is the automatic one.
    """

    storage_id: str | None = None
    at_ms: int | None = None

    @property
    def is_automatic(self) -> bool:
        return self.storage_id is None and self.at_ms is None


def check_size(file_size: int) -> None:
    """Refuse a file that is larger than pictures are. The size is bytes."""
    if file_size > MAX_FILE_SIZE:
        raise LimitExceeded(
            "The size of the picture",
            limit=MAX_FILE_SIZE,
            actual=file_size,
            path=["cover", "storageId"],
        )
