"""A field's arguments, as its wish is given them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

from collections.abc import Callable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    VariableNode,
    Visitor,
    get_named_type,
    is_leaf_type,
    visit,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField


def reader(
    field: GraphQLField,
    known: StrawberryField,
    node: FieldNode,
    *,
    config: StrawberryConfig,
    scalars: Any,  # noqa: ANN401
) -> Callable[[VariableValues], dict[str, Any]]:
    """Reads the arguments of one field of a document as its resolver would get them."""

    def read(variables: VariableValues) -> dict[str, Any]:
        given = get_argument_values(field, node, variables)
        return convert_arguments(given, known.arguments, scalars, config)

    def read_plain(variables: VariableValues) -> dict[str, Any]:
        given = get_argument_values(field, node, variables)
        return {names[name]: value for name, value in given.items()}

    if not field.args:
        return lambda _variables: {}
    names = {config.name_converter.from_argument(one): one.python_name for one in known.arguments}
    # Strawberry makes objects of inputs; scalars, enums and lists of them it leaves alone.
    plain = all(is_leaf_type(get_named_type(one.type)) for one in field.args.values())
    return read_plain if plain and not any(one.is_maybe for one in known.arguments) else read


def has_variables(node: FieldNode) -> bool:
    """Whether the arguments are not the same for every request."""
    found: list[VariableNode] = []

    class Finder(Visitor):
        def enter_variable(self, variable: VariableNode, *_args: Any) -> None:  # noqa: ANN401
            found.append(variable)

    for argument in node.arguments or ():
        visit(argument, Finder())
    return bool(found)
