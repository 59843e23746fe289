"""What is in files and frames, decoded."""

import io
from array import array
from pathlib import Path

import av
from av.audio import AudioFrame
from av.video import VideoFrame


def luma(frame: VideoFrame) -> list[bytes]:
    """The brightness of a frame of 8 bits as coded, 16 for black: a row of bytes for each line."""
    plane = frame.planes[0]
    raw, step = bytes(plane), plane.line_size
    return [raw[at : at + frame.width] for at in range(0, step * frame.height, step)]


def sound(frame: AudioFrame) -> list[float]:
    """The first channel of a frame of planar floats."""
    return array("f", bytes(frame.planes[0])).tolist()[: frame.samples]


def times(file: Path) -> list[float]:
    """When each picture is shown, in seconds."""
    with av.open(file, "r") as opened:
        return [frame.time for frame in opened.decode(video=0)]


def keyframes(file: Path) -> list[float]:
    """When each keyframe is shown, in seconds."""
    with av.open(file, "r") as opened:
        return [
            float(packet.pts * packet.time_base)
            for packet in opened.demux(video=0)
            if packet.is_keyframe and packet.pts is not None
        ]


def frames(content: bytes) -> int:
    """How many pictures can be decoded."""
    with av.open(io.BytesIO(content), "r") as opened:
        return sum(1 for _ in opened.decode(video=0))


def image_size(file: Path) -> tuple[int, int]:
    """Width and height of the first picture."""
    with av.open(file, "r") as opened:
        frame = next(opened.decode(video=0))
        return frame.width, frame.height
