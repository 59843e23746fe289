"""`reelgraph upload` as a process of its own."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from server.client.connection import open_http
from tests.support import factories, processes
from tests.support.work import Work


@pytest.fixture
def environment(base_url: str, owner: factories.Owner, tmp_path: Path) -> dict[str, str]:
    return processes.environment(
        REELGRAPH_URL=base_url,
        REELGRAPH_API_KEY=owner.api_key,
        XDG_STATE_HOME=str(tmp_path / "state"),
    )


async def _start(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    # Whoever started us in the background may have us ignore Ctrl-C, and so our children.
    return await asyncio.create_subprocess_exec(
        *("env", "--default-signal=INT"),
        *processes.command("upload", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _end(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def _read_until(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stderr is not None
    while text not in (line := (await process.stderr.readline()).decode()):
        assert line, f"the command ended without saying {text!r}"


async def test_ctrl_c_ends_the_command_and_the_same_command_resumes(
    environment: dict[str, str], work: Work, film: Path
) -> None:
    first = await _start(environment, str(film), "--watch")
    await _read_until(first, "check verifying")
    first.send_signal(signal.SIGINT)
    assert await _end(first) == (
        130,
        "",
        "Interrupted. Run the same command again to resume.\n",
    )
    second = await _start(environment, str(film), "--watch")
    await _read_until(second, "Resuming the upload of 'film': 0 chunks left.")
    await work()
    code, out, _ = await _end(second)
    assert code == 0
    video, play = out.splitlines()
    assert video.startswith("Video  film  ")
    kind, url = play.split(maxsplit=1)
    assert kind == "Play"
    async with open_http() as http:
        assert (await http.get(url)).status_code == httpx.codes.OK


async def test_a_failed_file_does_not_keep_the_next_from_being_sent(
    environment: dict[str, str], work: Work, film: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.mp4"
    process = await _start(environment, str(missing), str(film), "--title", "Two\nlines")
    await _read_until(process, f"{missing}: There is no such file.")
    await _read_until(process, "check verifying")
    await work()
    code, out, _ = await _end(process)
    assert code == 1
    assert out.startswith("Video  Two lines  ")
    assert out.endswith("/master.m3u8\n")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("REELGRAPH_API_KEY", "rg_wrong", "{film}: {url} does not accept the API key. Set"),
        ("REELGRAPH_API_KEY", "ключ", "{film}: {url} does not accept the API key. Set"),
        ("REELGRAPH_URL", "http://127.0.0.1:1", "{film}: Cannot reach http://127.0.0.1:1 ("),
        ("REELGRAPH_URL", "somewhere", "reelgraph: REELGRAPH_URL"),
    ],
)
async def test_a_wrong_setting_is_named(
    environment: dict[str, str], film: Path, name: str, value: str, message: str
) -> None:
    process = await _start({**environment, name: value}, str(film))
    code, out, err = await _end(process)
    assert (code, out) == (1, "")
    assert err.startswith(message.format(film=film, url=environment["REELGRAPH_URL"]))
    assert name in err
    assert err.count("\n") == 1
