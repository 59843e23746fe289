"""What the upload client makes of the end of an upload."""

import argparse
import io
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.client import progress, sources
from server.client.errors import Ended
from server.client.uploads import Playable, Upload, Wishes
from server.commands import upload as command
from tests.support.clients import api_of, stream

VIDEO = {"title": "A", "vid": "b", "statusReason": None, "playback": {"hlsUrl": "http://c"}}
LOST = {"title": "A", "vid": "b", "statusReason": "The encoder failed.", "playback": None}


def _play_set(resolution: str, status: str, error: str | None = None) -> dict[str, Any]:
    task = {"error": error and {"code": "TRANSCODE_FAILED", "message": error}}
    return {"resolution": resolution, "status": status, "progress": 0.0, "task": task}


async def _played(film: Path, video: dict[str, Any] | None, *, watch: bool) -> Playable:
    """What an upload makes of a video with two play sets, one of which failed."""
    begin = [_play_set("P360", "INITIAL"), _play_set("ORIGIN", "INITIAL")]
    first = [_play_set("P360", "READY"), _play_set("ORIGIN", "TRANSCODING")]
    end = [_play_set("P360", "READY"), _play_set("ORIGIN", "TRANSCODE_FAILED", "No room.")]
    states = [{"data": {"playSets": state}} for state in (begin, first, end)]

    def handle(request: httpx.Request) -> httpx.Response:
        if request.headers["Accept"] == "text/event-stream":
            return stream(*states)
        return httpx.Response(200, json={"data": {"video": video}})

    wishes = Wishes(title=None, description=None, parallel=1, chunk_size=None, watch=watch)
    with sources.opened(film) as source:
        display = progress.Lines("a.mp4", io.StringIO())
        upload = Upload(api_of(handle), source, wishes, folder=film.parent, display=display)
        return await upload._played("id")


async def test_the_first_play_set_is_enough(film: Path) -> None:
    assert await _played(film, VIDEO, watch=False) == Playable("A", "b", "http://c", [])


async def test_a_play_set_that_could_not_be_made_is_told(film: Path) -> None:
    failure = "Origin could not be made: No room. (TRANSCODE_FAILED)"
    assert await _played(film, VIDEO, watch=True) == Playable("A", "b", "http://c", [failure])


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (LOST, "Nothing of the video can be played: The encoder failed."),
        (None, "The video was deleted. Run the command again to upload the file anew."),
    ],
)
async def test_a_video_that_does_not_play_is_a_failure(
    film: Path, video: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(Ended) as raised:
        await _played(film, video, watch=True)
    assert str(raised.value) == message


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], value: str
) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["a.mp4", f"--parallel={value}"])
    assert capsys.readouterr().err.endswith(
        f"argument --parallel: '{value}' is not a whole number above 0\n"
    )
