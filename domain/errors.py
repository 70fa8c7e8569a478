"""The errors whose messages are sent to clients unchanged: domain errors, and errors of requests that are not run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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


class InputReason(StrEnum):
    """The machine-readable reason why a part of the input is not valid, by which a form chooses its own words."""

    BLANK = "blank"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"
    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    IN_THE_PAST = "in_the_past"
    IN_THE_FUTURE = "in_the_future"
    BAD_FORMAT = "bad_format"
    CODE_NEEDED = "code_needed"
    WRONG_CREDENTIALS = "wrong_credentials"
    RULE = "rule"


@dataclass
class InvalidInput(DomainError):
    """A part of the input is missing or wrong; `limit` is what the part may be at most, at least, first or last.

    A limit is a fixed one, or follows from the calendar; never from stored records, of which it would tell hidden facts.
    """

    reason: InputReason = InputReason.RULE
    limit: str | None = None

    def at(self, *path: str) -> "InvalidInput":
        """The same error at another part of the input."""
        return InvalidInput(self.message, path, self.reason, self.limit)


class InvalidInputs(InvalidInput):
    """Several parts of the input are missing or wrong; the error itself says what is wrong with the first of them."""

    def __init__(self, errors: Sequence[InvalidInput]) -> None:
        first = errors[0]
        super().__init__(first.message, first.path, first.reason, first.limit)
        self.errors = tuple(errors)


class InputErrors:
    """Collects the errors of independent parts of an input, so that a form learns all of them at once."""

    def __init__(self) -> None:
        self._found: list[InvalidInput] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the input; InvalidInput is collected, and nothing that depends on the part may follow outside."""
        try:
            yield
        except InvalidInput as error:
            self.add(error)

    def add(self, error: InvalidInput) -> None:
        """Collect an error, or all errors of several."""
        self._found += all_errors(error)

    def check(self) -> None:
        """Raise what was collected, if anything was."""
        if len(self._found) > 1:
            raise InvalidInputs(self._found)
        if self._found:
            raise self._found[0]


def all_errors(error: DomainError) -> tuple[Any, ...]:
    """The errors of several parts of an input, or the one error itself."""
    return error.errors if isinstance(error, InvalidInputs) else (error,)


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
