"""Rules: which play sets a new video gets by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db.models import StoredObject, TranscodeRule
from db.objects import NewObject, hold, store
from domain import own_templates
from domain.media import Source
from jobs import worker
from jobs.runs import Tools
from resolvers.context import Services
from tests.support import factories, samples, uploading
from tests.support.api import Api
from tests.support.factories import SOURCE
from tests.support.possession import take_over
from tests.support.storing import create
from tests.support.templating import (
    built_in,
    category,
    codes,
    delete_rule,
    rule,
    save_rule,
    template,
)

Upload = Callable[..., Awaitable[str]]

LIST = """
query ($first: Int) {
  autoTranscodeRules(first: $first) {
    totalCount nodes { id templates { templateId } sourceType enabled category { name } }
  }
}
"""
PLANNED = """
query ($id: ID!) {
  video(by: {id: $id}) {
    status playSets { resolution template { templateId } task { pass } }
  }
}
"""
P360, P480, P720, ORIGIN = built_in(1), built_in(2), built_in(3), built_in(5)
DEFAULTS = [1, 2, 3, 5]
"""What a source of 720 lines gets without rules."""


class Library:
    """Videos of one stored file, whose source is known already."""

    def __init__(self, api: Api, services: Services, owner: factories.Owner) -> None:
        self.api, self.services, self.owner = api, services, owner
        self.made = 0

    async def add(self, source: Source = SOURCE, **input: Any) -> dict[str, Any]:
        """A video that `createVideo` makes: its state, and the numbers of its templates."""
        self.made += 1
        sha256 = uploading.sha256(str(self.made).encode())
        async with self.services.db.write() as session:
            content = await store(
                session, sha256=sha256, key=f"sources/{sha256}", size=9, source=source.to_json()
            )
            name = NewObject(self.owner.account.id, None, "video/mp4")
            kept: StoredObject = await hold(session, content, name)
        payload = await create(self.api, kept.storage_id, sourceId=str(self.made), **input)
        assert payload["userErrors"] == []
        return await planned(self.api, payload["video"]["id"])


async def planned(api: Api, id: str) -> dict[str, Any]:
    found = (await api.run(PLANNED, id=id))["video"]
    numbers = [one["template"]["templateId"] for one in found["playSets"]]
    return {"status": found["status"], "templates": numbers}


@pytest.fixture
def library(api: Api, services: Services, owner: factories.Owner) -> Library:
    return Library(api, services, owner)


async def test_without_rules_a_video_gets_what_is_usual(library: Library) -> None:
    assert await library.add() == {"status": "PROCESSING", "templates": DEFAULTS}


async def test_a_rule_says_exactly_what_is_made(api: Api, library: Library) -> None:
    mine = await template(api, resolution="P480", codec="AV1")
    await rule(api, ORIGIN, mine["id"])
    made = await library.add()
    assert made == {"status": "PROCESSING", "templates": [mine["templateId"], 5]}


async def test_a_rule_of_no_template_makes_nothing(api: Api, library: Library) -> None:
    await rule(api)
    assert await library.add() == {"status": "PUBLISHED", "templates": []}


async def test_what_is_to_be_skipped_gets_nothing(api: Api, library: Library) -> None:
    await rule(api, P360)
    made = await library.add(skipAutoTranscode=True)
    assert made == {"status": "PUBLISHED", "templates": []}


async def test_a_rule_counts_only_while_it_is_enabled(api: Api, library: Library) -> None:
    made = await rule(api, P360, enabled=False)
    assert (await library.add())["templates"] == DEFAULTS
    await rule(api, P360, id=made["id"])
    assert (await library.add())["templates"] == [1]
    await delete_rule(api, made["id"])
    assert (await library.add())["templates"] == DEFAULTS


async def test_the_most_particular_rule_counts(api: Api, library: Library) -> None:
    outer = (await category(api, "Outer"))["id"]
    inner = (await category(api, "Inner", parentId=outer))["id"]
    elsewhere = (await category(api, "Elsewhere"))["id"]
    await rule(api, built_in(6), categoryId=inner, sourceType="other")
    await rule(api, P480, categoryId=outer, sourceType="cms")
    await rule(api, P720, categoryId=inner)
    await rule(api, ORIGIN, sourceType="cms")
    await rule(api, P360)

    async def made(**input: Any) -> list[int]:
        return (await library.add(**input))["templates"]

    assert await made(sourceType="library") == [1]
    assert await made(sourceType="cms") == [5]
    assert await made(sourceType="cms", categoryId=elsewhere) == [5]
    assert await made(sourceType="cms", categoryId=outer) == [2]
    assert await made(sourceType="library", categoryId=outer) == [1]
    assert await made(sourceType="cms", categoryId=inner) == [3]
    assert await made(sourceType="other", categoryId=inner) == [6]


async def test_of_equal_rules_the_newest_counts(api: Api, library: Library) -> None:
    await rule(api, P360)
    await rule(api, P480)
    assert (await library.add())["templates"] == [2]


async def test_a_rule_that_reaches_too_high_makes_the_sources_own_size(
    api: Api, library: Library
) -> None:
    small = replace(SOURCE, width=854, height=480)
    await rule(api, built_in(8), built_in(4))
    assert (await library.add(small))["templates"] == [4]
    await rule(api, built_in(8), P360, built_in(4))
    assert (await library.add(small))["templates"] == [1]


async def test_strangers_rules_are_not_ours(stranger: Api, library: Library) -> None:
    await rule(stranger, P360)
    assert (await library.add())["templates"] == DEFAULTS


async def test_uploads_get_what_the_rule_of_their_category_says(
    api: Api, stranger: Api, tools: Tools, tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "video.mp4", seconds=1).read_bytes()
    place = (await category(api))["id"]
    await rule(api, built_in(6), categoryId=place)
    await rule(api)
    made: list[str] = []
    kept: dict[str, Any] = {"categoryId": place}
    nothing: dict[str, Any] = {**kept, "skipAutoTranscode": True}
    for input in ({}, kept, nothing):
        begun = await uploading.begin(api, data, **input)
        await uploading.put(api, begun["id"], 1, data)
        await uploading.complete(api, begun["id"], uploading.sha256(data))
        await worker.work_until_empty(tools, worker.LANES[:1])
        session = (await api.run(uploading.SESSION, id=begun["id"]))["uploadSession"]
        made.append(session["video"]["id"])
    assert [(await planned(api, id))["templates"] for id in made] == [[], [6], []]
    taken = (await take_over(api, data, categoryId=place))["video"]["id"]
    assert (await planned(api, taken))["templates"] == [6]
    theirs = (await take_over(stranger, data))["video"]["id"]
    assert (await planned(stranger, theirs))["templates"] == [1, 5]


async def test_rules_are_listed_newest_first(api: Api, stranger: Api) -> None:
    place = (await category(api, "Sports"))["id"]
    first = await rule(api, P720, P360, P720, sourceType=" cms ", categoryId=place)
    second = await rule(api, enabled=False)
    found = (await api.run(LIST))["autoTranscodeRules"]
    assert found == {
        "totalCount": 2,
        "nodes": [
            {
                "id": second["id"],
                "templates": [],
                "sourceType": None,
                "enabled": False,
                "category": None,
            },
            {
                "id": first["id"],
                "templates": [{"templateId": 3}, {"templateId": 1}],
                "sourceType": "cms",
                "enabled": True,
                "category": {"name": "Sports"},
            },
        ],
    }
    assert len((await api.run(LIST, first=1))["autoTranscodeRules"]["nodes"]) == 1
    assert (await stranger.run(LIST))["autoTranscodeRules"]["totalCount"] == 0


async def test_a_rule_is_saved_as_a_whole(api: Api) -> None:
    place = (await category(api))["id"]
    made = await rule(api, P360, sourceType="cms", categoryId=place, enabled=False)
    changed = await rule(api, P480, P360, id=made["id"])
    assert changed == {
        "id": made["id"],
        "sourceType": None,
        "enabled": True,
        "category": None,
        "templates": [{"id": P480}, {"id": P360}],
    }


@pytest.mark.parametrize(
    ("input", "refused"),
    [
        ({"templateIds": [P360, "x"]}, ("NOT_FOUND", ["templateIds", "1"])),
        ({"templateIds": [P360] * 21}, ("LIMIT_EXCEEDED", ["templateIds"])),
        ({"sourceType": " "}, ("INVALID_ARGUMENT", ["sourceType"])),
        ({"sourceType": "x" * 65}, ("LIMIT_EXCEEDED", ["sourceType"])),
        ({"categoryId": P360}, ("NOT_FOUND", ["categoryId"])),
        ({"id": P360}, ("NOT_FOUND", ["id"])),
    ],
)
async def test_a_rule_that_cannot_be_followed_is_refused(
    api: Api, input: dict[str, Any], refused: tuple[str, list[str]]
) -> None:
    before = await rule(api, P360)
    assert codes(await save_rule(api, **input)) == [refused]
    assert codes(await save_rule(api, **{"id": before["id"], **input})) == [refused]
    found = (await api.run(LIST))["autoTranscodeRules"]
    assert [one["templates"] for one in found["nodes"]] == [[{"templateId": 1}]]


async def test_a_strangers_rules_and_templates_are_not_found(api: Api, stranger: Api) -> None:
    mine, chosen = await rule(api, P360), await template(api)
    assert codes(await save_rule(stranger, id=mine["id"])) == [("NOT_FOUND", ["id"])]
    assert codes(await delete_rule(stranger, mine["id"])) == [("NOT_FOUND", ["id"])]
    refused = await save_rule(stranger, P360, chosen["id"])
    assert codes(refused) == [("NOT_FOUND", ["templateIds", "1"])]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await stranger.run(query, id=mine["id"]) == {"node": None}
    assert await api.run(query, id=mine["id"]) == {"node": {"id": mine["id"]}}


async def test_a_deleted_rule_is_gone(api: Api) -> None:
    mine = await rule(api, P360)
    assert await delete_rule(api, mine["id"]) == {"deletedIds": [mine["id"]], "userErrors": []}
    assert codes(await delete_rule(api, mine["id"])) == [("NOT_FOUND", ["id"])]
    assert (await api.run(LIST))["autoTranscodeRules"]["totalCount"] == 0


async def test_there_are_so_many_rules_and_no_more(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    most = own_templates.MAX_RULES
    async with services.db.write() as session:
        session.add_all(TranscodeRule(account_id=owner.account.id) for _ in range(most - 1))
    mine = await rule(api)
    (error,) = (await save_rule(api))["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", most, most + 1)
    await rule(api, P360, id=mine["id"])
    limits = (await api.run("{ limits { maxRules maxTemplatesAtOnce } }"))["limits"]
    assert limits == {"maxRules": most, "maxTemplatesAtOnce": 20}


async def test_an_empty_id_is_no_id_that_was_left_out(api: Api) -> None:
    assert codes(await save_rule(api, P360, id="")) == [("NOT_FOUND", ["id"])]
    assert codes(await save_rule(api, P360, categoryId="")) == [("NOT_FOUND", ["categoryId"])]
    assert (await api.run(LIST))["autoTranscodeRules"]["totalCount"] == 0
    assert (await rule(api, P360, id=None, categoryId=None))["category"] is None
