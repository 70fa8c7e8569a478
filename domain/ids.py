"""Generates the ids of records: UUID v7, which sort by creation time and cannot be guessed."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 74


def new_id(moment: datetime | None = None, random_bits: Callable[[int], int] = secrets.randbits) -> UUID:
    """A UUID v7 of a moment (default: now); a seeded `random_bits` makes reproducible ids for demo data and tests."""
    milliseconds = int((moment or datetime.now(UTC)).timestamp() * 1000)
    bits = random_bits(_RANDOM_BITS)
    high, low = bits >> 62, bits & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
