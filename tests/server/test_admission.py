"""Admission control: concurrency limits, the share of one address, load shedding, and rate limits."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack

import pytest

from domain.errors import RefusedRequest
from limits import admission
from limits.admission import LARGEST_CONCURRENCY, LARGEST_CONNECTIONS, LARGEST_UPLOADS, AdmissionControl, RateLimiter

ADDRESSES = [f"192.0.2.{number}" for number in range(10)]


def refused(action: Callable[[], object]) -> RefusedRequest:
    with pytest.raises(RefusedRequest) as caught:
        action()
    return caught.value


@pytest.mark.parametrize(
    ("slot", "kind", "slots"),
    [
        ("request_slot", "answering", LARGEST_CONCURRENCY),
        ("body_slot", "sending", LARGEST_UPLOADS),
        ("connection_slot", "connected", LARGEST_CONNECTIONS),
    ],
    ids=str,
)
def test_one_address_can_take_three_quarters_of_the_slots_and_the_slots_are_limited(
    slot: str, kind: str, slots: int
) -> None:
    admitted = AdmissionControl()
    take = getattr(admitted, slot)
    with ExitStack() as held:
        for _ in range(slots * 3 // 4):
            held.enter_context(take("2001:db8::1"))
        # Another address of the same network is the same client.
        assert refused(lambda: held.enter_context(take("2001:db8::2"))).status == 503
        for number in range(slots // 4):
            held.enter_context(take(ADDRESSES[number % len(ADDRESSES)]))
        assert admitted.in_use[kind] == slots
        assert refused(lambda: held.enter_context(take("198.51.100.1"))).status == 503
    assert set(admitted.in_use.values()) == {0}
    with take("2001:db8::2"):
        assert admitted.in_use[kind] == 1


def test_no_request_body_is_read_while_all_request_slots_are_in_use() -> None:
    admitted = AdmissionControl(slots=4)
    with ExitStack() as held:
        for address in ADDRESSES[:4]:
            held.enter_context(admitted.request_slot(address))
        assert refused(lambda: admitted.body_slot(ADDRESSES[5])).code == "UNAVAILABLE"
    with admitted.body_slot(ADDRESSES[5]):
        pass


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(admission, "monotonic", lambda: self.now)


def test_a_client_may_use_its_rate_limit_at_once_or_evenly_and_gets_the_time_to_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, limiter = FakeClock(monkeypatch), RateLimiter(60)
    for _ in range(60):
        limiter.check("user")
    refusal = refused(lambda: limiter.check("user"))
    assert (refusal.status, refusal.code, refusal.headers) == (429, "RATE_LIMITED", {"Retry-After": "1"})
    limiter.check("another user")
    clock.now += 1
    limiter.check("user")
    assert refused(lambda: limiter.check("user")).status == 429
    # Refused requests do not count.
    clock.now += 60
    for _ in range(60):
        limiter.check("user")


def test_the_rate_limit_of_an_address_is_ten_times_that_of_a_user() -> None:
    admitted = AdmissionControl(per_minute=5)
    for _ in range(50):
        with admitted.body_slot(ADDRESSES[0]):
            pass
    assert refused(lambda: admitted.body_slot(ADDRESSES[0])).status == 429
    for _ in range(5):
        admitted.check_user_rate("user")
    assert refused(lambda: admitted.check_user_rate("user")).status == 429


def test_a_burst_within_the_concurrency_limit_is_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    admitted = AdmissionControl()
    with ExitStack() as held:
        for number in range(LARGEST_CONCURRENCY):
            held.enter_context(admitted.request_slot(ADDRESSES[number % 10]))
    assert admitted.in_use["answering"] == 0


def test_under_overload_only_as_many_requests_are_admitted_as_can_be_answered_in_the_promised_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, admitted = FakeClock(monkeypatch), AdmissionControl()
    waiting = [ExitStack() for _ in range(200)]
    for number, one in enumerate(waiting):
        one.enter_context(admitted.request_slot(ADDRESSES[number % 10]))
    # 200 requests a second are answered, and as many new ones arrive while they are admitted.
    refused_at = []
    for tick in range(800):
        clock.now += 1 / 200
        waiting.pop(0).close()
        one = ExitStack()
        try:
            one.enter_context(admitted.request_slot(ADDRESSES[tick % 10]))
            waiting.append(one)
        except RefusedRequest:
            refused_at.append(clock.now)
    # Load shedding begins after a second; until then it may be a burst.
    assert refused_at[0] > 1_001
    assert 115 <= admitted.in_use["answering"] <= 125
    for one in waiting:
        one.close()
    with admitted.body_slot(ADDRESSES[0]), admitted.request_slot(ADDRESSES[0]):
        assert admitted.in_use["answering"] == 1


def test_few_requests_are_admitted_no_matter_how_slowly_they_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, admitted = FakeClock(monkeypatch), AdmissionControl()
    with ExitStack() as held:
        for number in range(63):
            clock.now += 1
            held.enter_context(admitted.request_slot(ADDRESSES[number % 10]))


async def test_the_requests_of_one_user_wait_for_each_other_and_other_users_do_not_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "_TURN_SECONDS", 0.05)
    admitted = AdmissionControl()
    async with AsyncExitStack() as held:
        for _ in range(8):
            await held.enter_async_context(admitted.turn("busy"))
        async with admitted.turn("another user"):
            pass
        with pytest.raises(RefusedRequest) as caught:
            await held.enter_async_context(admitted.turn("busy"))
        assert caught.value.status == 503
        monkeypatch.setattr(admission, "_TURN_SECONDS", 60.0)
        waiting = asyncio.create_task(held.enter_async_context(admitted.turn("busy")))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await held.aclose()
        await waiting
    async with admitted.turn("busy"):
        pass
