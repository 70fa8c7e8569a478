"""Decides what everybody does with their own account: change the password, see where one is signed in, and end that."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from db.pools import Database
from domain.accounts import check_password
from domain.errors import InvalidInput, NotFound
from permissions.viewers import Viewer
from resolvers.context import Clock, OwnSession, now
from server.passwords import Passwords
from server.sessions import SessionTimes
from server.sign_in import SignIns

# Whoever has changed the password since it was compared is not overtaken.
_CHANGE = "update users set password_hash = $3 where clinic_id = $1 and id = $2 and password_hash = $4 returning id"
_END_OTHERS = """update sessions set revoked_at = $4 where clinic_id = $1 and user_id = $2 and id <> $3 and kind = 'session'
    and revoked_at is null returning id"""
_STANDING = """select id, kind, name, recorded_at, last_used_at, expires_at from sessions
    where clinic_id = $1 and user_id = $2 and revoked_at is null and expires_at > $3
    and (kind = 'api_token' or last_used_at > $4) order by id desc limit 200"""
_END = """update sessions set revoked_at = coalesce(revoked_at, $4) where clinic_id = $1 and user_id = $2 and id = $3
    returning id"""


class OwnAccount:
    """What is done with the account of a viewer, and with nobody else's; `forget` ends what the process believes of a session."""

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
        """How long a token for programs is good at most."""
        return self._times.api_token

    async def hash_password(self, password: str) -> str:
        """What is kept of a password. The process does other things meanwhile."""
        return await self._passwords.hash(password)

    async def change_password(self, viewer: Viewer, old: str, new: str, address: str) -> None:
        """Another password, by which every other session of the viewer ends; a Refusal for a wrong or a poor one.

        A wrong old one counts like one at the door: whoever found an open session does not guess on.
        """
        check_password(new, viewer.email, "new_password")
        kept = await self._sign_ins.check(viewer, old, address, "old_password")
        if new == old:
            raise InvalidInput("The new password is the old one", ("new_password",))
        hashed, user = await self.hash_password(new), (viewer.clinic_id, viewer.user_id)
        async with self._database.signing_in() as connection:
            if not await connection.fetchval(_CHANGE, *user, hashed, kept):
                raise InvalidInput("The password was changed in the meantime", ("old_password",))
            ended = await connection.fetch(_END_OTHERS, *user, viewer.session_id, self._clock())
        for row in ended:
            self.forget(row["id"])

    async def list_sessions(self, viewer: Viewer) -> list[OwnSession]:
        """Where the viewer is signed in now, the newest first."""
        moment = self._clock()
        async with self._database.signing_in() as connection:
            found = await connection.fetch(
                _STANDING, viewer.clinic_id, viewer.user_id, moment, moment - self._times.idle
            )
        return [OwnSession(**row, is_current=row["id"] == viewer.session_id) for row in found]

    async def end_session(self, viewer: Viewer, session_id: UUID) -> None:
        """End one of the viewer's own sessions or tokens at once; NotFound for anybody else's."""
        async with self._database.signing_in() as connection:
            ended = await connection.fetchval(_END, viewer.clinic_id, viewer.user_id, session_id, self._clock())
        if ended is None:
            raise NotFound("There is no such session", ("session_id",))
        self.forget(session_id)
