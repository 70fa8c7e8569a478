"""Input fields that many mutations share: the idempotency key, and the version for optimistic locking."""

from typing import Any

from permissions.classes import input_field

VERSION = (
    "Optimistic locking: the version that was read. The request is rejected if the invoice has been changed since."
)


def key(rule: str) -> Any:
    """The input field of an idempotency key."""
    return input_field(
        rule,
        "An idempotency key: a string of your choice with which the same request can be retried safely for 24 hours.",
    )
