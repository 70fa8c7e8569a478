"""Decides who gets in: an attempt is counted, its password checked, its code used, and only then a session begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from db.pools import POOL_SIZES, Database
from domain.errors import InvalidInput, NotFound
from domain.sign_in import REFUSED, Attempt, plain_email, plain_name
from permissions.viewers import Viewer
from resolvers.context import Clock, now
from server.crowds import CrowdedError, WaitingRoom
from server.lockout import Claim, Keys, Lockout
from server.passwords import Passwords
from server.second_factor import Enrolment, SecondFactors
from server.sessions import VIEWER, Sessions

_FIND_USERS = f"""select u.password_hash, {VIEWER} from users u join clinics c on c.clinic_id = u.clinic_id
    where u.email = $1 and u.active and ($2::text is null or c.short_name = $2) limit 2"""
_FIND_HASH = "select password_hash from users where clinic_id = $1 and id = $2 and active"
# Somebody may have changed the password in the meantime.
_RENEW = "update users set password_hash = $4 where clinic_id = $1 and id = $2 and password_hash = $3"
# The rest of the connections by which people are known stays for those who are signed in, however many want to be.
_DOORS = POOL_SIZES[None] // 2
_IS_USER = "select 1 from users where clinic_id = $1 and id = $2"


class SignIns:
    """The door of one server process."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        secret: bytes,
        *,
        passwords: Passwords | None = None,
        clock: Clock = now,
    ) -> None:
        self._database, self._sessions, self._clock = database, sessions, clock
        self._passwords, self._factors = passwords or Passwords(), SecondFactors(secret)
        self._lockout, self._waiting = Lockout(secret), WaitingRoom()
        self._doors = asyncio.Semaphore(_DOORS)

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._doors, self._database.signing_in() as connection:
            yield connection

    async def sign_in(self, attempt: Attempt) -> tuple[str, datetime, Viewer]:
        """A new session's token, its end and its viewer; InvalidInput says the same whatever was wrong, after the same work."""
        keys = self._lockout.keys(attempt)
        async with self._waiting.turn(keys.address, keys.pair):
            claim, account = await self._claim(attempt, keys)
            stored = account["password_hash"] if account else None
            is_right = await self._is_right(claim, stored, attempt.password)
            await self._forget_old()
            if account is None or not is_right:
                raise InvalidInput(REFUSED)
            return await self._let_in(attempt, claim, account)

    async def _claim(self, attempt: Attempt, keys: Keys) -> tuple[Claim, asyncpg.Record | None]:
        """The claim to try a password, and the account that is meant, if there is one; InvalidInput when it is locked out."""
        async with self._entered() as connection:
            claim = await self._lockout.claim(connection, keys, self._clock())
            if claim is None:
                raise InvalidInput(REFUSED)
            email, clinic = plain_email(attempt.email), plain_name(attempt.clinic)
            accounts = await connection.fetch(_FIND_USERS, email, clinic)
        # Several clinics and none chosen: nobody is meant.
        return claim, accounts[0] if len(accounts) == 1 else None

    async def _is_right(self, claim: Claim, stored: str | None, password: str) -> bool:
        try:
            return await self._passwords.is_right(stored, password)
        except CrowdedError:
            # Nothing was tried.
            async with self._entered() as connection:
                await self._lockout.release(connection, claim)
            raise

    async def _let_in(self, attempt: Attempt, claim: Claim, account: asyncpg.Record) -> tuple[str, datetime, Viewer]:
        stored, moment = account["password_hash"], self._clock()
        renewed = await self._passwords.renew(stored, attempt.password)
        async with self._entered() as connection:
            if renewed:
                await connection.execute(_RENEW, account["clinic_id"], account["user_id"], stored, renewed)
            refusal = await self._factors.refusal(connection, account, attempt.code, moment)
            if refusal is None:
                await self._lockout.succeed(connection, claim, moment)
                return await self._sessions.begin(connection, account)
            # To be asked for the code is no failure; a wrong one is, or a known password would let one guess codes for ever.
            if not attempt.code:
                await self._lockout.release(connection, claim)
        raise refusal

    async def _forget_old(self) -> None:
        moment = self._clock()
        if self._lockout.is_due(moment):
            async with self._entered() as connection:
                await self._lockout.forget_old(connection, moment)

    async def enrol(self, viewer: Viewer, password: str, address: str) -> Enrolment:
        """The secret of a second factor for whoever knows the viewer's password; it counts once it is confirmed."""
        await self.check(viewer, password, address)
        async with self._entered() as connection:
            return await self._factors.enrol(connection, viewer, self._clock())

    async def confirm(self, viewer: Viewer, code: str) -> None:
        """From now on signing in asks for a code, if this one is good."""
        async with self._entered() as connection:
            await self._factors.confirm(connection, viewer, code, self._clock())

    async def remove(self, viewer: Viewer, password: str, address: str) -> None:
        """From now on the password alone signs in, for whoever knows it and is signed in."""
        await self.check(viewer, password, address)
        async with self._entered() as connection:
            if not await self._factors.remove(connection, viewer.clinic_id, viewer.user_id):
                raise NotFound("There is no second factor")

    async def reset(self, clinic_id: UUID, user_id: UUID) -> None:
        """Take away the second factor of a user of a clinic, whether there is one or not; NotFound for somebody unknown."""
        async with self._entered() as connection:
            if not await connection.fetchrow(_IS_USER, clinic_id, user_id):
                raise NotFound("There is no such user", ("user_id",))
            await self._factors.remove(connection, clinic_id, user_id)

    async def check(self, viewer: Viewer, password: str, address: str, field: str = "password") -> str:
        """The stored hash of a right password of somebody who is signed in; failures count like those of signing in.

        InvalidInput at the input's field for a wrong one.
        """
        keys = self._lockout.keys(Attempt(viewer.email, password, address=address))
        refusal = InvalidInput("The password is wrong", (field,))
        async with self._waiting.turn(keys.address, keys.pair):
            async with self._entered() as connection:
                claim = await self._lockout.claim(connection, keys, self._clock())
                if claim is None:
                    raise refusal
                stored: str | None = await connection.fetchval(_FIND_HASH, viewer.clinic_id, viewer.user_id)
            if not await self._is_right(claim, stored, password) or stored is None:
                raise refusal
            async with self._entered() as connection:
                await self._lockout.release(connection, claim)
        return stored
