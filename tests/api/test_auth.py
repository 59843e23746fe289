"""Who may call: API keys, callers without one, and accounts that never see each other."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from db.events import Position
from db.models import Task, Video
from domain.videos import Resolution
from resolvers.context import Services
from schema import cursors, ids
from schema.root import schema
from tests.support import factories, forms, uploading
from tests.support.api import TRANSPORT_WS, Api, OperationFailed, costing

PUBLIC = {"viewer", "limits", "sharedVideo", "errorCatalog", "legacySuccessCodes"}
KINDS = [
    *("Video", "PlaySet", "UploadSession", "StoredObject", "VerifyTask", "TranscodeTask"),
    *("TranscodeTemplate", "AutoTranscodeRule", "Category", "FetchTask"),
]
TEMPLATE = ids.encode("TranscodeTemplate", uuid4())
SCALARS = {
    "String": '"x"',
    "Int": "1",
    "Float": "0.5",
    "Bytes": "1",
    "SHA256": f'"{"0" * 64}"',
    "Upload": "$file",
    "Resolution": "P720",
    "Boolean": "true",
    "ShareState": "PRIVATE",
}


def fields() -> list[tuple[str, str]]:
    """Every field of every root that needs an account."""
    compiled = schema._schema
    roots = [compiled.query_type, compiled.mutation_type, compiled.subscription_type]
    return [
        (root.name.lower(), name) for root in roots if root for name in set(root.fields) - PUBLIC
    ]


def literal(kind: Any, id: str) -> str:
    """A value of this type, with what is required; `id` wherever one is asked for."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type, id)
    if isinstance(kind, GraphQLList):
        return f"[{literal(kind.of_type, id)}]"
    if isinstance(kind, GraphQLInputObjectType):
        names = [name for name, one in kind.fields.items() if is_required_input_field(one)]
        wanted = names or list(kind.fields)[:1]  # of one-of inputs, any one
        values = {
            name: literal(kind.fields[name].type, TEMPLATE if name == "templateIds" else id)
            for name in wanted
        }
        return f"{{{', '.join(f'{name}: {value}' for name, value in values.items())}}}"
    return f'"{id}"' if kind.name == "ID" else SCALARS[kind.name]


def document(root: str, name: str, id: str) -> str:
    field: GraphQLField = getattr(schema._schema, f"{root}_type").fields[name]
    required = {key: one for key, one in field.args.items() if is_required_argument(one)}
    arguments = ", ".join(f"{key}: {literal(one.type, id)}" for key, one in required.items())
    selection = "{ __typename }" if is_composite_type(get_named_type(field.type)) else ""
    variables = "($file: Upload!)" if "$file" in arguments else ""
    return f"{root}{variables} {{ {name}{f'({arguments})' if arguments else ''} {selection} }}"


async def codes(api: Api, root: str, document: str) -> list[str]:
    """Of the top-level errors; none after success."""
    if "$file" in document:
        file = {"variables.file": ("x", b"x", "video/mp4")}
        answer = await forms.post(api, document, {"file": None}, file)
        return [error["extensions"]["code"] for error in answer.json().get("errors", [])]
    try:
        await (api.collect(document) if root == "subscription" else api.run(document))
    except OperationFailed as failure:
        return failure.codes
    return []


@pytest.mark.parametrize(("root", "name"), sorted(fields()))
async def test_without_a_key_nothing_of_an_account_can_be_reached(
    anonymous: Api, root: str, name: str
) -> None:
    documents = [document(root, name, ids.encode(kind, uuid4())) for kind in KINDS]
    # An id of a type that is foreign to the field is refused for that alone.
    assert ["UNAUTHENTICATED"] in [await codes(anonymous, root, one) for one in documents]


async def test_limits_are_public_and_there_is_no_viewer_without_a_key(anonymous: Api) -> None:
    found = await anonymous.run("{ viewer { id } limits { maxPageSize uploadSessionHours } }")
    assert found == {"viewer": None, "limits": {"maxPageSize": 100, "uploadSessionHours": 24}}


