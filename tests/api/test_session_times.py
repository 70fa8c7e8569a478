"""Decides when a session ends by time, to the moment: half an hour after its last use, twelve hours after its beginning."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from db.pools import Database
from server.addresses import Address
from server.sessions import VIEWER, Sessions

BEGINNING = datetime(2026, 6, 30, 8, 0, tzinfo=UTC)
IDLE, ABSOLUTE, INSTANT = timedelta(minutes=30), timedelta(hours=12), timedelta(microseconds=1)
ACCOUNT = f"""select {VIEWER} from users u join clinics c on c.clinic_id = u.clinic_id where u.email = 'billing@demo.clinic'"""


class Clock:
    """A clock that shows what a test sets it to."""

    def __init__(self) -> None:
        self.moment = BEGINNING

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
async def database(address: Address) -> AsyncIterator[Database]:
    async with Database(address.login) as opened:
        yield opened


class Somebody:
    """Somebody with a session, at moments after its beginning."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.sessions = Sessions(database, clock=self.clock)
        self.database, self.token = database, ""

    async def begin(self) -> datetime:
        async with self.database.signing_in() as connection:
            account = await connection.fetchrow(ACCOUNT)
            assert account is not None
            self.token, expires_at, _ = await self.sessions.begin(connection, account)
        return expires_at

    async def is_in(self, after: timedelta, *, is_use: bool = True) -> bool:
        self.clock.moment = BEGINNING + after
        # What is believed for two seconds by the real clock would be believed for hours by this one.
        self.sessions.forget(None)
        return await self.sessions.find(self.token, is_use=is_use) is not None


@pytest.fixture
async def somebody(database: Database) -> Somebody:
    made = Somebody(database)
    assert await made.begin() == BEGINNING + ABSOLUTE
    return made


@pytest.mark.parametrize(("after", "is_in"), [(IDLE - INSTANT, True), (IDLE, False), (IDLE + INSTANT, False)])
async def test_a_session_ends_half_an_hour_after_its_last_use(
    somebody: Somebody, after: timedelta, is_in: bool
) -> None:
    assert await somebody.is_in(after) is is_in


async def test_each_use_gives_another_half_hour(somebody: Somebody) -> None:
    assert await somebody.is_in(IDLE - INSTANT)
    assert await somebody.is_in(2 * IDLE - 2 * INSTANT)
    assert not await somebody.is_in(3 * IDLE - 2 * INSTANT)


async def test_looking_is_no_use(somebody: Somebody) -> None:
    assert await somebody.is_in(IDLE - INSTANT, is_use=False)
    assert not await somebody.is_in(IDLE)


@pytest.mark.parametrize(("after", "is_in"), [(ABSOLUTE - INSTANT, True), (ABSOLUTE, False)])
async def test_a_session_that_is_always_used_ends_after_twelve_hours(
    somebody: Somebody, after: timedelta, is_in: bool
) -> None:
    for minutes in range(20, 12 * 60, 20):
        assert await somebody.is_in(timedelta(minutes=minutes))
    assert await somebody.is_in(after) is is_in


async def test_an_ended_session_does_not_come_back(somebody: Somebody) -> None:
    assert not await somebody.is_in(IDLE)
    assert not await somebody.is_in(ABSOLUTE - INSTANT)
