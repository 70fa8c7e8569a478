"""Decides the kinds of refusal that a person can do something about."""

from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """What kind of refusal it is, for programs that read the answer."""

    ILLEGAL_TRANSITION = "illegal_transition"
    STALE_VERSION = "stale_version"
    INVALID_INPUT = "invalid_input"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"


@dataclass
class Refusal(Exception):
    """Something that is not done, in words for a person; `path` says which part of the input is meant."""

    message: str
    path: tuple[str, ...] = ()
    code = ErrorCode.INVALID_INPUT


class InvalidInput(Refusal):
    """Something in the input is missing or wrong."""


class NotFound(Refusal):
    """There is no such record in reach."""

    code = ErrorCode.NOT_FOUND


class Conflict(Refusal):
    """It contradicts what is recorded already."""

    code = ErrorCode.CONFLICT


@dataclass
class StaleVersion(Refusal):
    """Somebody else has changed the record since it was read."""

    current_version: int = 0
    code = ErrorCode.STALE_VERSION


@dataclass
class IllegalTransition(Refusal):
    """A transition that the table does not allow now; it names those that are legal."""

    status: str = ""
    transition: str = ""
    legal_now: tuple[str, ...] = ()
    code = ErrorCode.ILLEGAL_TRANSITION
