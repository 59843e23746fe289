"""From a selection of a document to its plan."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

from typing import Any, Final, cast

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_nullable_type,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields, collect_subfields
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField

from db.models import Base
from db.rows import Asked
from schema.execution import arguments, fields, leaves
from schema.execution.code import Code
from schema.execution.fields import declaration
from schema.execution.plan import (
    Columns,
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
        return leaves.leaf(kind, field, known, model) or Other(details)

    def _inside(
        self,
        field: GraphQLField,
        what: fields.Inside,
        details: FieldDetailsList,
        model: type[Base],
        columns: Columns,
    ) -> Part:
        kind = get_nullable_type(field.type)
        if not isinstance(kind, GraphQLObjectType):
            return Other(details)
        parts = self._parts(kind, self._subfields(kind, details), model, columns)
        if any(isinstance(part, (Other, Related)) for part in parts.values()):
            return Other(details)
        return Inside(Asked(what.present), parts)

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
        make = self._connection if isinstance(what, fields.Paged) else self._rows
        selection = make(cast("Any", get_named_type(field.type)), details, Columns())
        if selection is None:
            return Other(details)
        of = None if what.of is None else Asked(what.of)
        if of is not None:
            columns.place(of)
        node = details[0].node
        read = arguments.reader(field, known, node, config=self._config, scalars=self._scalars)
        constant = not arguments.has_variables(node)
        many = isinstance(get_nullable_type(field.type), GraphQLList)
        optional = is_nullable_type(field.type)
        return Related(what.wish, read, constant, of, selection, many, optional)

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


def _member(kind: GraphQLObjectType, details: FieldDetailsList) -> tuple[str, Any]:
    """The field's name in Python, and the type inside of its lists."""
    name = details[0].node.name.value
    if name == "__typename":
        return name, None
    field = kind.fields[name]
    return field.extensions[DEFINITION].python_name, get_named_type(field.type)


def _declared(kind: Any, name: str) -> Any:  # noqa: ANN401
    definition = kind.extensions.get(DEFINITION)
    return getattr(definition.origin, name, None) if definition else None
