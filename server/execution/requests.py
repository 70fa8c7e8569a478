"""A GraphQL request, as parsed from HTTP or WebSocket."""

from dataclasses import dataclass
from typing import Any

LARGEST_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The document or document id, variables and operation name that a client sent."""

    query: str | None
    variables: dict[str, Any] | None
    operation_name: str | None
    # The id of a trusted document, instead of its text.
    document_id: str | None = None
    # The SHA-256 of a persisted query, which Apollo's clients send first without the text, and then with it.
    persisted_hash: str | None = None
