"""Which runs of ffmpeg make which play sets."""

from dataclasses import replace

from domain.passes import Pass, plan, sounds_of
from domain.templates import BUILT_IN, DEFAULTS, Encryption, Sound, Template
from domain.videos import TranscodePass
from tests.support.samples import FULL_HD

ORIGIN, FIRST_PLAY, LADDER = TranscodePass.ORIGIN, TranscodePass.FIRST_PLAY, TranscodePass.LADDER
OURS: dict[str, Template] = {one.name: one for one in BUILT_IN}
AUDIO = Sound("audio", 128_000, Encryption.NONE)
ENCRYPTED = Sound("audio-aes", 128_000, Encryption.AES_128)
COPY = Sound("origin-audio", None, Encryption.NONE)


def _ours(*names: str) -> list[Template]:
    return [OURS[name] for name in names]


def test_the_lowest_rung_goes_ahead_with_the_stills_and_the_sound() -> None:
    assert plan(FULL_HD, DEFAULTS, pictures=True) == [
        Pass(ORIGIN, _ours("Origin"), [COPY]),
        Pass(FIRST_PLAY, _ours("360P"), [AUDIO], pictures=True),
        Pass(LADDER, _ours("480P", "720P", "1080P"), []),
    ]


def test_without_stills_there_is_one_pass_for_all_that_is_encoded() -> None:
    wanted = _ours("720P HEVC", "480P", "720P")

    assert plan(FULL_HD, wanted, pictures=False) == [
        Pass(LADDER, _ours("480P", "720P", "720P HEVC"), [AUDIO])
    ]


def test_a_sound_that_is_there_is_not_made_again() -> None:
    wanted = _ours("480P", "720P, encrypted")

    (only,) = plan(FULL_HD, wanted, pictures=False, sounds={"audio"})

    assert only.sounds == [ENCRYPTED]


def test_a_sound_is_made_by_the_first_pass_that_needs_it() -> None:
    wanted = _ours("360P", "480P", "720P, encrypted")

    first, ladder = plan(FULL_HD, wanted, pictures=True)

    assert (first.sounds, ladder.sounds) == ([AUDIO], [ENCRYPTED])


def test_a_silent_source_has_no_sounds() -> None:
    silent = replace(FULL_HD, audio_codec=None)

    assert sounds_of(silent, DEFAULTS) == []
    assert [one.sounds for one in plan(silent, DEFAULTS, pictures=True)] == [[], [], []]


def test_one_rung_needs_no_ladder_and_a_copy_no_encode() -> None:
    kinds = [one.kind for one in plan(FULL_HD, _ours("360P"), pictures=True)]

    assert kinds == [FIRST_PLAY]
    assert plan(FULL_HD, _ours("Origin"), pictures=True) == [Pass(ORIGIN, _ours("Origin"), [COPY])]
    assert plan(FULL_HD, [], pictures=True) == []


def test_a_pass_with_any_encrypted_track_is_encrypted() -> None:
    assert Pass(LADDER, _ours("480P", "720P, encrypted"), [AUDIO]).encrypted
    assert Pass(LADDER, _ours("480P"), [AUDIO, ENCRYPTED]).encrypted
    assert not Pass(LADDER, _ours("480P", "720P"), [AUDIO]).encrypted


def test_what_is_made_again_has_passes_and_sound_of_its_own() -> None:
    low, high, copy = _ours("360P"), _ours("720P"), _ours("Origin")
    assert plan(FULL_HD, low, pictures=True, again=[*high, *copy]) == [
        Pass(FIRST_PLAY, low, [AUDIO], pictures=True),
        Pass(ORIGIN, copy, [COPY], redo=True),
        Pass(LADDER, high, [AUDIO], redo=True),
    ]
    assert plan(FULL_HD, [], pictures=True, sounds={"audio"}, again=[*high, *low]) == [
        Pass(FIRST_PLAY, low, [AUDIO], pictures=True, redo=True),
        Pass(LADDER, high, [AUDIO], redo=True),
    ]
