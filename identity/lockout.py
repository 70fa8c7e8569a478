"""Lockout of sign-in attempts: failures are counted per keyed hash in the database, which all processes share."""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from domain.access.sign_in import KNOWN_FOR, LINKS, LOCKS, Attempt, Lock, counted_email, network_of

# One atomic statement, so that concurrent attempts cannot exceed the limit: an attempt that gets no row is locked out.
_CLAIM = """insert into sign_in_attempts as a (key, failures, since_at, until_at)
    values ($1, 1, $2, $2::timestamptz + $3::interval)
    on conflict (key) do update set
        failures = case when a.until_at <= $2 then 1 else a.failures + 1 end,
        since_at = case when a.until_at <= $2 then $2 else a.since_at end,
        by_account = case when a.until_at <= $2 then '{}' else a.by_account end,
        until_at = case when a.until_at <= $2 then $2 + $3 when a.failures + 1 >= $4 then $2 + $5::interval else a.until_at end
    where a.until_at <= $2 or a.failures < $4
    returning since_at, coalesce(known_until > $2, false) as has_signed_in_here"""
# The row is still locked by the claim: claim and attribution are atomic to every other attempt.
_ATTRIBUTE = """update sign_in_attempts
    set by_account = jsonb_set(by_account, array[$2::text], to_jsonb(coalesce((by_account ->> $2)::int, 0) + 1))
    where key = $1 returning coalesce((known_accounts ->> $2)::timestamptz > $3, false)"""
# A failure is taken back only from the window in which it was counted: an ended window no longer holds it. A lockout that only
# this attempt had caused ends, and a window without failures ends too.
_RELEASE = """update sign_in_attempts set failures = failures - 1,
        until_at = case when failures = 1 then since_at else least(until_at, since_at + $3::interval) end
    where key = $1 and since_at = $2 and failures > 0"""
_RELEASE_OF_ACCOUNT = """update sign_in_attempts set failures = failures - 1,
        until_at = case when failures = 1 then since_at else least(until_at, since_at + $3::interval) end,
        by_account = jsonb_set(by_account, array[$4::text], to_jsonb((by_account ->> $4)::int - 1))
    where key = $1 and since_at = $2 and failures > 0 and (by_account ->> $4)::int > 0"""
_SUCCEED = """insert into sign_in_attempts as a (key, failures, since_at, until_at, known_until, known_accounts)
    values ($1, 0, $3, $3, $4, jsonb_build_object($2::text, $4::timestamptz))
    on conflict (key) do update set (failures, until_at) = (
            select greatest(a.failures - own, 0), case when a.failures <= own then $3 else least(a.until_at, a.since_at + $5::interval) end
            from (select coalesce((a.by_account ->> $2)::int, 0) as own) counted),
        by_account = a.by_account - $2::text, known_until = $4, known_accounts = a.known_accounts || excluded.known_accounts"""
# Rows that another transaction has locked are left to the next run.
_FORGET = """delete from sign_in_attempts where key in (
    select key from sign_in_attempts where until_at <= $1 and coalesce(known_until <= $1, true) limit 10000 for update skip locked)"""
_FORGOTTEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keyed hashes by which an attempt is counted, both for the lockout and in the sign-in queue."""

    pair: bytes
    email: bytes
    address: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that may try a password; it counts as a failure until it turns out to be none."""

    keys: Keys
    # When the windows began in which it was counted; None for the e-mail when the account is known at the address.
    pair_since: datetime
    email_since: datetime | None
    # The key of the login whose failure it is.
    account: str = ""


