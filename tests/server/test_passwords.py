"""Decides how much a crowd of sign-ins may cost: so many hashes at once, so many who wait, and a share for each address."""

import asyncio
import os
import sys
import threading
import time
from contextlib import AsyncExitStack
from typing import Literal

import pytest
from argon2 import PasswordHasher

from domain.sign_in import LONGEST_PASSWORD
from server import crowds
from server.crowds import SEATS, SEATS_OF_ONE_ADDRESS, CrowdedError, WaitingRoom
from server.passwords import AT_ONCE, Passwords
from tests.databases import CHEAP, PASSWORD

DEAR = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)


class Slow(PasswordHasher):
    """A hasher that takes its time, and knows how many of it worked at once, and on how long a password."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.lock, self.now, self.most, self.longest = threading.Lock(), 0, 0, 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 (argon2's name)
        with self.lock:
            self.now += 1
            self.most, self.longest = max(self.most, self.now), max(self.longest, len(password))
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        return super().verify(hash, password)


async def test_no_more_passwords_are_hashed_at_once_than_the_machine_can_bear() -> None:
    slow = Slow()
    checked = Passwords(slow)
    stored = slow.hash(PASSWORD)
    right = await asyncio.gather(*(checked.is_right(stored, PASSWORD) for _ in range(10 * AT_ONCE)))
    assert (all(right), slow.most) == (True, AT_ONCE)


class Watched(PasswordHasher):
    """A hasher that notes how nice the thread is in which it works."""

    nice = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 (argon2's name)
        self.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return super().verify(hash, password)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
async def test_passwords_leave_the_cores_to_the_requests_that_are_answered() -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    watched = Watched(time_cost=1, memory_cost=8, parallelism=1)
    assert await Passwords(watched).is_right(watched.hash(PASSWORD), PASSWORD)
    assert watched.nice == min(usual + 10, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual


async def test_requests_that_are_given_up_do_not_let_more_in() -> None:
    slow = Slow()
    checked = Passwords(slow)
    stored = slow.hash(PASSWORD)
    for _ in range(5):
        given_up = [asyncio.create_task(checked.is_right(stored, PASSWORD)) for _ in range(2 * AT_ONCE)]
        await asyncio.sleep(0.005)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
    assert await checked.is_right(stored, PASSWORD)
    assert slow.most == AT_ONCE


async def test_whoever_waits_too_long_for_a_hash_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "_PATIENCE_SECONDS", 0.01)
    slow = Slow()
    checked = Passwords(slow)
    stored = slow.hash(PASSWORD)
    tried = await asyncio.gather(
        *(checked.is_right(stored, PASSWORD) for _ in range(5 * AT_ONCE)), return_exceptions=True
    )
    assert {type(answer) for answer in tried} == {bool, CrowdedError}


async def test_a_password_of_a_megabyte_is_not_hashed_and_the_beginning_of_it_is_not_the_password() -> None:
    slow = Slow()
    checked = Passwords(slow)
    longest = "x" * LONGEST_PASSWORD
    stored = slow.hash(longest)
    assert await checked.is_right(stored, longest)
    assert not await checked.is_right(stored, longest + "x")
    assert not await checked.is_right(stored, "x" * 1_000_000)
    assert slow.longest == LONGEST_PASSWORD


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$broken"])
async def test_what_is_no_hash_is_opened_by_no_password(stored: str | None) -> None:
    assert not await Passwords(CHEAP).is_right(stored, PASSWORD)


async def test_a_hash_is_renewed_when_the_parameters_have_changed_and_only_then() -> None:
    old = CHEAP.hash(PASSWORD)
    renewed = await Passwords(DEAR).renew(old, PASSWORD)
    assert renewed
    assert DEAR.verify(renewed, PASSWORD)
    assert await Passwords(DEAR).renew(renewed, PASSWORD) is None


async def test_one_address_takes_half_of_the_seats_and_all_of_them_are_bounded() -> None:
    room = WaitingRoom()
    async with AsyncExitStack() as seats:
        for number in range(SEATS_OF_ONE_ADDRESS):
            await seats.enter_async_context(room.turn(b"one", b"pair %d" % number))
        with pytest.raises(CrowdedError):
            await seats.enter_async_context(room.turn(b"one", b"another pair"))
        for number in range(SEATS - SEATS_OF_ONE_ADDRESS):
            await seats.enter_async_context(room.turn(b"other %d" % number, b"pair of other %d" % number))
        with pytest.raises(CrowdedError):
            await seats.enter_async_context(room.turn(b"late", b"late pair"))
    # All of them have gone, and nothing is left of them.
    async with room.turn(b"one", b"another pair"):
        assert len(room) == 1
    assert len(room) == 0


async def test_attempts_of_one_pair_take_turns_and_others_do_not_wait_for_them() -> None:
    room, order = WaitingRoom(), []

    async def tries(name: str, pair: bytes) -> None:
        async with room.turn(b"here", pair):
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(tries("one", b"same"), tries("two", b"same"), tries("other", b"another"))
    assert order.index("one ends") < order.index("two begins")
    assert order.index("other begins") < order.index("one ends")


async def test_whoever_waits_too_long_for_a_turn_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "_PATIENCE_SECONDS", 0.01)
    room = WaitingRoom()
    async with room.turn(b"here", b"same"):
        with pytest.raises(CrowdedError):
            await room.turn(b"here", b"same").__aenter__()
    assert len(room) == 0
