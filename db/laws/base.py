"""A law: an invariant of the stored data, and the query for the records that break it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Law:
    """An invariant in words, and the query for the ids of the records that break it; `kind` is the type of those records."""

    words: str
    kind: str
    query: str
