"""The numbers and codes by which payers know clinics, physicians and places: their form and check digits."""

import re

from domain.normal_forms import code_form, npi_form
from domain.texts import Text

# The digits of a taxpayer identification number (TIN), and where an employer's number is divided.
_TIN_DIGITS, _TIN_PREFIX = 9, 2


def tin_form(text: str) -> str:
    """A TIN as it is stored: nine digits; ValueError for any other text, and for one of nothing but zeros.

    >>> tin_form("12-3456789")
    '123456789'
    """
    found = code_form(text).replace("-", "")
    if not re.fullmatch(f"[0-9]{{{_TIN_DIGITS}}}", found) or not found.strip("0"):
        raise ValueError("no taxpayer identification number")
    return found


def printed_tin(tin: str) -> str:
    """A TIN as it is printed on bills.

    >>> printed_tin("123456789")
    '12-3456789'
    """
    return f"{tin[:_TIN_PREFIX]}-{tin[_TIN_PREFIX:]}"


NPI = Text(
    50, words="A National Provider Identifier (NPI) has ten digits, of which the last is a check digit", read=npi_form
)
TIN = Text(20, words="A taxpayer identification number (TIN) has nine digits, such as 12-3456789", read=tin_form)
TAXONOMY = Text(
    10, capitals=True, form="[0-9A-Z]{9}X", words="A taxonomy code has ten letters and digits, of which the last is X"
)
PLACE_OF_SERVICE = Text(2, form="[0-9]{2}", words="A place of service is a code of two digits, such as 11")
LICENCE_NUMBER = Text(30, capitals=True)
