"""Names of the API (camel case) from names in Python and SQL (snake case), and back; names of enum values."""

from functools import lru_cache


@lru_cache(maxsize=2_000)
def camel(name: str) -> str:
    """The API's name of a column, an input or a mutation."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@lru_cache(maxsize=2_000)
def snake(name: str) -> str:
    """The name in Python, from the name of a field or of a type in the API."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def enum_name(value: str) -> str:
    """A stored value as the API's enum writes it, for messages.

    >>> enum_name("pending_invoice")
    'PENDING_INVOICE'
    """
    return value.upper()
