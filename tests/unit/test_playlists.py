"""The master playlist and the storyboard's cues, to the letter."""

from dataclasses import replace
from fractions import Fraction

from domain import playlists
from domain.playlists import AudioRendition, Variant

AUDIO = AudioRendition(
    group="audio",
    uri="audio.m3u8",
    codecs="mp4a.40.2",
    bandwidth=130_000,
    average_bandwidth=128_000,
    channels=2,
)
P360 = Variant(
    name="360P",
    uri="360P.m3u8",
    width=640,
    height=360,
    frame_rate=Fraction(30000, 1001),
    codecs="avc1.64001e",
    bandwidth=700_000,
    average_bandwidth=600_000,
    audio=AUDIO,
)
P1080 = replace(
    P360,
    name="1080P",
    uri="1080P.m3u8",
    width=1920,
    height=1080,
    codecs="avc1.640028",
    bandwidth=5_000_000,
    average_bandwidth=4_000_000,
)


def test_a_master_playlist_adds_the_sound_to_every_variant() -> None:
    assert playlists.master([P360, P1080]) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2",URI="audio.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=830000,AVERAGE-BANDWIDTH=728000,"
        'CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio"\n'
        "360P.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=5130000,AVERAGE-BANDWIDTH=4128000,"
        'CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO="audio"\n'
        "1080P.m3u8\n"
    )


def test_the_order_of_the_variants_makes_no_difference() -> None:
    assert playlists.master([P1080, P360]) == playlists.master([P360, P1080])


def test_a_silent_variant_names_no_sound() -> None:
    assert playlists.master([replace(P360, audio=None)]) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=700000,AVERAGE-BANDWIDTH=600000,"
        'CODECS="avc1.64001e",RESOLUTION=640x360,FRAME-RATE=29.970\n'
        "360P.m3u8\n"
    )


def test_each_group_of_sound_is_named_once() -> None:
    copied = replace(AUDIO, group="origin-audio", uri="origin-audio.m3u8", channels=None)
    master = playlists.master([P360, P1080, replace(P1080, name="Origin", audio=copied)])

    media = [line for line in master.splitlines() if line.startswith("#EXT-X-MEDIA:")]
    assert [line.partition("AUTOSELECT=YES,")[2] for line in media] == [
        'CHANNELS="2",URI="audio.m3u8"',
        'URI="origin-audio.m3u8"',
    ]


def test_a_storyboard_has_a_cue_for_each_tile_and_ends_with_the_video() -> None:
    assert playlists.storyboard(4500, 2000, 2, 2, 160, 90, "storyboard.jpg") == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:02.000\n"
        "storyboard.jpg#xywh=0,0,160,90\n"
        "\n"
        "00:00:02.000 --> 00:00:04.000\n"
        "storyboard.jpg#xywh=160,0,160,90\n"
        "\n"
        "00:00:04.000 --> 00:00:04.500\n"
        "storyboard.jpg#xywh=0,90,160,90\n"
    )


def test_a_storyboard_has_no_more_cues_than_tiles() -> None:
    text = playlists.storyboard(10_000, 1000, 2, 1, 160, 90, "a.jpg")

    assert text.splitlines()[2::3] == [
        "00:00:00.000 --> 00:00:01.000",
        "00:00:01.000 --> 00:00:10.000",
    ]


def test_times_beyond_an_hour_have_an_hour() -> None:
    text = playlists.storyboard(7_325_040, 3_600_000, 10, 1, 160, 90, "a.jpg")

    assert "02:00:00.000 --> 02:02:05.040" in text
