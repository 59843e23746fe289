"""The page for those who come from the five APIs names what there is, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, is_enum_type

from domain.error_catalog import CATALOG
from domain.legacy_codes import FAILURES, LegacySystem

PAGE = "docs/from-the-five-apis.md"
SYSTEMS = {"B": LegacySystem.VOD, "C, D": LegacySystem.OPEN_API}
NAME = re.compile(r"(\w+)(?:\.(\w+))?(?:\((\w+):\))?")
NOT_YET = re.compile(r"not yet:?", re.IGNORECASE)
ROOTS = ("query_type", "mutation_type", "subscription_type")
OF_OTHERS = frozenset({"PUT", "storageId", "docs/errors.md"})
"""What stands in our column and is no name of the schema."""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / PAGE).read_text()


@pytest.fixture(scope="module")
def api(root: Path) -> GraphQLSchema:
    return build_schema((root / "schema.graphql").read_text())


def tables(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The header and the rows of each table."""
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in _lines(block)
        )
        yield header, rows


def _lines(block: str) -> list[str]:
    return block.splitlines()


def names(page: str) -> Iterator[tuple[str, bool]]:
    """Every name in the column of ours, and whether the page says that it is there."""
    for header, rows in tables(page):
        if header[-1] != "Reelgraph":
            continue
        for row in rows:
            assert len(row) == len(header), row
            there, *later = NOT_YET.split(row[-1])
            yield from ((one, True) for one in _marked(there))
            yield from ((one, False) for part in later for one in _marked(part))


def _marked(text: str) -> list[str]:
    return [one for one in re.findall(r"`([^`]+)`", text) if one not in OF_OTHERS]


def exists(api: GraphQLSchema, name: str) -> bool:
    found = NAME.fullmatch(name)
    assert found, f"{name!r} is not written as a name of the schema"
    first, member, argument = found.groups()
    kinds: list[Any] = [api.type_map.get(first)] if member else [getattr(api, one) for one in ROOTS]
    if member is None and first[0].isupper():
        return first in api.type_map
    fields = [_members(kind).get(member or first) for kind in kinds if kind is not None]
    return any(one is not None and (not argument or argument in one.args) for one in fields)


def _members(kind: Any) -> dict[str, Any]:
    return kind.values if is_enum_type(kind) else getattr(kind, "fields", {})


def test_what_the_page_names_is_in_the_schema(page: str, api: GraphQLSchema) -> None:
    named = [name for name, there in names(page) if there]
    assert [name for name in named if not exists(api, name)] == []
    assert len(named) > 200


def test_what_is_not_yet_there_is_not_in_the_schema(page: str, api: GraphQLSchema) -> None:
    """What is there by now loses its "not yet"."""
    assert [name for name, there in names(page) if not there and exists(api, name)] == []


def test_names_are_told_apart(api: GraphQLSchema) -> None:
    there = ("videos", "videos(page:)", "Video", "Video.title", "Video.playSets(status:)")
    assert [
        name for name in (*there, "VideoStatus.BANNED", "playSetReady") if exists(api, name)
    ] == [
        *there,
        "VideoStatus.BANNED",
        "playSetReady",
    ]
    absent = ("films", "videos(film:)", "Film", "Video.film", "Film.title", "VideoStatus.FILM")
    assert [name for name in absent if exists(api, name)] == []


def test_the_page_has_every_number_of_an_error_with_its_code(page: str) -> None:
    shown = {
        (SYSTEMS[found[1]], int(row[0]), row[1], row[-1])
        for header, rows in tables(page)
        if (found := re.fullmatch(r"Number \((.*)\)", header[0])) and found[1] in SYSTEMS
        for row in rows
    }
    codes = {one: code for code, entry in CATALOG.items() for one in entry.numbers}
    assert shown == {
        (one.system, one.code, one.message, f"`ErrorCode.{codes[one].name}`") for one in FAILURES
    }


CAPABILITIES = {
    "A": range(20),
    "B": range(1, 30),
    "C": range(1, 7),
    "D": range(1, 17),
    "E": range(1, 4),
}


def test_the_page_has_a_place_for_everything(page: str) -> None:
    """By the letters and numbers under which the page counts what the five APIs do."""
    text = re.sub(r"(\w)(\d+) to \w(\d+)", _each, page)
    wanted = {f"{letter}{number}" for letter, all_ in CAPABILITIES.items() for number in all_}
    assert wanted - set(re.findall(r"\b[A-E]\d+\b", text)) == set()


def _each(found: re.Match[str]) -> str:
    first, last = int(found[2]), int(found[3])
    return " ".join(f"{found[1]}{number}" for number in range(first, last + 1))