async def test_a_key_stands_for_its_account(api: Api, owner: factories.Owner) -> None:
    found = await api.run("{ viewer { id userId name } }")
    id = ids.encode("Account", owner.account.id)
    assert found == {"viewer": {"id": id, "userId": owner.account.user_id, "name": "Test"}}


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer rg_unknown",
        "Bearer {key}x",
        "Bearer {digest}",
        "Bearer",
        "Basic {key}",
        "{key}",
        "",
        "B\u00e9arer {key}",
    ],
)
async def test_bad_credentials_are_401_even_where_none_are_needed(
    anonymous: Api, owner: factories.Owner, credentials: str
) -> None:
    digest = hashlib.sha256(owner.api_key.encode()).hexdigest()
    value = credentials.format(key=owner.api_key, digest=digest).encode("latin-1")
    body = {"query": "{ limits { maxPageSize } }"}
    for accept in (b"application/json", b"text/event-stream"):
        headers = {b"authorization": value, b"accept": accept}
        answer = await anonymous.http.post("/graphql", json=body, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        (error,) = answer.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_scheme_may_be_written_in_any_case(
    anonymous: Api, owner: factories.Owner
) -> None:
    headers = {"authorization": f"bEARER  {owner.api_key}"}
    body = {"query": "{ viewer { name } }"}
    answer = await anonymous.http.post("/graphql", json=body, headers=headers)
    assert answer.json() == {"data": {"viewer": {"name": "Test"}}, **costing(1)}


async def test_a_revoked_key_is_refused(api: Api, wiper: psycopg.Connection) -> None:
    wiper.execute("update api_key set revoked_at = now()")
    answer = await api.http.post("/graphql", json={"query": "{ viewer { id } }"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["message"] == "This API key is unknown or was revoked."


async def test_a_key_in_use_is_refused_soon_after_it_is_revoked(
    api: Api, wiper: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.viewers._REMEMBER_S", 0)
    await api.run("{ viewer { id } }")
    wiper.execute("update api_key set revoked_at = now()")
    answer = await api.http.post("/graphql", json={"query": "{ viewer { id } }"})
    assert answer.status_code == 401


@pytest.mark.parametrize("value", ["Bearer rg_unknown", "rg_unknown", "", 3])
async def test_a_socket_with_a_bad_key_is_closed(anonymous: Api, value: object) -> None:
    url = anonymous.base_url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[TRANSPORT_WS], proxy=None) as socket:
        message = {"type": "connection_init", "payload": {"authorization": value}}
        await socket.send(json.dumps(message))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "Forbidden")


@dataclass
class Belongings:
    """One of everything that an account can have."""

    video: Video
    task: Task
    upload: str

    @property
    def ids(self) -> dict[str, str]:
        return {
            "video": ids.encode("Video", self.video.id),
            "task": ids.encode("TranscodeTask", self.task.id),
            "upload": self.upload,
        }


@pytest.fixture
async def belongings(api: Api, owner: factories.Owner, services: Services) -> Belongings:
    video = await factories.video(services.db, owner.account)
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    upload = (await uploading.begin(api, b"x"))["id"]
    return Belongings(video, task, upload)


OWN = """
query ($video: ID!, $vid: String!, $task: ID!, $upload: ID!) {
  byId: video(by: {id: $video}) { id playSets { id } }
  byVid: video(by: {vid: $vid}) { id }
  task(id: $task) { id }
  uploadSession(id: $upload) { id }
  node(id: $video) { id }
  nodes(ids: [$video, $task, $upload]) { id }
  videos { totalCount }
  tasks { totalCount }
  uploadSessions { totalCount }
}
"""


async def test_an_account_sees_its_own(api: Api, belongings: Belongings) -> None:
    found = await api.run(OWN, **belongings.ids, vid=belongings.video.vid)
    (play_set,) = found["byId"].pop("playSets")
    assert await api.run("query ($id: ID!) { node(id: $id) { id } }", id=play_set["id"]) == {
        "node": play_set
    }
    video, task, upload = ({"id": id} for id in belongings.ids.values())
    assert found == {
        "byId": video,
        "byVid": video,
        "task": task,
        "uploadSession": upload,
        "node": video,
        "nodes": [video, task, upload],
        "videos": {"totalCount": 2},  # one more begins with the upload
        "tasks": {"totalCount": 1},
        "uploadSessions": {"totalCount": 1},
    }


async def test_an_account_does_not_see_what_is_anothers(
    api: Api, stranger: Api, belongings: Belongings
) -> None:
    assert await stranger.run(OWN, **belongings.ids, vid=belongings.video.vid) == {
        "byId": None,
        "byVid": None,
        "task": None,
        "uploadSession": None,
        "node": None,
        "nodes": [None, None, None],
        "videos": {"totalCount": 0},
        "tasks": {"totalCount": 0},
        "uploadSessions": {"totalCount": 0},
    }
    own = await api.run(OWN, **belongings.ids, vid=belongings.video.vid)
    (play_set,) = own["byId"]["playSets"]
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await stranger.run(query, id=play_set["id"]) == {"node": None}


EARLIER = cursors.encode(Position(1, 1))
WATCHED = [
    "uploadSession(id: $upload)",
    "task(id: $task)",
    "video(id: $video)",
    "playSets(videoId: $video)",
    "playSetReady(videoId: $video)",
    f'playSetReady(videoId: $video, after: "{EARLIER}")',
]


@pytest.mark.parametrize("field", WATCHED)
async def test_an_account_cannot_watch_what_is_anothers(
    stranger: Api, belongings: Belongings, field: str
) -> None:
    name = next(name for name in belongings.ids if f"${name}" in field)
    query = f"subscription (${name}: ID!) {{ {field} {{ __typename }} }}"
    with pytest.raises(OperationFailed) as failure:
        await stranger.collect(query, **{name: belongings.ids[name]})
    assert failure.value.codes == ["NOT_FOUND"]


async def test_an_account_cannot_end_what_is_anothers(
    api: Api, stranger: Api, belongings: Belongings
) -> None:
    mutation = """
    mutation ($task: ID!, $upload: ID!) {
      cancelTask(id: $task) { userErrors { ...missing } }
      cancelUploadSession(id: $upload) { userErrors { ...missing } }
    }
    fragment missing on UserError { code ... on NotFoundError { ids } }
    """
    task, upload = belongings.ids["task"], belongings.ids["upload"]
    assert await stranger.run(mutation, task=task, upload=upload) == {
        "cancelTask": {"userErrors": [{"code": "NOT_FOUND", "ids": [task]}]},
        "cancelUploadSession": {"userErrors": [{"code": "NOT_FOUND", "ids": [upload]}]},
    }
    query = """query ($task: ID!, $upload: ID!) {
      task(id: $task) { status } uploadSession(id: $upload) { status }
    }"""
    assert await api.run(query, task=task, upload=upload) == {
        "task": {"status": "QUEUED"},
        "uploadSession": {"status": "WAITING"},
    }
