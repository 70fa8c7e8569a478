"""The National Provider Identifier (NPI) of a physician: ten digits, of which the last is a check digit."""

import re

from domain.normal_forms import code_form

# The prefix that ISO/IEC 7812 gives to health identifiers of the United States; the check digit is computed over it, too.
_PREFIX = "80840"
_DIGITS = 10


def npi_form(text: str) -> str:
    """An NPI as it is stored: ten ASCII digits; ValueError for any other text, or where the check digit is wrong.

    >>> npi_form(" 1234567893 ")
    '1234567893'
    """
    found = code_form(text)
    if not re.fullmatch(f"[0-9]{{{_DIGITS}}}", found) or check_digit(found[:-1]) != found[-1]:
        raise ValueError("no National Provider Identifier")
    return found


def check_digit(digits: str) -> str:
    """The last digit of the NPI that begins with these nine digits: the Luhn check digit over 80840 and them.

    >>> check_digit("123456789")
    '3'
    """
    doubled = [sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(_PREFIX + digits))]
    return str(-sum(doubled) % 10)
