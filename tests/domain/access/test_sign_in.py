"""Sign-in rules: valid e-mail addresses, the network that counts as one address, lockout, and the validity of one-time codes."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from domain.access.second_factor import step_of
from domain.access.sign_in import LOCKS, network_of, plain_email, plain_name

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
MOMENT = datetime(2026, 6, 30, 12, 0, 15, tzinfo=UTC)
STEP = int(MOMENT.timestamp()) // 30


@pytest.mark.parametrize("text", ["nul\0@demo.example", "half a pair \ud800@demo.example", "\udfff", "x" * 255])
def test_a_text_that_no_account_can_have_is_not_normalised_to_an_e_mail_address(text: str) -> None:
    assert plain_email(text) is None


def test_any_other_text_is_an_e_mail_address_in_lower_case() -> None:
    assert [plain_email(text) for text in ("Some@Body", "x" * 254, "", "ÄÖ")] == ["some@body", "x" * 254, "", "äö"]


def test_an_invalid_name_of_a_clinic_is_none() -> None:
    assert [plain_name(text) for text in (None, "demo", "de\0mo", "\ud800")] == [None, "demo", "", ""]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("2001:DB8:0:7::", "2001:db8:0:7::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_ipv4_address_or_the_network_of_an_ipv6_address_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_ten_failures_at_one_address_or_a_hundred_from_all_cause_a_lockout_of_fifteen_minutes() -> None:
    assert {name: (lock.failures, lock.lasts) for name, lock in LOCKS.items()} == {
        "pair": (10, timedelta(minutes=15)),
        "email": (100, timedelta(minutes=15)),
    }


def code(steps_away: int) -> str:
    return pyotp.TOTP(SECRET).at(MOMENT + timedelta(seconds=30 * steps_away))


def accepted_step(text: str, last_step: int | None = None) -> int | None:
    return step_of(text, pyotp.TOTP(SECRET).generate_otp, MOMENT, last_step)


@pytest.mark.parametrize(("steps_away", "is_valid"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_valid_in_its_half_minute_and_the_adjacent_ones(steps_away: int, is_valid: bool) -> None:
    assert accepted_step(code(steps_away)) == (STEP + steps_away if is_valid else None)


def test_a_code_is_valid_once_and_older_codes_are_invalid_after_it() -> None:
    assert accepted_step(code(0), last_step=STEP - 1) == STEP
    assert accepted_step(code(0), last_step=STEP) is None
    assert accepted_step(code(-1), last_step=STEP) is None
    assert accepted_step(code(1), last_step=STEP) == STEP + 1


def test_a_code_may_be_typed_with_spaces_and_no_other_text_is_a_code() -> None:
    assert accepted_step(f" {code(0)[:3]} {code(0)[3:]}\n") == STEP
    fullwidth = "".join(chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(digit)) for digit in code(0))
    assert [accepted_step(text) for text in ("", "12345", code(0) + "0", fullwidth, "\ud800", "\0" * 6)] == [None] * 6


def test_the_codes_are_those_of_rfc_6238() -> None:
    # The last six of the eight digits in the RFC's table of test vectors, for SHA-1.
    for second, expected in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        moment = datetime.fromtimestamp(second, UTC)
        assert step_of(expected, pyotp.TOTP(SECRET).generate_otp, moment, None) == second // 30
