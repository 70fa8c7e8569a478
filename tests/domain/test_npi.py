"""The check digit of an NPI, against the definition of the Luhn algorithm and against every wrong digit."""

from random import Random

import pytest

from domain.errors import InvalidInput
from domain.normal_forms import check_digit, npi_form
from domain.parties import PHYSICIAN


def is_luhn(digits: str) -> bool:
    """The algorithm as ISO/IEC 7812-1 defines it: from the right, every second digit is doubled, and the digits are added."""
    total = 0
    for place, digit in enumerate(digits[::-1]):
        for part in str(int(digit) * (1 + place % 2)):
            total += int(part)
    return total % 10 == 0


def test_the_example_of_the_standard_is_valid() -> None:
    assert npi_form("1234567893") == "1234567893"


@pytest.mark.parametrize("seed", range(50))
def test_exactly_one_of_ten_last_digits_is_right(seed: int) -> None:
    nine = f"{Random(seed).randrange(10**9):09d}"  # noqa: S311 (no secret)
    assert [is_luhn(f"80840{nine}{last}") for last in range(10)] == [
        str(last) == check_digit(nine) for last in range(10)
    ]


def test_every_single_wrong_digit_is_found() -> None:
    right = "1245319599"
    assert npi_form(right) == right
    for place in range(10):
        for digit in set("0123456789") - {right[place]}:
            with pytest.raises(ValueError, match="no National Provider"):
                npi_form(right[:place] + digit + right[place + 1 :])


@pytest.mark.parametrize("text", ["\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff13", " 1234567893\u200b"])
def test_a_compatibility_form_is_stored_as_plain_digits(text: str) -> None:
    assert PHYSICIAN.columns({"npi": text}) == {"npi": "1234567893"}


@pytest.mark.parametrize("text", ["123456789", "12345678933", "1234567890", "123-456-7893", "\u0661" * 10])
def test_what_is_no_npi_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="ten digits, of which the last is a check digit") as refusal:
        PHYSICIAN.columns({"npi": text})
    assert refusal.value.path == ("npi",)
