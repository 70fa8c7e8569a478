"""The lockout: ten failures lock an e-mail at an address, a hundred lock it at every address where it has not signed in."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

import httpx
import pytest

from db.pools import Database
from domain.access.sign_in import Attempt
from identity.lockout import Lockout
from identity.sign_in_queue import SignInOverloadedError
from server.database_urls import DatabaseUrls
from server.settings import read_settings
from server.stores import open_files
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
from tests.support.databases import rows
from tests.support.processes import billing

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(scope="module")
def passwords() -> CountedPasswords:
    return CountedPasswords()


@pytest.fixture(scope="module")
def anonymous(address: DatabaseUrls, passwords: CountedPasswords) -> Iterator[Client]:
    with serving(address, passwords=passwords) as url, Client(url) as client:
        yield client


@pytest.fixture
def account(address: DatabaseUrls) -> Account:
    return add_account(address)


def fail(client: Client, email: str, times: int, source: str = HERE) -> list[httpx.Response]:
    return [try_to_sign_in(client, email, f"{WRONG} {number}", source=source) for number in range(times)]


def can_sign_in(client: Client, email: str, source: str = HERE) -> bool:
    return token_of(try_to_sign_in(client, email, source=source)) is not None


@pytest.mark.parametrize("failures", [9, 10])
def test_ten_failures_lock_and_nine_do_not(anonymous: Client, account: Account, failures: int) -> None:
    fail(anonymous, account.email, failures)
    assert can_sign_in(anonymous, account.email) is (failures < 10)


def test_a_locked_e_mail_gets_the_answer_of_a_wrong_password_and_no_password_is_verified(
    anonymous: Client, account: Account, passwords: CountedPasswords
) -> None:
    wrong = fail(anonymous, account.email, 10)
    before = passwords.looked_at
    locked = [*fail(anonymous, account.email, 2), try_to_sign_in(anonymous, account.email, source=HERE)]
    assert len({(answer.status_code, answer.content, tuple(answer.headers)) for answer in [*wrong, *locked]}) == 1
    assert passwords.looked_at == before


def test_an_e_mail_without_an_account_is_locked_in_the_same_way(
    anonymous: Client, account: Account, passwords: CountedPasswords
) -> None:
    for email in (account.email, "unknown@demo.example", "nul\0@demo.example", "x" * 300):
        before = passwords.looked_at
        answers = fail(anonymous, email, 12)
        assert passwords.looked_at - before == 10
        assert len({answer.content for answer in answers}) == 1


def test_another_spelling_of_an_e_mail_gives_no_more_guesses(
    anonymous: Client, account: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    for email in (account.email.upper(), account.email.title(), account.email):
        fail(anonymous, email, 5)
    assert passwords.looked_at - before == 10


def test_choosing_another_clinic_gives_no_more_guesses(
    anonymous: Client, account: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    for number in range(15):
        try_to_sign_in(anonymous, account.email, WRONG, f"clinic-{number}", source=HERE)
    assert passwords.looked_at - before == 10


@pytest.mark.parametrize(("passed", "is_open"), [("14 minutes 50 seconds", False), ("15 minutes", True)])
def test_a_lockout_lasts_fifteen_minutes_and_then_allows_ten_more_attempts(
    anonymous: Client, address: DatabaseUrls, account: Account, passed: str, is_open: bool
) -> None:
    fail(anonymous, account.email, 12)
    let_time_pass(address, passed)
    fail(anonymous, account.email, 9)
    assert can_sign_in(anonymous, account.email) is is_open


def test_attempts_during_a_lockout_do_not_extend_it(anonymous: Client, address: DatabaseUrls, account: Account) -> None:
    fail(anonymous, account.email, 10)
    let_time_pass(address, "10 minutes")
    fail(anonymous, account.email, 5)
    let_time_pass(address, "5 minutes")
    assert can_sign_in(anonymous, account.email)


def test_failures_expire_fifteen_minutes_after_the_first(
    anonymous: Client, address: DatabaseUrls, account: Account
) -> None:
    fail(anonymous, account.email, 9)
    let_time_pass(address, "15 minutes")
    fail(anonymous, account.email, 9)
    assert can_sign_in(anonymous, account.email)


def test_a_successful_sign_in_clears_the_failures_before_it(anonymous: Client, account: Account) -> None:
    for _ in range(3):
        fail(anonymous, account.email, 9)
        assert can_sign_in(anonymous, account.email)


def test_a_lockout_affects_neither_other_e_mails_at_the_address_nor_the_e_mail_at_another_address(
    anonymous: Client, address: DatabaseUrls, account: Account
) -> None:
    colleague = add_account(address)
    fail(anonymous, account.email, 10)
    assert not can_sign_in(anonymous, account.email)
    assert can_sign_in(anonymous, colleague.email)
    assert can_sign_in(anonymous, account.email, THERE)
    # And signing in at another address does not unlock this one.
    assert not can_sign_in(anonymous, account.email)


def test_addresses_of_one_ipv6_network_count_as_one_address(anonymous: Client, account: Account) -> None:
    for number in range(10):
        fail(anonymous, account.email, 1, f"2001:db8:0:7::{number:x}")
    assert not can_sign_in(anonymous, account.email, "2001:db8:0:7:ffff::1")
    assert can_sign_in(anonymous, account.email, "2001:db8:0:8::1")


def test_of_forty_concurrent_attempts_ten_are_verified(
    anonymous: Client, account: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    with ThreadPoolExecutor(40) as threads:
        tried = list(
            threads.map(lambda n: try_to_sign_in(anonymous, account.email, f"{WRONG} {n}", source=HERE), range(40))
        )
    assert passwords.looked_at - before == 10
    assert len({answer.content for answer in tried}) == 1


def test_concurrent_sign_ins_with_the_right_password_all_succeed(anonymous: Client, account: Account) -> None:
    with ThreadPoolExecutor(15) as threads:
        assert all(threads.map(lambda _: can_sign_in(anonymous, account.email), range(15)))


def test_server_processes_share_one_count(address: DatabaseUrls, account: Account) -> None:
    with TemporaryDirectory() as home:
        files = open_files(read_settings({"BILLING_HOME": home}))
        one, other = CountedPasswords(), CountedPasswords()
        with (
            serving(address, files=files, passwords=one) as first,
            serving(address, files=files, passwords=other) as second,
            Client(first) as here,
            Client(second) as there,
            ThreadPoolExecutor(20) as threads,
        ):
            list(threads.map(lambda n: fail((here, there)[n % 2], account.email, 1), range(40)))
            assert one.looked_at + other.looked_at == 10
            assert not can_sign_in(here, account.email)
            assert not can_sign_in(there, account.email)


def fail_from_many_addresses(client: Client, email: str, failures: int) -> None:
    """Failures from as many different addresses."""
    for number in range(failures):
        fail(client, email, 1, f"10.7.{number // 250}.{number % 250}")


def test_a_hundred_failures_from_many_addresses_lock_an_e_mail_except_where_it_has_signed_in(
    anonymous: Client, account: Account
) -> None:
    assert can_sign_in(anonymous, account.email, HERE)
    fail_from_many_addresses(anonymous, account.email, 99)
    assert can_sign_in(anonymous, account.email, "203.0.113.1")
    fail_from_many_addresses(anonymous, account.email, 1)
    assert not can_sign_in(anonymous, account.email, "203.0.113.2")
    assert can_sign_in(anonymous, account.email, HERE)
    # The known address has its own limit of ten failures.
    fail(anonymous, account.email, 10, HERE)
    assert not can_sign_in(anonymous, account.email, HERE)


def test_a_known_address_is_remembered_for_thirty_days(
    anonymous: Client, address: DatabaseUrls, account: Account
) -> None:
    assert can_sign_in(anonymous, account.email, HERE)
    let_time_pass(address, "30 days")
    fail_from_many_addresses(anonymous, account.email, 100)
    assert not can_sign_in(anonymous, account.email, HERE)


def test_neither_e_mails_nor_addresses_are_stored_in_clear(
    anonymous: Client, address: DatabaseUrls, account: Account
) -> None:
    fail(anonymous, account.email, 1)
    kept = rows(address, "select key, sign_in_attempts::text as whole from sign_in_attempts")
    assert kept
    assert {len(row["key"]) for row in kept} == {32}
    assert not [row for row in kept if account.email.encode() in row["key"] or account.email in row["whole"]]


def test_hashes_with_different_server_keys_are_disjoint(account: Account) -> None:
    hashes = try_keys(b"one key", account.email), try_keys(b"another key", account.email)
    assert hashes[0].isdisjoint(hashes[1])


def try_keys(secret: bytes, email: str) -> set[bytes]:
    keys = Lockout(secret).keys(Attempt(email, WRONG, address=HERE))
    return {keys.pair, keys.email, keys.address}


def test_expired_counts_are_deleted(address: DatabaseUrls, account: Account) -> None:
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        assert can_sign_in(client, account.email)
        fail(client, "unknown@demo.example", 1, THERE)
        let_time_pass(address, "1 day")
    # The first attempt of a process deletes old rows at once, later ones once a minute.
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        fail(client, "unknown-either@demo.example", 1, THERE)
    [(old, kept_addresses)] = rows(
        address,
        """select count(*) filter (where until_at < now() and known_until is null), count(known_until) from sign_in_attempts""",
    )
    assert (old, kept_addresses > 0) == (0, True)


class OverloadedPasswords(CountedPasswords):
    """A password hasher that is always overloaded."""

    async def is_right(self, stored: str | None, password: str) -> bool:
        raise SignInOverloadedError


def test_an_overloaded_sign_in_asks_to_retry_later_and_counts_no_failure(
    address: DatabaseUrls, account: Account
) -> None:
    with serving(address, passwords=OverloadedPasswords()) as url, Client(url) as client:
        for _ in range(12):
            answer = try_to_sign_in(client, account.email)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            [error] = answer.json()["errors"]
            assert error["message"] == "Too many people are signing in: try again"
            assert error["extensions"]["code"] == "UNAVAILABLE"
    [(counted,)] = rows(address, "select max(failures) from sign_in_attempts where until_at > now()")
    assert counted < 100
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        assert can_sign_in(client, account.email)


@pytest.mark.parametrize(
    ("trusted", "header_counts"), [("", False), pytest.param("127.0.0.1", True, marks=pytest.mark.prove)]
)
def test_the_client_address_is_the_peer_and_a_header_counts_only_from_a_trusted_proxy(
    address: DatabaseUrls, account: Account, monkeypatch: pytest.MonkeyPatch, trusted: str, header_counts: bool
) -> None:
    monkeypatch.setenv("BILLING_TRUSTED_PROXIES", trusted)
    with billing(address, "serve", "--no-worker") as server, Client(server.url) as client:
        for number in range(10):
            fail(client, account.email, 1, f"192.0.2.{number}")
        assert can_sign_in(client, account.email, "192.0.2.100") is header_counts


def test_the_count_survives_a_restart_of_the_server(address: DatabaseUrls, account: Account) -> None:
    with TemporaryDirectory() as home:
        files = open_files(read_settings({"BILLING_HOME": home}))
        for expected in (True, False):
            with serving(address, files=files, passwords=CountedPasswords()) as url, Client(url) as client:
                assert can_sign_in(client, account.email) is expected
                fail(client, account.email, 10)


def test_one_statement_claims_an_attempt_so_that_no_two_get_the_last_one(address: DatabaseUrls) -> None:
    async def run() -> int:
        async with Database(address.login) as database:
            lockout = Lockout(b"a key")
            keys = lockout.keys(Attempt("race@demo.example", WRONG, address=THERE))

            async def claims() -> bool:
                async with database.signing_in() as connection:
                    return await lockout.claim(connection, keys, datetime.now(UTC)) is not None

            return sum(await asyncio.gather(*(claims() for _ in range(60))))

    assert asyncio.run(run()) == 10
