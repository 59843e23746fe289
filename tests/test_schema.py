"""The published schema: reviewed as a file, and fully described."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, is_introspection_type, is_specified_scalar_type

from schema.root import schema

ROOTS = {"Query", "Mutation", "Subscription"}


def test_the_schema_file_is_current(root: Path, request: pytest.FixtureRequest) -> None:
    """`pytest --update-schema` rewrites the file; its diff is the review of the API."""
    path, text = root / "schema.graphql", schema.as_str() + "\n"
    if request.config.getoption("--update-schema"):
        path.write_text(text)
    assert path.read_text() == text, "run: make test ARGS=--update-schema"


def undescribed(compiled: GraphQLSchema) -> list[str]:
    """Every type, field, argument and enum value without a description."""
    names: list[str] = []
    for name, kind in compiled.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        names += [name] if not kind.description else []
        for value_name, value in getattr(kind, "values", {}).items():
            names += [f"{name}.{value_name}"] if not value.description else []
        for field_name, field in getattr(kind, "fields", {}).items():
            names += [f"{name}.{field_name}"] if not field.description else []
            for arg_name, arg in getattr(field, "args", {}).items():
                names += [f"{name}.{field_name}({arg_name}:)"] if not arg.description else []
    return names


def test_everything_is_described() -> None:
    assert undescribed(schema._schema) == []
