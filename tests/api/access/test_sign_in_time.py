"""The time of a refused sign-in does not show which e-mails have accounts: interleaved samples have one distribution."""

import random
import sys
import time
from collections.abc import Iterator
from itertools import count
from statistics import NormalDist

import pytest
from argon2 import PasswordHasher

from identity.passwords import Passwords
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.sign_in_attempts import WRONG, add_account, add_account_without_login, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import CHEAP, copied, rows
from tests.support.logins import join_login
from tests.support.other_clinic import OTHER, add_other_clinic
from tests.support.rank_test import Compared, compare

# Enough work to be noticed if it were missing.
MIDDLING = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
# A false positive occurs once in ten thousand comparisons.
UNLIKELY = 0.0001
# So many accounts of each kind, because an e-mail is locked at every address after a hundred failures.
OF_EACH_KIND = 4
SAMPLES_AT_MOST = 5
SHIFT = 1.5
_NUMBERS = count(1)

# Kind → e-mails, and the clinic that the sign-in names.
Kinds = dict[str, tuple[list[str], str | None]]


@pytest.fixture
def two_clinics(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


def kinds_of(address: DatabaseUrls, hasher: PasswordHasher) -> Kinds:
    """Accounts of every kind that cannot be signed in to, and e-mails that have none."""
    everywhere = [add_account(address, hasher, is_for_one_clinic=True) for _ in range(OF_EACH_KIND)]
    add_other_clinic(address)
    shared, waiting = [add_account(address, hasher) for _ in range(OF_EACH_KIND)], []
    for account in shared:
        join_login(address, account.id, add_account_without_login(address, clinic=OTHER, email=account.email).id)
        waiting.append(add_account_without_login(address))
    active, gone, without = ([add_account(address, hasher) for _ in range(OF_EACH_KIND)] for _ in range(3))
    rows(address, "update users set active = false where id = any($1)", [account.id for account in gone])
    rows(address, "update logins set password_hash = null where id = any($1)", [account.id for account in without])
    return {
        "wrong password": ([account.email for account in active], None),
        "unknown e-mail": ([f"unknown-{number}@demo.example" for number in range(OF_EACH_KIND)], None),
        "deactivated": ([account.email for account in gone], None),
        "without password": ([account.email for account in without], None),
        "invited": ([account.email for account in waiting], None),
        "logins for single clinics, none chosen": ([account.email for account in everywhere], None),
        "one login for two clinics, none chosen": ([account.email for account in shared], None),
        "another clinic chosen": ([account.email for account in active], OTHER),
    }


def seconds(client: Client, email: str, clinic: str | None, source: str) -> float:
    """The seconds that the refusal of a wrong password takes."""
    began = time.perf_counter()
    response = try_to_sign_in(client, email, WRONG, clinic, source=source)
    took = time.perf_counter() - began
    assert token_of(response) is None
    return took


def new_source() -> str:
    """An address from which no request came yet."""
    number = next(_NUMBERS)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def samples(client: Client, kinds: Kinds, size: int) -> dict[str, list[float]]:
    """The times of each kind, interleaved in a changing order."""
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(size):
        for kind in random.sample(list(kinds), len(kinds)):
            emails, clinic = kinds[kind]
            taken[kind].append(seconds(client, emails[turn % len(emails)], clinic, new_source()))
    return taken


def shown(capsys: pytest.CaptureFixture[str], what: str, compared: Compared) -> Compared:
    """A result, printed whether the test passes or not."""
    with capsys.disabled():
        sys.stderr.write(f"\n{what}: {compared}")
    return compared


def check(capsys: pytest.CaptureFixture[str], taken: dict[str, list[float]]) -> None:
    """Refuse times that distinguish one of the kinds from a wrong password."""
    wrong = taken.pop("wrong password")
    for kind, times in taken.items():
        compared = shown(capsys, f"wrong password and {kind}, {len(times)} each", compare(wrong, times))
        assert compared.p > UNLIKELY, (kind, str(compared))


def test_time_does_not_show_why_a_sign_in_is_refused(
    two_clinics: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(two_clinics, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        check(capsys, samples(client, kinds_of(two_clinics, MIDDLING), 30))


def test_an_account_whose_hash_cost_less_would_be_noticed(
    address: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    cheaper = [add_account(address, CHEAP).email for _ in range(OF_EACH_KIND)]
    kinds: Kinds = {"cheap": (cheaper, None), "unknown": (["unknown@demo.example"], None)}
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    with serving(address, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        # On a busy machine the noise of thirty is larger than the difference; what is not there is not found by a larger sample.
        for _ in range(SAMPLES_AT_MOST):
            for kind, times in samples(client, kinds, 30).items():
                taken[kind] += times
            compared = shown(capsys, "a cheap hash and an unknown e-mail", compare(*taken.values()))
            if compared.p < UNLIKELY:
                break
    assert compared.p < UNLIKELY


def test_time_does_not_show_whether_a_locked_e_mail_has_an_account(
    address: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    emails = [add_account(address, MIDDLING).email, "unknown@demo.example"]
    source = new_source()
    with serving(address, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        for email in emails * 10:
            seconds(client, email, None, source)
        times: list[list[float]] = [[], []]
        for turn in range(100):
            for which in (0, 1) if turn % 2 else (1, 0):
                times[which].append(seconds(client, emails[which], None, source))
    assert shown(capsys, "locked: an account and none", compare(*times)).p > UNLIKELY


def test_the_rank_test_finds_a_shift_and_no_false_one() -> None:
    noise = NormalDist()
    one, other = noise.samples(100, seed=1), noise.samples(100, seed=2)
    assert compare(one, other).p > 0.05
    assert compare(one, [value + SHIFT for value in other]).p < UNLIKELY
    # As scipy.stats.mannwhitneyu has it, by the asymptotic method with continuity.
    published = compare([1, 2, 2, 3, 5, 8], [2, 4, 6, 7, 8, 9])
    assert (published.u, round(published.p, 4)) == (8.5, 0.146)


@pytest.mark.prove
def test_time_does_not_show_why_a_sign_in_is_refused_at_the_full_cost_of_a_password_hash(
    two_clinics: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(two_clinics) as url, Client(url) as client:
        check(capsys, samples(client, kinds_of(two_clinics, PasswordHasher()), 80))
