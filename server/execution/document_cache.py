"""The document cache: GraphQL documents, parsed, checked against the query cost limits and validated once per role."""

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

from domain.access.people import Role
from limits.query_cost import LIMITS, QueryCostError, check_query_cost
from permissions.graphql_adapter import limit_field_comparisons
from server.execution.error_redaction import without_value
from server.execution.request_error_codes import (
    MOST_ERRORS,
    PARSE_FAILED,
    code_of_validation,
    places_in_document,
    with_code,
)

# The cache is bounded by the characters of the documents that it keeps.
_CHARACTERS_KEPT = 2_000_000
_LONGEST_KEPT = 20_000
# Shorter documents are parsed in a few milliseconds, for which a thread does not pay.
_SHORT = 1_000
# The messages with which graphql-core stops at one of our limits, and the name of the limit.
_STOPPED = {
    "Syntax Error: Document contains more than": "tokens",
    "Syntax Error: Document is nested too deeply": "nested selections",
    "Validation aborted.": "comparisons of fields",
}
limit_field_comparisons(LIMITS["comparisons of fields"])


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A validated document of one role, or the errors that keep it from being executed."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]

    @property
    def source(self) -> str:
        """The text of a valid document."""
        assert self.document is not None
        assert self.document.loc is not None
        return self.document.loc.source.body

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name, or the only one; None when there is no such operation, or several and no name."""
        assert self.document is not None
        return get_operation_ast(self.document, name)


class DocumentCache:
    """The cache of documents that clients have sent, by role; least recently used ones are evicted."""

    def __init__(self, schemas: Mapping[Role | None, GraphQLSchema]) -> None:
        self._schemas = schemas
        self._reading = asyncio.Lock()
        self._kept: LRUCache[tuple[Role | None, str], ParsedDocument] = LRUCache(_CHARACTERS_KEPT, getsizeof=_weight)

    def prepare(self, role: Role | None, source: str) -> ParsedDocument:
        """The document validated for this role, from the cache if possible."""
        return self._kept.get((role, source)) or self._keep(role, source, self._prepare(role, source))

    async def prepare_in_thread(self, role: Role | None, source: str) -> ParsedDocument:
        """The same, with long documents parsed in a thread, one at a time, so that they do not block other requests."""
        if len(source) <= _SHORT or self.knows(role, source):
            return self.prepare(role, source)
        async with self._reading:
            prepared = await asyncio.to_thread(self._prepare, role, source)
        return self._keep(role, source, prepared)

    def knows(self, role: Role | None, source: str) -> bool:
        """Whether a document is in the cache."""
        return (role, source) in self._kept

    def _prepare(self, role: Role | None, source: str) -> ParsedDocument:
        return _prepare(self._schemas[role], source, is_anonymous=role is None)

    def _keep(self, role: Role | None, source: str, prepared: ParsedDocument) -> ParsedDocument:
        # Invalid documents are not cached: their errors hold the whole document in memory, and a client could send thousands.
        if prepared.document and len(source) <= _LONGEST_KEPT:
            self._kept[role, source] = prepared
        return prepared

    def __len__(self) -> int:
        return len(self._kept)


def _weight(prepared: ParsedDocument) -> int:
    # A parsed document takes about a hundred times its text in memory; the constant covers the overhead of a short one.
    body = prepared.document.loc.source.body if prepared.document and prepared.document.loc else ""
    return 200 + len(body)


def _prepare(schema: GraphQLSchema, source: str, *, is_anonymous: bool) -> ParsedDocument:
    try:
        document = parse(source, max_tokens=LIMITS["tokens"], allow_empty_selection_sets=False)
        check_query_cost(document)
    except GraphQLError as error:
        return ParsedDocument(None, (with_code(_named(error), PARSE_FAILED),))
    errors = validate(schema, document, max_errors=MOST_ERRORS, hide_suggestions=True, allow_empty_selection_sets=False)
    if not errors:
        return ParsedDocument(document, ())
    limits = [error for error in map(_at_limit, errors) if error]
    if limits:
        return ParsedDocument(None, tuple(limits))
    places = places_in_document(document)
    told = (without_value(code_of_validation(error, places, is_anonymous=is_anonymous)) for error in errors)
    return ParsedDocument(None, tuple(told)[:MOST_ERRORS])


def _at_limit(error: GraphQLError) -> QueryCostError | None:
    """The error that names the limit at which graphql-core has stopped, if it has stopped at one of ours."""
    limit = next((limit for start, limit in _STOPPED.items() if error.message.startswith(start)), None)
    return QueryCostError(limit) if limit else None


def _named(error: GraphQLError) -> GraphQLError:
    """The error of a document that is not parsed."""
    if isinstance(error, GraphQLSyntaxError) and not _at_limit(error):
        # A GraphQLSyntaxError would close the whole WebSocket, with a reason that may be too long for a close frame.
        return GraphQLError(error.message, source=error.source, positions=error.positions)
    return _at_limit(error) or error
