"""Anything by its global id."""

import asyncio
from itertools import chain
from typing import Any

import pytest
from graphql import GraphQLInterfaceType

from domain.tasks import TaskKind
from domain.videos import Resolution
from resolvers.context import Services
from schema import ids
from schema.root import schema
from tests.support import factories, fetching, uploading
from tests.support.api import Api
from tests.support.statements import recorded
from tests.support.templating import category, rule, template

NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


@pytest.fixture
async def things(api: Api, services: Services, owner: factories.Owner) -> list[dict[str, Any]]:
    """One of every type that has a global id, as the API names them elsewhere."""
    video = await factories.video(services.db, owner.account)
    await factories.transcode_task(services.db, video, Resolution.P360)
    await factories.probe_task(services.db, video)
    await uploading.send(api, b"bytes")
    await template(api)
    await rule(api)
    await category(api)
    fetch = await fetching.begin(api, "http://films.example/a.mp4")
    export = "mutation ($id: ID!) { createExport(input: {fetchTaskId: $id}) { task { id } } }"
    await api.run(export, id=fetch)
    for kind in (TaskKind.CLIP, TaskKind.SPLICE, TaskKind.SIMULATE, TaskKind.COVER):
        await factories.probe_task(services.db, video, kind=kind)
    point = {"videoId": ids.encode("Video", video.id), "atMs": 1, "description": "Here"}
    await api.run(
        "mutation ($input: SaveKeyPointInput!) { saveKeyPoint(input: $input) { keyPoint { id } } }",
        input=point,
    )
    found = await api.run("""{
      viewer { __typename id }
      videos { nodes { __typename id playSets { __typename id } keyPoints { __typename id } } }
      tasks { nodes { __typename id ... on FetchTask { items { nodes { __typename id } } } } }
      uploadSessions { nodes { __typename id } }
      storedObjects { nodes { __typename id } }
      transcodeTemplates(last: 1) { nodes { __typename id } }
      autoTranscodeRules { nodes { __typename id } }
      categories { nodes { __typename id } }
    }""")
    parts = [
        one
        for shown in found["videos"]["nodes"]
        for one in (*shown.pop("playSets"), *shown.pop("keyPoints"))
    ]
    rows = [
        row for task in found["tasks"]["nodes"] for row in task.pop("items", {"nodes": []})["nodes"]
    ]
    lists = [found[name]["nodes"] for name in found if name != "viewer"]
    return [found["viewer"], *parts, *rows, *chain.from_iterable(lists)]


async def test_every_type_with_a_global_id_is_found_by_it(
    api: Api, things: list[dict[str, Any]]
) -> None:
    node = schema._schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    types = {kind.name for kind in schema._schema.get_implementations(node).objects}
    assert {thing["__typename"] for thing in things} == types
    for thing in things:
        query = "query ($id: ID!) { node(id: $id) { __typename id } }"
        assert await api.run(query, id=thing["id"]) == {"node": thing}


async def test_several_are_given_in_the_order_they_were_asked_for(
    api: Api, things: list[dict[str, Any]]
) -> None:
    wanted = [*reversed(things), things[0], things[0]]
    assert await api.run(NODES, ids=[one["id"] for one in wanted]) == {"nodes": wanted}


async def test_those_that_are_not_there_are_null_in_their_places(
    api: Api, stranger: Api, things: list[dict[str, Any]]
) -> None:
    first, last = things[0], things[-1]
    asked = [first["id"], "x", last["id"], ids.encode("Video", "1"), first["id"][:-1]]
    assert await api.run(NODES, ids=asked) == {"nodes": [first, None, last, None, None]}
    every = [one["id"] for one in things]
    assert await stranger.run(NODES, ids=every) == {"nodes": [None] * len(things)}
    assert await api.run(NODES, ids=[]) == {"nodes": []}


async def test_many_of_one_type_cost_one_statement(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    rows = await asyncio.gather(*(factories.video(services.db, owner.account) for _ in range(20)))
    await api.run("{ viewer { id } }")
    with recorded(services) as statements:
        found = await api.run(NODES, ids=[ids.encode("Video", row.id) for row in rows])
    assert [ids.find(one["id"], "Video") for one in found["nodes"]] == [row.id for row in rows]
    assert len(statements) == 1


async def test_fields_of_a_type_are_asked_for_by_its_name(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    row = await factories.video(services.db, owner.account, title="Found")
    query = "query ($id: ID!) { node(id: $id) { ... on Video { title } ... on Task { status } } }"
    assert await api.run(query, id=ids.encode("Video", row.id)) == {"node": {"title": "Found"}}
