"""Decides what is counted and timed of a process as it happens: never by a word of a client's."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode
from prometheus_client import CollectorRegistry, Counter, Histogram

from domain.people import Role

# From a read of one record to the limit of an operation, in seconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


def label_of(operation: OperationDefinitionNode) -> str:
    """What an operation is counted as: its field, as the schema calls it. The client's own name for it could say anything.

    >>> from graphql import parse
    >>> label_of(parse("query JaneDoe { mine: invoices { totalCount } }").definitions[0])
    'invoices'
    >>> label_of(parse("{ invoices { totalCount } cases { totalCount } }").definitions[0])
    'several'
    """
    first, *others = operation.selection_set.selections
    return first.name.value if isinstance(first, FieldNode) and not others else "several"


class Metrics:
    """The figures of one server process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = self.made(
            Histogram, "operation_seconds", "How long operations took", "operation", "role", buckets=_BUCKETS
        )
        self._errors = self.made(Counter, "errors", "GraphQL errors that clients were told", "code", "role")
        self._responses = self.made(Counter, "responses", "HTTP responses of the API", "status")

    @property
    def registry(self) -> CollectorRegistry:
        """Where all figures are."""
        return self._registry

    def made(self, kind: Callable[..., Any], name: str, words: str, *labels: str, **more: Any) -> Any:
        """A further figure."""
        return kind(f"billing_{name}", words, labels, registry=self._registry, **more)

    def done(self, label: str, role: Role | None, seconds: float, errors: Sequence[GraphQLError] | None) -> None:
        """Count an operation that was run."""
        name = role.name if role else "NOBODY"
        self._seconds.labels(label, name).observe(seconds)
        self.told(errors or (), name)

    def told(self, errors: Sequence[GraphQLError], name: str) -> None:
        """Count errors that somebody with a role of this name was told."""
        for error in errors:
            self._errors.labels(str((error.extensions or {}).get("code", "INVALID")), name).inc()

    def answered(self, status: int) -> None:
        """Count a response."""
        self._responses.labels(status).inc()
