"""Passes: which runs of ffmpeg make the play sets of some templates. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from domain.media import Source
from domain.templates import Encryption, Sound, Template, lowest_first
from domain.videos import Resolution, TranscodePass


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of ffmpeg over a source."""

    kind: TranscodePass
    templates: Sequence[Template]
    """Each makes one picture, lowest first; they fit the source."""
    sounds: Sequence[Sound] = ()
    """What sound it makes besides."""
    pictures: bool = False
    """Whether it makes the poster and the storyboard, too."""

    @property
    def encrypted(self) -> bool:
        """Whether any of its tracks is encrypted, so that it needs a key."""
        wanted = [one.encryption for one in (*self.templates, *self.sounds)]
        return any(one is not Encryption.NONE for one in wanted)


def plan(
    source: Source,
    templates: Iterable[Template],
    *,
    pictures: bool,
    sounds: Collection[str] = (),
) -> list[Pass]:
    """The passes that make these templates, which fit the source; in the order to run them.

    `pictures` is whether poster and storyboard are wanted; then the lowest rung goes ahead
    with them, so that the video can be watched early. `sounds` names the sound tracks that the
    video has already: they are not made again.
    """
    ordered = lowest_first(list(templates))
    encoded = [one for one in ordered if one.resolution is not Resolution.ORIGIN]
    made = set(sounds)
    passes = [
        _pass(TranscodePass.ORIGIN, [one], source, made)
        for one in ordered
        if one.resolution is Resolution.ORIGIN
    ]
    if pictures and encoded:
        first, *encoded = encoded
        passes.append(_pass(TranscodePass.FIRST_PLAY, [first], source, made, pictures=True))
    if encoded:
        passes.append(_pass(TranscodePass.LADDER, encoded, source, made))
    return passes


def sounds_of(source: Source, templates: Iterable[Template]) -> list[Sound]:
    """The sound tracks that go with these templates, each once; none for a silent source."""
    if source.audio_codec is None:
        return []
    return list({one.sound.name: one.sound for one in templates}.values())


def _pass(
    kind: TranscodePass,
    templates: Sequence[Template],
    source: Source,
    made: set[str],
    *,
    pictures: bool = False,
) -> Pass:
    sounds = [one for one in sounds_of(source, templates) if one.name not in made]
    made.update(one.name for one in sounds)
    return Pass(kind, templates, sounds, pictures)
