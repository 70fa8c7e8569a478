"""Decides what everybody does with their own account: change the password, see where one is signed in, and end that."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from db.pools import Database
from domain.accounts import check_password
from domain.errors import InvalidInput, NotFound
from permissions.viewers import Viewer
from resolvers.context import Clock, OwnSession, now
from server.sessions import SessionTimes

_WRONG = "This is not the password of the account"
_PASSWORD = "select password_hash from users where clinic_id = $1 and id = $2 and active"  # noqa: S105 (a query)
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
        times: SessionTimes | None = None,
        hasher: PasswordHasher | None = None,
        clock: Clock = now,
    ) -> None:
        self._database, self.forget, self._clock = database, forget, clock
        self._times, self._hasher = times or SessionTimes(), hasher or PasswordHasher()

    @property
    def longest_token(self) -> timedelta:
        """How long a token for programs is good at most."""
        return self._times.api_token

    async def hash_password(self, password: str) -> str:
        """What is kept of a password. The process does other things meanwhile."""
        return await asyncio.to_thread(self._hasher.hash, password.encode("utf-8", "surrogatepass"))

    async def change_password(self, viewer: Viewer, old: str, new: str) -> None:
        """Another password, by which every other session of the viewer ends; a Refusal for a wrong or a poor one."""
        check_password(new, viewer.email, "new_password")
        async with self._database.signing_in() as connection:
            kept = await connection.fetchval(_PASSWORD, viewer.clinic_id, viewer.user_id)
        if kept is None or not await asyncio.to_thread(self._matches, kept, old):
            raise InvalidInput(_WRONG, ("old_password",))
        if new == old:
            raise InvalidInput("The new password is the old one", ("new_password",))
        hashed, user = await self.hash_password(new), (viewer.clinic_id, viewer.user_id)
        async with self._database.signing_in() as connection:
            if not await connection.fetchval(_CHANGE, *user, hashed, kept):
                raise InvalidInput(_WRONG, ("old_password",))
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

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
