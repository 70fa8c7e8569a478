"""The bearer token with which a WebSocket is opened: of its connection parameters, else of the header of its handshake."""

from collections.abc import Mapping
from typing import Any

_NAME, _SCHEME = "authorization", "bearer "
# Where other servers look for a token. A client that is told nothing would go on as if it had signed in.
_ELSEWHERE = ("auth", "token", "header", "session")


class UnreadableTokenError(Exception):
    """Connection parameters that are meant to have a token, but not where and how it is read."""


def authorization_of(parameters: Mapping[str, Any], header: str | None) -> str | None:
    """The Authorization value, None of an anonymous connection; UnreadableTokenError says how to send it."""
    named = {name.lower(): value for name, value in parameters.items()}
    given = named.pop(_NAME, None)
    if given:
        if isinstance(given, str) and given.lower().startswith(_SCHEME):
            return given
        raise UnreadableTokenError('connectionParams.authorization must be "Bearer <token>"')
    if any(word in name and value for name, value in named.items() for word in _ELSEWHERE):
        raise UnreadableTokenError('Send the token as connectionParams.authorization: "Bearer <token>"')
    return header
