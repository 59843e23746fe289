"""Asks both worlds the same, and says where the answers differ."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from resolvers.context import Services
from schema import root
from schema.failures import TOO_COMPLEX
from tests.authorization.worlds import Worlds, context
from tests.equivalence import modes


@dataclass(frozen=True)
class Asked:
    """An operation, ready to be sent."""

    document: str
    variables: dict[str, Any]


Ask = Callable[[Services, str, Asked], Awaitable[Any]]


async def ask(services: Services, caller: str, asked: Asked) -> Any:
    """The response without extensions, as the server sends it.

    An operation that costs too much is a mistake of the suite, as everybody would be refused it.
    """
    result = await root.schema.execute(
        asked.document,
        variable_values=asked.variables,
        context_value=context(services, caller),
        mode="text",
    )
    answer = orjson.loads(modes.answer(result.data, result.errors, "").body)
    assert TOO_COMPLEX not in codes(answer), f"{asked} costs too much"
    return answer


async def ask_both(worlds: Worlds, caller: str, asked: Asked, *, how: Ask = ask) -> tuple[Any, Any]:
    """The answers of the world without the owner, and of that with him.

    They are of the same second: links are signed until a whole second from now.
    """
    while True:
        started = int(time.time())
        alone = await how(worlds.alone, caller, asked)
        beside = await how(worlds.beside, caller, asked)
        if alone == beside or int(time.time()) == started:
            return alone, beside


def differences(alone: Any, beside: Any, at: str = "") -> list[str]:
    """Where what was answered beside the owner is not what was answered without him."""
    if isinstance(alone, dict) and isinstance(beside, dict) and alone.keys() == beside.keys():
        return [one for key in alone for one in differences(alone[key], beside[key], f"{at}.{key}")]
    if isinstance(alone, list) and isinstance(beside, list) and len(alone) == len(beside):
        pairs = enumerate(zip(alone, beside, strict=True))
        return [one for number, two in pairs for one in differences(*two, f"{at}[{number}]")]
    if alone == beside:
        return []
    return [f"{at or 'all'} is {beside!r:.300}, and would be {alone!r:.300} without the owner"]


def codes(answer: Any) -> list[str]:
    """Of the top-level errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", ())]
