"""A successful sign-in clears the failures of its own account only: one e-mail, accounts in two clinics, two passwords."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.sign_in_attempts import (
    WRONG,
    Account,
    CountedPasswords,
    add_account,
    let_time_pass,
    token_of,
    try_to_sign_in,
)
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

A, B = "demo", OTHER
PASSWORDS = {A: PASSWORD, B: "another clinic's password"}
HERE, THERE = "192.0.2.1", "198.51.100.7"
ENROL = "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret } }"
CONFIRM = "mutation ($i: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $i) { isChanged } }"
CHANGE = "mutation ($i: ChangePasswordInput!) { changePassword(input: $i) { changed errors { message } } }"


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def passwords() -> CountedPasswords:
    return CountedPasswords()


@pytest.fixture(scope="module")
def anonymous(address: DatabaseUrls, passwords: CountedPasswords) -> Iterator[Client]:
    with serving(address, passwords=passwords) as url, Client(url) as client:
        yield client


@dataclass
class Person:
    """An e-mail with accounts in two clinics, each with a password of its own."""

    client: Client
    address: DatabaseUrls
    accounts: dict[str, Account]

    @property
    def email(self) -> str:
        return self.accounts[B].email

    def fail(self, clinic: str | None, times: int, source: str = HERE) -> None:
        for number in range(times):
            assert not token_of(try_to_sign_in(self.client, self.email, f"{WRONG} {number}", clinic, source=source))

    def can_sign_in(self, clinic: str, source: str = HERE, *, is_named: bool = True, code: str | None = None) -> bool:
        named = clinic if is_named else None
        tried = try_to_sign_in(self.client, self.email, PASSWORDS[clinic], named, source=source, code=code)
        return token_of(tried) is not None

    def signed_in(self, clinic: str) -> Client:
        """A session of the account in a clinic, from the address of the tests."""
        return Client(self.client.url, token_of(try_to_sign_in(self.client, self.email, PASSWORDS[clinic], clinic)))

    def close(self, clinic: str, *, is_closed: bool = True) -> None:
        """Deactivate the account, as an administrator of the clinic can at any time."""
        rows(self.address, "update users set active = $2 where id = $1", self.accounts[clinic].id, not is_closed)


def person_of(client: Client, address: DatabaseUrls, *clinics: str) -> Person:
    first = add_account(address, role="billing", clinic=clinics[0], password=PASSWORDS[clinics[0]])
    made = {clinics[0]: first}
    for clinic in clinics[1:]:
        made[clinic] = add_account(
            address, role="billing", clinic=clinic, email=first.email, password=PASSWORDS[clinic]
        )
    return Person(client, address, made)


@pytest.fixture
def person(anonymous: Client, address: DatabaseUrls) -> Person:
    return person_of(anonymous, address, A, B)


def test_a_right_password_for_another_clinic_does_not_clear_nine_failures(person: Person) -> None:
    person.fail(A, 9)
    assert person.can_sign_in(B)
    person.fail(A, 1)
    # That was the tenth: the e-mail is locked at this address, in both clinics, and at no other address.
    assert not person.can_sign_in(A)
    assert not person.can_sign_in(B)
    assert person.can_sign_in(A, THERE)


def test_repeated_successes_of_another_account_give_no_eleventh_guess(
    person: Person, passwords: CountedPasswords
) -> None:
    before, got_in = passwords.looked_at, 0
    for _ in range(5):
        person.fail(A, 9)
        got_in += person.can_sign_in(B)
    assert (passwords.looked_at - before - got_in, got_in) == (10, 1)


@pytest.mark.parametrize(
    "clinic", [A, None, A.upper(), f" {A}", f"{A} ", "\uff44emo", "de\u200bmo", "", "de\0mo", "unknown"]
)
def test_however_the_clinic_is_named_a_success_for_another_clears_no_failure(
    person: Person, clinic: str | None
) -> None:
    person.fail(clinic, 9)
    assert person.can_sign_in(B)
    person.fail(clinic, 1)
    assert not person.can_sign_in(A)
    assert not person.can_sign_in(B)


def test_a_success_clears_the_failures_of_its_own_account(person: Person) -> None:
    for _ in range(3):
        person.fail(A, 4)
        person.fail(B, 5)
        assert person.can_sign_in(A)
        assert person.can_sign_in(B)
    person.fail(B, 5)
    person.fail(A, 4)
    assert person.can_sign_in(A)
    person.fail(A, 4)
    # Nine, of which five belong to the other clinic.
    assert person.can_sign_in(A)
    person.fail(A, 5)
    assert not person.can_sign_in(A)
    assert not person.can_sign_in(B)


def enrolled(person: Person) -> str:
    """The secret of the confirmed second factor of the account in the first clinic."""
    with person.signed_in(A) as client:
        secret: str = client.read(ENROL, i={"password": PASSWORDS[A]})["enrolSecondFactor"]["secret"]
        assert client.read(CONFIRM, i={"code": pyotp.TOTP(secret).now()})["confirmSecondFactor"]["isChanged"]
    rows(person.address, "update second_factors set last_step = null where user_id = $1", person.accounts[A].id)
    return secret


def wrong_code(secret: str) -> str:
    near = {pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * step)) for step in range(-3, 9)}
    return next(code for code in map("{:06}".format, range(20)) if code not in near)


def test_wrong_codes_of_a_second_factor_count_as_failures(person: Person) -> None:
    secret = enrolled(person)
    wrong = wrong_code(secret)
    for _ in range(9):
        assert not person.can_sign_in(A, code=wrong)
    assert person.can_sign_in(B)
    # A request for the code is neither a failure nor a success.
    assert not person.can_sign_in(A)
    assert not person.can_sign_in(A, code=wrong)
    assert not person.can_sign_in(A, code=pyotp.TOTP(secret).now())
    assert not person.can_sign_in(B)
    assert person.can_sign_in(A, THERE, code=pyotp.TOTP(secret).now())


def test_a_right_code_clears_the_wrong_codes_of_its_own_account(person: Person) -> None:
    secret = enrolled(person)
    for _ in range(2):
        for _ in range(9):
            assert not person.can_sign_in(A, code=wrong_code(secret))
        rows(person.address, "update second_factors set last_step = null where user_id = $1", person.accounts[A].id)
        assert person.can_sign_in(A, code=pyotp.TOTP(secret).now())


def change(client: Client, old: str) -> Any:
    return client.read(CHANGE, i={"oldPassword": old, "newPassword": "yet another good password"})["changePassword"]


def test_a_wrong_password_at_re_authentication_counts_for_the_user_s_clinic(person: Person) -> None:
    local = "127.0.0.1"
    with person.signed_in(A) as client:
        for _ in range(9):
            assert not change(client, WRONG)["changed"]
        assert person.can_sign_in(B, local)
        assert not change(client, WRONG)["changed"]
        assert change(client, PASSWORDS[A]) == {"changed": False, "errors": [{"message": "The password is wrong"}]}
    assert not person.can_sign_in(A, local)
    assert not person.can_sign_in(B, local)


def test_a_right_password_at_re_authentication_clears_no_failure(person: Person) -> None:
    local = "127.0.0.1"
    with person.signed_in(B) as client:
        person.fail(A, 9, local)
        same = client.read(CHANGE, i={"oldPassword": PASSWORDS[B], "newPassword": PASSWORDS[B]})["changePassword"]
        assert [error["message"] for error in same["errors"]] == ["The new password must differ from the old one"]
    person.fail(A, 1, local)
    assert not person.can_sign_in(A, local)


def fail_from_many_addresses(person: Person, failures: int) -> None:
    for number in range(failures):
        person.fail(A, 1, f"10.9.0.{number}")


def test_an_address_is_known_for_one_account_and_no_other(person: Person) -> None:
    assert person.can_sign_in(B, HERE)
    assert person.can_sign_in(A, THERE)
    fail_from_many_addresses(person, 100)
    assert [person.can_sign_in(B, HERE), person.can_sign_in(A, HERE)] == [True, False]
    assert [person.can_sign_in(B, THERE), person.can_sign_in(A, THERE)] == [False, True]


def test_without_a_clinic_an_address_known_for_another_account_is_locked_like_any_other(
    anonymous: Client, address: DatabaseUrls
) -> None:
    person = person_of(anonymous, address, B)
    assert person.can_sign_in(B, HERE, is_named=False)
    person.accounts[A] = add_account(address, role="billing", email=person.email, password=PASSWORDS[A])
    person.close(B)
    fail_from_many_addresses(person, 100)
    assert not person.can_sign_in(A, HERE, is_named=False)
    assert not person.can_sign_in(A, HERE)
    # Nothing was counted there in the meantime either: the lockout of the one address has ended.
    let_time_pass(address, "15 minutes")
    person.fail(A, 9)
    assert person.can_sign_in(A, HERE, is_named=False)


def test_activating_and_deactivating_the_other_account_gives_no_more_guesses(person: Person) -> None:
    person.close(B)
    person.fail(None, 9)
    person.close(B, is_closed=False)
    assert person.can_sign_in(B)
    person.close(B)
    person.fail(None, 1)
    assert not person.can_sign_in(A, is_named=False)


def test_failures_without_a_clinic_are_cleared_by_a_success_without_one(
    anonymous: Client, address: DatabaseUrls
) -> None:
    person = person_of(anonymous, address, B)
    person.fail(None, 5)
    person.fail(B, 4)
    assert person.can_sign_in(B, is_named=False)
    person.fail(None, 9)
    assert person.can_sign_in(B, is_named=False)


def test_a_lockout_does_not_show_whether_an_e_mail_has_another_account(
    anonymous: Client, address: DatabaseUrls, passwords: CountedPasswords
) -> None:
    looked_at = []
    for clinics in ((B,), (B, A)):
        person = person_of(anonymous, address, *clinics)
        person.fail(None, 5)
        assert person.can_sign_in(B)
        before = passwords.looked_at
        for clinic in (None, A, B, "unknown") * 3:
            person.fail(clinic, 1)
        looked_at.append(passwords.looked_at - before)
    assert looked_at == [5, 5]


def test_a_success_of_another_account_does_not_extend_the_window_of_a_count(
    person: Person, address: DatabaseUrls
) -> None:
    person.fail(A, 9)
    let_time_pass(address, "10 minutes")
    assert person.can_sign_in(B)
    let_time_pass(address, "5 minutes")
    person.fail(A, 9)
    assert person.can_sign_in(A)


def test_of_fifty_concurrent_guesses_between_successes_of_another_account_ten_are_verified(
    person: Person, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at

    def attempt(number: int) -> bool:
        is_guess = number % 4 != 0
        password, clinic = (f"{WRONG} {number}", A) if is_guess else (PASSWORDS[B], B)
        return token_of(try_to_sign_in(person.client, person.email, password, clinic, source=HERE)) is not None

    with ThreadPoolExecutor(40) as threads:
        got_in = sum(threads.map(attempt, range(68)))
    assert passwords.looked_at - before - got_in == 10
    assert not person.can_sign_in(A)


def test_only_hashes_numbers_and_moments_are_stored_of_accounts(person: Person, address: DatabaseUrls) -> None:
    assert person.can_sign_in(B)
    person.fail(A, 3)
    person.fail(None, 2)
    kept = rows(address, "select by_account, known_accounts from sign_in_attempts")
    counts = [entry for row in kept for entry in json.loads(row["by_account"]).items()]
    moments = [entry for row in kept for entry in json.loads(row["known_accounts"]).items()]
    assert {len(bytes.fromhex(key)) for key, _ in [*counts, *moments]} == {32}
    assert {type(value) for _, value in counts} == {int}
    assert all(datetime.fromisoformat(moment) > datetime.now(UTC) for _, moment in moments)
    ids = {account.id.hex for account in person.accounts.values()}
    assert not ids & {key[:32] for key, _ in [*counts, *moments]}


@dataclass
class Model:
    """The expected counts, kept in memory: failures by the account that they belong to."""

    is_b_open: bool = True
    failed: Counter[str] = field(default_factory=Counter)

    def account_of(self, clinic: str | None) -> str | None:
        """The account for which an attempt counts."""
        if clinic == A or (clinic is None and not self.is_b_open):
            return A
        return B if clinic == B and self.is_b_open else None

    def attempt(self, clinic: str | None, right_for: str | None) -> tuple[bool, bool]:
        """Whether the password is verified, and whether the attempt signs in."""
        if self.failed.total() >= 10:
            return False, False
        account_of = self.account_of(clinic)
        if account_of is None or account_of != right_for:
            self.failed[f"{account_of} {clinic is not None}"] += 1
            return True, False
        self.failed.pop(f"{account_of} True", None)
        if clinic is None:
            self.failed.pop(f"{account_of} False", None)
        return True, True


# The clinic named, the clinic whose password is used, how often; or that the other account is activated or deactivated.
ATTEMPTS = st.tuples(st.sampled_from([A, B, None, "unknown"]), st.sampled_from([A, B, None]), st.integers(1, 5))
STEPS = st.lists(st.one_of(ATTEMPTS, ATTEMPTS, ATTEMPTS, st.booleans()), min_size=4, max_size=14)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS)
def test_attempts_in_two_clinics_are_counted_as_a_model_in_memory_counts_them(
    anonymous: Client, address: DatabaseUrls, passwords: CountedPasswords, steps: list[tuple[str, str, int] | bool]
) -> None:
    person, model = person_of(anonymous, address, A, B), Model()
    for step in steps:
        if isinstance(step, bool):
            person.close(B, is_closed=not step)
            model.is_b_open = step
            continue
        clinic, right_for, times = step
        for _ in range(times):
            before = passwords.looked_at
            tried = try_to_sign_in(anonymous, person.email, PASSWORDS.get(right_for, WRONG), clinic, source=HERE)
            seen = passwords.looked_at - before == 1, token_of(tried) is not None
            assert seen == model.attempt(clinic, right_for), (step, model)
