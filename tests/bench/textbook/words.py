"""The textbook's search by the beginning of a word of a name, and its ids."""

from uuid import UUID

from db.global_ids import make_id


def squeezed(text: str) -> str:
    """A text in folded case, with single spaces."""
    return " ".join(text.casefold().split())


def is_named(text: str, *names: str) -> bool:
    """Whether a person's name begins with a text, at any of its words, or with the last word first."""
    wanted, words = squeezed(text), squeezed(" ".join(names)).split()
    word_orders = [words[start:] for start in range(len(words))] + [words[-1:] + words[:-1]]
    return any(" ".join(reading).startswith(wanted) for reading in word_orders if reading)


def is_among(ids: list[str], type_name: str, identity: UUID | None) -> bool:
    """Whether the id of a record is among global ids."""
    return identity is not None and make_id(type_name, identity) in ids