class Lockout:
    """Counts failed attempts in the shared database and locks out an e-mail at an address, or at all addresses."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"sign-in attempts", hashlib.sha256)
        self._forgotten_at: datetime | None = None

    def keys(self, attempt: Attempt) -> Keys:
        """The keys of an attempt: an e-mail without an account is counted like any other, and the clinic is not part of a key."""
        email, address = counted_email(attempt.email), network_of(attempt.address)
        return Keys(self._key("pair", email, address), self._key("email", email), self._key("address", address))

    def account(self, login_id: UUID | None) -> str:
        """The key of a login, to which the failures of an attempt belong; the same key for every e-mail without one."""
        return self._key("account", "named", str(login_id)).hex() if login_id else self._key("no account").hex()

    def _key(self, *parts: str) -> bytes:
        hashed = b"".join(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest() for part in parts)
        return hmac.digest(self._secret, hashed, hashlib.sha256)

    async def claim(self, connection: asyncpg.Connection, keys: Keys, moment: datetime) -> Claim | None:
        """Count an attempt before any account or password is read; None when it is locked out: then roll the transaction back."""
        pair = await self._count(connection, keys.pair, LOCKS["pair"], moment)
        if pair is None:
            return None
        claim = Claim(keys, pair["since_at"], None)
        return claim if pair["has_signed_in_here"] else await self._count_email(connection, claim, moment)

    async def attribute(
        self, connection: asyncpg.Connection, claim: Claim, account: str, moment: datetime
    ) -> Claim | None:
        """Attribute a claim to a login, in the same transaction; None when it is locked out after all.

        That happens when an e-mail is locked out at all addresses, and only another login of it has signed in at this one.
        """
        is_known = await connection.fetchval(_ATTRIBUTE, claim.keys.pair, account, moment)
        claim = replace(claim, account=account)
        if is_known or claim.email_since:
            return claim
        return await self._count_email(connection, claim, moment)

    async def _count_email(self, connection: asyncpg.Connection, claim: Claim, moment: datetime) -> Claim | None:
        email = await self._count(connection, claim.keys.email, LOCKS["email"], moment)
        return replace(claim, email_since=email["since_at"]) if email else None

    async def _count(
        self, connection: asyncpg.Connection, key: bytes, lock: Lock, moment: datetime
    ) -> asyncpg.Record | None:
        return await connection.fetchrow(_CLAIM, key, moment, lock.window, lock.failures, lock.lasts)

    async def release(self, connection: asyncpg.Connection, claim: Claim) -> None:
        """Uncount an attempt that was neither a failure nor a success."""
        # In the order in which they were counted, so that transactions cannot deadlock.
        window = LOCKS["pair"].window
        await connection.execute(_RELEASE_OF_ACCOUNT, claim.keys.pair, claim.pair_since, window, claim.account)
        await self._release_email(connection, claim)

    async def _release_email(self, connection: asyncpg.Connection, claim: Claim) -> None:
        if claim.email_since:
            await connection.execute(_RELEASE, claim.keys.email, claim.email_since, LOCKS["email"].window)

    async def succeed(self, connection: asyncpg.Connection, claim: Claim, moment: datetime) -> None:
        """Reset the failures of a login at an address where it has signed in, and remember the address as known for a while.

        Failures at other addresses, and those of other logins of the e-mail or of no login, still count.
        """
        until, window = moment + KNOWN_FOR, LOCKS["pair"].window
        await connection.execute(_SUCCEED, claim.keys.pair, claim.account, moment, until, window)
        await self._release_email(connection, claim)

    async def may_ask(self, connection: asyncpg.Connection, attempt: Attempt, moment: datetime) -> bool:
        """Count a request for a one-time link to an e-mail, and whether it is within the limits of the e-mail and of the address."""
        limits = {
            "link to an e-mail": counted_email(attempt.email),
            "link asked for from an address": network_of(attempt.address),
        }
        counted = [
            await self._count(connection, self._key(name, value), LINKS[name], moment) for name, value in limits.items()
        ]
        return all(counted)

    async def forget_old(self, connection: asyncpg.Connection, moment: datetime) -> None:
        """Delete rows whose windows have ended."""
        self._forgotten_at = moment
        await connection.execute(_FORGET, moment)

    def is_due(self, moment: datetime) -> bool:
        """Whether the next cleanup of ended windows is due."""
        return self._forgotten_at is None or abs(moment - self._forgotten_at) > _FORGOTTEN_EVERY
