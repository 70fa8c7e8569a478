"""One-time links to people who forgot a password or lost a second factor: asking for one, and using it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.access.accounts import check_password
from domain.access.one_time_links import LINK_LIFETIMES, LinkKind, ids_of_link
from domain.access.sign_in import Attempt, plain_email
from domain.errors import InputReason, InvalidInput
from domain.ids import new_id
from identity.credentials import Credentials
from identity.invitations import NOT_VALID
from identity.logins import end_sessions, list_viewers
from identity.second_factor import SecondFactors
from permissions.viewers import Viewer

_ADD = """insert into reset_links (id, email, kind, expires_at, next_attempt_at, asked_in_clinic_id) values ($1, $2, $3, $4, $5, $6)"""
_FIND = """select r.id, r.email, c.short_name from reset_links r left join clinics c on c.clinic_id = r.asked_in_clinic_id
    where r.id = $1 and kind = $2 and used_at is null and expires_at > $3"""
# Whoever has the mailbox may set the password: all other links to it are of no more use.
_USE = "update reset_links set used_at = $3 where email = $1 and kind = $2 and used_at is null returning id"
# All logins of an e-mail, except one that signs in by the identity provider alone.
_LOGINS = "select id from logins where email = $1 and (password_hash is not null or oidc_subject is null)"
_SET = "update logins set password_hash = $2, email_verified_at = coalesce(email_verified_at, $3) where id = $1"
_NO_SESSION = UUID(int=0)


class ResetLinks:
    """Makes and uses one-time links for passwords and second factors."""

    def __init__(self, credentials: Credentials, factors: SecondFactors, link_keys: Sequence[bytes]) -> None:
        self._credentials, self._factors, self._keys = credentials, factors, link_keys

    async def ask(self, email: str, address: str) -> None:
        """Ask for a link by mail to a new password: the same work whether the e-mail has a login or not, and nothing beyond the limit."""
        plain, credentials, moment = plain_email(email), self._credentials, self._credentials.clock()
        async with credentials.entered() as connection:
            if plain and await credentials.lockout.may_ask(connection, Attempt(email, "", address=address), moment):
                await add_link(connection, plain, LinkKind.PASSWORD_RESET, moment)

    async def reset_password(self, token: str, password: str) -> tuple[list[UUID], list[Viewer]]:
        """Set a new password and end all sessions of the login; returns their ids, and the login's accounts. The second factor stays.

        An e-mail with several logins, for single clinics, gets the same password for each. InvalidInput for a link that is not valid, and
        for a weak password.
        """
        credentials = self._credentials
        async with credentials.entered() as connection:
            link = await self._find(connection, LinkKind.PASSWORD_RESET, token)
        hashed, moment = await credentials.passwords.hash(check_password(password, link["email"])), credentials.clock()
        ended: list[UUID] = []
        accounts: list[Viewer] = []
        async with credentials.entered() as connection:
            await self._use(connection, link["email"], LinkKind.PASSWORD_RESET, moment)
            for login in await connection.fetch(_LOGINS, link["email"]):
                await connection.execute(_SET, login["id"], hashed, moment)
                ended += await end_sessions(connection, login["id"], _NO_SESSION, moment)
                accounts += await list_viewers(connection, login["id"])
        return ended, accounts

    async def reset_second_factor(
        self, token: str, password: str, address: str, meant: Callable[[Viewer], None]
    ) -> None:
        """Remove the second factor of the login whose password is given; InvalidInput for a wrong password or link.

        `meant` is called with each account of the login.
        """
        credentials = self._credentials
        async with credentials.entered() as connection:
            link = await self._find(connection, LinkKind.SECOND_FACTOR_RESET, token)
        attempt, wrong = (
            Attempt(link["email"], password, link["short_name"], address=address),
            InvalidInput("The password is wrong", ("password",), InputReason.WRONG_CREDENTIALS),
        )
        keys = credentials.lockout.keys(attempt)
        async with credentials.turn(keys):
            async with credentials.entered() as connection:
                claimed = await credentials.claim(connection, attempt, keys)
                if claimed is None:
                    raise wrong
                claim, login = claimed
                for viewer in await list_viewers(connection, login["id"]) if login else ():
                    meant(viewer)
            if not await credentials.is_right(claim, login["password_hash"] if login else None, password):
                raise wrong
            assert login is not None
            async with credentials.entered() as connection:
                await credentials.lockout.release(connection, claim)
                await self._use(connection, link["email"], LinkKind.SECOND_FACTOR_RESET, credentials.clock())
                await self._factors.remove(connection, login["id"])

    async def _find(self, connection: asyncpg.Connection, kind: LinkKind, token: str) -> asyncpg.Record:
        ids = ids_of_link(self._keys, kind, token)
        found = ids and await connection.fetchrow(_FIND, *ids, kind.value, self._credentials.clock())
        if not found:
            raise InvalidInput(NOT_VALID, ("token",))
        return found

    async def _use(self, connection: asyncpg.Connection, email: str, kind: LinkKind, moment: datetime) -> None:
        if not await connection.fetch(_USE, email, kind.value, moment):
            raise InvalidInput(NOT_VALID, ("token",))


async def add_link(
    connection: asyncpg.Connection, email: str, kind: LinkKind, moment: datetime, clinic_id: UUID | None = None
) -> UUID:
    """The id of a new one-time link to an e-mail, asked for in a clinic or in none; the worker sends it where there is a mail server."""
    made = new_id(moment)
    await connection.execute(_ADD, made, email, kind.value, moment + LINK_LIFETIMES[kind], moment, clinic_id)
    return made
