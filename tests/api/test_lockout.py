"""Decides how guessing is stopped: ten failures lock an e-mail at an address, a hundred lock it wherever its owner has not been."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

import httpx
import pytest

from db.pools import Database
from domain.sign_in import Attempt
from server.addresses import Address
from server.crowds import CrowdedError
from server.files import open_files
from server.lockout import Lockout
from server.settings import read_settings
from tests.api.doors import WRONG, Account, CountedPasswords, add_account, token_of, try_to_sign_in
from tests.client import Client, serving
from tests.databases import rows
from tests.processes import billing

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(scope="module")
def passwords() -> CountedPasswords:
    return CountedPasswords()


@pytest.fixture(scope="module")
def nobody(address: Address, passwords: CountedPasswords) -> Iterator[Client]:
    with serving(address, passwords=passwords) as url, Client(url) as client:
        yield client


@pytest.fixture
def somebody(address: Address) -> Account:
    return add_account(address)


def fail(client: Client, email: str, times: int, source: str = HERE) -> list[httpx.Response]:
    return [try_to_sign_in(client, email, f"{WRONG} {number}", source=source) for number in range(times)]


def gets_in(client: Client, email: str, source: str = HERE) -> bool:
    return token_of(try_to_sign_in(client, email, source=source)) is not None


def let_time_pass(address: Address, interval: str) -> None:
    """Make everything that is counted older, as if time had passed."""
    rows(
        address,
        f"update sign_in_attempts set until_at = until_at - interval '{interval}', known_until = known_until - interval '{interval}'",
    )


@pytest.mark.parametrize("failures", [9, 10])
def test_ten_failures_lock_and_nine_do_not(nobody: Client, somebody: Account, failures: int) -> None:
    fail(nobody, somebody.email, failures)
    assert gets_in(nobody, somebody.email) is (failures < 10)


def test_whoever_is_locked_out_hears_what_a_wrong_password_hears_and_no_password_is_looked_at(
    nobody: Client, somebody: Account, passwords: CountedPasswords
) -> None:
    wrong = fail(nobody, somebody.email, 10)
    before = passwords.looked_at
    locked = [*fail(nobody, somebody.email, 2), try_to_sign_in(nobody, somebody.email, source=HERE)]
    assert len({(answer.status_code, answer.content, tuple(answer.headers)) for answer in [*wrong, *locked]}) == 1
    assert passwords.looked_at == before


def test_an_e_mail_that_nobody_has_is_locked_in_the_same_way(
    nobody: Client, somebody: Account, passwords: CountedPasswords
) -> None:
    for email in (somebody.email, "never-heard-of@demo.clinic", "nul\0@demo.clinic", "x" * 300):
        before = passwords.looked_at
        answers = fail(nobody, email, 12)
        assert passwords.looked_at - before == 10
        assert len({answer.content for answer in answers}) == 1


def test_spelling_an_e_mail_otherwise_gives_no_more_guesses(
    nobody: Client, somebody: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    for email in (somebody.email.upper(), somebody.email.title(), somebody.email):
        fail(nobody, email, 5)
    assert passwords.looked_at - before == 10


def test_choosing_another_clinic_gives_no_more_guesses(
    nobody: Client, somebody: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    for number in range(15):
        try_to_sign_in(nobody, somebody.email, WRONG, f"clinic-{number}", source=HERE)
    assert passwords.looked_at - before == 10


@pytest.mark.parametrize(("passed", "is_open"), [("14 minutes 50 seconds", False), ("15 minutes", True)])
def test_a_lock_lasts_a_quarter_of_an_hour_and_then_ten_may_be_tried_again(
    nobody: Client, address: Address, somebody: Account, passed: str, is_open: bool
) -> None:
    fail(nobody, somebody.email, 12)
    let_time_pass(address, passed)
    fail(nobody, somebody.email, 9)
    assert gets_in(nobody, somebody.email) is is_open


def test_trying_while_it_is_locked_does_not_make_the_lock_longer(
    nobody: Client, address: Address, somebody: Account
) -> None:
    fail(nobody, somebody.email, 10)
    let_time_pass(address, "10 minutes")
    fail(nobody, somebody.email, 5)
    let_time_pass(address, "5 minutes")
    assert gets_in(nobody, somebody.email)


def test_failures_are_forgotten_a_quarter_of_an_hour_after_the_first(
    nobody: Client, address: Address, somebody: Account
) -> None:
    fail(nobody, somebody.email, 9)
    let_time_pass(address, "15 minutes")
    fail(nobody, somebody.email, 9)
    assert gets_in(nobody, somebody.email)


def test_signing_in_forgets_the_failures_before_it(nobody: Client, somebody: Account) -> None:
    for _ in range(3):
        fail(nobody, somebody.email, 9)
        assert gets_in(nobody, somebody.email)


def test_a_lock_concerns_neither_others_at_the_same_address_nor_the_same_e_mail_elsewhere(
    nobody: Client, address: Address, somebody: Account
) -> None:
    colleague = add_account(address)
    fail(nobody, somebody.email, 10)
    assert not gets_in(nobody, somebody.email)
    assert gets_in(nobody, colleague.email)
    assert gets_in(nobody, somebody.email, THERE)
    # And getting in elsewhere opens nothing here.
    assert not gets_in(nobody, somebody.email)


def test_an_address_of_the_same_ipv6_network_is_the_same_address(nobody: Client, somebody: Account) -> None:
    for number in range(10):
        fail(nobody, somebody.email, 1, f"2001:db8:0:7::{number:x}")
    assert not gets_in(nobody, somebody.email, "2001:db8:0:7:ffff::1")
    assert gets_in(nobody, somebody.email, "2001:db8:0:8::1")


def test_of_fifty_attempts_at_once_ten_are_looked_at(
    nobody: Client, somebody: Account, passwords: CountedPasswords
) -> None:
    before = passwords.looked_at
    with ThreadPoolExecutor(50) as threads:
        tried = list(
            threads.map(lambda n: try_to_sign_in(nobody, somebody.email, f"{WRONG} {n}", source=HERE), range(50))
        )
    assert passwords.looked_at - before == 10
    assert len({answer.content for answer in tried}) == 1


def test_many_who_sign_in_at_once_with_the_right_password_all_get_in(nobody: Client, somebody: Account) -> None:
    with ThreadPoolExecutor(15) as threads:
        assert all(threads.map(lambda _: gets_in(nobody, somebody.email), range(15)))


def test_server_processes_count_together(address: Address, somebody: Account) -> None:
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
            list(threads.map(lambda n: fail((here, there)[n % 2], somebody.email, 1), range(40)))
            assert one.looked_at + other.looked_at == 10
            assert not gets_in(here, somebody.email)
            assert not gets_in(there, somebody.email)


def from_everywhere(client: Client, email: str, failures: int) -> None:
    """Failures of which no two come from the same address."""
    for number in range(failures):
        fail(client, email, 1, f"10.7.{number // 250}.{number % 250}")


def test_a_hundred_failures_from_everywhere_lock_an_e_mail_but_where_it_has_signed_in(
    nobody: Client, somebody: Account
) -> None:
    assert gets_in(nobody, somebody.email, HERE)
    from_everywhere(nobody, somebody.email, 99)
    assert gets_in(nobody, somebody.email, "203.0.113.1")
    from_everywhere(nobody, somebody.email, 1)
    assert not gets_in(nobody, somebody.email, "203.0.113.2")
    assert gets_in(nobody, somebody.email, HERE)
    # Not for whoever guesses there, either.
    fail(nobody, somebody.email, 10, HERE)
    assert not gets_in(nobody, somebody.email, HERE)


def test_an_address_is_known_for_thirty_days(nobody: Client, address: Address, somebody: Account) -> None:
    assert gets_in(nobody, somebody.email, HERE)
    let_time_pass(address, "30 days")
    from_everywhere(nobody, somebody.email, 100)
    assert not gets_in(nobody, somebody.email, HERE)


def test_neither_e_mails_nor_addresses_are_written_down(nobody: Client, address: Address, somebody: Account) -> None:
    fail(nobody, somebody.email, 1)
    kept = rows(address, "select key, sign_in_attempts::text as whole from sign_in_attempts")
    assert kept
    assert {len(row["key"]) for row in kept} == {32}
    assert not [row for row in kept if somebody.email.encode() in row["key"] or somebody.email in row["whole"]]


def test_without_the_key_of_the_server_a_hash_tells_nothing(somebody: Account) -> None:
    said = try_keys(b"one key", somebody.email), try_keys(b"another key", somebody.email)
    assert said[0].isdisjoint(said[1])


def try_keys(secret: bytes, email: str) -> set[bytes]:
    keys = Lockout(secret).keys(Attempt(email, WRONG, address=HERE))
    return {keys.pair, keys.email, keys.address}


def test_what_counts_no_more_is_deleted(address: Address, somebody: Account) -> None:
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        assert gets_in(client, somebody.email)
        fail(client, "never-heard-of@demo.clinic", 1, THERE)
        let_time_pass(address, "1 day")
    # The first attempt of a process looks at once, and then one each minute.
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        fail(client, "never-heard-of-either@demo.clinic", 1, THERE)
    [(old, known)] = rows(
        address,
        """select count(*) filter (where until_at < now() and known_until is null), count(known_until) from sign_in_attempts""",
    )
    assert (old, known > 0) == (0, True)


class Crowd(CountedPasswords):
    """Passwords that nobody has time to look at."""

    async def is_right(self, stored: str | None, password: str) -> bool:
        raise CrowdedError


def test_too_many_at_once_are_told_to_come_back_and_nothing_is_counted(address: Address, somebody: Account) -> None:
    with serving(address, passwords=Crowd()) as url, Client(url) as client:
        for _ in range(12):
            answer = try_to_sign_in(client, somebody.email)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            [error] = answer.json()["errors"]
            assert error["message"] == "Too many people are signing in: try again"
            assert error["extensions"]["code"] == "UNAVAILABLE"
    [(counted,)] = rows(address, "select max(failures) from sign_in_attempts where until_at > now()")
    assert counted < 100
    with serving(address, passwords=CountedPasswords()) as url, Client(url) as client:
        assert gets_in(client, somebody.email)


@pytest.mark.parametrize(
    ("trusted", "believed"), [("", False), pytest.param("127.0.0.1", True, marks=pytest.mark.prove)]
)
def test_who_asks_is_the_peer_and_not_whom_a_header_names_but_for_proxies_that_are_trusted(
    address: Address, somebody: Account, monkeypatch: pytest.MonkeyPatch, trusted: str, believed: bool
) -> None:
    monkeypatch.setenv("BILLING_TRUSTED_PROXIES", trusted)
    with billing(address, "serve", "--no-worker") as server, Client(server.url) as client:
        for number in range(10):
            fail(client, somebody.email, 1, f"192.0.2.{number}")
        assert gets_in(client, somebody.email, "192.0.2.100") is believed


def test_the_count_survives_the_server(address: Address, somebody: Account) -> None:
    with TemporaryDirectory() as home:
        files = open_files(read_settings({"BILLING_HOME": home}))
        for expected in (True, False):
            with serving(address, files=files, passwords=CountedPasswords()) as url, Client(url) as client:
                assert gets_in(client, somebody.email) is expected
                fail(client, somebody.email, 10)


def test_one_statement_decides_so_that_no_two_get_the_last_guess(address: Address) -> None:
    async def run() -> int:
        async with Database(address.login) as database:
            lockout = Lockout(b"a key")
            keys = lockout.keys(Attempt("race@demo.clinic", WRONG, address=THERE))

            async def claims() -> bool:
                async with database.signing_in() as connection:
                    return await lockout.claim(connection, keys, datetime.now(UTC)) is not None

            return sum(await asyncio.gather(*(claims() for _ in range(60))))

    assert asyncio.run(run()) == 10
