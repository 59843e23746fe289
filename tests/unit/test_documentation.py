"""The GraphQL that the documentation shows can be sent as it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import DocumentNode, build_schema, parse, validate

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())
BLOCK = re.compile(r"^```graphql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[object]:
    for page in PAGES:
        text = page.read_text()
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield pytest.param(found[1], id=f"{page.relative_to(ROOT)}:{line}")


@pytest.mark.parametrize("example", list(examples()))
def test_an_example_is_valid(example: str) -> None:
    for one in parse(example).definitions:  # a block may show several requests
        alone = DocumentNode(definitions=(one,))
        assert validate(SCHEMA, alone) == []
