"""Media playlists: read as ffmpeg writes them, written as players get them."""

from dataclasses import replace

import pytest

from media import hls
from media.hls import MediaPlaylist, PlaylistBroken, Segment

FROM_FFMPEG = """\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="360P.mp4",BYTERANGE="845@0"
#EXTINF:4.004000,
#EXT-X-BYTERANGE:349568@845
360P.mp4
#EXTINF:1.5,
#EXT-X-BYTERANGE:88507@350413
360P.mp4
#EXT-X-ENDLIST
"""

PLAYLIST = MediaPlaylist(
    uri="360P.mp4",
    header_size=845,
    segments=(Segment(4_004_000, 845, 349_568), Segment(1_500_000, 350_413, 88_507)),
)


def test_a_playlist_of_ffmpeg_is_read_to_the_microsecond_and_byte() -> None:
    playlist = hls.parse(FROM_FFMPEG)

    assert playlist == PLAYLIST
    assert playlist.duration_us == 5_504_000
    assert playlist.size == 438_920
    assert playlist.target_duration_s == 4


def test_a_written_playlist_has_every_duration_to_the_microsecond() -> None:
    assert hls.render(PLAYLIST) == FROM_FFMPEG.replace("1.5,", "1.500000,")


def test_a_written_playlist_reads_as_the_same() -> None:
    assert hls.parse(hls.render(PLAYLIST)) == PLAYLIST


def test_a_key_comes_after_the_header_which_is_clear() -> None:
    encrypted = replace(PLAYLIST, key_uri="../key?a=b")

    lines = hls.render(encrypted).splitlines()

    assert lines[6:9] == [
        '#EXT-X-MAP:URI="360P.mp4",BYTERANGE="845@0"',
        '#EXT-X-KEY:METHOD=AES-128,URI="../key?a=b"',
        "#EXTINF:4.004000,",
    ]
    assert hls.parse(hls.render(encrypted)) == encrypted
    assert hls.parse(hls.render(PLAYLIST)).key_uri is None


@pytest.mark.parametrize(
    ("durations_us", "expected"),
    [((4_499_999,), 4), ((4_500_000, 2_000_000), 5), ((400_000,), 1)],
)
def test_the_target_duration_is_the_longest_rounded(
    durations_us: tuple[int, ...], expected: int
) -> None:
    assert _playlist(*((duration_us, 1) for duration_us in durations_us)).target_duration_s == (
        expected
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The playlist names no header at the start of the file."),
        (
            FROM_FFMPEG.replace("845@0", "845@1"),
            "The playlist names no header at the start of the file.",
        ),
        (FROM_FFMPEG.replace("#EXT-X-ENDLIST\n", ""), "The playlist is unfinished."),
        (FROM_FFMPEG.replace("@350413", "@350414"), "A segment starts at 350414, not at 350413."),
        (
            FROM_FFMPEG.replace("#EXT-X-BYTERANGE:88507@350413\n", ""),
            "2 segments have 1 places in the file.",
        ),
        (
            '#EXTM3U\n#EXT-X-MAP:URI="a.mp4",BYTERANGE="9@0"\n#EXT-X-ENDLIST\n',
            "The playlist has no segments.",
        ),
    ],
)
def test_what_is_not_of_one_whole_file_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(PlaylistBroken) as refusal:
        hls.parse(text)

    assert str(refusal.value) == sentence


def test_the_average_bandwidth_leaves_the_header_out() -> None:
    assert hls.average_bandwidth(_playlist((4_000_000, 500), (1_000_000, 125))) == 1000


def test_the_peak_is_the_largest_rate_of_a_run_of_about_a_target_duration() -> None:
    # The target is 4 s, so runs last 2 to 6 s: 1000 bytes in 2 s, alone, is the peak.
    playlist = _playlist((4_000_000, 500), (2_000_000, 1000), (4_000_000, 500))

    assert hls.peak_bandwidth(playlist) == 4000


def test_a_segment_shorter_than_half_the_target_counts_only_with_its_neighbours() -> None:
    # Alone it would be 80,000 bit/s. With the one before it, 5 s: 2,400.
    playlist = _playlist((4_000_000, 500), (1_000_000, 1000))

    assert hls.peak_bandwidth(playlist) == 2400


def test_the_peak_of_a_very_short_track_is_its_average() -> None:
    playlist = _playlist((100_000, 50))

    assert hls.peak_bandwidth(playlist) == hls.average_bandwidth(playlist) == 4000


def test_a_bandwidth_is_rounded_up() -> None:
    assert hls.average_bandwidth(_playlist((3_000_000, 1))) == 3


def _playlist(*segments: tuple[int, int]) -> MediaPlaylist:
    """Of segments of so many microseconds and bytes."""
    offset, placed = 100, list[Segment]()
    for duration_us, size in segments:
        placed.append(Segment(duration_us, offset, size))
        offset += size
    return MediaPlaylist("a.mp4", 100, tuple(placed))


def test_a_last_segment_of_almost_nothing_joins_the_one_before() -> None:
    parts = (Segment(4_000_000, 700, 100), Segment(4_010_667, 800, 100), Segment(21_333, 900, 5))
    joined = hls.without_stub(MediaPlaylist("audio.mp4", 700, parts))
    assert joined.segments == (parts[0], Segment(4_032_000, 800, 105))
    assert (joined.size, joined.target_duration_s) == (905, 4)


@pytest.mark.parametrize("durations", [(4_000_000, 500_000), (21_333,)])
def test_other_last_segments_stay(durations: tuple[int, ...]) -> None:
    parts = tuple(Segment(us, 700 + 100 * i, 100) for i, us in enumerate(durations))
    playlist = MediaPlaylist("audio.mp4", 700, parts)
    assert hls.without_stub(playlist) is playlist
