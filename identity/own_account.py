"""A user's own login and account: changes the password and the second factor, lists sessions and API tokens, and ends them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.pools import Database
from domain.access.accounts import check_password
from domain.errors import Conflict, InvalidInput, NotFound
from identity.credentials import Credentials
from identity.logins import end_sessions, find_login_of, list_accounts, list_viewers
from identity.second_factor import Enrolment, SecondFactors, SecondFactorState
from identity.sessions import SessionTimes, viewer_of
from permissions.viewers import Viewer

# Compare and set: a password that was changed since it was compared is not overwritten.
_CHANGE = "update logins set password_hash = $3 where id = $1 and password_hash = $2 returning id"
_SHOWN = "id, kind, name, recorded_at, last_used_at, expires_at"
_STANDS = "clinic_id = $1 and revoked_at is null and expires_at > $3 and (kind = 'api_token' or last_used_at > $4)"
_STANDING = f"select {_SHOWN} from sessions where {_STANDS} and user_id = $2 order by id desc limit 200"
_CURRENT = f"select {_SHOWN} from sessions where {_STANDS} and id = $2"
_EXTEND = f"update sessions set last_used_at = $3 where {_STANDS} and id = $2 and kind = 'session' returning {_SHOWN}"
_END = """update sessions set revoked_at = coalesce(revoked_at, $4) where clinic_id = $1 and user_id = $2 and id = $3
    returning id"""


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One session or API token of a viewer; the token itself is not stored, only its hash."""

    id: UUID
    kind: str
    name: str | None
    recorded_at: datetime
    last_used_at: datetime | None
    expires_at: datetime
    is_current: bool
    # When it ends unless it is used before; null for an API token.
    idle_expires_at: datetime | None


