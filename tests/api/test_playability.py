"""Whether a video can be played, why not, and what would help."""

from typing import Any

import psycopg
import pytest

from db.models import Video
from domain.playability import PLAYABLE, judge, judge_for_viewers
from domain.videos import Resolution, ShareState, VideoStatus
from resolvers.context import Services
from schema import ids
from schema.root import schema
from tests.support import factories
from tests.support.api import Api
from tests.support.playing import create, make_ready
from tests.support.statements import recorded

FIELDS = "playable reason fix mutation"
QUERY = f"""
query ($id: ID!) {{
  video(by: {{id: $id}}) {{
    playability {{ {FIELDS} }} viewerPlayability {{ {FIELDS} }} playback {{ hlsUrl }}
  }}
}}
"""


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)


async def asked(api: Api, video: Video) -> dict[str, Any]:
    return (await api.run(QUERY, id=ids.encode("Video", video.id)))["video"]


def reasons(found: dict[str, Any]) -> tuple[str | None, str | None, bool]:
    """For the owner, for viewers, and whether there are links."""
    mine, theirs = found["playability"], found["viewerPlayability"]
    assert mine["playable"] is (mine["reason"] is None) is (found["playback"] is not None)
    assert theirs["playable"] is (theirs["reason"] is None)
    for one in (mine, theirs):
        assert (one["mutation"] is None) is (one["fix"] is None)
        assert one["fix"] is None or f"`{one['mutation']}`" in one["fix"]
    return mine["reason"], theirs["reason"], found["playback"] is not None


@pytest.mark.parametrize(
    ("status", "reason", "mutation"),
    [
        ("initial", "NOT_UPLOADED", "completeUploadSession"),
        ("uploading", "NOT_UPLOADED", "completeUploadSession"),
        ("upload_failed", "FAILED", "transcodeVideo"),
        ("processing", "NOT_READY", None),
        ("published", "NOT_READY", "transcodeVideo"),
        ("banned", "BANNED", "setVideosBanned"),
        ("deleted", "DELETED", "restoreVideos"),
    ],
)
async def test_without_a_play_set_nothing_can_be_played(
    api: Api, video: Video, wiper: psycopg.Connection, status: str, reason: str, mutation: str
) -> None:
    wiper.execute("update video set status = %s", [status])
    found = await asked(api, video)
    assert reasons(found) == (reason, reason, False)
    assert found["playability"]["mutation"] == mutation
    assert found["viewerPlayability"] == found["playability"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("upload_failed", "FAILED"),
        ("processing", None),
        ("published", None),
        ("banned", "BANNED"),
        ("deleted", "DELETED"),
    ],
)
async def test_links_are_there_exactly_when_it_can_be_played(
    api: Api,
    services: Services,
    video: Video,
    wiper: psycopg.Connection,
    status: str,
    reason: str | None,
) -> None:
    await make_ready(services, video, Resolution.P360)
    wiper.execute("update video set status = %s, share_state = 'public'", [status])
    assert reasons(await asked(api, video)) == (reason, reason, reason is None)


@pytest.mark.parametrize(
    ("share_state", "auth_play", "reason"),
    [
        ("private", False, "PRIVATE"),
        ("password", False, "PASSWORD_REQUIRED"),
        ("public", False, None),
        ("private", True, "TOKEN_REQUIRED"),
        ("public", True, "TOKEN_REQUIRED"),
    ],
)
async def test_viewers_need_more_than_the_owner(
    api: Api,
    services: Services,
    video: Video,
    wiper: psycopg.Connection,
    share_state: str,
    *,
    auth_play: bool,
    reason: str | None,
) -> None:
    await make_ready(services, video, Resolution.P360)
    wiper.execute("update video set share_state = %s, auth_play = %s", [share_state, auth_play])
    assert reasons(await asked(api, video)) == (None, reason, True)


async def test_a_file_that_was_never_good_is_to_be_uploaded_anew(
    api: Api, video: Video, wiper: psycopg.Connection
) -> None:
    unread = "status = 'upload_failed', source = null, width = null, height = null"
    for lost in (unread, "content_id = null"):
        wiper.execute(f"update video set {lost}")
        found = await asked(api, video)
        assert found["playability"]["mutation"] == "createUploadSession"
        (error,) = (await create(api, ids.encode("Video", video.id)))["userErrors"]
        assert "`createUploadSession`" in error["message"]


async def test_a_page_of_videos_says_it_in_one_statement(
    api: Api, services: Services, owner: factories.Owner, video: Video
) -> None:
    await make_ready(services, video, Resolution.P360)
    await factories.video(services.db, owner.account)
    await api.run("{ viewer { id } }")  # from here on the key is known
    with recorded(services) as statements:
        found = await api.run("{ videos { nodes { playability { reason } } } }")
    shown = [one["playability"]["reason"] for one in found["videos"]["nodes"]]
    assert (shown.count(None), shown.count("NOT_READY"), len(statements)) == (1, 1, 1)


def test_the_mutations_that_would_help_are_there() -> None:
    owners = [
        judge(status, has_ready=ready, has_file=file)
        for status in VideoStatus
        for ready in (False, True)
        for file in (False, True)
    ]
    viewers = [
        judge_for_viewers(PLAYABLE, share_state=state, auth_play=needed)
        for state in ShareState
        for needed in (False, True)
    ]
    named = {one.mutation for one in (*owners, *viewers)} - {None}
    assert len(named) == 7
    assert [one for one in named if f"  {one}(" not in schema.as_str()] == []
