"""The clients of tus that people use, in a browser, on a page of another site."""

import hashlib
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import missing
from tests.support import samples
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.waiting import until

CLIENT = Path("web/node_modules/tus-js-client/dist/tus.min.js")
BUNDLER = Path("web/node_modules/.bin/esbuild")
UPPY = """
export { default as Uppy } from '@uppy/core'
export { default as Tus } from '@uppy/tus'
"""

PAGE = "<!doctype html><input type=file>"

SEND = """
([endpoint, key, options]) => new Promise((resolve, reject) => {
  const [file] = document.querySelector('input').files;
  let session;
  const upload = new tus.Upload(file, {
    endpoint,
    headers: { Authorization: `Bearer ${key}` },
    metadata: { filename: file.name, filetype: file.type },
    onAfterResponse: (_, response) => { session = response.getHeader('Upload-Session'); },
    onSuccess: () => resolve({ session, url: upload.url }),
    onError: reject,
    ...options,
  });
  upload.start();
})
"""

# The first part in one go, and the rest as after a reload: by what the browser remembers.
RESUME = """
([endpoint, key]) => new Promise((resolve, reject) => {
  const [file] = document.querySelector('input').files;
  const sent = [];
  let session;
  const options = {
    endpoint,
    headers: { Authorization: `Bearer ${key}` },
    metadata: { filename: file.name },
    chunkSize: 100000,
    onAfterResponse: (request, response) => {
      sent.push(request.getMethod());
      session = response.getHeader('Upload-Session');
    },
    onError: reject,
  };

  async function goOn() {
    await first.abort();
    const second = new tus.Upload(file, {
      ...options,
      onSuccess: () => resolve({ session, sent, url: second.url, begun: first.url }),
    });
    const [previous] = await second.findPreviousUploads();
    second.resumeFromPreviousUpload(previous);
    second.start();
  }

  const first = new tus.Upload(file, { ...options, onChunkComplete: goOn });
  first.start();
})
"""

SEND_BY_UPPY = """
async ([endpoint, key]) => {
  const [file] = document.querySelector('input').files;
  const uppy = new bundle.Uppy().use(bundle.Tus, {
    endpoint,
    headers: { Authorization: `Bearer ${key}` },
    chunkSize: 200000,
  });
  let session;
  uppy.getPlugin('Tus').setOptions({
    onAfterResponse: (_, response) => { session = response.getHeader('Upload-Session'); },
  });
  uppy.addFile({ name: file.name, type: file.type, data: file, meta: { title: 'By Uppy' } });
  const { failed } = await uppy.upload();
  return { session, failed: failed.map((one) => one.error) };
}
"""

FOUND = """
query ($id: ID!) {
  uploadSession(id: $id) { status title fileName sha256 video { title } }
}
"""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.make(tmp_path_factory.mktemp("tus") / "a film 🎬.mp4", seconds=3)


@pytest.fixture(scope="session")
def uppy(root: Path) -> str:
    bundler = root / BUNDLER
    if not bundler.exists():
        missing(f"{BUNDLER} is not there: run npm ci --prefix web")
    command = [str(bundler), "--bundle", "--format=iife", "--global-name=bundle"]
    made = subprocess.run(
        command, cwd=root / "web", input=UPPY, capture_output=True, text=True, check=True
    )
    return made.stdout


@pytest.fixture
async def page(browser: Browser, server: Server, video: Path, root: Path) -> AsyncIterator[Page]:
    """A page of another origin than the server's, with a file that its user chose."""
    if not (root / CLIENT).exists():
        missing(f"{CLIENT} is not there: run npm ci --prefix web")
    async with await browser.new_page() as page:
        await page.goto(f"http://localhost:{server.port}/health")
        await page.set_content(PAGE)
        await page.set_input_files("input", video)
        await page.add_script_tag(path=root / CLIENT)
        yield page


async def check(api: Api, id: str, video: Path, *, title: str) -> None:
    """The file arrived whole, and is a video."""

    async def completed() -> dict[str, Any]:
        found = (await api.run(FOUND, id=id))["uploadSession"]
        assert found["status"] in {"VERIFYING", "COMPLETED"}
        return found if found["status"] == "COMPLETED" else {}

    assert await until(completed) == {
        "status": "COMPLETED",
        "title": title,
        "fileName": video.name,
        "sha256": hashlib.sha256(video.read_bytes()).hexdigest(),
        "video": {"title": title},
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunkSize": 100_000},
        {"uploadDataDuringCreation": True, "chunkSize": 100_000},
        {"parallelUploads": 4},
        {"overridePatchMethod": True},
    ],
)
async def test_tus_js_client_uploads_a_video(
    page: Page, server: Server, video: Path, options: dict[str, Any]
) -> None:
    async with server.api() as api:
        sent = await page.evaluate(SEND, [f"{server.url}/tus", api.api_key, options])
        assert sent["url"].startswith(f"{server.url}/tus/")
        await check(api, sent["session"], video, title=video.name)


async def test_tus_js_client_resumes(page: Page, server: Server, video: Path) -> None:
    async with server.api() as api:
        sent = await page.evaluate(RESUME, [f"{server.url}/tus", api.api_key])
        assert sent["url"] == sent["begun"]
        assert sent["sent"][:3] == ["POST", "PATCH", "HEAD"]
        assert "POST" not in sent["sent"][3:]
        await check(api, sent["session"], video, title=video.name)


async def test_uppy_uploads_a_video(page: Page, server: Server, video: Path, uppy: str) -> None:
    await page.add_script_tag(content=uppy)
    async with server.api() as api:
        sent = await page.evaluate(SEND_BY_UPPY, [f"{server.url}/tus", api.api_key])
        assert sent["failed"] == []
        await check(api, sent["session"], video, title="By Uppy")
