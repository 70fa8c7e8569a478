"""Decides whom a process lets in: a bounded number at one time, nobody all of them, and so many a minute."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack

import pytest

from server import admission
from server.admission import CONNECTIONS, SEATS, SENDING, Admission, Pace
from server.requests import RefusedRequest

ADDRESSES = [f"192.0.2.{number}" for number in range(10)]


def refused(act: Callable[[], object]) -> RefusedRequest:
    with pytest.raises(RefusedRequest) as caught:
        act()
    return caught.value


@pytest.mark.parametrize(
    ("room", "seats"), [("answering", SEATS), ("sending", SENDING), ("connected", CONNECTIONS)], ids=str
)
def test_one_address_takes_three_quarters_of_the_seats_and_all_of_them_are_bounded(room: str, seats: int) -> None:
    admitted = Admission()
    take = getattr(admitted, room)
    with ExitStack() as taken:
        for _ in range(seats * 3 // 4):
            taken.enter_context(take("2001:db8::1"))
        # Another address of the same network is the same client.
        assert refused(lambda: taken.enter_context(take("2001:db8::2"))).status == 503
        for number in range(seats // 4):
            taken.enter_context(take(ADDRESSES[number % len(ADDRESSES)]))
        assert admitted.taken[room] == seats
        assert refused(lambda: taken.enter_context(take("198.51.100.1"))).status == 503
    assert set(admitted.taken.values()) == {0}
    with take("2001:db8::2"):
        assert admitted.taken[room] == 1


def test_while_nobody_could_be_answered_no_body_is_read() -> None:
    admitted = Admission(seats=4)
    with ExitStack() as taken:
        for address in ADDRESSES[:4]:
            taken.enter_context(admitted.answering(address))
        assert refused(lambda: admitted.sending(ADDRESSES[5])).code == "UNAVAILABLE"
    with admitted.sending(ADDRESSES[5]):
        pass


class Clockwork:
    """A clock that stands until it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(admission, "monotonic", lambda: self.now)


def test_a_party_may_ask_all_at_once_or_evenly_and_hears_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pace = Clockwork(monkeypatch), Pace(60)
    for _ in range(60):
        pace.check("somebody")
    refusal = refused(lambda: pace.check("somebody"))
    assert (refusal.status, refusal.code, refusal.headers) == (429, "RATE_LIMITED", {"Retry-After": "1"})
    pace.check("somebody else")
    clock.now += 1
    pace.check("somebody")
    assert refused(lambda: pace.check("somebody")).status == 429
    # What was refused does not count.
    clock.now += 60
    for _ in range(60):
        pace.check("somebody")


def test_an_address_may_ask_ten_times_what_a_user_may() -> None:
    admitted = Admission(per_minute=5)
    for _ in range(50):
        with admitted.sending(ADDRESSES[0]):
            pass
    assert refused(lambda: admitted.sending(ADDRESSES[0])).status == 429
    for _ in range(5):
        admitted.keep_pace("user")
    assert refused(lambda: admitted.keep_pace("user")).status == 429


def test_many_at_once_are_answered_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    Clockwork(monkeypatch)
    admitted = Admission()
    with ExitStack() as taken:
        for number in range(SEATS):
            taken.enter_context(admitted.answering(ADDRESSES[number % 10]))
    assert admitted.taken["answering"] == 0


def test_of_many_who_go_on_coming_so_many_are_taken_on_as_are_answered_in_the_time_that_is_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, admitted = Clockwork(monkeypatch), Admission()
    waiting = [ExitStack() for _ in range(200)]
    for number, one in enumerate(waiting):
        one.enter_context(admitted.answering(ADDRESSES[number % 10]))
    # 200 a second are answered, and as many come anew, for as long as they are let in.
    refused_at = []
    for tick in range(800):
        clock.now += 1 / 200
        waiting.pop(0).close()
        one = ExitStack()
        try:
            one.enter_context(admitted.answering(ADDRESSES[tick % 10]))
            waiting.append(one)
        except RefusedRequest:
            refused_at.append(clock.now)
    # For a second it may have been a burst.
    assert refused_at[0] > 1_001
    assert 115 <= admitted.taken["answering"] <= 125
    for one in waiting:
        one.close()
    with admitted.sending(ADDRESSES[0]), admitted.answering(ADDRESSES[0]):
        assert admitted.taken["answering"] == 1


def test_few_are_taken_on_however_slowly_they_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, admitted = Clockwork(monkeypatch), Admission()
    with ExitStack() as taken:
        for number in range(63):
            clock.now += 1
            taken.enter_context(admitted.answering(ADDRESSES[number % 10]))


async def test_one_users_requests_wait_for_each_other_and_nobody_else_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "_TURN_SECONDS", 0.05)
    admitted = Admission()
    async with AsyncExitStack() as taken:
        for _ in range(8):
            await taken.enter_async_context(admitted.turn("busy"))
        async with admitted.turn("somebody else"):
            pass
        with pytest.raises(RefusedRequest) as caught:
            await taken.enter_async_context(admitted.turn("busy"))
        assert caught.value.status == 503
        monkeypatch.setattr(admission, "_TURN_SECONDS", 60.0)
        waiting = asyncio.create_task(taken.enter_async_context(admitted.turn("busy")))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await taken.aclose()
        await waiting
    async with admitted.turn("busy"):
        pass
