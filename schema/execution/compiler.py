"""From a selection of a document to its plan."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    visit,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import identity

from db.json import Kind, Leaf
from db.models import Base
from db.records import fact
from db.rows import Asked, Form
from schema.execution import fields
from schema.execution.code import Code
from schema.execution.fields import declaration
from schema.execution.plan import (
    Column,
    Columns,
    Computed,
    Connection,
    Edges,
    Inside,
    Kinds,
    Member,
    Nodes,
    Other,
    PageInfo,
    Part,
    Parts,
    Plan,
    Related,
    Typename,
)

DEFINITION: Final = "strawberry-definition"
_TEXTS: Final = {"String", "ID"}


class Compiler:
    """Compiles the selections of one operation. `executor` is graphql-core's, as it was built."""

    def __init__(self, executor: Any, config: StrawberryConfig, scalars: Any) -> None:  # noqa: ANN401
        self._executor = executor
        self._config = config
        self._scalars = scalars

    def root(self, query_type: GraphQLObjectType) -> Plan:
        one = self._executor
        found = collect_fields(
            one.schema, one.fragments, one.variable_values, query_type, one.operation
        )
        return self._plan(query_type, found.grouped_field_set, None, Columns())

    def _subfields(
        self, kind: GraphQLObjectType, details: FieldDetailsList
    ) -> dict[str, FieldDetailsList]:
        one = self._executor
        found = collect_subfields(
            one.schema, one.fragments, one.variable_values, one.operation, kind, details
        )
        return found.grouped_field_set

    def _plan(
        self,
        kind: GraphQLObjectType,
        selected: dict[str, FieldDetailsList],
        model: type[Base] | None,
        columns: Columns,
    ) -> Plan:
        parts = self._parts(kind, selected, model, columns)
        code = Code(model, columns)
        build = code.builder(parts)
        has_others = any(isinstance(part, Other) for part in parts.values())
        return Plan(kind, model, columns, parts, build, code.recorder() if has_others else list)

    def _parts(
        self,
        kind: GraphQLObjectType,
        selected: dict[str, FieldDetailsList],
        model: type[Base] | None,
        columns: Columns,
    ) -> Parts:
        return {
            name: self._part(kind, details, model, columns) for name, details in selected.items()
        }

    def _part(
        self,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        model: type[Base] | None,
        columns: Columns,
    ) -> Part:
        node = details[0].node
        if node.name.value == "__typename":
            return Typename(kind.name)
        field = kind.fields.get(node.name.value)
        known: StrawberryField | None = field.extensions.get(DEFINITION) if field else None
        if field is None or known is None or known.extensions:
            return Other(details, once=known is not None and fields.ONCE in known.metadata)
        what = declaration(known)
        if isinstance(what, (fields.Relation, fields.Paged)):
            return self._related(field, known, what, details, columns)
        if model is None:
            return Other(details, once=fields.ONCE in known.metadata)
        if isinstance(what, fields.Inside):
            return self._inside(field, what, details, model, columns)
        return self._leaf(kind, field, known, model) or Other(details)

    def _inside(
        self,
        field: GraphQLField,
        what: fields.Inside,
        details: FieldDetailsList,
        model: type[Base],
        columns: Columns,
    ) -> Part:
        kind, _ = _nullable(field.type)
        if not isinstance(kind, GraphQLObjectType):
            return Other(details)
        parts = self._parts(kind, self._subfields(kind, details), model, columns)
        if any(isinstance(part, (Other, Related)) for part in parts.values()):
            return Other(details)
        return Inside(Asked(what.present), parts)

    def _leaf(
        self,
        kind: GraphQLObjectType,
        field: GraphQLField,
        known: StrawberryField,
        model: type[Base],
    ) -> Part | None:
        inner, optional = _nullable(field.type)
        if not is_leaf_type(inner):
            return _texts(inner, optional, known, model) or _list(inner, optional, known)
        what = declaration(known)
        if isinstance(what, fields.GlobalId):
            asked = Asked(what.column, Form.GLOBAL_ID, kind.name)
            return Column(Leaf(asked, Kind.PLAIN, optional))
        if isinstance(what, fields.Computed):
            serialize = inner.coerce_output_value
            return Computed(what.function, what.needs, what.with_context, optional, serialize)
        if isinstance(what, fields.Column):
            return _column(inner, optional, what.name, model)
        if known.is_basic_field and hasattr(model, known.python_name):
            return _column(inner, optional, known.python_name, model)
        return None

    def _related(
        self,
        field: GraphQLField,
        known: StrawberryField,
        what: fields.Relation | fields.Paged,
        details: FieldDetailsList,
        columns: Columns,
    ) -> Part:
        if details[0].fragment_variable_values is not None:
            return Other(details)
        kind, optional = _nullable(field.type)
        many = isinstance(kind, GraphQLList)
        inner = _nullable(cast("GraphQLList[Any]", kind).of_type)[0] if many else kind
        make = self._connection if isinstance(what, fields.Paged) else self._rows
        selection = make(inner, details, Columns())
        if selection is None:
            return Other(details)
        of = None if what.of is None else Asked(what.of)
        if of is not None:
            columns.place(of)
        node = details[0].node
        arguments = self._arguments(field, known, node)
        constant = not _has_variables(node)
        return Related(what.wish, arguments, constant, of, selection, many, optional)

    def _rows(
        self,
        kind: Any,  # noqa: ANN401
        details: FieldDetailsList,
        columns: Columns,
    ) -> Plan | Kinds | None:
        """The selection on a table's type, or on an interface whose types share a table."""
        model = _declared(kind, "model")
        if model is None:
            return None
        if not is_abstract_type(kind):
            return self._plan(kind, self._subfields(kind, details), model, columns)
        kinds = _declared(kind, "kinds")
        if kinds is None:
            return None
        by, names = kinds
        asked = Asked(by)
        columns.place(asked)
        types = {value: self._executor.schema.type_map[name] for value, name in names.items()}
        plans = {
            str(value): self._plan(one, self._subfields(one, details), model, columns)
            for value, one in types.items()
        }
        return Kinds(asked, plans, columns)

    def _connection(
        self, kind: GraphQLObjectType, details: FieldDetailsList, columns: Columns
    ) -> Connection | None:
        parts: dict[str, Any] = {}
        members: set[str] = set()
        for name, one in self._subfields(kind, details).items():
            part = self._connection_part(kind, one, columns, members)
            if part is None:
                return None
            parts[name] = part
        return Connection(columns, parts, frozenset(members))

    def _connection_part(
        self,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        columns: Columns,
        members: set[str],
    ) -> Any:  # noqa: ANN401
        name, inner = _member(kind, details)
        match name:
            case "__typename":
                return Typename(kind.name)
            case "nodes":
                return self._nodes(inner, details, columns)
            case "edges":
                parts = {
                    response: self._edge_part(inner, one, columns, members)
                    for response, one in self._subfields(inner, details).items()
                }
                return None if None in parts.values() else Edges(parts)
            case "page_info":
                return PageInfo(
                    {
                        response: self._plain(inner, one, members)
                        for response, one in self._subfields(inner, details).items()
                    }
                )
            case _:
                return self._plain(kind, details, members)

    def _edge_part(
        self,
        kind: GraphQLObjectType,
        details: FieldDetailsList,
        columns: Columns,
        members: set[str],
    ) -> Any:  # noqa: ANN401
        name, inner = _member(kind, details)
        if name == "node":
            return self._nodes(inner, details, columns)
        return self._plain(kind, details, members)

    def _nodes(self, kind: Any, details: FieldDetailsList, columns: Columns) -> Nodes | None:  # noqa: ANN401
        selection = self._rows(kind, details, columns)
        return None if selection is None else Nodes(selection)

    @staticmethod
    def _plain(
        kind: GraphQLObjectType, details: FieldDetailsList, members: set[str]
    ) -> Typename | Member:
        name, _ = _member(kind, details)
        if name == "__typename":
            return Typename(kind.name)
        members.add(name)
        return Member(cast("Any", name))

    def _arguments(
        self, field: GraphQLField, known: StrawberryField, node: FieldNode
    ) -> Callable[[VariableValues], dict[str, Any]]:
        """Reads a field's arguments as its resolver would get them."""

        def read(variables: VariableValues) -> dict[str, Any]:
            given = get_argument_values(field, node, variables)
            return convert_arguments(given, known.arguments, self._scalars, self._config)

        def read_plain(variables: VariableValues) -> dict[str, Any]:
            given = get_argument_values(field, node, variables)
            return {names[name]: value for name, value in given.items()}

        if not field.args:
            return lambda _variables: {}
        names = {
            self._config.name_converter.from_argument(one): one.python_name
            for one in known.arguments
        }
        # Strawberry makes objects of inputs; scalars, enums and lists of them it leaves alone.
        plain = all(is_leaf_type(get_named_type(one.type)) for one in field.args.values())
        return read_plain if plain and not any(one.is_maybe for one in known.arguments) else read


