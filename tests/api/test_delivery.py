"""Files of a video, handed out to whoever has a link."""

import re
from pathlib import Path

import pytest

from db.models import Video
from domain.playback import content_type
from resolvers.context import Services
from server.settings import Settings
from storage import keys
from tests.support import factories, uploading
from tests.support.api import Api
from tests.support.playing import code, link

BYTES = b"0123456789"
FILE = f"{'0a' * 16}/1/"
"""Where a task's output lies below its video."""


async def store(services: Services, video: Video, path: str, folder: Path) -> None:
    assert video.content_id is not None
    (folder / "draft").write_bytes(BYTES)
    key = keys.media(video.content_id) + path
    await services.store.put_file(key, folder / "draft", content_type(path))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("360P.m3u8", "application/vnd.apple.mpegurl"),
        ("360P.mp4", "video/mp4"),
        ("poster.jpg", "image/jpeg"),
        ("storyboard.vtt", "text/vtt; charset=utf-8"),
    ],
)
async def test_a_file_is_handed_out_with_its_type_for_as_long_as_the_link_holds(
    api: Api, services: Services, video: Video, tmp_path: Path, *, name: str, kind: str
) -> None:
    await store(services, video, FILE + name, tmp_path)
    answer = await api.http.get(link(api, services, video, FILE + name))
    assert (answer.status_code, answer.content) == (200, BYTES)
    assert answer.headers["content-type"] == kind
    kept = re.fullmatch(r"private, max-age=(\d+), immutable", answer.headers["cache-control"])
    assert kept is not None
    assert 90 <= int(kept[1]) <= 100


async def test_players_may_seek_ask_again_and_come_from_other_sites(
    api: Api, services: Services, video: Video, tmp_path: Path
) -> None:
    await store(services, video, f"{FILE}360P.mp4", tmp_path)
    url = link(api, services, video, f"{FILE}360P.mp4")
    origin = {"origin": "https://player.example"}
    part = await api.http.get(url, headers={"range": "bytes=2-4", **origin})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert part.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in part.headers["access-control-expose-headers"]
    beyond = await api.http.get(url, headers={"range": "bytes=10-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */10")
    head = await api.http.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    known = await api.http.get(url, headers={"if-none-match": part.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_file_that_is_not_there_is_404(
    api: Api, services: Services, video: Video, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (f"{FILE}360P.mp4", f"{'1b' * 16}/1/360P.m3u8"):
        answer = await api.http.get(link(api, services, video, path))
        assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")
    assert caplog.records == []


async def test_a_link_that_ended_or_was_altered_opens_nothing(
    api: Api, services: Services, video: Video, tmp_path: Path
) -> None:
    path = f"{FILE}360P.mp4"
    await store(services, video, path, tmp_path)
    ended = await api.http.get(link(api, services, video, path, seconds=0))
    assert (ended.status_code, code(ended)) == (403, "LINK_EXPIRED")
    assert ended.headers["cache-control"] == "no-store"
    good = link(api, services, video, path)
    assert (await api.http.get(good)).status_code == 200
    token = good.split("/")[4]
    purpose = (await uploading.urls(api, (await uploading.begin(api, b"x"))["id"], 1))[0]
    altered = ["B" + token[1:], token[:-1], token + "A", token + "=", "x"]
    for other in [*altered, token.swapcase(), purpose.split("/")[-2]]:
        answer = await api.http.get(good.replace(token, other))
        assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


ESCAPES = [
    "../secret.mp4",
    "../../secret.mp4",
    "..%2f..%2fsecret.mp4",
    "%2e%2e/%2e%2e/secret.mp4",
    "..%252f..%252fsecret.mp4",
    f"{FILE}../../../../secret.mp4",
    f"{FILE}..%2f..%2f..%2f..%2fsecret.mp4",
    f"{FILE}..\\..\\secret.mp4",
    f"{FILE}x.mp4%00.jpg",
    f"{FILE}x.txt",
    f"{FILE}.mp4",
    f"{FILE}",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    f"{FILE[:-2]}0/x.mp4",
    f"{FILE.upper()}x.mp4",
    "",
]


async def test_a_path_never_leaves_the_video(
    api: Api, services: Services, settings: Settings, video: Video
) -> None:
    objects = settings.data_dir / "storage" / "objects"
    for folder in (objects, objects / "videos"):
        folder.mkdir(exist_ok=True)
        (folder / "secret.mp4").write_bytes(BYTES)
    start = link(api, services, video, "").removeprefix(api.base_url)
    for path in ESCAPES:
        request = api.http.build_request("GET", "/")
        request.extensions["target"] = (start + path).encode()  # as it is, not made canonical
        answer = await api.http.send(request)
        assert (answer.status_code, code(answer)) == (403, "LINK_INVALID"), path


async def test_a_link_opens_files_of_its_own_video_only(
    api: Api, services: Services, owner: factories.Owner, video: Video, tmp_path: Path
) -> None:
    other = await factories.video(services.db, owner.account)
    await store(services, other, f"{FILE}360P.mp4", tmp_path)
    assert (await api.http.get(link(api, services, other, f"{FILE}360P.mp4"))).content == BYTES
    answer = await api.http.get(link(api, services, video, f"{FILE}360P.mp4"))
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")
