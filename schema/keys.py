"""Decides how a step is made safe to send again."""

from typing import Any

from permissions.classes import given


def key(rule: str) -> Any:
    """The input field of an idempotency key."""
    return given(rule, "A text of your own that makes it safe to send the same step again within 24 hours.")
