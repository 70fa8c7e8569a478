"""Decides which documents run: parsed, weighed and validated once per role, and kept in a bounded cache."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged

from domain.people import Role
from server.budget import LIMITS, OverBudgetError, check_budget
from server.echoes import without_value

# The cache is bounded by the characters of the documents that it keeps.
_CHARACTERS_KEPT = 2_000_000
_LONGEST_KEPT = 20_000
# Read in some milliseconds, for which a thread is not worth its while.
_SHORT = 1_000
_ERRORS_TOLD = 5
# How graphql-core says that it has stopped, and at which of our limits; it reads one of them from a variable of its own.
_STOPPED = {
    "Syntax Error: Document contains more than": "tokens",
    "Syntax Error: Document is nested too deeply": "nested selections",
    "Validation aborted.": "comparisons of fields",
}
overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = LIMITS["comparisons of fields"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document of one role that may run, or the errors for which it may not."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    @property
    def source(self) -> str:
        """The text of a document that may run."""
        assert self.document is not None
        assert self.document.loc is not None
        return self.document.loc.source.body

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None when there is none such or no name chooses among several."""
        assert self.document is not None
        return get_operation_ast(self.document, name)


class Documents:
    """The documents that clients have sent, by role."""

    def __init__(self, schemas: Mapping[Role | None, GraphQLSchema]) -> None:
        self._schemas = schemas
        self._reading = asyncio.Lock()
        self._kept: LRUCache[tuple[Role | None, str], Prepared] = LRUCache(_CHARACTERS_KEPT, getsizeof=_weight)

    def prepare(self, role: Role | None, source: str) -> Prepared:
        """The document as this role may run it."""
        return self._kept.get((role, source)) or self._keep(role, source, _prepare(self._schemas[role], source))

    async def prepare_aside(self, role: Role | None, source: str) -> Prepared:
        """The same; while a long one is read, one after the other, everybody else goes on being answered."""
        if len(source) <= _SHORT or self.knows(role, source):
            return self.prepare(role, source)
        async with self._reading:
            prepared = await asyncio.to_thread(_prepare, self._schemas[role], source)
        return self._keep(role, source, prepared)

    def knows(self, role: Role | None, source: str) -> bool:
        """Whether a document costs nothing any more."""
        return (role, source) in self._kept

    def _keep(self, role: Role | None, source: str, prepared: Prepared) -> Prepared:
        # A refused document is not kept: its errors hold on to all of it, and whoever sends it may send a thousand others.
        if prepared.document and len(source) <= _LONGEST_KEPT:
            self._kept[role, source] = prepared
        return prepared

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
        return Prepared(None, (_named(error),))
    errors = validate(
        schema, document, max_errors=_ERRORS_TOLD, hide_suggestions=True, allow_empty_selection_sets=False
    )
    if errors:
        return Prepared(None, tuple(map(_named, errors)))
    return Prepared(document, ())


def _named(error: GraphQLError) -> GraphQLError:
    """The error as it is; where graphql-core has stopped at a limit of ours, the limit by its name."""
    limit = next((limit for said, limit in _STOPPED.items() if error.message.startswith(said)), None)
    if limit:
        return OverBudgetError(limit)
    if isinstance(error, GraphQLSyntaxError):
        # As a syntax error it would end a whole WebSocket, with a reason that may be too long for its last frame.
        return GraphQLError(error.message, source=error.source, positions=error.positions)
    return without_value(error)