class OwnAccount:
    """Commands on the viewer's own account; `forget` drops a session from the session cache of this process."""

    def __init__(
        self,
        database: Database,
        forget: Callable[[UUID], None],
        credentials: Credentials,
        factors: SecondFactors,
        times: SessionTimes | None = None,
    ) -> None:
        self._database, self.forget, self._clock = database, forget, credentials.clock
        self._credentials, self._factors, self._times = credentials, factors, times or SessionTimes()

    @property
    def idle(self) -> timedelta:
        """The idle timeout of a session."""
        return self._times.idle

    async def change_password(self, viewer: Viewer, old: str, new: str, address: str) -> list[Viewer]:
        """Change the password, end every other session of the login, in all clinics, and return its accounts.

        A Refusal for a wrong old or a weak new password.

        A wrong old password counts toward the lockout like a failed sign-in, so that a stolen session cannot be used to guess it.
        """
        check_password(new, viewer.email, "new_password")
        login = await self._credentials.check(viewer, old, address, "old_password")
        if new == old:
            raise InvalidInput("The new password must differ from the old one", ("new_password",))
        hashed = await self._credentials.passwords.hash(new)
        async with self._database.signing_in() as connection:
            if not await connection.fetchval(_CHANGE, login["id"], login["password_hash"], hashed):
                raise InvalidInput("The password was changed in the meantime", ("old_password",))
            ended = await end_sessions(connection, login["id"], viewer.session_id, self._clock())
            accounts = await list_viewers(connection, login["id"])
        # The viewer in the cache has the access stamp of the old password, by which signed URLs would not work.
        for identity in (viewer.user_id, *ended):
            self.forget(identity)
        return accounts

    async def enrol(self, viewer: Viewer, password: str, address: str) -> Enrolment:
        """Enrol a second factor after a check of the password; it takes effect once it is confirmed."""
        login = await self._credentials.check(viewer, password, address)
        async with self._credentials.entered() as connection:
            return await self._factors.enrol(connection, login["id"], login["email"], viewer.clinic_name)

    async def confirm(self, viewer: Viewer, code: str, address: str) -> tuple[list[str], list[Viewer]]:
        """Activate the enrolled second factor; returns recovery codes and the login's accounts. InvalidInput when the code is wrong.

        All other sessions end, because they began without a code. A wrong code counts toward the lockout.
        """
        async with self._credentials.counted(viewer, address) as (connection, login):
            codes = await self._factors.confirm(connection, login["id"], code, self._clock())
            ended = await end_sessions(connection, login["id"], viewer.session_id, self._clock())
            accounts = await list_viewers(connection, login["id"])
        for session_id in ended:
            self.forget(session_id)
        return codes, accounts

    async def remove_second_factor(self, viewer: Viewer, password: str, address: str) -> list[Viewer]:
        """Remove the second factor after a check of the password, and return the login's accounts.

        Conflict where a clinic asks for one, NotFound when there is none.
        """
        login = await self._credentials.check(viewer, password, address)
        async with self._credentials.entered() as connection:
            accounts = await list_accounts(connection, login["id"])
            asking = [account["clinic_name"] for account in accounts if account["needs_second_factor"]]
            if asking:
                raise Conflict(f"A second factor is needed in: {', '.join(asking)}")
            if not await self._factors.remove(connection, login["id"]):
                raise NotFound("There is no second factor")
            return [viewer_of(account) for account in accounts]

    async def renew_recovery_codes(self, viewer: Viewer, password: str, address: str) -> list[str]:
        """New recovery codes after a check of the password; those before are of no more use. NotFound without a second factor."""
        login = await self._credentials.check(viewer, password, address)
        async with self._credentials.entered() as connection:
            if not (await self._factors.state(connection, login["id"])).is_active:
                raise NotFound("There is no second factor")
            return await self._factors.renew_codes(connection, login["id"])

    async def second_factor(self, viewer: Viewer) -> SecondFactorState:
        """Whether the viewer's login has a second factor."""
        async with self._database.signing_in() as connection:
            login = await find_login_of(connection, viewer.clinic_id, viewer.user_id)
            return await self._factors.state(connection, login["id"]) if login else SecondFactorState(False, 0)

    async def list_sessions(self, viewer: Viewer) -> list[OwnSession]:
        """The viewer's active sessions and API tokens, the newest first; at most 200."""
        moment = self._clock()
        async with self._database.signing_in() as connection:
            found = await connection.fetch(
                _STANDING, viewer.clinic_id, viewer.user_id, moment, moment - self._times.idle
            )
        return [self._own(row, viewer) for row in found]

    async def current_session(self, viewer: Viewer) -> OwnSession | None:
        """The session of this request; None for one of the identity provider."""
        return await self._one(_CURRENT, viewer)

    async def extend_session(self, viewer: Viewer) -> OwnSession:
        """Use the session of this request now, to the second; Conflict where it has no idle timeout."""
        found = await self._one(_EXTEND, viewer)
        if found is None:
            raise Conflict("This session has no idle timeout: it ends when the token of the identity provider expires")
        return found

    async def _one(self, query: str, viewer: Viewer) -> OwnSession | None:
        moment = self._clock()
        async with self._database.signing_in() as connection:
            row = await connection.fetchrow(
                query, viewer.clinic_id, viewer.session_id, moment, moment - self._times.idle
            )
        return self._own(row, viewer) if row else None

    def _own(self, row: Any, viewer: Viewer) -> OwnSession:
        idle = row["last_used_at"] + self._times.idle if row["kind"] == "session" else None
        ends = min(idle, row["expires_at"]) if idle else None
        return OwnSession(**row, is_current=row["id"] == viewer.session_id, idle_expires_at=ends)

    async def end_session(self, viewer: Viewer, session_id: UUID) -> None:
        """End one of the viewer's own sessions or API tokens at once; NotFound for any other."""
        async with self._database.signing_in() as connection:
            ended = await connection.fetchval(_END, viewer.clinic_id, viewer.user_id, session_id, self._clock())
        if ended is None:
            raise NotFound("There is no such session", ("session_id",))
        self.forget(session_id)
