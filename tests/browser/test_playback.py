"""A file goes in by the command line, and its URL plays in a browser."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support import processes, samples
from tests.support.processes import Server

PAGE = "<!doctype html><video id=video muted playsinline width=640></video>"

PLAY = """
([url, level]) => {
  const video = document.getElementById('video');
  const hls = new Hls({ startLevel: level });
  const failures = [];
  hls.on(Hls.Events.ERROR, (_, data) => failures.push(`${data.details}, fatal: ${data.fatal}`));

  const stuck = new Promise((_, reject) => setTimeout(() => {
    const ends = [...Array(video.buffered.length).keys()].map((i) => video.buffered.end(i));
    const place = `${video.currentTime} of ${video.duration}, buffered to ${ends}`;
    reject(`stuck at ${place}, state ${video.readyState}: ${failures}`);
  }, 30000));

  async function play() {
    const ended = new Promise((resolve) => video.addEventListener('ended', resolve));
    const parsed = new Promise((resolve) => hls.once(Hls.Events.MANIFEST_PARSED, resolve));
    hls.loadSource(url);
    hls.attachMedia(video);
    await parsed;
    hls.loadLevel = level;
    video.playbackRate = 4;
    await video.play();
    await ended;
    return {
      start: video.buffered.start(0),
      size: [video.videoWidth, video.videoHeight],
      ended: video.ended,
      levels: hls.levels.map((one) => [one.width, one.height]),
      sound: video.webkitAudioDecodedByteCount > 0,
    };
  }
  return Promise.race([play(), stuck]).finally(() => hls.destroy());
}
"""

LADDER = [[640, 360], [854, 480], [1280, 720], [1920, 1080]]

# Each with the sizes of its levels, and whether it has sound.
SOURCES: dict[str, tuple[Callable[[Path], Path], list[list[int]], bool]] = {
    "landscape": (partial(samples.make, size="1920x1080"), [*LADDER, [1920, 1080]], True),
    "portrait": (partial(samples.make, size="360x640"), [[360, 640], [360, 640]], True),
    "silent": (partial(samples.make, audio=False), [[640, 360], [640, 360]], False),
    "odd": (samples.RECIPES["odd_size_24fps.mp4"], [[640, 360], [854, 480]], True),
}


def upload(server: Server, file: Path) -> "subprocess.CompletedProcess[str]":
    values = {**server.environment, "HOME": str(file.parent)}
    return processes.run("upload", str(file), "--watch", **values)


async def play(browser: Browser, server: Server, player: Path, url: str, level: int) -> Any:
    """Play one level to its end, on a page of its own."""
    async with await browser.new_page() as page:
        await page.goto(f"{server.url}/health")
        await page.set_content(PAGE)
        await page.add_script_tag(path=player)
        return await page.evaluate(PLAY, [url, level])


@pytest.mark.parametrize("name", SOURCES)
async def test_every_level_of_an_uploaded_file_plays_to_its_end(
    browser: Browser, server: Server, player: Path, tmp_path: Path, name: str
) -> None:
    make, sizes, sound = SOURCES[name]
    ended = upload(server, make(tmp_path / f"{name}.mp4"))
    assert ended.returncode == 0, ended.stderr
    label, url = ended.stdout.splitlines()[-1].split()
    assert label == "Play"
    for level, size in enumerate(sizes):
        assert await play(browser, server, player, url, level) == {
            "start": 0,
            "size": size,
            "ended": True,
            "levels": sizes,
            "sound": sound,
        }
