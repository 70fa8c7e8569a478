"""Decides the kinds of refusal that a person can do something about."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """What kind of refusal it is, for programs that read the answer."""

    ILLEGAL_TRANSITION = "illegal_transition"
    STALE_VERSION = "stale_version"
    INVALID_INPUT = "invalid_input"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
