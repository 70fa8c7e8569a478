"""Releasing a claim on a sign-in attempt takes back exactly what the claim counted, in the window in which it counted it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.pools import Database
from domain.access.sign_in import Attempt
from domain.ids import new_id
from identity.lockout import Claim, Lockout
from server.database_urls import DatabaseUrls

A, B = "one account", "another account"
MOMENT = datetime(2026, 6, 30, 12, tzinfo=UTC)


class Counting:
    """The failure count of one e-mail at one address, at moments that a test sets."""

    def __init__(self, database: Database, email: str) -> None:
        self._database, self._lockout = database, Lockout(b"a key")
        self._keys = self._lockout.keys(Attempt(email, "", address="192.0.2.1"))

    async def claim(self, minutes: float, account: str = A) -> Claim | None:
        moment = MOMENT + timedelta(minutes=minutes)
        async with self._database.signing_in() as connection:
            claim = await self._lockout.claim(connection, self._keys, moment)
            return await self._lockout.attribute(connection, claim, account, moment) if claim else None

    async def release(self, claim: Claim | None) -> None:
        assert claim
        async with self._database.signing_in() as connection:
            await self._lockout.release(connection, claim)

    async def succeed(self, claim: Claim | None, minutes: float) -> None:
        assert claim
        async with self._database.signing_in() as connection:
            await self._lockout.succeed(connection, claim, MOMENT + timedelta(minutes=minutes))

    async def left(self, minutes: float) -> int:
        """How many claims are left."""
        claims = [await self.claim(minutes, "a third account") for _ in range(11)]
        return len([claim for claim in claims if claim])


def counting(address: DatabaseUrls, work: Any) -> Any:
    async def run() -> Any:
        async with Database(address.login) as database:
            return await work(Counting(database, f"{new_id().hex}@demo.example"))

    return asyncio.run(run())


def test_a_claim_released_after_its_window_takes_nothing_from_the_next_window(address: DatabaseUrls) -> None:
    async def late(count: Counting) -> int:
        slow = await count.claim(0)
        for _ in range(4):
            assert await count.claim(15)
        await count.release(slow)
        return await count.left(15)

    assert counting(address, late) == 6


def test_a_success_after_its_window_clears_its_own_account_s_failures_in_the_next_window(address: DatabaseUrls) -> None:
    async def later(count: Counting) -> int:
        slow = await count.claim(0, A)
        for _ in range(4):
            assert await count.claim(15, A)
            assert await count.claim(15, B)
        await count.succeed(slow, 15.5)
        return await count.left(16)

    assert counting(address, later) == 6


def test_a_claim_released_twice_or_after_a_success_is_taken_back_once(address: DatabaseUrls) -> None:
    async def twice(count: Counting) -> int:
        first, second = await count.claim(0, A), await count.claim(0, A)
        for _ in range(3):
            assert await count.claim(0, B)
        await count.succeed(first, 1)
        await count.release(second)
        await count.release(second)
        return await count.left(2)

    assert counting(address, twice) == 7


def test_releasing_the_claim_that_caused_a_lockout_ends_it_and_the_window_keeps_its_end(
    address: DatabaseUrls,
) -> None:
    async def tenth(count: Counting) -> list[int]:
        for _ in range(9):
            assert await count.claim(0, A)
        last = await count.claim(14, B)
        assert await count.claim(14, A) is None
        await count.release(last)
        return [await count.left(14), await count.left(14.5), await count.left(29.5)]

    assert counting(address, tenth) == [1, 0, 10]


@pytest.mark.parametrize(("minutes", "left"), [(14.9, 1), (15, 10)])
def test_a_released_claim_does_not_change_when_earlier_failures_expire(
    address: DatabaseUrls, minutes: float, left: int
) -> None:
    async def tenth(count: Counting) -> int:
        for _ in range(9):
            assert await count.claim(0, A)
        await count.release(await count.claim(14, B))
        return await count.left(minutes)

    assert counting(address, tenth) == left
