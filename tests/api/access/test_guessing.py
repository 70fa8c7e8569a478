"""Ten thousand wrong passwords neither find an account nor show which e-mails have one, and lock no owner out."""

import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.sign_in_attempts import WRONG, CountedPasswords, add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.rank_test import compare

HOME = "203.0.113.1"
THREADS = 8


@dataclass
class AttackResult:
    """The results of the guesses: every answer, and how long each took, by whether the e-mail has an account."""

    answers: set[tuple[int, bytes, tuple[str, ...]]] = field(default_factory=set)
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    locked_out: int = 0


@dataclass
class Attack:
    """An attack: wrong passwords for many e-mails, with and without accounts, from many addresses, while others sign in."""

    client: Client
    with_account: Sequence[str]
    without_account: Sequence[str]
    others: Sequence[str]
    result: AttackResult = field(default_factory=AttackResult)

    def guess(self, number: int, email: str, source: str) -> None:
        began = time.perf_counter()
        answer = try_to_sign_in(self.client, email, f"{WRONG} {number}", source=source)
        self.result.seconds[email in self.with_account].append(time.perf_counter() - began)
        self.result.answers.add(_seen(answer))
        if number % 50 == 0:
            # From the attacker's own address, as behind one router.
            user = self.others[number // 50 % len(self.others)]
            self.result.locked_out += token_of(try_to_sign_in(self.client, user, source=source)) is None

    def run(self, sources: int, from_each: int) -> int:
        emails = [*self.with_account, *self.without_account]
        guesses = [(email, f"198.51.100.{n}") for email in emails for n in range(sources)] * from_each
        guesses = random.sample(guesses, len(guesses))
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda numbered: self.guess(numbered[0], *numbered[1]), enumerate(guesses)))
        return len(guesses)


def _seen(answer: httpx.Response) -> tuple[int, bytes, tuple[str, ...]]:
    return answer.status_code, answer.content, tuple(answer.headers)


def run(
    address: DatabaseUrls, capsys: pytest.CaptureFixture[str], *, emails: int, sources: int, from_each: int
) -> tuple[Attack, int, int]:
    """Run the attack and check its invariants; the attack, the number of guesses, and how many of them were verified."""
    accounts = [add_account(address) for _ in range(emails)]
    others = [add_account(address) for _ in range(5)]
    rows(address, "update users set active = false where id = any($1)", [gone.id for gone in accounts[::4]])
    rows(address, "update logins set password_hash = null where id = any($1)", [one.id for one in accounts[1::4]])
    passwords = CountedPasswords()
    without_account = [f"unknown-{number}@demo.example" for number in range(emails)]
    with serving(address, passwords=passwords) as url, Client(url) as client:
        attack = Attack(client, [one.email for one in accounts], without_account, [other.email for other in others])
        active = attack.with_account[2::4]
        assert all(token_of(try_to_sign_in(client, email, source=HOME)) for email in active)
        [(begun,)] = rows(address, "select count(*) from sessions")
        looked_at = passwords.looked_at
        guesses = attack.run(sources, from_each)
        looked_at = passwords.looked_at - looked_at - (guesses + 49) // 50
        [(ended,)] = rows(address, "select count(*) from sessions")
        # From an address where the e-mail has signed in before, its owner still signs in.
        assert all(token_of(try_to_sign_in(client, email, source=HOME)) for email in active)
    assert (len(attack.result.answers), attack.result.locked_out) == (1, 0)
    assert ended - begun == (guesses + 49) // 50
    compared = compare(attack.result.seconds[True], attack.result.seconds[False])
    with capsys.disabled():
        sys.stderr.write(f"\n{guesses:,} wrong passwords, {looked_at:,} looked at; accounts and none: {compared}")
    assert 0.4 < compared.share < 0.6
    return attack, guesses, looked_at


def test_guessing_finds_no_account_and_locks_no_owner_out(
    address: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    attack, guesses, looked_at = run(address, capsys, emails=8, sources=3, from_each=12)
    assert guesses == 16 * 36
    assert looked_at == 16 * 3 * 10
    assert len(attack.result.seconds[True]) == len(attack.result.seconds[False])


@pytest.mark.prove
def test_ten_thousand_wrong_passwords_find_no_account_and_lock_no_owner_out(
    own_address: DatabaseUrls, capsys: pytest.CaptureFixture[str]
) -> None:
    _, guesses, looked_at = run(own_address, capsys, emails=40, sources=11, from_each=12)
    assert guesses > 10_000
    # A hundred at each e-mail, from all addresses together.
    assert looked_at == 80 * 100
