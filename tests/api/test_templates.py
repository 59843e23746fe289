"""Templates: what one may say, who may change it, and what was made with it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from db.models import Template, TemplateCost
from domain import own_templates
from domain.templates import BUILT_IN, FIRST_OWN
from resolvers.context import Services
from tests.support import factories
from tests.support.api import Api
from tests.support.templating import (
    built_in,
    codes,
    delete_rule,
    delete_template,
    global_id,
    rule,
    save_template,
    template,
    transcode,
)

LIST = """
query ($first: Int, $after: String) {
  transcodeTemplates(first: $first, after: $after) {
    totalCount nodes { id templateId name builtIn } pageInfo { endCursor hasNextPage }
  }
}
"""
NODE = """
query ($id: ID!) {
  node(id: $id) {
    ... on TranscodeTemplate { templateId name resolution deletedAt replacedBy { id } }
  }
}
"""
PLAY_SETS = """
query ($id: ID!, $templates: [ID!]) {
  video(by: {id: $id}) {
    playSets(templateId: $templates) {
      status template { id name videoBitrate deletedAt replacedBy { id } }
    }
  }
}
"""


async def listed(api: Api, **page: Any) -> dict[str, Any]:
    return (await api.run(LIST, **page))["transcodeTemplates"]


async def numbers(api: Api) -> list[int]:
    return [one["templateId"] for one in (await listed(api, first=100))["nodes"]]


async def test_built_in_templates_come_first_by_number(api: Api, stranger: Api) -> None:
    mine = [await template(api, name=name) for name in ("B", "A")]
    found = await listed(api, first=100)
    built = [one.number for one in BUILT_IN]
    own = [one["templateId"] for one in mine]
    assert [one["templateId"] for one in found["nodes"]] == [*built, *own]
    assert own == sorted(own)
    assert own[0] >= 1001
    assert [one["builtIn"] for one in found["nodes"]] == [True] * len(built) + [False] * 2
    assert found["totalCount"] == len(built) + 2
    assert await numbers(stranger) == built


async def test_the_list_has_pages(api: Api) -> None:
    await template(api)
    first = await listed(api, first=18)
    rest = await listed(api, first=18, after=first["pageInfo"]["endCursor"])
    assert [len(first["nodes"]), len(rest["nodes"])] == [18, len(BUILT_IN) + 1 - 18]
    assert rest["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("value", ["9" * 40, str(2**31), "x", "1.5"])
async def test_a_cursor_of_no_number_is_refused(api: Api, value: str) -> None:
    from domain.paging import Cursor

    cursor = Cursor(value, "00000000-0000-0000-0000-000000000001").encode()
    body = {"query": LIST, "variables": {"first": 1, "after": cursor}}
    answer = (await api.http.post("/graphql", json=body)).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_CURSOR"]


async def test_a_template_has_what_it_was_given(api: Api) -> None:
    wanted = {
        "name": "  Small  ",
        "resolution": "P480",
        "codec": "HEVC",
        "quality": "HIGH",
        "videoBitrate": 50_000,
        "audioBitrate": 512_000,
        "maxFrameRate": 60,
        "encryption": "AES_128",
    }
    saved = await template(api, **wanted)
    assert saved == {
        **wanted,
        "name": "Small",
        "id": saved["id"],
        "templateId": saved["templateId"],
        "builtIn": False,
    }


async def test_what_is_left_out_is_usual(api: Api) -> None:
    saved = await template(api, resolution="ORIGIN")
    assert {name: saved[name] for name in ("codec", "quality", "encryption")} == {
        "codec": "H264",
        "quality": "FAST",
        "encryption": "NONE",
    }
    assert [saved[name] for name in ("videoBitrate", "audioBitrate", "maxFrameRate")] == [None] * 3


@pytest.mark.parametrize(
    ("input", "code", "field"),
    [
        ({"name": " "}, "INVALID_ARGUMENT", "name"),
        ({"name": "a\0b"}, "INVALID_ARGUMENT", "name"),
        ({"name": "x" * 256}, "LIMIT_EXCEEDED", "name"),
        ({"videoBitrate": 49_999}, "INVALID_ARGUMENT", "videoBitrate"),
        ({"videoBitrate": 100_000_001}, "LIMIT_EXCEEDED", "videoBitrate"),
        ({"audioBitrate": 31_999}, "INVALID_ARGUMENT", "audioBitrate"),
        ({"audioBitrate": 512_001}, "LIMIT_EXCEEDED", "audioBitrate"),
        ({"maxFrameRate": 0}, "INVALID_ARGUMENT", "maxFrameRate"),
        ({"maxFrameRate": 61}, "LIMIT_EXCEEDED", "maxFrameRate"),
        ({"resolution": "ORIGIN", "codec": "AV1"}, "INVALID_ARGUMENT", "codec"),
        ({"resolution": "ORIGIN", "quality": "HIGH"}, "INVALID_ARGUMENT", "quality"),
        ({"resolution": "ORIGIN", "videoBitrate": 50_000}, "INVALID_ARGUMENT", "videoBitrate"),
        ({"resolution": "ORIGIN", "audioBitrate": 64_000}, "INVALID_ARGUMENT", "audioBitrate"),
        ({"resolution": "ORIGIN", "maxFrameRate": 30}, "INVALID_ARGUMENT", "maxFrameRate"),
    ],
)
async def test_what_cannot_be_made_is_refused(
    api: Api, input: dict[str, Any], code: str, field: str
) -> None:
    assert codes(await save_template(api, **input)) == [(code, [field])]
    saved = await template(api)
    assert codes(await save_template(api, id=saved["id"], **input)) == [(code, [field])]
    assert len(await numbers(api)) == len(BUILT_IN) + 1


async def test_built_in_templates_stay_as_they_are(api: Api) -> None:
    before = await listed(api, first=100)
    refused = [("TEMPLATE_BUILT_IN", ["id"])]
    assert codes(await save_template(api, id=built_in(1))) == refused
    assert codes(await delete_template(api, built_in(1))) == refused
    assert await listed(api, first=100) == before


async def test_a_strangers_template_is_not_found(api: Api, stranger: Api) -> None:
    mine = await template(api)
    error = ("NOT_FOUND", ["id"])
    assert codes(await save_template(stranger, id=mine["id"])) == [error]
    assert codes(await delete_template(stranger, mine["id"])) == [error]
    assert await stranger.run(NODE, id=mine["id"]) == {"node": None}
    assert (await api.run(NODE, id=mine["id"]))["node"]["deletedAt"] is None


async def test_a_deleted_template_can_be_used_no_more(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    mine = await template(api)
    assert await delete_template(api, mine["id"]) == {"deletedIds": [mine["id"]], "userErrors": []}
    assert await numbers(api) == [one.number for one in BUILT_IN]
    shown = (await api.run(NODE, id=mine["id"]))["node"]
    assert (shown["templateId"], shown["replacedBy"]) == (mine["templateId"], None)
    assert shown["deletedAt"] is not None
    assert codes(await delete_template(api, mine["id"])) == [("NOT_FOUND", ["id"])]
    assert codes(await save_template(api, id=mine["id"])) == [("NOT_FOUND", ["id"])]
    video = global_id("Video", (await factories.video(services.db, owner.account)).id)
    refused = await transcode(api, video, mine["id"])
    assert codes(refused) == [("NOT_FOUND", ["templateIds", "0"])]


async def test_a_template_that_a_rule_chooses_stays(api: Api) -> None:
    mine = await template(api)
    rules = [await rule(api, mine["id"]), await rule(api, built_in(1), mine["id"], enabled=False)]
    await rule(api, built_in(1))
    payload = await delete_template(api, mine["id"])
    assert payload == {
        "deletedIds": [],
        "userErrors": [
            {
                "__typename": "TemplateInUseError",
                "code": "TEMPLATE_IN_USE",
                "message": "2 of your rules choose the template 'Mine'.",
                "path": ["id"],
                "rules": [{"id": one["id"]} for one in rules],
            }
        ],
    }
    assert mine["templateId"] in await numbers(api)
    await delete_rule(api, rules[0]["id"])
    (error,) = (await delete_template(api, mine["id"]))["userErrors"]
    assert error["message"] == "1 of your rules chooses the template 'Mine'."


async def test_a_changed_template_keeps_its_id_and_its_number(api: Api) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    chosen = await rule(api, mine["id"])
    changed = await template(api, id=mine["id"], name="Better", videoBitrate=2_000_000)
    assert changed == {**mine, "name": "Better", "videoBitrate": 2_000_000}
    assert (await numbers(api)).count(mine["templateId"]) == 1
    query = "query ($id: ID!) { node(id: $id) { ... on AutoTranscodeRule { templates { name } } } }"
    found = await api.run(query, id=chosen["id"])
    assert found == {"node": {"templates": [{"name": "Better"}]}}


async def test_what_was_made_refers_to_the_former_form(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    mine = await template(api, name="Before", videoBitrate=1_000_000)
    video = global_id("Video", (await factories.video(services.db, owner.account)).id)
    assert codes(await transcode(api, video, mine["id"])) == []
    await template(api, id=mine["id"], name="After", videoBitrate=2_000_000)

    found = (await api.run(PLAY_SETS, id=video, templates=[mine["id"]]))["video"]["playSets"]
    former = found[0]["template"]
    assert [len(found), former["name"], former["videoBitrate"]] == [1, "Before", 1_000_000]
    assert former["id"] != mine["id"]
    assert former["deletedAt"] is not None
    assert former["replacedBy"] == {"id": mine["id"]}
    assert codes(await save_template(api, id=former["id"])) == [("NOT_FOUND", ["id"])]


async def test_a_form_that_nothing_was_made_with_is_not_kept(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    mine = await template(api, videoBitrate=1_000_000)
    await rule(api, mine["id"])
    await template(api, id=mine["id"], videoBitrate=2_000_000)
    assert await forms(services) == [2_000_000]
    async with services.db.write() as session:
        row = (await session.scalars(select(Template).where(Template.number >= FIRST_OWN))).one()
        values = {"template_id": row.id, "source_class": "x", "cost": 1.0, "samples": 1}
        session.add(TemplateCost(**values))
    await template(api, id=mine["id"], videoBitrate=3_000_000)
    assert await forms(services) == [2_000_000, 3_000_000]
    video = global_id("Video", (await factories.video(services.db, owner.account)).id)
    await transcode(api, video, mine["id"])
    await template(api, id=mine["id"], videoBitrate=4_000_000)
    assert await forms(services) == [2_000_000, 3_000_000, 4_000_000]
    assert (await numbers(api)).count(mine["templateId"]) == 1


async def forms(services: Services) -> list[int | None]:
    """The bit rate of each form of the account's templates."""
    async with services.db.read() as session:
        wanted = select(Template.video_bitrate).where(Template.number >= FIRST_OWN)
        return list(await session.scalars(wanted.order_by(Template.video_bitrate)))