def _column(inner: Any, optional: bool, name: str, model: type[Base]) -> Column:  # noqa: ANN401, FBT001
    asked, serialize = Asked(name), None
    kind = _kind(inner, name, model)
    names: tuple[tuple[str, str], ...] = ()
    if kind is Kind.PLAIN:
        asked = Asked(name, Form.MOMENT)
    elif kind is Kind.ENUM:
        names = tuple(
            (str(getattr(one.value, "value", one.value)), name)
            for name, one in inner.values.items()
        )
    elif kind in (Kind.INT32, Kind.OTHER):
        serialize = inner.coerce_output_value
    return Column(Leaf(asked, kind, optional, names), serialize)


def _texts(
    kind: Any,  # noqa: ANN401
    optional: bool,  # noqa: FBT001
    known: StrawberryField,
    model: type[Base],
) -> Column | None:
    """A list of texts that a column holds."""
    if not isinstance(kind, GraphQLList):
        return None
    inner, has_nulls = _nullable(cast("GraphQLList[Any]", kind).of_type)
    what = declaration(known)
    name = what.name if isinstance(what, fields.Column) else known.python_name
    is_column = isinstance(what, fields.Column) or (known.is_basic_field and hasattr(model, name))
    if not is_column or has_nulls or inner.name not in _TEXTS or not fact(model, name).is_texts:
        return None
    return Column(Leaf(Asked(name), Kind.TEXTS, optional))


