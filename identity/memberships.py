"""The accounts that a login has in several clinics: a session in another one, and joining logins that an e-mail had before."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from db.pools import Database
from domain.access.one_time_links import LinkKind
from domain.access.people import Role
from domain.access.sign_in import NO_ACCOUNT, SECOND_FACTOR_NEEDED, Attempt
from domain.errors import Conflict, InvalidInput, NotFound
from identity.credentials import Credentials
from identity.logins import end_sessions, find_login_of, list_accounts, list_viewers, lock_login
from identity.reset_links import add_link
from identity.second_factor import SecondFactors
from identity.sessions import Sessions, viewer_of
from identity.sign_in import SignedIn
from permissions.viewers import Viewer

# A login may still name the account that a clinic has given to another e-mail since.
_PART = """delete from memberships o where login_id = $1
    and exists (select from memberships m where m.login_id = $2 and m.clinic_id = o.clinic_id)"""
_MOVE_ACCOUNTS = "update memberships set login_id = $2 where login_id = $1"
_SHARE = """update logins l set only_clinic_id = null where id = $1
    and not exists (select from logins o where o.email = l.email and o.only_clinic_id is null and o.id <> l.id) returning id"""
# In one order, so that two requests that join the same logins wait for each other.
_LOCK_BOTH = "select id from logins where id = any($1) order by id for update"
_REMOVE = "delete from logins where id = $1"
_ROLES = "select second_factor_roles from clinics where clinic_id = $1"
_SET_ROLES = "update clinics set second_factor_roles = $2 where clinic_id = $1"
_EMAIL = """select u.email, exists (select from memberships m join logins l on l.id = m.login_id and l.email = u.email
        where m.clinic_id = u.clinic_id and m.user_id = u.id and u.joined_at is not null) as has_joined
    from users u where u.clinic_id = $1 and u.id = $2"""


class Memberships:
    """Moves between the accounts of a login."""

    def __init__(
        self, database: Database, credentials: Credentials, sessions: Sessions, factors: SecondFactors
    ) -> None:
        self._database, self._credentials = database, credentials
        self._sessions, self._factors = sessions, factors

    async def list_all(self, viewer: Viewer) -> list[Viewer]:
        """The active accounts of the viewer's login, by the clinic's name; the viewer alone without a login."""
        async with self._database.signing_in() as connection:
            login = await find_login_of(connection, viewer.clinic_id, viewer.user_id)
            accounts = await list_accounts(connection, login["id"]) if login else []
        return [viewer_of(account) for account in accounts] or [viewer]

    async def switch(self, viewer: Viewer, clinic: str) -> SignedIn:
        """A session in another clinic of the same login, without a password; the session before goes on.

        It ends when the session before would end at the latest. InvalidInput for a clinic without an account of this login.
        """
        async with self._credentials.entered() as connection:
            login = await find_login_of(connection, viewer.clinic_id, viewer.user_id)
            _, accounts = await lock_login(connection, login["id"]) if login else (None, [])
            chosen = [account for account in accounts if account["short_name"] == clinic]
            if login is None or not chosen:
                raise InvalidInput(NO_ACCOUNT, ("clinic",))
            if chosen[0]["needs_second_factor"] and not (await self._factors.state(connection, login["id"])).is_active:
                raise Conflict(SECOND_FACTOR_NEEDED, ("clinic",))
            return SignedIn(*await self._sessions.continue_in(connection, viewer, chosen[0]))

    async def join(
        self, viewer: Viewer, password: str, other_clinic: str, other_password: str, code: str | None, address: str
    ) -> list[Viewer]:
        """Join the login that the viewer's e-mail has for another clinic alone with the viewer's, after a check of both passwords.

        Returns all accounts, which then have the viewer's password; and its second factor, or that of the other login where it has none. NotFound
        when the e-mail has no other login in that clinic.
        """

        async def checked_code(connection: asyncpg.Connection, login: asyncpg.Record) -> InvalidInput | None:
            return await self._factors.use(connection, login["id"], code, self._credentials.clock())

        own = await self._credentials.check(viewer, password, address)
        other = await self._credentials.check(
            viewer, other_password, address, "other_password", clinic=other_clinic, also=checked_code
        )
        if own["id"] == other["id"]:
            raise NotFound("This clinic's account has the same login already", ("other_clinic",))
        async with self._credentials.entered() as connection:
            await self._merge(connection, own, other)
            # Those that began without the second factor that the login may have now.
            await end_sessions(connection, own["id"], viewer.session_id, self._credentials.clock())
            return await list_viewers(connection, own["id"])

    async def second_factor_roles(self, viewer: Viewer) -> list[str]:
        """The roles whose users need a second factor to sign in to the viewer's clinic."""
        async with self._database.signing_in() as connection:
            found: list[str] = await connection.fetchval(_ROLES, viewer.clinic_id)
        return found

    async def set_second_factor_roles(self, viewer: Viewer, roles: Sequence[Role]) -> None:
        """Choose the roles whose users need a second factor, from their next sign-in to the viewer's clinic."""
        async with self._credentials.entered() as connection:
            await connection.execute(_SET_ROLES, viewer.clinic_id, sorted({role.value for role in roles}))

    async def send_second_factor_link(self, clinic_id: UUID, user_id: UUID, address: str) -> None:
        """Send a link by mail with which a user of a clinic, who also gives the password, removes a lost second factor.

        NotFound for an unknown user, Conflict for an account that has not joined, and beyond the limit of links. It is the same whether
        the user has a second factor or not, which other clinics share.
        """
        moment = self._credentials.clock()
        async with self._credentials.entered() as connection:
            user = await connection.fetchrow(_EMAIL, clinic_id, user_id)
            if user is None:
                raise NotFound("There is no such user", ("user_id",))
            if not user["has_joined"]:
                raise Conflict("This account has not joined yet", ("user_id",))
            attempt = Attempt(user["email"], "", address=address)
            if not await self._credentials.lockout.may_ask(connection, attempt, moment):
                raise Conflict("Too many links were sent: try again in an hour", ("user_id",))
            await add_link(connection, user["email"], LinkKind.SECOND_FACTOR_RESET, moment, clinic_id)

    async def _merge(self, connection: asyncpg.Connection, own: asyncpg.Record, other: asyncpg.Record) -> None:
        if len(await connection.fetch(_LOCK_BOTH, [own["id"], other["id"]])) != 2:  # noqa: PLR2004
            raise Conflict("The logins were joined in the meantime")
        await self._factors.move(connection, other["id"], own["id"])
        await connection.execute(_PART, other["id"], own["id"])
        await connection.execute(_MOVE_ACCOUNTS, other["id"], own["id"])
        await connection.execute(_REMOVE, other["id"])
        if not await connection.fetchrow(_SHARE, own["id"]):
            raise Conflict(
                "This e-mail has a third login, for several clinics: sign in to one of these, and join from there"
            )
