"""Accepting an invitation: the invited person proves the one-time link and gives the account a login."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.access.accounts import check_password
from domain.access.one_time_links import LinkKind, ids_of_link
from domain.access.sign_in import CODE_WRONG, Attempt
from domain.errors import InvalidInput
from identity.credentials import Credentials
from identity.logins import add_login, find_shared_login, join
from identity.second_factor import SecondFactors
from identity.sessions import VIEWER, viewer_of
from permissions.viewers import Viewer

NOT_VALID = "This link is not valid any more: ask for a new one"
# An invitation is for the account as it was invited: another e-mail or role since then needs a new one.
_FIND = f"""select i.id, i.is_mailed, {VIEWER}
    from invitations i join users u on u.clinic_id = i.clinic_id and u.id = i.user_id
    join clinics c on c.clinic_id = i.clinic_id
    where i.clinic_id = $1 and i.id = $2 and i.accepted_at is null and i.revoked_at is null and i.expires_at > $3
    and u.active and u.joined_at is null and u.email = i.email and u.role = i.role"""
# The account is locked before its invitation, as by a change of the account.
_LOCK = " for no key update of u"
_ACCEPT = """update invitations set accepted_at = $3 where clinic_id = $1 and id = $2 and accepted_at is null
    and revoked_at is null returning id"""
_VERIFY = "update logins set email_verified_at = $2 where id = $1 and email_verified_at is null"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An account that can be used now: the e-mail to sign in with, and the account."""

    email: str
    viewer: Viewer


class Invitations:
    """Accepts invitations. The token comes from the link; the password is new, or that of the login which the e-mail has."""

    def __init__(self, credentials: Credentials, factors: SecondFactors, link_keys: Sequence[bytes]) -> None:
        self._credentials, self._factors, self._keys = credentials, factors, link_keys

    async def accept(
        self, token: str, password: str, code: str | None, address: str, meant: Callable[[Viewer], None]
    ) -> Accepted:
        """Accept an invitation; InvalidInput for a link that is not valid, a weak new password, or the wrong one of a login.

        `meant` is called with the invited account.
        """
        ids = ids_of_link(self._keys, LinkKind.INVITATION, token)
        if ids is None:
            raise InvalidInput(NOT_VALID, ("token",))
        async with self._credentials.entered() as connection:
            invitation = await self._find(connection, ids)
            login = await find_shared_login(connection, invitation["email"])
        meant(viewer_of(invitation))
        if login is not None and login["password_hash"] is None:
            raise InvalidInput("This e-mail signs in by the identity provider: signing in there accepts the invitation")
        if login is None:
            await self._accept_as_new(ids, check_password(password, invitation["email"]))
        else:
            await self._accept_as_known(ids, Attempt(invitation["email"], password, code=code, address=address))
        return Accepted(invitation["email"], viewer_of(invitation))

    async def _find(self, connection: asyncpg.Connection, ids: tuple[UUID, ...], lock: str = "") -> asyncpg.Record:
        found = await connection.fetchrow(_FIND + lock, *ids, self._credentials.clock())
        if found is None:
            raise InvalidInput(NOT_VALID, ("token",))
        return found

    async def _accept_as_new(self, ids: tuple[UUID, ...], password: str) -> None:
        hashed, moment = await self._credentials.passwords.hash(password), self._credentials.clock()
        async with self._credentials.entered() as connection:
            invitation = await self._find(connection, ids, lock=_LOCK)
            verified_at = moment if invitation["is_mailed"] else None
            login_id = await add_login(
                connection, invitation["email"], hashed, None, verified_at=verified_at, moment=moment
            )
            if login_id is None:
                raise InvalidInput("This e-mail has a login by now: give its password", ("password",))
            await self._join(connection, invitation, login_id, moment)

    async def _accept_as_known(self, ids: tuple[UUID, ...], attempt: Attempt) -> None:
        keys, wrong = (
            self._credentials.lockout.keys(attempt),
            InvalidInput("This e-mail has a login already, with another password", ("password",)),
        )
        async with self._credentials.turn(keys):
            async with self._credentials.entered() as connection:
                claimed = await self._credentials.claim(connection, attempt, keys)
                if claimed is None:
                    raise wrong
                claim, login = claimed
            if not await self._credentials.is_right(claim, login["password_hash"] if login else None, attempt.password):
                raise wrong
            assert login is not None
            async with self._credentials.entered() as connection:
                refusal = await self._factors.use(connection, login["id"], attempt.code, self._credentials.clock())
                if refusal is None:
                    await self._credentials.lockout.release(connection, claim)
                    await self._join(
                        connection,
                        await self._find(connection, ids, lock=_LOCK),
                        login["id"],
                        self._credentials.clock(),
                    )
                elif refusal.message != CODE_WRONG:
                    await self._credentials.lockout.release(connection, claim)
            if refusal:
                raise refusal

    async def _join(
        self, connection: asyncpg.Connection, invitation: asyncpg.Record, login_id: UUID, moment: datetime
    ) -> None:
        if not await connection.fetchrow(_ACCEPT, invitation["clinic_id"], invitation["id"], moment):
            raise InvalidInput(NOT_VALID, ("token",))
        await join(connection, login_id, invitation["clinic_id"], invitation["user_id"], moment)
        if invitation["is_mailed"]:
            await connection.execute(_VERIFY, login_id, moment)
