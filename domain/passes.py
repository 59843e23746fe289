"""Passes: which runs of ffmpeg make the play sets of some templates. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

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
    redo: bool = False
    """Whether it makes everything anew, its sound included, and shares nothing."""

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
    again: Iterable[Template] = (),
) -> list[Pass]:
    """The passes that make these templates, which fit the source; in the order to run them.

    `pictures` is whether poster and storyboard are wanted; then the lowest rung goes ahead
    with them, so that the video can be watched early. `sounds` names the sound tracks that the
    video has already: they are not made again. The templates `again` are redone, by passes of
    their own after the others.
    """
    made = set(sounds)
    passes = [
        _pass(source, kind, some, made=made)
        for kind, some in _split(list(templates), pictures=pictures)
    ]
    pictures = pictures and not any(one.pictures for one in passes)
    redone = [
        replace(_pass(source, kind, some, made=set()), redo=True)
        for kind, some in _split(list(again), pictures=pictures)
    ]
    return [*passes, *redone]


def _split(
    templates: Sequence[Template], *, pictures: bool
) -> list[tuple[TranscodePass, list[Template]]]:
    ordered = lowest_first(templates)
    encoded = [one for one in ordered if one.resolution is not Resolution.ORIGIN]
    copied = [one for one in ordered if one.resolution is Resolution.ORIGIN]
    leading = 1 if pictures else 0
    parts = [
        *((TranscodePass.ORIGIN, [one]) for one in copied),
        (TranscodePass.FIRST_PLAY, encoded[:leading]),
        (TranscodePass.LADDER, encoded[leading:]),
    ]
    return [(kind, some) for kind, some in parts if some]


def sounds_of(source: Source, templates: Iterable[Template]) -> list[Sound]:
    """The sound tracks that go with these templates, each once; none for a silent source."""
    if source.audio_codec is None:
        return []
    return list({one.sound.name: one.sound for one in templates}.values())


def _pass(
    source: Source, kind: TranscodePass, templates: Sequence[Template], *, made: set[str]
) -> Pass:
    """A pass, with what sound is not `made`; that is, from then on."""
    sounds = [one for one in sounds_of(source, templates) if one.name not in made]
    made.update(one.name for one in sounds)
    return Pass(kind, templates, sounds, pictures=kind is TranscodePass.FIRST_PLAY)
