"""Instant upload: for who has the file, and for nobody else."""

import asyncio
import logging
import os
import statistics
import time
from typing import Any

import pytest

from jobs import queue, worker
from jobs.runs import Tools
from jobs.worker import Lane
from server.settings import Settings
from tests.support import uploading
from tests.support.api import Api, OperationFailed
from tests.support.possession import CHECK, answer, check, proof, take_over
from tests.support.work import Work

REFUSED = {
    "video": None,
    "userErrors": [
        {
            "__typename": "GenericError",
            "code": "POSSESSION_NOT_PROVEN",
            "message": "The file could not be taken over. Upload it.",
            "path": ["proof"],
        }
    ],
}
VIDEO = """
query ($id: ID!) {
  node(id: $id) {
    ... on Video {
      status playSets { status } playback { hlsUrl } tasks { nodes { status attempt worker } }
    }
  }
}
"""
PIECE = 64 * 1024


@pytest.fixture
async def known(api: Api, work: Work, small_film: bytes) -> str:
    """Another account's finished video of the same bytes; its id."""
    id = await uploading.send(api, small_film)
    await work()
    return (await uploading.session(api, id))["video"]["id"]


async def shown(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=id))["node"]


async def renditions(api: Api, id: str) -> list[str]:
    """The files that the video's master playlist names."""
    playback = (await api.run(VIDEO, id=id))["node"]["playback"]
    lines = (await api.http.get(playback["hlsUrl"])).text.splitlines()
    return [line for line in lines if line and not line.startswith("#")]


async def test_a_known_file_becomes_a_video_of_who_has_it_at_once(
    api: Api, stranger: Api, known: str, small_film: bytes
) -> None:
    payload = await take_over(stranger, small_film, title="Mine too")

    assert payload["userErrors"] == []
    made = payload["video"]
    assert (made["status"], made["title"]) == ("PUBLISHED", "Mine too")
    assert (made["sha256"], made["width"]) == (uploading.sha256(small_film), 640)
    assert [one["status"] for one in made["playSets"]] == ["READY", "READY"]
    assert (await stranger.http.get(made["playback"]["coverUrl"])).status_code == 200
    for task in (await shown(stranger, made["id"]))["tasks"]["nodes"]:
        assert task == {"status": "SUCCEEDED", "attempt": 0, "worker": None}
    assert await renditions(stranger, made["id"]) == await renditions(api, known)


async def test_what_is_still_being_made_is_made_once_for_both(
    api: Api, stranger: Api, tools: Tools, work: Work, small_film: bytes
) -> None:
    id = await uploading.send(api, small_film)
    await worker.work_until_empty(tools, [Lane([queue.INTAKE], 1)])
    first = (await uploading.session(api, id))["video"]
    assert first["status"] == "PROCESSING"

    payload = await take_over(stranger, small_film)
    assert (payload["video"]["status"], payload["video"]["playback"]) == ("PROCESSING", None)
    await work()

    second = await shown(stranger, payload["video"]["id"])
    assert second["status"] == "PUBLISHED"
    assert second["playSets"] == [{"status": "READY"}, {"status": "READY"}]
    assert await renditions(stranger, payload["video"]["id"]) == await renditions(api, first["id"])


async def test_nothing_is_said_of_another_accounts_file(
    stranger: Api, known: str, small_film: bytes
) -> None:
    del known
    found, unknown = (
        await check(stranger, small_film),
        await check(stranger, os.urandom(len(small_film))),
    )
    for one in (found, unknown):
        challenge = one.pop("challenge")
        assert one == {"video": None, "resumable": None, "suggestedChunkSize": 8 << 20}
        assert challenge["ranges"] == [{"start": 0, "end": len(small_film)}]
        assert len(challenge["token"]) == 144


async def test_a_stranger_learns_nothing_from_the_time_of_a_refusal(
    stranger: Api, known: str, small_film: bytes
) -> None:
    del known
    other = os.urandom(len(small_film))

    async def refused_after(data: bytes) -> float:
        challenge = (await check(stranger, data))["challenge"]
        began = time.perf_counter()
        assert await answer(stranger, challenge, "0" * 64) == REFUSED
        return time.perf_counter() - began

    async def median(data: bytes) -> float:
        return statistics.median([await refused_after(data) for _ in range(5)])

    a_known, an_unknown = await median(small_film), await median(other)
    assert min(a_known, an_unknown) >= 0.25
    assert abs(a_known - an_unknown) < 0.05  # a twentieth of what reading the pieces may take


async def test_ones_own_video_is_found_without_a_proof(
    api: Api, known: str, small_film: bytes
) -> None:
    assert (await check(api, small_film))["video"] == {"id": known}


