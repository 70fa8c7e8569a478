"""Decides whether an attempt may try a password: failures are counted by keyed hash in the database that all processes share."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from domain.sign_in import KNOWN_FOR, LOCKS, Attempt, Lock, network_of

# One statement, so that of many attempts at once no more get through than may: whoever gets no row is locked out.
_CLAIM = """insert into sign_in_attempts as a (key, failures, until_at) values ($1, 1, $2::timestamptz + $3::interval)
    on conflict (key) do update set
        failures = case when a.until_at <= $2 then 1 else a.failures + 1 end,
        until_at = case when a.until_at <= $2 then $2 + $3 when a.failures + 1 >= $4 then $2 + $5::interval else a.until_at end
    where a.until_at <= $2 or a.failures < $4
    returning coalesce(known_until > $2, false) as is_known"""
_RELEASE = "update sign_in_attempts set failures = failures - 1 where key = $1 and failures > 0"
_SUCCEED = """insert into sign_in_attempts as a (key, failures, until_at, known_until) values ($1, 0, $2, $3)
    on conflict (key) do update set failures = 0, until_at = $2, known_until = $3"""
# What somebody else is counting at this moment is left to the next time.
_FORGET = """delete from sign_in_attempts where key in (
    select key from sign_in_attempts where until_at <= $1 and coalesce(known_until <= $1, true) limit 10000 for update skip locked)"""
_FORGOTTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Keys:
    """By what the failures of an attempt are counted, and by what those who wait are."""

    pair: bytes
    email: bytes
    address: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that may try a password, and counts as a failure until it is known to be none."""

    keys: Keys
    counted: tuple[bytes, ...]


class Lockout:
    """The count of failures, as one server process keeps it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"sign-in attempts", hashlib.sha256)
        self._forgotten_at: datetime | None = None

    def keys(self, attempt: Attempt) -> Keys:
        """The keys of an attempt: an e-mail that nobody has is counted like any other."""
        email, address = attempt.email.lower(), network_of(attempt.address)
        return Keys(self._key("pair", email, address), self._key("email", email), self._key("address", address))

    def _key(self, *parts: str) -> bytes:
        hashed = b"".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in parts)
        return hmac.digest(self._secret, hashed, hashlib.sha256)

    async def claim(self, connection: asyncpg.Connection, keys: Keys, moment: datetime) -> Claim | None:
        """Count an attempt before its password is looked at; None when it is locked out: then roll back what else was counted."""
        row = await self._count(connection, keys.pair, LOCKS["pair"], moment)
        if row is None:
            return None
        if row["is_known"]:
            return Claim(keys, (keys.pair,))
        if await self._count(connection, keys.email, LOCKS["email"], moment) is None:
            return None
        return Claim(keys, (keys.pair, keys.email))

    async def _count(
        self, connection: asyncpg.Connection, key: bytes, lock: Lock, moment: datetime
    ) -> asyncpg.Record | None:
        return await connection.fetchrow(_CLAIM, key, moment, lock.window, lock.failures, lock.lasts)

    async def release(self, connection: asyncpg.Connection, claim: Claim) -> None:
        """Count an attempt no more that was no failure, and no success either."""
        # In the order in which they were counted, so that nobody waits in a circle.
        for key in claim.counted:
            await connection.execute(_RELEASE, key)

    async def succeed(self, connection: asyncpg.Connection, claim: Claim, moment: datetime) -> None:
        """Forget the failures of an e-mail at an address where it has signed in, and know the address for a while.

        What others have tried elsewhere for the same e-mail goes on to count against them.
        """
        await connection.execute(_SUCCEED, claim.keys.pair, moment, moment + KNOWN_FOR)
        for key in claim.counted[1:]:
            await connection.execute(_RELEASE, key)

    async def forget_old(self, connection: asyncpg.Connection, moment: datetime) -> None:
        """Delete what counts no more."""
        self._forgotten_at = moment
        await connection.execute(_FORGET, moment)

    def is_due(self, moment: datetime) -> bool:
        """Whether it is time again to delete what counts no more."""
        return self._forgotten_at is None or abs(moment - self._forgotten_at) > _FORGOTTEN_EVERY
