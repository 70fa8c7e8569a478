"""Decides how the textbook finds people by the beginning of a word of their name, and writes ids."""

from uuid import UUID

from db.identity import make_id


def squeezed(text: str) -> str:
    """A text without regard to case and to the width of gaps."""
    return " ".join(text.casefold().split())


def is_named(text: str, *names: str) -> bool:
    """Whether somebody's name begins with a text, at any of its words, or with the last word put first."""
    wanted, words = squeezed(text), squeezed(" ".join(names)).split()
    readings = [words[start:] for start in range(len(words))] + [words[-1:] + words[:-1]]
    return any(" ".join(reading).startswith(wanted) for reading in readings if reading)


def is_among(ids: list[str], type_name: str, identity: UUID | None) -> bool:
    """Whether a record is one of those that global ids name."""
    return identity is not None and make_id(type_name, identity) in ids
