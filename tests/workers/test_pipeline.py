"""From the upload of a real file to play sets that are all READY."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import uploading
from tests.support.api import Api
from tests.support.samples import make, sample
from tests.support.work import Work

SECONDS = 1


PLAY_SETS = """
query ($id: ID!) {
  uploadSession(id: $id) {
    status progressPercent error { code }
    video {
      title status width height
      playSets { resolution status width height frameRate }
    }
  }
}
"""
SAMPLES: dict[str, tuple[dict[str, Any], tuple[int, int], list[tuple[Any, ...]]]] = {
    "with sound": (
        {"size": "854x480", "rate": "30"},
        (854, 480),
        [("P360", 640, 360, 30), ("P480", 854, 480, 30), ("ORIGIN", 854, 480, 30)],
    ),
    "silent": (
        {"size": "640x360", "rate": "25", "audio": False},
        (640, 360),
        [("P360", 640, 360, 25), ("ORIGIN", 640, 360, 25)],
    ),
    "portrait": (
        {"size": "480x854", "rate": "30"},
        (480, 854),
        [("P360", 360, 640, 30), ("P480", 480, 854, 30), ("ORIGIN", 480, 854, 30)],
    ),
    "smaller than every rung": (
        {"size": "160x90", "rate": "30"},
        (160, 90),
        [("P360", 160, 90, 30), ("ORIGIN", 160, 90, 30)],
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
async def test_an_upload_becomes_a_video_with_all_its_play_sets(
    api: Api, work: Work, samples: Path, name: str
) -> None:
    recipe, (width, height), expected = SAMPLES[name]
    path = make(samples / f"short {name}.mp4", seconds=SECONDS, **recipe)
    await check_video(api, work, path, (width, height), expected)


async def test_an_odd_size_at_24_frames_becomes_even(api: Api, work: Work, samples: Path) -> None:
    """Its pixels are 4:4:4, so it cannot be offered as it is."""
    path = sample(samples, "odd_size_24fps.mp4")
    rungs = [("P360", 640, 360, 23.976), ("P480", 854, 480, 23.976)]
    await check_video(api, work, path, (855, 481), rungs)


async def check_video(
    api: Api, work: Work, path: Path, size: tuple[int, int], expected: list[tuple[Any, ...]]
) -> None:
    id = await uploading.send(api, path.read_bytes(), title=path.stem)
    await work()
    session = (await api.run(PLAY_SETS, id=id))["uploadSession"]
    video = session.pop("video")
    assert session == {"status": "COMPLETED", "progressPercent": 100.0, "error": None}
    assert (video["title"], video["status"]) == (path.stem, "PUBLISHED")
    assert (video["width"], video["height"]) == size
    play_sets = video["playSets"]
    assert {one["status"] for one in play_sets} == {"READY"}
    shown = ("resolution", "width", "height", "frameRate")
    assert [tuple(one[field] for field in shown) for one in play_sets] == expected
