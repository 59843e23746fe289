"""What is read from the header of an MP4, box by box."""

import io

import pytest

from media.mp4 import NotUnderstood, Picture, Sound, count_samples, find_header, read_header

AAC_LC_STEREO = "00010 0011 0010"
"""An AudioSpecificConfig: object type 2, the index of 48 kHz, 2 channels."""


def test_a_picture_has_its_size_and_the_profile_and_level_of_its_codec() -> None:
    assert read_header(_picture()) == Picture(codecs="avc1.64001e", width=640, height=360)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("01 01 60000000 900000000000 5d", "hvc1.1.6.L93.90"),
        ("01 21 60000000 b00000000000 99", "hvc1.1.6.H153.B0"),
        ("01 02 20000000 b00000000000 7b", "hvc1.2.4.L123.B0"),
        ("01 64 82000000 b02300000000 78", "hvc1.A4.41.H120.B0.23"),
        ("01 01 60000000 000000000000 5d", "hvc1.1.6.L93"),
        ("01 01 60000000 900000000004 5d", "hvc1.1.6.L93.90.0.0.0.0.4"),
    ],
)
def test_a_hevc_picture_is_described_by_its_profile_tier_and_constraints(
    configuration: str, expected: str
) -> None:
    assert read_header(_picture("hvc1", configuration)) == Picture(expected, 640, 360)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("81 04 0c 00", "av01.0.04M.08"),
        ("81 08 4c 00", "av01.0.08M.10"),
        ("81 2d c0 00", "av01.1.13H.10"),
        ("81 4f e2 00", "av01.2.15H.12"),
    ],
)
def test_an_av1_picture_is_described_by_its_profile_level_tier_and_depth(
    configuration: str, expected: str
) -> None:
    assert read_header(_picture("av01", configuration)) == Picture(expected, 640, 360)


def test_the_header_of_a_plain_file_is_found_wherever_it_is() -> None:
    moov = _box("moov", _track_of(_box("stsz", bytes(8) + (150).to_bytes(4))))
    file = io.BytesIO(_box("ftyp", b"isom") + _box("mdat", bytes(1000)) + moov)

    assert count_samples(find_header(file)) == 150


def test_a_long_box_before_the_header_is_passed_over() -> None:
    long = (1).to_bytes(4) + b"mdat" + (16 + 70).to_bytes(8) + bytes(70)

    assert find_header(io.BytesIO(long + _box("moov", b"here"))) == _box("moov", b"here")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0\0\0\x08free", "The file has no header."),
        (b"\0\0\0\x07free", "A box has the size 7."),
    ],
)
def test_a_file_without_a_header_is_not_understood(content: bytes, sentence: str) -> None:
    with pytest.raises(NotUnderstood, match=sentence):
        find_header(io.BytesIO(content))


def test_a_header_without_samples_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="a box is missing"):
        count_samples(_picture())


def test_a_sound_has_its_object_type_and_channels() -> None:
    assert read_header(_sound(AAC_LC_STEREO)) == Sound(codecs="mp4a.40.2", channels=2)


@pytest.mark.parametrize(
    ("specific", "expected"),
    [
        ("00101 0011 0001", Sound("mp4a.40.5", 1)),
        ("00010 0011 0111", Sound("mp4a.40.2", 8)),
        ("00010 0011 0000", Sound("mp4a.40.2", None)),
        ("00010 1111 000000000010111011100000 0110", Sound("mp4a.40.2", 6)),
    ],
    ids=["HE-AAC", "7.1", "channels left to the stream", "a sampling rate spelt out"],
)
def test_the_configuration_of_a_sound_is_read_bit_by_bit(specific: str, expected: Sound) -> None:
    assert read_header(_sound(specific)) == expected


def test_the_size_of_a_descriptor_may_take_four_bytes() -> None:
    assert read_header(_sound(AAC_LC_STEREO, long=True)) == Sound("mp4a.40.2", 2)


def test_other_boxes_are_passed_over() -> None:
    assert read_header(_box("ftyp", b"iso5") + _picture()) == Picture("avc1.64001e", 640, 360)


def test_the_first_of_two_tracks_counts() -> None:
    tracks = _track("avc1", _visual_entry()) + _track("mp4a", b"")

    assert read_header(_box("moov", tracks)) == Picture("avc1.64001e", 640, 360)


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (b"", "The header is cut, or a box is missing in it."),
        (b"\0\0\0\x08free", "The header is cut, or a box is missing in it."),
        (b"\0\0\0\x07moov", "A box at 0 has the size 7."),
        (b"\0\0\0\x09moov", "A box at 0 has the size 9."),
    ],
)
def test_what_is_no_header_is_not_understood(header: bytes, sentence: str) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        read_header(header)

    assert str(refusal.value) == sentence


def test_a_picture_of_another_codec_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match=r"The header is of vp09\."):
        read_header(_box("moov", _track("vp09", _visual_entry())))


def test_a_picture_without_its_configuration_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="a box is missing"):
        read_header(_box("moov", _track("avc1", bytes(78))))


def test_a_sound_other_than_aac_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="object type 0x6b, not AAC"):
        read_header(_sound(AAC_LC_STEREO, object_type=0x6B))


def test_a_sound_whose_descriptors_are_in_disorder_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="Descriptor 4 was found where 3 was expected"):
        read_header(_sound(AAC_LC_STEREO, first_tag=4))


@pytest.mark.parametrize("specific", ["00010 001", "00010 1111 0000000"])
def test_a_cut_configuration_of_a_sound_is_not_understood(specific: str) -> None:
    with pytest.raises(NotUnderstood, match="The configuration of the sound is cut"):
        read_header(_sound(specific))


def _picture(kind: str = "avc1", configuration: str = "01 64 00 1e ff") -> bytes:
    return _box("moov", _track(kind, _visual_entry(kind, configuration)))


def _sound(
    specific: str, *, object_type: int = 0x40, first_tag: int = 3, long: bool = False
) -> bytes:
    configuration = _descriptor(5, _pack(specific), long=long)
    decoder = _descriptor(4, bytes([object_type]) + bytes(12) + configuration, long=long)
    stream = _descriptor(first_tag, bytes(3) + decoder, long=long)
    return _box("moov", _track("mp4a", bytes(28) + _box("esds", bytes(4) + stream)))


def _visual_entry(kind: str = "avc1", configuration: str = "01 64 00 1e ff") -> bytes:
    size = (640).to_bytes(2) + (360).to_bytes(2)
    box = {"avc1": "avcC", "hvc1": "hvcC", "av01": "av1C"}[kind]
    return bytes(24) + size + bytes(78 - 28) + _box(box, bytes.fromhex(configuration))


def _track(kind: str, entry: bytes) -> bytes:
    return _track_of(_box("stsd", bytes(8) + _box(kind, entry)))


def _track_of(table: bytes) -> bytes:
    content = table
    for outer in ("stbl", "minf", "mdia", "trak"):
        content = _box(outer, content)
    return content


def _box(kind: str, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind.encode() + content


def _descriptor(tag: int, content: bytes, *, long: bool) -> bytes:
    padding = b"\x80\x80\x80" if long else b""
    return bytes([tag]) + padding + bytes([len(content)]) + content


def _pack(bits: str) -> bytes:
    """Pack a string of 0 and 1 into bytes, with zeros at the end."""
    digits = bits.replace(" ", "")
    digits += "0" * (-len(digits) % 8)
    return int(digits, 2).to_bytes(len(digits) // 8)
