"""A successful sign-in clears the failures of its own login only: one e-mail, logins for two clinics, two passwords."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.lockout_model import ONE, PASSWORDS, A, B, Model
from tests.support.api.sign_in_attempts import (
    WRONG,
    Account,
    CountedPasswords,
    add_account,
    add_account_without_login,
    let_time_pass,
    token_of,
    try_to_sign_in,
)
from tests.support.client import Client, serving
from tests.support.databases import copied, rows
from tests.support.logins import join_login
from tests.support.other_clinic import add_other_clinic

HERE, THERE = "192.0.2.1", "198.51.100.7"
ENROL = "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret } }"
CONFIRM = "mutation ($i: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $i) { recoveryCodes } }"
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
    """An e-mail with accounts in two clinics, each with a login and a password of its own."""

    client: Client
    address: DatabaseUrls
    accounts: dict[str, Account]

    @property
    def email(self) -> str:
        return next(iter(self.accounts.values())).email

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


def person_of(client: Client, address: DatabaseUrls, *clinics: str, shared: str | None = None) -> Person:
    """A person with a login for each clinic alone; that of the clinic `shared` is for all clinics."""
    made: dict[str, Account] = {}
    for clinic in clinics:
        email = made[clinics[0]].email if made else None
        made[clinic] = add_account(
            address,
            role="billing",
            clinic=clinic,
            email=email,
            password=PASSWORDS[clinic],
            is_for_one_clinic=clinic != shared,
        )
    return Person(client, address, made)


def person_of_one_login(client: Client, address: DatabaseUrls) -> Person:
    """A person with one login for both clinics, which has the first clinic's password."""
    person = person_of(client, address, A, shared=A)
    person.accounts[B] = add_account_without_login(address, "billing", clinic=B, email=person.email)
    join_login(address, person.accounts[A].id, person.accounts[B].id)
    return person


@pytest.fixture(params=[None, A, B], ids=["no shared login", "the first shared", "the second shared"])
def person(anonymous: Client, address: DatabaseUrls, request: pytest.FixtureRequest) -> Person:
    return person_of(anonymous, address, A, B, shared=request.param)


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
@pytest.mark.parametrize("shared", [None, A])
def test_however_the_clinic_is_named_a_success_for_another_clears_no_failure(
    anonymous: Client, address: DatabaseUrls, clinic: str | None, shared: str | None
) -> None:
    person = person_of(anonymous, address, A, B, shared=shared)
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
        assert client.read(CONFIRM, i={"code": pyotp.TOTP(secret).now()})["confirmSecondFactor"]["recoveryCodes"]
    rows(person.address, "update login_second_factors set last_step = null where login_id = $1", person.accounts[A].id)
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
        rows(
            person.address,
            "update login_second_factors set last_step = null where login_id = $1",
            person.accounts[A].id,
        )
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
    person = person_of(anonymous, address, A, B, shared=A)
    assert person.can_sign_in(B, HERE)
    person.close(B)
    fail_from_many_addresses(person, 100)
    assert not person.can_sign_in(A, HERE, is_named=False)
    assert not person.can_sign_in(A, HERE)
    # Nothing was counted there in the meantime either: the lockout of the one address has ended.
    let_time_pass(address, "15 minutes")
    person.fail(A, 9)
    assert person.can_sign_in(A, HERE, is_named=False)


def test_activating_and_deactivating_the_other_account_gives_no_more_guesses(
    anonymous: Client, address: DatabaseUrls
) -> None:
    person = person_of(anonymous, address, A, B, shared=A)
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
    person = person_of(anonymous, address, B, shared=B)
    person.fail(None, 5)
    person.fail(B, 4)
    assert person.can_sign_in(B, is_named=False)
    person.fail(None, 9)
    assert person.can_sign_in(B, is_named=False)


@pytest.mark.parametrize(("shared", "left"), [(None, 5), (B, 10)])
def test_a_lockout_does_not_show_whether_an_e_mail_has_another_login(
    anonymous: Client, address: DatabaseUrls, passwords: CountedPasswords, shared: str | None, left: int
) -> None:
    people = [person_of(anonymous, address, *clinics, shared=shared) for clinics in ((B,), (B, A))]
    assert [guesses_after_a_success(person, B, passwords) for person in people] == [left] * 2


def test_a_lockout_does_not_show_in_how_many_clinics_a_login_has_accounts(
    anonymous: Client, address: DatabaseUrls, passwords: CountedPasswords
) -> None:
    people = [person_of(anonymous, address, A, shared=A), person_of_one_login(anonymous, address)]
    assert [guesses_after_a_success(person, A, passwords) for person in people] == [10] * 2


def guesses_after_a_success(person: Person, clinic: str, passwords: CountedPasswords) -> int:
    """How many of twelve wrong passwords are verified after failures without a clinic and a success in one."""
    person.fail(None, 5)
    assert person.can_sign_in(clinic)
    before = passwords.looked_at
    for named in (None, A, B, "unknown") * 3:
        person.fail(named, 1)
    return passwords.looked_at - before


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


# The clinic named, the clinic whose password is used, how often; or that the other account is activated or deactivated.
ATTEMPTS = st.tuples(st.sampled_from([A, B, None, "unknown"]), st.sampled_from([A, B, None]), st.integers(1, 5))
STEPS = st.lists(st.one_of(ATTEMPTS, ATTEMPTS, ATTEMPTS, st.booleans()), min_size=4, max_size=14)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS, shared=st.sampled_from([None, A, B, ONE]))
def test_attempts_in_two_clinics_are_counted_as_a_model_in_memory_counts_them(
    anonymous: Client,
    address: DatabaseUrls,
    passwords: CountedPasswords,
    steps: list[tuple[str, str, int] | bool],
    shared: str | None,
) -> None:
    one_login = person_of_one_login(anonymous, address) if shared == ONE else None
    person, model = one_login or person_of(anonymous, address, A, B, shared=shared), Model(shared)
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
