"""Pieces of a file that are sent apart by tus, and put together."""

import asyncio
from dataclasses import replace

from domain.uploads import UploadLimits
from resolvers.context import Services
from server.app import create_app
from tests.support import factories, tus
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.work import Work


async def test_pieces_become_one_upload(api: Api, services: Services, work: Work) -> None:
    cuts = ((0, 100_000), (100_000, 100_001), (100_001, len(tus.DATA)))
    urls = [await tus.begin(api, end - start, tus.PARTIAL) for start, end in cuts]
    for url, (start, end) in zip(urls, cuts, strict=True):
        assert (await tus.patch(api, url, 0, tus.DATA[start:end])).status_code == 204
        piece = await tus.head(api, url)
        assert piece.headers["Upload-Concat"] == "partial"
        assert piece.headers["Upload-Offset"] == str(end - start)
    assert (await tus.row(services, urls[0])).title == "Part"
    paths = [urls[0], *(url.removeprefix(api.base_url) for url in urls[1:])]
    answer = await tus.concatenate(
        api, *paths, more=tus.metadata(sha256=tus.SHA256, purpose="OBJECT")
    )
    assert (answer.status_code, "Upload-Offset" in answer.headers) == (201, False)
    whole = answer.headers["Location"]
    before = await tus.head(api, whole)
    assert (before.status_code, before.headers["Upload-Length"]) == (200, str(len(tus.DATA)))
    assert "Upload-Offset" not in before.headers
    kind, _, named = before.headers["Upload-Concat"].partition(";")
    assert kind == "final"
    pieces = [(await tus.row(services, url)).id for url in urls]
    assert [(await tus.row(services, url)).id for url in named.split()] == pieces
    refused = await tus.patch(api, whole, 0, b"")
    assert (refused.status_code, refused.json()["code"]) == (403, "INVALID_ARGUMENT")
    await work()
    assert await tus.content(services, whole) == tus.DATA
    assert (await tus.head(api, whole)).headers["Upload-Offset"] == str(len(tus.DATA))
    assert (await tus.head(api, urls[0])).headers["Upload-Offset"] == "100000"


async def test_only_whole_pieces_of_ones_own_are_put_together(api: Api, stranger: Api) -> None:
    whole = await tus.begin(api, 1, tus.PARTIAL)
    await tus.patch(api, whole, 0, b"a")
    unfinished = await tus.begin(api, 2, tus.PARTIAL)
    gone = await tus.begin(api, 2, tus.PARTIAL)
    await tus.delete(api, gone)
    theirs = await tus.begin(stranger, 1, tus.PARTIAL)
    await tus.patch(stranger, theirs, 0, b"a")
    no_piece = await tus.begin(api, 1)
    for other, status, code in (
        (unfinished, 400, "CHUNK_MISSING"),
        (gone, 410, "SESSION_CLOSED"),
        (theirs, 404, "NOT_FOUND"),
        (no_piece, 404, "NOT_FOUND"),
    ):
        answer = await tus.concatenate(api, whole, other)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await tus.offset(api, whole) == 1
    answer = await tus.concatenate(stranger, theirs)
    assert answer.status_code == 201


async def test_pieces_are_put_together_once(api: Api, services: Services, work: Work) -> None:
    """Also when the answer was lost, and the client asks again."""
    urls = [await tus.begin(api, 1, tus.PARTIAL) for _ in range(3)]
    for url in urls:
        assert (await tus.patch(api, url, 0, b"a")).status_code == 204
    answers = await asyncio.gather(*(tus.concatenate(api, *urls) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {one.headers["Upload-Session"] for one in answers if one.status_code == 201}
    again = await tus.concatenate(api, *urls)
    assert {again.headers["Upload-Session"]} == made
    assert (await tus.concatenate(api, *reversed(urls))).status_code == 409
    assert (await tus.delete(api, urls[0])).status_code == 409
    await work()
    assert await tus.content(services, again.headers["Location"]) == b"aaa"
    late = await tus.concatenate(api, *urls)
    assert (late.status_code, {late.headers["Upload-Session"]}) == (201, made)


async def test_pieces_count_once_in_the_quota(services: Services, owner: factories.Owner) -> None:
    app = create_app(replace(services, limits=UploadLimits(storage_quota=10)))
    async with serving(app) as base, Api(base, owner.api_key) as api:
        urls = [await tus.begin(api, 4, tus.PARTIAL) for _ in range(2)]
        for url in urls:
            await tus.patch(api, url, 0, b"abcd")
        assert (await tus.concatenate(api, *urls)).status_code == 201
        assert (await tus.create(api, 3)).status_code == 413
        assert (await tus.create(api, 2)).status_code == 201
