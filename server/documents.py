"""Decides which documents run: parsed, weighed and validated once per role, and kept in a bounded cache."""

from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)

from domain.people import Role
from server.budget import LIMITS, OverBudgetError, check_budget

# The cache is bounded by the characters of the documents that it keeps.
_CHARACTERS_KEPT = 2_000_000
_LONGEST_KEPT = 20_000
_ERRORS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document of one role that may run, or the errors for which it may not."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None when there is none such or no name chooses among several."""
        assert self.document is not None
        return get_operation_ast(self.document, name)


class Documents:
    """The documents that clients have sent, by role."""

    def __init__(self, schemas: Mapping[Role | None, GraphQLSchema]) -> None:
        self._schemas = schemas
        self._kept: LRUCache[tuple[Role | None, str], Prepared] = LRUCache(_CHARACTERS_KEPT, getsizeof=_weight)

    def prepare(self, role: Role | None, source: str) -> Prepared:
        """The document as this role may run it."""
        kept = self._kept.get((role, source))
        if kept is None:
            kept = _prepare(self._schemas[role], source)
            if len(source) <= _LONGEST_KEPT:
                self._kept[role, source] = kept
        return kept

    def __len__(self) -> int:
        return len(self._kept)


def _weight(prepared: Prepared) -> int:
    # A document in memory is some hundred times its text; a short one still has its fixed costs.
    body = prepared.document.loc.source.body if prepared.document and prepared.document.loc else ""
    return 200 + len(body)


def _prepare(schema: GraphQLSchema, source: str) -> Prepared:
    try:
        document = parse(source, max_tokens=LIMITS["tokens"], allow_empty_selection_sets=False)
        check_budget(document)
    except GraphQLError as error:
        is_too_long = "tokens" in error.message and "Document contains more" in error.message
        return Prepared(None, (OverBudgetError("tokens") if is_too_long else error,))
    errors = validate(schema, document, max_errors=_ERRORS_TOLD, hide_suggestions=True, allow_empty_selection_sets=False)
    if errors:
        return Prepared(None, tuple(errors))
    return Prepared(document, ())
