"""Which rows answer in the terms of older systems: see `db.models.legacy`."""

from typing import Final

from db.models import FetchLegacy, UploadLegacy, VideoLegacy
from db.rows import Source

VIDEOS: Final = Source(VideoLegacy, {})
UPLOADS: Final = Source(UploadLegacy, {})
FETCHES: Final = Source(FetchLegacy, {})