def _list(kind: Any, optional: bool, known: StrawberryField) -> Computed | None:  # noqa: ANN401, FBT001
    """A list of leaves that a function makes. Every other list takes a resolver."""
    what = declaration(known)
    if not isinstance(what, fields.Computed) or not isinstance(kind, GraphQLList):
        return None
    inner, has_nulls = _nullable(cast("GraphQLList[Any]", kind).of_type)
    if has_nulls or not is_leaf_type(inner):
        return None

    def serialize(values: Sequence[object]) -> list[object]:
        return [inner.coerce_output_value(one) for one in values]

    return Computed(what.function, what.needs, what.with_context, optional, serialize)


def _kind(inner: Any, name: str, model: type[Base]) -> Kind:  # noqa: ANN401
    """How values of this column are written where a field of this type stands."""
    known = fact(model, name)
    if isinstance(inner, GraphQLEnumType):
        return Kind.ENUM if known.members is not None else Kind.OTHER
    python = known.python.__name__
    if inner.name == "DateTime" and python == "datetime":
        return Kind.PLAIN
    if inner is GraphQLInt and python == "int":
        return Kind.INT32 if known.is_big else Kind.INTEGER
    passes = inner.name in _TEXTS or _passes_through(inner)
    kinds = {"int": Kind.INTEGER, "str": Kind.TEXT}
    if passes and python in kinds and not (python == "int" and inner.name in _TEXTS):
        return kinds[python]
    kinds = {("Float", "float"): Kind.FLOAT, ("Boolean", "bool"): Kind.BOOLEAN}
    return kinds.get((inner.name, python), Kind.OTHER)


def _passes_through(inner: GraphQLScalarType) -> bool:
    """Whether the scalar writes values as they are."""
    return inner.coerce_output_value in (GraphQLScalarType.serialize, identity)


def _nullable(kind: Any) -> tuple[Any, bool]:  # noqa: ANN401
    if isinstance(kind, GraphQLNonNull):
        return cast("Any", kind).of_type, False
    return kind, True


def _member(kind: GraphQLObjectType, details: FieldDetailsList) -> tuple[str, Any]:
    """The field's name in Python, and the type inside of its lists."""
    name = details[0].node.name.value
    if name == "__typename":
        return name, None
    field = kind.fields[name]
    inner = field.type
    while isinstance(inner, (GraphQLNonNull, GraphQLList)):
        inner = cast("Any", inner).of_type
    return field.extensions[DEFINITION].python_name, inner


def _declared(kind: Any, name: str) -> Any:  # noqa: ANN401
    definition = kind.extensions.get(DEFINITION)
    return getattr(definition.origin, name, None) if definition else None


def _has_variables(node: FieldNode) -> bool:
    found: list[VariableNode] = []

    class Finder(Visitor):
        def enter_variable(self, variable: VariableNode, *_args: Any) -> None:  # noqa: ANN401
            found.append(variable)

    _each(node.arguments or (), Finder())
    return bool(found)


def _each(nodes: Iterable[Any], visitor: Visitor) -> None:
    for node in nodes:
        visit(node, visitor)
