"""The errors whose messages are sent to clients unchanged: domain errors, and errors of requests that are not run."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The machine-readable code of a domain error."""

    ILLEGAL_TRANSITION = "illegal_transition"
    STALE_VERSION = "stale_version"
    INVALID_INPUT = "invalid_input"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"


@dataclass
class DomainError(Exception):
    """A domain error: a message for the user; `path` names the part of the input that it is about."""

    message: str
    path: tuple[str, ...] = ()
    code = ErrorCode.INVALID_INPUT


class InvalidInput(DomainError):
    """A part of the input is missing or wrong."""


class NotFound(DomainError):
    """There is no such record that the user may access."""

    code = ErrorCode.NOT_FOUND


class Conflict(DomainError):
    """The change contradicts a stored record."""

    code = ErrorCode.CONFLICT


@dataclass
class StaleVersion(DomainError):
    """The record was changed since it was read (optimistic locking): its version is not the expected one."""

    current_version: int = 0
    code = ErrorCode.STALE_VERSION


@dataclass
class IllegalTransition(DomainError):
    """A transition that the table does not allow from the invoice's status; `legal_now` names those that it does."""

    status: str = ""
    transition: str = ""
    legal_now: tuple[str, ...] = ()
    code = ErrorCode.ILLEGAL_TRANSITION


# The error code for a temporary failure: a retry later may succeed.
UNAVAILABLE = "UNAVAILABLE"


class RequestError(Exception):
    """An operation that cannot be answered: a message for the user, and a machine-readable code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message, self.code = message, code


class RefusedRequest(RequestError):
    """A request that is not run: the HTTP status, message, code and headers of the response."""

    def __init__(
        self, status: int, message: str, code: str = "BAD_REQUEST", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code)
        self.status, self.headers = status, dict(headers or {})
