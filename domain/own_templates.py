"""Templates that accounts make themselves, and rules: what they may say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self
from uuid import UUID

from domain import text
from domain.errors import InvalidArgument, LimitExceeded
from domain.templates import Codec, Encryption, Quality
from domain.videos import Resolution

MAX_TEMPLATES: Final = 100
"""Of an account, beside those that are built in."""
MAX_RULES: Final = 100
MAX_CHOSEN: Final = 20
"""Templates of one rule, or asked for at once."""

MAX_NAME: Final = 255
VIDEO_BITRATES: Final = (50_000, 100_000_000)
AUDIO_BITRATES: Final = (32_000, 512_000)
FRAME_RATES: Final = (1, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateForm:
    """What an account says of a template. Bit rates in bit/s."""

    name: str
    resolution: Resolution
    codec: Codec
    quality: Quality
    video_bitrate: int | None
    audio_bitrate: int | None
    max_frame_rate: int | None
    encryption: Encryption

    def checked(self) -> Self:
        """The form that is saved. Raises `InvalidArgument` or `LimitExceeded`."""
        _between("videoBitrate", self.video_bitrate, VIDEO_BITRATES)
        _between("audioBitrate", self.audio_bitrate, AUDIO_BITRATES)
        _between("maxFrameRate", self.max_frame_rate, FRAME_RATES)
        if self.resolution is Resolution.ORIGIN:
            self._check_copy()
        return replace(self, name=text.required("name", self.name, MAX_NAME))

    def _check_copy(self) -> None:
        encodes = {
            "codec": self.codec is not Codec.H264,
            "quality": self.quality is not Quality.FAST,
            "videoBitrate": self.video_bitrate is not None,
            "audioBitrate": self.audio_bitrate is not None,
            "maxFrameRate": self.max_frame_rate is not None,
        }
        for name, given in encodes.items():
            if given:
                message = f"ORIGIN copies the source's streams: {name} cannot be chosen."
                raise InvalidArgument(message, path=[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleForm:
    """What an account says of a rule. The templates are named by their keys in the API."""

    template_ids: Sequence[UUID]
    source_type: str | None
    category_id: UUID | None
    enabled: bool

    def checked(self) -> Self:
        if self.source_type is None:
            return self
        kind = text.required("sourceType", self.source_type, text.MAX_SOURCE_TYPE)
        return replace(self, source_type=kind)


def check_chosen(template_ids: Sequence[object]) -> None:
    """Raises `LimitExceeded` when too many templates are named at once."""
    if len(template_ids) > MAX_CHOSEN:
        raise LimitExceeded(
            "The number of templates",
            limit=MAX_CHOSEN,
            actual=len(template_ids),
            path=["templateIds"],
        )


def _between(name: str, value: int | None, bounds: tuple[int, int]) -> None:
    least, most = bounds
    if value is None or least <= value <= most:
        return
    if value > most:
        raise LimitExceeded(f"The {name}", limit=most, actual=value, path=[name])
    raise InvalidArgument(f"The {name} is {value}; the least is {least}.", path=[name])