async def test_ones_own_open_session_is_found_to_be_resumed(api: Api, stranger: Api) -> None:
    data = os.urandom(150_000)
    begun = await uploading.begin(api, data, chunkSize=65_536)
    await uploading.put(api, begun["id"], 2, data[65_536 : 2 * 65_536])
    assert (await check(api, data))["resumable"] == {"id": begun["id"], "missingChunks": [1, 3]}
    assert (await check(stranger, data))["resumable"] is None


@pytest.mark.parametrize("wrong", ["0" * 64, "nonce"])
async def test_a_wrong_proof_is_refused_and_logged(
    stranger: Api, known: str, small_film: bytes, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    del known
    challenge = (await check(stranger, small_film))["challenge"]
    if wrong == "nonce":  # the right bytes under another challenge's nonce
        wrong = proof((await check(stranger, small_film))["challenge"], small_film)
    with caplog.at_level(logging.WARNING, "resolvers.instant"):
        assert await answer(stranger, challenge, wrong) == REFUSED
    assert "could not show a file" in caplog.text
    right = proof(challenge, small_film)
    assert await answer(stranger, challenge, right) == REFUSED  # it was answered once


async def test_a_challenge_is_good_for_one_answer(
    stranger: Api, known: str, small_film: bytes
) -> None:
    del known
    challenge = (await check(stranger, small_film))["challenge"]
    right = proof(challenge, small_film)
    answers = await asyncio.gather(*(answer(stranger, challenge, right) for _ in range(5)))
    assert [one["video"] is not None for one in answers].count(True) == 1


async def test_a_challenge_is_good_for_one_account(
    api: Api, stranger: Api, known: str, small_film: bytes
) -> None:
    del known
    challenge = (await check(api, small_film))["challenge"]
    assert await answer(stranger, challenge, proof(challenge, small_film)) == REFUSED


async def test_a_challenge_that_was_altered_is_refused(stranger: Api, small_film: bytes) -> None:
    challenge = (await check(stranger, small_film))["challenge"]
    token = challenge["token"]
    altered = {**challenge, "token": ("B" if token[0] == "A" else "A") + token[1:]}
    assert await answer(stranger, altered, proof(challenge, small_film)) == REFUSED


async def test_pieces_of_a_large_file_are_many_and_cannot_be_foreseen(stranger: Api) -> None:
    size = 64 << 20
    values = {"sha256": "a" * 64, "size": size}
    first, second = [
        (await stranger.run(CHECK, **values))["checkUpload"]["challenge"]["ranges"]
        for _ in range(2)
    ]
    assert len(first) == 16
    assert {one["end"] - one["start"] for one in first} == {PIECE}
    assert all(one["start"] >= 0 and one["end"] <= size for one in first)
    assert first != second


async def test_a_right_hash_with_a_wrong_size_never_matches(
    api: Api, stranger: Api, known: str, small_film: bytes
) -> None:
    del known
    values = {"sha256": uploading.sha256(small_film), "size": len(small_film) - 1}
    found = (await api.run(CHECK, **values))["checkUpload"]
    assert found["video"] is None
    challenge = (await stranger.run(CHECK, **values))["checkUpload"]["challenge"]
    assert await answer(stranger, challenge, proof(challenge, small_film[:-1])) == REFUSED


@pytest.mark.parametrize("sha256", ["a" * 63, "a" * 65, "g" * 64, ""])
async def test_what_is_no_digest_is_refused(api: Api, sha256: str) -> None:
    with pytest.raises(OperationFailed):
        await api.run(CHECK, sha256=sha256, size=1_000)


@pytest.mark.parametrize(("size", "code"), [(0, "INVALID_ARGUMENT"), (2**50, "LIMIT_EXCEEDED")])
async def test_a_size_that_no_upload_can_have_is_refused(api: Api, size: int, code: str) -> None:
    with pytest.raises(OperationFailed) as failure:
        await api.run(CHECK, sha256="a" * 64, size=size)
    assert failure.value.codes == [code]


async def test_without_a_key_nothing_is_said(anonymous: Api, small_film: bytes) -> None:
    with pytest.raises(OperationFailed) as failure:
        await check(anonymous, small_film)
    assert failure.value.codes == ["UNAUTHENTICATED"]


async def test_bytes_that_have_rotted_are_not_given_to_anybody(
    stranger: Api, known: str, small_film: bytes, settings: Settings
) -> None:
    del known
    damaged = bytearray(small_film)
    damaged[1_000] ^= 1
    sources = settings.data_dir / "storage" / "objects" / "sources"
    for path in sources.rglob(f"{uploading.sha256(small_film)}.*"):
        path.write_bytes(damaged)
    assert await take_over(stranger, small_film) == REFUSED
