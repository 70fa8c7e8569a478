"""Sign-in: counts the attempt for the lockout, checks the password and the second factor, and begins a session."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg

from db.pools import POOL_SIZES, Database
from domain.access.secret_keys import SecretKeys
from domain.access.sign_in import REFUSED, Attempt, plain_email, plain_name
from domain.clock import Clock, now
from domain.errors import InvalidInput, NotFound
from identity.lockout import Claim, Keys, Lockout
from identity.passwords import Passwords
from identity.second_factor import Enrolment, SecondFactors
from identity.sessions import ADMITTED, VIEWER, Sessions, viewer_of
from identity.sign_in_queue import SignInOverloadedError, SignInQueue
from permissions.viewers import Viewer

_FIND_USERS = f"""select u.password_hash, {VIEWER} from users u join clinics c on c.clinic_id = u.clinic_id
    where u.email = $1 and {ADMITTED} and ($2::text is null or c.short_name = $2) limit 2"""
_FIND_HASH = "select password_hash from users where clinic_id = $1 and id = $2 and active"
# Compare and set: the password may have been changed in the meantime.
_RENEW = "update users set password_hash = $4 where clinic_id = $1 and id = $2 and password_hash = $3"
# Sign-ins use at most half of this connection pool; the rest stays for the session look-ups of signed-in users.
_DOORS = POOL_SIZES[None] // 2
_IS_USER = "select 1 from users where clinic_id = $1 and id = $2"


class SignIns:
    """Signs users in and checks their passwords, in one server process."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        keys: SecretKeys,
        *,
        passwords: Passwords | None = None,
        clock: Clock = now,
    ) -> None:
        self._database, self._sessions, self._clock = database, sessions, clock
        self._passwords, self._factors = passwords or Passwords(), SecondFactors(keys)
        # Attempts are counted under the current key alone: after a change of keys, counting begins anew.
        self._lockout, self._waiting = Lockout(keys.current), SignInQueue()
        self._doors = asyncio.Semaphore(_DOORS)

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._doors, self._database.signing_in() as connection:
            yield connection

    async def sign_in(self, attempt: Attempt, meant: Callable[[Viewer], None]) -> tuple[str, datetime, Viewer]:
        """A new session's token, expiry and viewer; InvalidInput with the same message and work for every cause of failure."""
        keys = self._lockout.keys(attempt)
        async with self._waiting.turn(keys.address, keys.pair):
            claim, account = await self._claim(attempt, keys)
            if account:
                meant(viewer_of(account))
            stored = account["password_hash"] if account else None
            is_right = await self._is_right(claim, stored, attempt.password)
            await self._forget_old()
            if account is None or not is_right:
                raise InvalidInput(REFUSED)
            return await self._let_in(attempt, claim, account)

    async def _claim(self, attempt: Attempt, keys: Keys) -> tuple[Claim, asyncpg.Record | None]:
        """The claim to try a password, and the account, if there is exactly one; InvalidInput when it is locked out."""
        async with self._entered() as connection:
            claim = await self._lockout.claim(connection, keys, moment := self._clock())
            if claim is None:
                raise InvalidInput(REFUSED)
            email, clinic = plain_email(attempt.email), plain_name(attempt.clinic)
            found = await connection.fetch(_FIND_USERS, email, clinic)
            # Accounts in several clinics and no clinic named: the account is ambiguous, so there is none.
            account = found[0] if len(found) == 1 else None
            user_id = account["user_id"] if account else None
            counted = self._lockout.accounts(user_id, is_clinic_named=attempt.clinic is not None)
            claim = await self._lockout.attribute(connection, claim, counted, moment)
            if claim is None:
                raise InvalidInput(REFUSED)
        return claim, account

    async def _is_right(self, claim: Claim, stored: str | None, password: str) -> bool:
        try:
            return await self._passwords.is_right(stored, password)
        except SignInOverloadedError:
            # No password was tried.
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
            # A missing code is no failure, because the client learns from it to ask for one. A wrong code is: it limits guessing.
            if not attempt.code:
                await self._lockout.release(connection, claim)
        raise refusal

    async def _forget_old(self) -> None:
        moment = self._clock()
        if self._lockout.is_due(moment):
            async with self._entered() as connection:
                await self._lockout.forget_old(connection, moment)

    async def enrol(self, viewer: Viewer, password: str, address: str) -> Enrolment:
        """Enrol a second factor after a check of the viewer's password; it takes effect once it is confirmed."""
        await self.check(viewer, password, address)
        async with self._entered() as connection:
            return await self._factors.enrol(connection, viewer, self._clock())

    async def confirm(self, viewer: Viewer, code: str) -> None:
        """Activate the enrolled second factor; InvalidInput when the code is wrong."""
        async with self._entered() as connection:
            await self._factors.confirm(connection, viewer, code, self._clock())

    async def remove(self, viewer: Viewer, password: str, address: str) -> None:
        """Remove the viewer's second factor after a check of the password; NotFound when there is none."""
        await self.check(viewer, password, address)
        async with self._entered() as connection:
            if not await self._factors.remove(connection, viewer.clinic_id, viewer.user_id):
                raise NotFound("There is no second factor")

    async def reset(self, clinic_id: UUID, user_id: UUID) -> None:
        """Remove the second factor of a user of a clinic, if there is one; NotFound for an unknown user."""
        async with self._entered() as connection:
            if not await connection.fetchrow(_IS_USER, clinic_id, user_id):
                raise NotFound("There is no such user", ("user_id",))
            await self._factors.remove(connection, clinic_id, user_id)

    async def check(self, viewer: Viewer, password: str, address: str, field: str = "password") -> str:
        """Check the password of a signed-in user and return its stored hash; failures count toward the lockout.

        InvalidInput at the input's field for a wrong password.
        """
        keys = self._lockout.keys(Attempt(viewer.email, password, address=address))
        refusal = InvalidInput("The password is wrong", (field,))
        async with self._waiting.turn(keys.address, keys.pair):
            async with self._entered() as connection:
                claim = await self._claim_own(connection, viewer, keys)
                if claim is None:
                    raise refusal
                stored: str | None = await connection.fetchval(_FIND_HASH, viewer.clinic_id, viewer.user_id)
            if not await self._is_right(claim, stored, password) or stored is None:
                raise refusal
            async with self._entered() as connection:
                await self._lockout.release(connection, claim)
        return stored

    async def _claim_own(self, connection: asyncpg.Connection, viewer: Viewer, keys: Keys) -> Claim | None:
        """The claim to try the viewer's own password; None when it is locked out."""
        claim = await self._lockout.claim(connection, keys, moment := self._clock())
        if claim is None:
            return None
        counted = self._lockout.accounts(viewer.user_id, is_clinic_named=True)
        return await self._lockout.attribute(connection, claim, counted, moment)
