"""What decoded frames hold, as bytes."""

from array import array

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
