"""Decides what ten thousand wrong passwords achieve: nothing, not even to learn who has an account, or to keep others out."""

import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from server.addresses import Address
from tests.api.doors import WRONG, CountedPasswords, add_account, token_of, try_to_sign_in
from tests.client import Client, serving
from tests.databases import rows
from tests.two_samples import compare

HOME = "203.0.113.1"
THREADS = 8


@dataclass
class Guessed:
    """What became of guesses: every answer, and how long each took by whether there is an account."""

    answers: set[tuple[int, bytes, tuple[str, ...]]] = field(default_factory=set)
    seconds: dict[bool, list[float]] = field(default_factory=lambda: {True: [], False: []})
    kept_out: int = 0


@dataclass
class Crime:
    """Guessing at many e-mails, with and without accounts, from many addresses, while others sign in."""

    client: Client
    known: Sequence[str]
    unknown: Sequence[str]
    others: Sequence[str]
    guessed: Guessed = field(default_factory=Guessed)

    def guess(self, number: int, email: str, source: str) -> None:
        began = time.perf_counter()
        answer = try_to_sign_in(self.client, email, f"{WRONG} {number}", source=source)
        self.guessed.seconds[email in self.known].append(time.perf_counter() - began)
        self.guessed.answers.add(_seen(answer))
        if number % 50 == 0:
            # From the address of whoever guesses, as behind one router.
            somebody = self.others[number // 50 % len(self.others)]
            self.guessed.kept_out += token_of(try_to_sign_in(self.client, somebody, source=source)) is None

    def commit(self, sources: int, from_each: int) -> int:
        emails = [*self.known, *self.unknown]
        guesses = [(email, f"198.51.100.{n}") for email in emails for n in range(sources)] * from_each
        guesses = random.sample(guesses, len(guesses))
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda numbered: self.guess(numbered[0], *numbered[1]), enumerate(guesses)))
        return len(guesses)


def _seen(answer: httpx.Response) -> tuple[int, bytes, tuple[str, ...]]:
    return answer.status_code, answer.content, tuple(answer.headers)


def commit(
    address: Address, capsys: pytest.CaptureFixture[str], *, emails: int, sources: int, from_each: int
) -> tuple[Crime, int, int]:
    """Have it all happen, and check what never may; the crime, the number of guesses, and of those that were looked at."""
    accounts = [add_account(address) for _ in range(emails)]
    others = [add_account(address) for _ in range(5)]
    rows(address, "update users set active = false where id = any($1)", [gone.id for gone in accounts[::4]])
    rows(address, "update users set password_hash = null where id = any($1)", [one.id for one in accounts[1::4]])
    passwords = CountedPasswords()
    unknown = [f"nobody-{number}@demo.clinic" for number in range(emails)]
    with serving(address, passwords=passwords) as url, Client(url) as client:
        crime = Crime(client, [one.email for one in accounts], unknown, [other.email for other in others])
        able = crime.known[2::4]
        assert all(token_of(try_to_sign_in(client, email, source=HOME)) for email in able)
        [(begun,)] = rows(address, "select count(*) from sessions")
        looked_at = passwords.looked_at
        guesses = crime.commit(sources, from_each)
        looked_at = passwords.looked_at - looked_at - (guesses + 49) // 50
        [(ended,)] = rows(address, "select count(*) from sessions")
        # Whoever lives where the e-mail has signed in before still gets in.
        assert all(token_of(try_to_sign_in(client, email, source=HOME)) for email in able)
    assert (len(crime.guessed.answers), crime.guessed.kept_out) == (1, 0)
    assert ended - begun == (guesses + 49) // 50
    compared = compare(crime.guessed.seconds[True], crime.guessed.seconds[False])
    with capsys.disabled():
        sys.stderr.write(f"\n{guesses:,} wrong passwords, {looked_at:,} looked at; accounts and none: {compared}")
    assert 0.4 < compared.share < 0.6
    return crime, guesses, looked_at


def test_guessing_finds_nobody_and_keeps_nobody_out(address: Address, capsys: pytest.CaptureFixture[str]) -> None:
    crime, guesses, looked_at = commit(address, capsys, emails=8, sources=3, from_each=12)
    assert guesses == 16 * 36
    assert looked_at == 16 * 3 * 10
    assert len(crime.guessed.seconds[True]) == len(crime.guessed.seconds[False])


@pytest.mark.prove
def test_ten_thousand_wrong_passwords_find_nobody_and_keep_nobody_out(
    own_address: Address, capsys: pytest.CaptureFixture[str]
) -> None:
    _, guesses, looked_at = commit(own_address, capsys, emails=40, sources=11, from_each=12)
    assert guesses > 10_000
    # A hundred at each e-mail, whoever asks.
    assert looked_at == 80 * 100
