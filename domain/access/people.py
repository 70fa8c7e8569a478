"""The roles of users, the kinds of payer, and the prefix search of names."""

from enum import StrEnum


class Role(StrEnum):
    """The five roles of a signed-in user; a user has one role in one clinic."""

    ADMIN = "admin"
    BILLING = "billing"
    PHYSICIAN = "physician"
    ATTORNEY = "attorney"
    ANALYST = "analyst"


class PayerKind(StrEnum):
    """Who pays an invoice."""

    ATTORNEY = "attorney"
    INSURANCE = "insurance"
    PATIENT = "patient"


def name_fragments(*names: str) -> list[str]:
    """The strings that a prefix search of a person or firm matches: the name from each word on, and last name first.

    >>> name_fragments("Mary Ann", "Smith")
    ['mary ann smith', 'ann smith', 'smith', 'smith mary ann']
    """
    words = [word for name in names for word in searchable(name).split()]
    rests = [" ".join(words[start:]) for start in range(len(words))]
    turned = " ".join(words[-1:] + words[:-1])
    return list(dict.fromkeys([*rests, turned])) if words else []


def searchable(text: str) -> str:
    """A name or a search term in the normal form in which both are compared: case folded, single spaces."""
    return " ".join(text.casefold().split())
