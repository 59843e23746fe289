"""Operations with files, by the GraphQL multipart request specification."""

import json
from typing import Any

import httpx

from tests.support.api import Api, OperationFailed

PREFLIGHT = {"GraphQL-Require-Preflight": "1"}


async def post(
    api: Api,
    query: str,
    variables: dict[str, Any],
    files: dict[str, tuple[str, bytes, str]],
    *,
    headers: dict[str, str] = PREFLIGHT,
) -> httpx.Response:
    """Send an operation; `files` are by the path of the variable, as name, bytes and type."""
    operations = json.dumps({"query": query, "variables": variables})
    places = json.dumps({str(number): [path] for number, path in enumerate(files)})
    parts: list[tuple[str, Any]] = [("operations", (None, operations)), ("map", (None, places))]
    parts += [(str(number), file) for number, file in enumerate(files.values())]
    return await api.http.post("/graphql", files=parts, headers=headers)


async def run(
    api: Api, query: str, input: dict[str, Any], data: bytes, *, name: str = "file.mp4"
) -> dict[str, Any]:
    """The `data` of an operation whose `input.file` is this file."""
    variables = {"input": {**input, "file": None}}
    file = (name, data, "video/mp4")
    body = (await post(api, query, variables, {"variables.input.file": file})).json()
    if body.get("errors"):
        raise OperationFailed(body["errors"])
    return body["data"]
