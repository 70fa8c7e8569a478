"""Decides who exists in the clinic's world: roles, kinds of payer, and how a name is found by its beginning."""

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
    """Every string whose beginning finds a person or firm: each rest of the name from a word on, and last name first.

    >>> name_fragments("Mary Ann", "Smith")
    ['mary ann smith', 'ann smith', 'smith', 'smith mary ann']
    """
    words = [word for name in names for word in searchable(name).split()]
    rests = [" ".join(words[start:]) for start in range(len(words))]
    turned = " ".join(words[-1:] + words[:-1])
    return list(dict.fromkeys([*rests, turned])) if words else []


def searchable(text: str) -> str:
    """The form in which names are stored for search and in which a search is compared with them."""
    return " ".join(text.casefold().split())
