"""Decides which e-mails can be somebody's, what counts as one address, and which codes are good when."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from domain.second_factor import step_of
from domain.sign_in import LOCKS, network_of, plain_email, plain_name

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
MOMENT = datetime(2026, 6, 30, 12, 0, 15, tzinfo=UTC)
STEP = int(MOMENT.timestamp()) // 30


@pytest.mark.parametrize("text", ["nul\0@demo.clinic", "half a pair \ud800@demo.clinic", "\udfff", "x" * 255])
def test_what_no_account_can_have_is_nobody_s_e_mail_and_is_not_mended(text: str) -> None:
    assert plain_email(text) is None


def test_any_other_text_may_be_somebody_s_e_mail_in_lower_case() -> None:
    assert [plain_email(text) for text in ("Some@Body", "x" * 254, "", "ÄÖ")] == ["some@body", "x" * 254, "", "äö"]


def test_a_clinic_that_cannot_be_named_is_none() -> None:
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
def test_one_address_is_an_ipv4_address_or_the_network_of_an_ipv6_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_ten_failures_at_one_address_or_a_hundred_from_all_lock_for_a_quarter_of_an_hour() -> None:
    assert {name: (lock.failures, lock.lasts) for name, lock in LOCKS.items()} == {
        "pair": (10, timedelta(minutes=15)),
        "email": (100, timedelta(minutes=15)),
    }


def code(steps_away: int) -> str:
    return pyotp.TOTP(SECRET).at(MOMENT + timedelta(seconds=30 * steps_away))


def good(said: str, last_step: int | None = None) -> int | None:
    return step_of(said, pyotp.TOTP(SECRET).generate_otp, MOMENT, last_step)


@pytest.mark.parametrize(("steps_away", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_in_its_half_minute_and_the_ones_beside_it(steps_away: int, is_good: bool) -> None:
    assert good(code(steps_away)) == (STEP + steps_away if is_good else None)


def test_a_code_is_good_once_and_older_ones_not_after_it() -> None:
    assert good(code(0), last_step=STEP - 1) == STEP
    assert good(code(0), last_step=STEP) is None
    assert good(code(-1), last_step=STEP) is None
    assert good(code(1), last_step=STEP) == STEP + 1


def test_a_code_may_be_typed_with_a_gap_and_nothing_else_is_a_code() -> None:
    assert good(f" {code(0)[:3]} {code(0)[3:]}\n") == STEP
    wide = "".join(chr(ord("\N{FULLWIDTH DIGIT ZERO}") + int(digit)) for digit in code(0))
    assert [good(said) for said in ("", "12345", code(0) + "0", wide, "\ud800", "\0" * 6)] == [None] * 6


def test_the_codes_are_those_of_rfc_6238() -> None:
    # The last six of the eight digits in the RFC's table of test vectors, for SHA-1.
    for second, expected in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        moment = datetime.fromtimestamp(second, UTC)
        assert step_of(expected, pyotp.TOTP(SECRET).generate_otp, moment, None) == second // 30
