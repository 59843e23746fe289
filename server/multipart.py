"""Files in a GraphQL request, by the GraphQL multipart request specification.

The form's parser streams each file to disk, below `TMPDIR`; only small ones are held in memory.
A form can be sent by any page without asking, so the request must carry a header that a form
cannot have.
"""

import errno
from collections.abc import AsyncGenerator
from typing import Any, Final, cast

from cross_web import AsyncHTTPRequestAdapter, FormData, HTTPException, StarletteRequestAdapter
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException as BadRequest
from starlette.types import Scope

from domain.files import File
from server import requests
from server.operations import MAX_BODY, parse_json

MULTIPART: Final = "multipart/form-data"
PREFLIGHT: Final = ("graphql-require-preflight", "authorization")
"""One of these headers makes a browser ask first."""

_PIECE: Final = 256 * 1024
"""Bytes read at a time."""
_FIELDS: Final = 2
"""`operations` and `map`; they are held in memory."""
_FILES: Final = 10


class RequestAdapter(StarletteRequestAdapter):
    """Strawberry's view of a request, whose form has few parts."""

    async def get_form_data(self) -> FormData:
        try:
            form = await self._request.form(
                max_files=_FILES, max_fields=_FIELDS, max_part_size=MAX_BODY
            )
        except BadRequest as failure:
            raise HTTPException(400, f"Unable to parse the form: {failure.detail}") from None
        except OSError as failure:
            if failure.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise HTTPException(507, "There is no room for the files of this request.") from failure
        return FormData(files=form, form=form)


def is_multipart(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == MULTIPART


def most_bytes(scope: Scope) -> int:
    """How long a request may be. Only who says who they are may send files."""
    headers = Headers(scope=scope)
    if "authorization" not in headers or not is_multipart(headers.get("content-type", "")):
        return MAX_BODY
    return MAX_BODY + requests.services(scope).limits.small_file_size


async def parameters(request: AsyncHTTPRequestAdapter) -> dict[str, Any] | list[Any]:
    """The request's `operations`, with a `File` in the place of each variable that `map` names."""
    if not any(name in request.headers for name in PREFLIGHT):
        raise HTTPException(400, "Send the header GraphQL-Require-Preflight with a form.")
    form = (await request.get_form_data()).form
    operations, places = (_json(form.get(name), name) for name in ("operations", "map"))
    for name, paths in _map(places).items():
        sent = form.get(name)
        if not isinstance(sent, UploadFile):
            raise HTTPException(400, f"`map` names the file {name!r}, which is not in the form.")
        for path in paths:
            _put(operations, path, _file(sent))
    return operations


def _json(value: object, name: str) -> dict[str, Any] | list[Any]:
    if not isinstance(value, str):
        raise HTTPException(400, f"The form has no field `{name}`.")
    return parse_json(value)


def _map(value: dict[str, Any] | list[Any]) -> dict[str, list[str]]:
    if isinstance(value, dict) and all(_is_paths(paths) for paths in value.values()):
        return value
    raise HTTPException(400, "`map` must be an object of lists of paths.")


def _is_paths(value: object) -> bool:
    if not isinstance(value, list):
        return False
    paths = cast("list[object]", value)
    return len(paths) == 1 and isinstance(paths[0], str)  # a file's body can be read once


def _put(operations: Any, path: str, file: File) -> None:  # noqa: ANN401  (parsed JSON)
    """Replace the null at `path`, such as `variables.input.file`."""
    *parents, last = path.split(".")
    place = operations
    for key in parents:
        place = _at(place, key, path)
    if parents[:1] != ["variables"] or _at(place, last, path) is not None:
        raise HTTPException(400, f"`map`: there is no null in a variable at {path!r}.")
    place[_key(place, last)] = file


def _at(place: Any, key: str, path: str) -> Any:  # noqa: ANN401
    try:
        return place[_key(place, key)]
    except (KeyError, IndexError, TypeError, ValueError):
        raise HTTPException(400, f"`map`: there is nothing at {path!r}.") from None


def _key(place: object, key: str) -> int | str:
    return int(key) if isinstance(place, list) else key


def _file(sent: UploadFile) -> File:
    return File(sent.filename, sent.content_type, sent.size or 0, _pieces(sent))


async def _pieces(sent: UploadFile) -> AsyncGenerator[bytes]:
    while piece := await sent.read(_PIECE):
        yield piece
