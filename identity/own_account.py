"""A user's own account: changes the password, lists the user's sessions and API tokens, and ends them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.pools import Database
from domain.access.accounts import check_password
from domain.clock import Clock, now
from domain.errors import InvalidInput, NotFound
from identity.passwords import Passwords
from identity.sessions import SessionTimes
from identity.sign_in import SignIns
from permissions.viewers import Viewer

# Compare and set: a password that was changed since it was compared is not overwritten.
_CHANGE = "update users set password_hash = $3 where clinic_id = $1 and id = $2 and password_hash = $4 returning id"
_END_OTHERS = """update sessions set revoked_at = $4 where clinic_id = $1 and user_id = $2 and id <> $3 and kind = 'session'
    and revoked_at is null returning id"""
_STANDING = """select id, kind, name, recorded_at, last_used_at, expires_at from sessions
    where clinic_id = $1 and user_id = $2 and revoked_at is null and expires_at > $3
    and (kind = 'api_token' or last_used_at > $4) order by id desc limit 200"""
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


class OwnAccount:
    """Commands on the viewer's own account; `forget` drops a session from the session cache of this process."""

    def __init__(
        self,
        database: Database,
        forget: Callable[[UUID], None],
        sign_ins: SignIns,
        passwords: Passwords,
        times: SessionTimes | None = None,
        clock: Clock = now,
    ) -> None:
        self._database, self.forget, self._clock = database, forget, clock
        self._sign_ins, self._passwords, self._times = sign_ins, passwords, times or SessionTimes()

    @property
    def longest_token(self) -> timedelta:
        """The longest lifetime of an API token."""
        return self._times.api_token

    async def hash_password(self, password: str) -> str:
        """The argon2id hash of a password, computed in a thread."""
        return await self._passwords.hash(password)

    async def change_password(self, viewer: Viewer, old: str, new: str, address: str) -> None:
        """Change the password; every other session of the viewer ends, and every signed URL. A Refusal for a wrong old or a weak new one.

        A wrong old password counts toward the lockout like a failed sign-in, so that a stolen session cannot be used to guess it.
        """
        check_password(new, viewer.email, "new_password")
        kept = await self._sign_ins.check(viewer, old, address, "old_password")
        if new == old:
            raise InvalidInput("The new password must differ from the old one", ("new_password",))
        hashed, user = await self.hash_password(new), (viewer.clinic_id, viewer.user_id)
        async with self._database.signing_in() as connection:
            if not await connection.fetchval(_CHANGE, *user, hashed, kept):
                raise InvalidInput("The password was changed in the meantime", ("old_password",))
            ended = await connection.fetch(_END_OTHERS, *user, viewer.session_id, self._clock())
        # The viewer in the cache has the access stamp of the old password, by which signed URLs would not work.
        for identity in (viewer.user_id, *(row["id"] for row in ended)):
            self.forget(identity)

    async def list_sessions(self, viewer: Viewer) -> list[OwnSession]:
        """The viewer's active sessions and API tokens, the newest first; at most 200."""
        moment = self._clock()
        async with self._database.signing_in() as connection:
            found = await connection.fetch(
                _STANDING, viewer.clinic_id, viewer.user_id, moment, moment - self._times.idle
            )
        return [OwnSession(**row, is_current=row["id"] == viewer.session_id) for row in found]

    async def end_session(self, viewer: Viewer, session_id: UUID) -> None:
        """End one of the viewer's own sessions or API tokens at once; NotFound for any other."""
        async with self._database.signing_in() as connection:
            ended = await connection.fetchval(_END, viewer.clinic_id, viewer.user_id, session_id, self._clock())
        if ended is None:
            raise NotFound("There is no such session", ("session_id",))
        self.forget(session_id)
