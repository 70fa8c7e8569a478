"""The numbers of invoices: the clinic's prefix, the year of creation, and a count of at least six digits."""

import re

from domain.errors import InvalidInput

DEFAULT_PREFIX = "INV"
# The count of the first invoice has six digits at most.
LARGEST_FIRST = 999_999
_PREFIX = re.compile(r"[A-Z]{1,4}")
_REST = re.compile(r"-([0-9]{4})-([0-9]{6}|[1-9][0-9]{6,8})")
_LIKE_REST = re.compile(r"-[0-9]{4}-[0-9]{6,12}")


def checked_prefix(text: str | None) -> str:
    """The letters before the numbers of a clinic's invoices; InvalidInput for any other text."""
    if text is None or not _PREFIX.fullmatch(text):
        raise InvalidInput("The prefix of invoice numbers is 1 to 4 capital letters", ("invoice_number_prefix",))
    return text


def checked_first_number(number: int | None) -> int:
    """The count of a clinic's first invoice; InvalidInput for one with which no invoice begins."""
    if number is None or not 1 <= number <= LARGEST_FIRST:
        raise InvalidInput(f"The first invoice number is 1 to {LARGEST_FIRST:,}", ("first_invoice_number",))
    return number


def place_of(number: str, prefix: str) -> tuple[int, int] | None:
    """The year and the count in an invoice number of the server's own format; None for any other.

    >>> place_of("INV-2026-000123", "INV")
    (2026, 123)
    """
    found = _REST.fullmatch(number.removeprefix(prefix)) if number.startswith(prefix) else None
    return (int(found[1]), int(found[2])) if found else None


def check_imported(number: str, prefix: str, year: int) -> None:
    """Refuse an imported number that is almost one of the server's own; InvalidInput says what it needs."""
    place, of_format = place_of(number, prefix), "A number in the server's own format must"
    if place is None and number.startswith(prefix) and _LIKE_REST.fullmatch(number.removeprefix(prefix)):
        raise InvalidInput(f"{of_format} look like {prefix}-2026-000123", ("number",))
    if place is not None and place[0] != year:
        raise InvalidInput(f"{of_format} have the year of the creation date", ("number",))
