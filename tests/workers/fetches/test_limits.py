"""Files that are too large for the account or the disk are not fetched."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from db.models import UploadSession
from domain.fetches import MAX_RETRIES
from domain.uploads import UploadLimits
from jobs.workspace import Workspace
from tests.support import fetching
from tests.support.fetch_house import House
from tests.support.site import Page, Site


async def test_a_file_above_the_quota_is_not_fetched(house: House, site: Site, clip: bytes) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip)))
    await house.work(replace(house.tools, limits=UploadLimits(storage_quota=len(clip) - 1)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_above_the_limit_is_not_fetched(
    house: House, site: Site, clip: bytes, *, length: bool
) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip, length=length)))
    await house.work(replace(house.tools, limits=UploadLimits(file_size=10_000)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "LIMIT_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


async def test_a_server_that_lies_about_the_size_does_not_keep_the_others(
    house: House, site: Site, clip: bytes
) -> None:
    size = shutil.disk_usage(house.tools.workspace.root).free + (64 << 30)
    lying = Page(clip, length=False, headers={"Content-Length": str(size)})
    id = await fetching.begin(house.api, site.add("/a", lying), site.add("/b", Page(clip)))
    for _ in range(MAX_RETRIES + 1):
        await house.work()
        await house.hurry()
    found = await fetching.state(house.api, id)
    first, second = found["items"]["nodes"]
    assert (first["status"], first["error"]["code"]) == ("FAILED", "STORAGE_FULL")
    assert (first["failures"], len(site.ranges("/a"))) == (MAX_RETRIES, MAX_RETRIES + 1)
    assert (found["status"], second["status"]) == ("PARTIAL", "SUCCEEDED")


async def test_a_file_of_unknown_size_takes_no_more_than_the_quota(
    house: House, site: Site
) -> None:
    """Its server keeps the end to itself: nobody waits for that."""
    page = Page(bytes(20 << 20), length=False, gate=asyncio.Event())
    id = await fetching.begin(house.api, site.add("/a", page))
    await house.work(replace(house.tools, limits=UploadLimits(storage_quota=1 << 20)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


async def test_a_file_of_unknown_size_leaves_others_room_on_the_disk(
    house: House, site: Site, clip: bytes, tmp_path: Path
) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip, length=False)))
    full = Workspace(tmp_path, reserve=1 << 60)
    await house.work(replace(house.tools, workspace=full))
    full.close()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"], row["failures"]) == ("QUEUED", "STORAGE_FULL", 1)
    await house.hurry()
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]) == ("SUCCEEDED", None)
