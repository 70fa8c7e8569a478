"""A session ends to the moment: thirty minutes after its last use, twelve hours after its beginning."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from db.pools import Database
from identity.sessions import VIEWER, Sessions
from server.database_urls import DatabaseUrls

BEGINNING = datetime(2026, 6, 30, 8, 0, tzinfo=UTC)
IDLE, ABSOLUTE, INSTANT = timedelta(minutes=30), timedelta(hours=12), timedelta(microseconds=1)
ACCOUNT = f"""select {VIEWER} from users u join clinics c on c.clinic_id = u.clinic_id where u.email = 'billing@demo.example'"""


class Clock:
    """A clock that shows the moment that a test sets."""

    def __init__(self) -> None:
        self.moment = BEGINNING

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
async def database(address: DatabaseUrls) -> AsyncIterator[Database]:
    async with Database(address.login) as opened:
        yield opened


class SessionOwner:
    """A user with a session, which is looked at on moments after its beginning."""

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

    async def is_signed_in(self, after: timedelta, *, is_use: bool = True) -> bool:
        self.clock.moment = BEGINNING + after
        # The cache's time to live is two seconds of the real clock, which are hours of this one.
        self.sessions.forget(None)
        return await self.sessions.find(self.token, is_use=is_use) is not None


@pytest.fixture
async def owner(database: Database) -> SessionOwner:
    made = SessionOwner(database)
    assert await made.begin() == BEGINNING + ABSOLUTE
    return made


@pytest.mark.parametrize(("after", "is_signed_in"), [(IDLE - INSTANT, True), (IDLE, False), (IDLE + INSTANT, False)])
async def test_a_session_ends_thirty_minutes_after_its_last_use(
    owner: SessionOwner, after: timedelta, is_signed_in: bool
) -> None:
    assert await owner.is_signed_in(after) is is_signed_in


async def test_each_use_extends_a_session_by_thirty_minutes(owner: SessionOwner) -> None:
    assert await owner.is_signed_in(IDLE - INSTANT)
    assert await owner.is_signed_in(2 * IDLE - 2 * INSTANT)
    assert not await owner.is_signed_in(3 * IDLE - 2 * INSTANT)


async def test_a_lookup_without_use_does_not_extend_a_session(owner: SessionOwner) -> None:
    assert await owner.is_signed_in(IDLE - INSTANT, is_use=False)
    assert not await owner.is_signed_in(IDLE)


@pytest.mark.parametrize(("after", "is_signed_in"), [(ABSOLUTE - INSTANT, True), (ABSOLUTE, False)])
async def test_a_session_in_constant_use_ends_after_twelve_hours(
    owner: SessionOwner, after: timedelta, is_signed_in: bool
) -> None:
    for minutes in range(20, 12 * 60, 20):
        assert await owner.is_signed_in(timedelta(minutes=minutes))
    assert await owner.is_signed_in(after) is is_signed_in


async def test_an_ended_session_stays_ended(owner: SessionOwner) -> None:
    assert not await owner.is_signed_in(IDLE)
    assert not await owner.is_signed_in(ABSOLUTE - INSTANT)