async def test_another_name_alone_makes_no_other_form(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    mine = await template(api, name="Before")
    video = global_id("Video", (await factories.video(services.db, owner.account)).id)
    await transcode(api, video, mine["id"])
    await template(api, id=mine["id"], name="After")
    (found,) = (await api.run(PLAY_SETS, id=video))["video"]["playSets"]
    assert found["template"] == {
        "id": mine["id"],
        "name": "After",
        "videoBitrate": None,
        "deletedAt": None,
        "replacedBy": None,
    }


async def test_two_changes_at_once_follow_each_other(api: Api) -> None:
    mine = await template(api)
    rates = range(1_000_000, 1_000_005)
    payloads = await asyncio.gather(
        *(save_template(api, id=mine["id"], videoBitrate=rate) for rate in rates)
    )
    assert [one["userErrors"] for one in payloads] == [[]] * 5
    assert {one["template"]["id"] for one in payloads} == {mine["id"]}
    assert (await numbers(api)).count(mine["templateId"]) == 1


async def test_there_are_so_many_templates_and_no_more(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    most = own_templates.MAX_TEMPLATES
    async with services.db.write() as session:
        values = {"account_id": owner.account.id, "name": "x", "resolution": "720P"}
        rest = {"codec": "h264", "quality": "fast", "encryption": "none"}
        session.add_all(Template(**values, **rest) for _ in range(most - 1))
    mine = await template(api)
    payload = await save_template(api)
    (error,) = payload["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", most, most + 1)
    assert await api.run("{ limits { maxTemplates } }") == {"limits": {"maxTemplates": most}}
    await template(api, id=mine["id"], videoBitrate=60_000)  # former forms are not counted
    await delete_template(api, mine["id"])
    await template(api)


async def test_an_empty_id_is_no_id_that_was_left_out(api: Api) -> None:
    assert codes(await save_template(api, id="")) == [("NOT_FOUND", ["id"])]
    assert await numbers(api) == [one.number for one in BUILT_IN]
    assert (await template(api, id=None))["templateId"] in await numbers(api)
