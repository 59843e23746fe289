"""From text to a valid document: parsed, and checked against the schema."""

from collections.abc import Iterable
from typing import TypeAlias

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    parse,
    specified_rules,
)
from graphql.validation import ASTValidationRule
from strawberry.schema.schema import validate_document

from schema.execution.limits import Limits, Refused, above
from schema.failures import BAD_USER_INPUT, PARSE_FAILED, VALIDATION_FAILED

Rules: TypeAlias = tuple[type[ASTValidationRule], ...]


def rules(comparisons: int) -> Rules:
    """GraphQL's rules. graphql-core lets the costliest of them take nearly 2 seconds."""

    class Mergeable(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

    costly: type[ASTValidationRule] = OverlappingFieldsCanBeMergedRule
    return tuple(Mergeable if rule is costly else rule for rule in specified_rules)


def read(schema: GraphQLSchema, text: str, limits: Limits, rules: Rules) -> DocumentNode:
    """Raises `Refused`. A document without operations is not validated: nothing can be run."""
    _check_size(text, limits)
    try:
        document = parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        refusal = Refused(settled([error], PARSE_FAILED))
    else:
        errors = _mistakes(schema, document, rules)
        if not errors:
            return document
        refusal = Refused(settled(errors, VALIDATION_FAILED))
    raise refusal


def settled(errors: Iterable[GraphQLError], code: str) -> list[GraphQLError]:
    """Gives them a code, and takes from them what would keep the document in memory."""
    kept: list[GraphQLError] = []
    for error in errors:
        error.extensions = {"code": code, **(error.extensions or {})}
        error.nodes = None
        error.__context__ = None
        kept.append(error.with_traceback(None))
    return kept


def _check_size(text: str, limits: Limits) -> None:
    if not text:
        error = GraphQLError("The request has no `query`.", extensions={"code": BAD_USER_INPUT})
        raise Refused([error])
    if (actual := len(text)) > (limit := limits.characters):
        sentence = f"The document has {actual} characters"
        raise Refused([above(sentence, limit=limit, actual=actual)])
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    if (actual := ends + 1) > (limit := limits.lines):
        sentence = f"The document has {actual} lines"
        raise Refused([above(sentence, limit=limit, actual=actual)])


def _mistakes(schema: GraphQLSchema, document: DocumentNode, rules: Rules) -> list[GraphQLError]:
    if not any(isinstance(one, OperationDefinitionNode) for one in document.definitions):
        return []
    return validate_document(schema, document, rules)
