"""Checks passwords of logins under the lockout: every attempt is counted before any password is hashed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import asyncpg

from db.pools import POOL_SIZES, Database
from domain.access.secret_keys import SecretKeys
from domain.access.sign_in import CODE_WRONG, Attempt, plain_email, plain_name
from domain.clock import Clock, now
from domain.errors import InputReason, InvalidInput
from identity.lockout import Claim, Keys, Lockout
from identity.logins import find_login, find_login_of
from identity.passwords import Passwords
from identity.sign_in_queue import SignInOverloadedError, SignInQueue
from permissions.viewers import Viewer

# Compare and set: the password may have been changed in the meantime.
_RENEW = "update logins set password_hash = $3 where id = $1 and password_hash = $2"
# Sign-ins use at most half of this connection pool; the rest stays for the session look-ups of signed-in users.
_DOORS = POOL_SIZES[None] // 2

# The refusal of what is checked beside the password of a login; None when it is right.
AlsoChecked = Callable[[asyncpg.Connection, asyncpg.Record], Awaitable[InvalidInput | None]]


class Credentials:
    """Checks passwords in one server process, which all ways to prove a password share."""

    def __init__(
        self, database: Database, keys: SecretKeys, *, passwords: Passwords | None = None, clock: Clock = now
    ) -> None:
        self._database, self.clock = database, clock
        # Attempts are counted under the current key alone: after a change of keys, counting begins anew.
        self.passwords, self.lockout = passwords or Passwords(), Lockout(keys.current)
        self._waiting, self._doors = SignInQueue(), asyncio.Semaphore(_DOORS)

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the sign-in role; few at a time."""
        async with self._doors, self._database.signing_in() as connection:
            yield connection

    def turn(self, keys: Keys) -> AbstractAsyncContextManager[None]:
        """A turn for an attempt: one at a time for an e-mail at an address."""
        return self._waiting.turn(keys.address, keys.pair)

    async def claim(
        self, connection: asyncpg.Connection, attempt: Attempt, keys: Keys
    ) -> tuple[Claim, asyncpg.Record | None] | None:
        """The claim to try a password, and the login that the attempt means, if there is one; None when it is locked out."""
        claim = await self.lockout.claim(connection, keys, moment := self.clock())
        if claim is None:
            return None
        login = await find_login(connection, plain_email(attempt.email), plain_name(attempt.clinic))
        account = self.lockout.account(login["id"] if login else None)
        attributed = await self.lockout.attribute(connection, claim, account, moment)
        return (attributed, login) if attributed else None

    async def is_right(self, claim: Claim, stored: str | None, password: str) -> bool:
        """Whether a password is right; without a stored hash, False after the same work."""
        try:
            return await self.passwords.is_right(stored, password)
        except SignInOverloadedError:
            # No password was tried.
            async with self.entered() as connection:
                await self.lockout.release(connection, claim)
            raise

    async def renew(self, connection: asyncpg.Connection, login: asyncpg.Record, renewed: str | None) -> None:
        """Replace a hash with outdated parameters, unless the password was changed in the meantime."""
        if renewed:
            await connection.execute(_RENEW, login["id"], login["password_hash"], renewed)

    async def check(
        self,
        viewer: Viewer,
        password: str,
        address: str,
        field: str = "password",
        *,
        clinic: str | None = None,
        also: AlsoChecked | None = None,
    ) -> asyncpg.Record:
        """Check the password of a signed-in user, and return the login; failures count toward the lockout.

        With `clinic`, the password of the login that the user's e-mail has in that clinic. `also` is checked after the right password:
        a wrong code counts as a failure, too. InvalidInput at the input's field for a wrong password.
        """
        attempt = Attempt(viewer.email, password, clinic, address=address)
        keys, refusal = (
            self.lockout.keys(attempt),
            InvalidInput("The password is wrong", (field,), InputReason.WRONG_CREDENTIALS),
        )
        async with self.turn(keys):
            async with self.entered() as connection:
                login = await self._login_of(connection, viewer, attempt)
                claim = await self._claim_for(connection, keys, login["id"] if login else None)
                if claim is None:
                    raise refusal
            stored = login["password_hash"] if login else None
            if not await self.is_right(claim, stored, password) or login is None:
                raise refusal
            async with self.entered() as connection:
                refused = await also(connection, login) if also else None
                if refused is None or refused.message != CODE_WRONG:
                    await self.lockout.release(connection, claim)
        if refused:
            raise refused
        return login

    @asynccontextmanager
    async def counted(self, viewer: Viewer, address: str) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Record]]:
        """A transaction in which a signed-in user proves something to the own login: InvalidInput in it counts toward the lockout."""
        keys = self.lockout.keys(Attempt(viewer.email, "", address=address))
        async with self.turn(keys):
            async with self.entered() as connection:
                login = await find_login_of(connection, viewer.clinic_id, viewer.user_id)
                claim = await self._claim_for(connection, keys, login["id"] if login else None)
                if claim is None or login is None:
                    raise InvalidInput(CODE_WRONG, ("code",), InputReason.WRONG_CREDENTIALS)
            async with self.entered() as connection:
                yield connection, login
                await self.lockout.release(connection, claim)

    async def _login_of(
        self, connection: asyncpg.Connection, viewer: Viewer, attempt: Attempt
    ) -> asyncpg.Record | None:
        if attempt.clinic is None:
            return await find_login_of(connection, viewer.clinic_id, viewer.user_id)
        return await find_login(connection, viewer.email, plain_name(attempt.clinic))

    async def _claim_for(self, connection: asyncpg.Connection, keys: Keys, login_id: UUID | None) -> Claim | None:
        claim = await self.lockout.claim(connection, keys, moment := self.clock())
        if claim is None:
            return None
        return await self.lockout.attribute(connection, claim, self.lockout.account(login_id), moment)
