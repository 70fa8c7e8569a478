"""The limits of sign-ins under load: concurrent password hashes, the length of the sign-in queue, and the share of one address."""

import asyncio
import os
import sys
import threading
import time
from contextlib import AsyncExitStack
from typing import Literal

import pytest
from argon2 import PasswordHasher

from domain.access.sign_in import LONGEST_PASSWORD
from identity import sign_in_queue as crowds
from identity.passwords import AT_ONCE, Passwords
from identity.sign_in_queue import LARGEST_QUEUE, LARGEST_QUEUE_OF_ONE_ADDRESS, SignInOverloadedError, SignInQueue
from tests.support.databases import CHEAP, PASSWORD

EXPENSIVE = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)


class SlowHasher(PasswordHasher):
    """A slow hasher that records the highest number of concurrent calls and the longest password."""

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


async def test_the_number_of_concurrent_password_hashes_is_limited() -> None:
    slow = SlowHasher()
    passwords = Passwords(slow)
    stored = slow.hash(PASSWORD)
    right = await asyncio.gather(*(passwords.is_right(stored, PASSWORD) for _ in range(10 * AT_ONCE)))
    assert (all(right), slow.most) == (True, AT_ONCE)


class PriorityRecorder(PasswordHasher):
    """A hasher that records the priority (nice value) of its thread."""

    niceness = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 (argon2's name)
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        return super().verify(hash, password)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
async def test_passwords_are_hashed_at_a_lower_priority_than_requests_are_answered() -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    watched = PriorityRecorder(time_cost=1, memory_cost=8, parallelism=1)
    assert await Passwords(watched).is_right(watched.hash(PASSWORD), PASSWORD)
    assert watched.niceness == min(usual + 10, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual


async def test_cancelled_requests_do_not_raise_the_number_of_concurrent_hashes() -> None:
    slow = SlowHasher()
    passwords = Passwords(slow)
    stored = slow.hash(PASSWORD)
    for _ in range(5):
        cancelled = [asyncio.create_task(passwords.is_right(stored, PASSWORD)) for _ in range(2 * AT_ONCE)]
        await asyncio.sleep(0.005)
        for task in cancelled:
            task.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
    assert await passwords.is_right(stored, PASSWORD)
    assert slow.most == AT_ONCE


async def test_a_sign_in_that_waits_too_long_for_a_hash_is_refused_as_overloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowds, "_PATIENCE_SECONDS", 0.01)
    slow = SlowHasher()
    passwords = Passwords(slow)
    stored = slow.hash(PASSWORD)
    results = await asyncio.gather(
        *(passwords.is_right(stored, PASSWORD) for _ in range(5 * AT_ONCE)), return_exceptions=True
    )
    assert {type(result) for result in results} == {bool, SignInOverloadedError}


async def test_an_overlong_password_is_not_hashed_and_its_beginning_is_not_accepted() -> None:
    slow = SlowHasher()
    passwords = Passwords(slow)
    longest = "x" * LONGEST_PASSWORD
    stored = slow.hash(longest)
    assert await passwords.is_right(stored, longest)
    assert not await passwords.is_right(stored, longest + "x")
    assert not await passwords.is_right(stored, "x" * 1_000_000)
    assert slow.longest == LONGEST_PASSWORD


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$broken"])
async def test_no_password_matches_a_missing_or_malformed_hash(stored: str | None) -> None:
    assert not await Passwords(CHEAP).is_right(stored, PASSWORD)


async def test_a_hash_is_renewed_only_when_the_parameters_have_changed() -> None:
    old = CHEAP.hash(PASSWORD)
    renewed = await Passwords(EXPENSIVE).renew(old, PASSWORD)
    assert renewed
    assert EXPENSIVE.verify(renewed, PASSWORD)
    assert await Passwords(EXPENSIVE).renew(renewed, PASSWORD) is None


async def test_one_address_can_take_half_of_the_sign_in_queue_and_the_queue_is_bounded() -> None:
    queue = SignInQueue()
    async with AsyncExitStack() as turns:
        for number in range(LARGEST_QUEUE_OF_ONE_ADDRESS):
            await turns.enter_async_context(queue.turn(b"one", b"pair %d" % number))
        with pytest.raises(SignInOverloadedError):
            await turns.enter_async_context(queue.turn(b"one", b"another pair"))
        for number in range(LARGEST_QUEUE - LARGEST_QUEUE_OF_ONE_ADDRESS):
            await turns.enter_async_context(queue.turn(b"other %d" % number, b"pair of other %d" % number))
        with pytest.raises(SignInOverloadedError):
            await turns.enter_async_context(queue.turn(b"late", b"late pair"))
    # All attempts have left the queue, and no entry of them is kept.
    async with queue.turn(b"one", b"another pair"):
        assert len(queue) == 1
    assert len(queue) == 0


async def test_attempts_of_one_address_and_account_run_one_at_a_time_and_others_do_not_wait_for_them() -> None:
    queue, order = SignInQueue(), []

    async def attempt(name: str, pair: bytes) -> None:
        async with queue.turn(b"here", pair):
            order.append(f"{name} begins")
            await asyncio.sleep(0.01)
            order.append(f"{name} ends")

    await asyncio.gather(attempt("one", b"same"), attempt("two", b"same"), attempt("other", b"another"))
    assert order.index("one ends") < order.index("two begins")
    assert order.index("other begins") < order.index("one ends")


async def test_an_attempt_that_waits_too_long_for_its_turn_is_refused_as_overloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowds, "_PATIENCE_SECONDS", 0.01)
    queue = SignInQueue()
    async with queue.turn(b"here", b"same"):
        with pytest.raises(SignInOverloadedError):
            await queue.turn(b"here", b"same").__aenter__()
    assert len(queue) == 0
