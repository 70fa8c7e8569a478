"""Decides that time tells nobody which e-mails have accounts: two samples that were taken in turns could be one."""

import random
import sys
import time
from collections.abc import Iterator
from itertools import count
from statistics import NormalDist

import pytest
from argon2 import PasswordHasher

from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.passwords import Passwords
from tests.api.doors import WRONG, add_account, token_of, try_to_sign_in
from tests.client import Client, serving
from tests.databases import CHEAP, copied, rows
from tests.other_clinic import OTHER, add_other_clinic
from tests.two_samples import Compared, compare

# Enough work to be missed if it were not done.
MIDDLING = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
# A difference that is not there is found once in ten thousand comparisons.
UNLIKELY = 0.0001
# Of each kind so many, as an e-mail is locked everywhere after a hundred failures.
OF_EACH_KIND = 4
SHIFT = 1.5
_NUMBERS = count(1)

# Kind → e-mails, and the clinic that is chosen.
Kinds = dict[str, tuple[list[str], str | None]]


@pytest.fixture
def two_clinics(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    with copied(postgres_server, template_database) as copy:
        yield copy


def kinds_of(address: Address, hasher: PasswordHasher) -> Kinds:
    """Accounts of every kind that cannot be signed in to, and e-mails that have none."""
    everywhere = [add_account(address, hasher) for _ in range(OF_EACH_KIND)]
    add_other_clinic(address)
    known, gone, without = ([add_account(address, hasher) for _ in range(OF_EACH_KIND)] for _ in range(3))
    rows(address, "update users set active = false where id = any($1)", [account.id for account in gone])
    rows(address, "update users set password_hash = null where id = any($1)", [account.id for account in without])
    return {
        "wrong password": ([account.email for account in known], None),
        "unknown e-mail": ([f"nobody-{number}@demo.clinic" for number in range(OF_EACH_KIND)], None),
        "deactivated": ([account.email for account in gone], None),
        "without password": ([account.email for account in without], None),
        "two clinics, none chosen": ([account.email for account in everywhere], None),
        "another clinic chosen": ([account.email for account in known], OTHER),
    }


def seconds(client: Client, email: str, clinic: str | None, source: str) -> float:
    """How long a wrong password takes to be refused."""
    began = time.perf_counter()
    response = try_to_sign_in(client, email, WRONG, clinic, source=source)
    took = time.perf_counter() - began
    assert token_of(response) is None
    return took


def new_source() -> str:
    """An address from which nobody has asked yet."""
    number = next(_NUMBERS)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def samples(client: Client, kinds: Kinds, size: int) -> dict[str, list[float]]:
    """The times of each kind, taken in turns whose order changes."""
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(size):
        for kind in random.sample(list(kinds), len(kinds)):
            emails, clinic = kinds[kind]
            taken[kind].append(seconds(client, emails[turn % len(emails)], clinic, new_source()))
    return taken


def told(capsys: pytest.CaptureFixture[str], what: str, compared: Compared) -> Compared:
    """A result, shown whether the test passes or not."""
    with capsys.disabled():
        sys.stderr.write(f"\n{what}: {compared}")
    return compared


def check(capsys: pytest.CaptureFixture[str], taken: dict[str, list[float]]) -> None:
    """Refuse times that tell one of the kinds from a wrong password."""
    wrong = taken.pop("wrong password")
    for kind, times in taken.items():
        compared = told(capsys, f"wrong password and {kind}, {len(times)} each", compare(wrong, times))
        assert compared.p > UNLIKELY, (kind, str(compared))


def test_time_does_not_tell_why_somebody_is_not_let_in(
    two_clinics: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(two_clinics, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        check(capsys, samples(client, kinds_of(two_clinics, MIDDLING), 30))


def test_an_account_whose_hash_cost_less_would_be_noticed(address: Address, capsys: pytest.CaptureFixture[str]) -> None:
    cheaper = [add_account(address, CHEAP).email for _ in range(OF_EACH_KIND)]
    with serving(address, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        taken = samples(client, {"cheap": (cheaper, None), "unknown": (["nobody@demo.clinic"], None)}, 30)
    assert told(capsys, "a cheap hash and an unknown e-mail", compare(*taken.values())).p < UNLIKELY


def test_time_does_not_tell_whether_an_e_mail_that_is_locked_has_an_account(
    address: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    emails = [add_account(address, MIDDLING).email, "never-heard-of@demo.clinic"]
    source = new_source()
    with serving(address, passwords=Passwords(MIDDLING)) as url, Client(url) as client:
        for email in emails * 10:
            seconds(client, email, None, source)
        times: list[list[float]] = [[], []]
        for turn in range(100):
            for which in (0, 1) if turn % 2 else (1, 0):
                times[which].append(seconds(client, emails[which], None, source))
    assert told(capsys, "locked: an account and none", compare(*times)).p > UNLIKELY


def test_the_rank_test_finds_a_shift_and_none_where_there_is_none() -> None:
    noise = NormalDist()
    one, other = noise.samples(100, seed=1), noise.samples(100, seed=2)
    assert compare(one, other).p > 0.05
    assert compare(one, [value + SHIFT for value in other]).p < UNLIKELY
    # As scipy.stats.mannwhitneyu has it, by the asymptotic method with continuity.
    known = compare([1, 2, 2, 3, 5, 8], [2, 4, 6, 7, 8, 9])
    assert (known.u, round(known.p, 4)) == (8.5, 0.146)


@pytest.mark.prove
def test_time_does_not_tell_why_somebody_is_not_let_in_at_the_full_cost_of_a_password(
    two_clinics: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(two_clinics) as url, Client(url) as client:
        check(capsys, samples(client, kinds_of(two_clinics, PasswordHasher()), 80))
