"""Where the uploader runs, and where its chunks go."""

import asyncio
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext

from tests.browser.uploader import outcomes
from tests.browser.uploader.conftest import OpenPage
from tests.support import processes, s3
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.s3 import S3Server
from tests.support.work import Work

NODE = """
import { openAsBlob } from 'node:fs';
const [dist, path, url, apiKey] = process.argv.slice(1);
const { Upload } = await import(dist);
const options = { endpoint: `${url}/graphql`, apiKey, title: 'From Node', chunkSize: 65536 };
const upload = new Upload(await openAsBlob(path), options);
upload.on('state', ({ state }) => state === 'verifying' && console.log(state));
console.log(JSON.stringify(await upload.start()));
"""


def on_bucket(bucket: S3Server) -> dict[str, str]:
    """Settings of a server whose files are there."""
    return {
        "REELGRAPH_STORAGE_URL": f"s3://{s3.BUCKET}",
        "REELGRAPH_S3_ENDPOINT": bucket.endpoint,
        "REELGRAPH_S3_ACCESS_KEY": s3.CREDENTIALS.access_key,
        "REELGRAPH_S3_SECRET_KEY": s3.CREDENTIALS.secret_key,
    }


def key_of(server: Server) -> str:
    return (server.data_dir / "api-key").read_text().strip()


async def test_a_page_of_another_origin_can_upload(
    open_page: OpenPage,
    context: BrowserContext,
    base_url: str,
    wishes: dict[str, Any],
    video: Path,
) -> None:
    await context.grant_permissions(["local-network-access"])
    page = await open_page(base_url.replace("127.0.0.1", "localhost"))
    await page.begin(video, **wishes, endpoint=f"{base_url}/graphql")
    await page.reached("verifying")
    assert {url.partition("/uploads")[0] for url in page.puts} == {base_url}


async def test_chunks_go_straight_to_a_bucket(
    open_page: OpenPage, context: BrowserContext, video: Path, tmp_path: Path
) -> None:
    part = 5 << 20
    file = tmp_path / "large.mp4"
    filling = os.urandom(2 * part)  # in a box that players skip
    file.write_bytes(video.read_bytes() + (len(filling) + 8).to_bytes(4) + b"free" + filling)
    with s3.rclone(tmp_path) as bucket, processes.server(**on_bucket(bucket)) as server:
        server.start()
        await context.grant_permissions(["local-network-access"])
        page = await open_page(server.url)
        await page.page.route(f"{bucket.endpoint}/**", lambda route: route.abort(), times=1)
        await page.begin(file, apiKey=key_of(server), chunkSize=part)
        result = await page.ended()
        assert len(page.puts) == 4
        assert all(url.startswith(f"{bucket.endpoint}/{s3.BUCKET}/") for url in page.puts)
        async with server.api() as api:
            found = await outcomes.video(api, result["videoId"])
        assert found["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


async def test_a_page_that_forbids_workers_can_upload(
    open_page: OpenPage, wishes: dict[str, Any], video: Path
) -> None:
    page = await open_page(**{"Content-Security-Policy": "worker-src 'none'"})
    await page.begin(video, **wishes)
    await page.reached("verifying")


async def test_node_can_upload(
    dist: Path, api: Api, base_url: str, verify: Work, video: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "--eval", NODE),
        *(str(dist / "index.js"), str(video), base_url, str(api.api_key)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"verifying\n"
    await verify()
    rest, _ = await process.communicate()
    assert process.returncode == 0
    found = await outcomes.video(api, json.loads(rest)["videoId"])
    assert found["title"] == "From Node"


def test_the_parts_work_alone(dist: Path) -> None:
    """The tests of `web/uploader/test`, by Node's own runner."""
    files = sorted((dist / "test").glob("*.test.js"))
    command = ["node", "--test", *files]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
