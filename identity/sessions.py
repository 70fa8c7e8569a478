"""Sessions: opaque bearer tokens, stored as hashes, which end by timeout or by revocation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from cachetools import TTLCache

from db.pools import Database
from domain.access.people import Role
from domain.access.signed_urls import STAMP_BYTES, Bearer
from domain.access.tokens import clinic_of, hash_of, new_token
from domain.clock import Clock, now
from domain.errors import Conflict
from domain.ids import new_id
from permissions.viewers import Viewer

# The time to live of the session cache, in case that this process missed the notification of a session's end.
_BELIEVED_SECONDS = 2
_SESSIONS_KEPT = 10_000
_TOUCHED_EVERY = timedelta(minutes=1)

# The columns of an account `u` in a clinic `c` that make up a viewer. The access stamp changes with what ends signed URLs.
VIEWER = f"""u.clinic_id, u.id as user_id, u.role, u.email, u.name, coalesce(u.attorney_id, u.physician_id) as person_id,
    c.short_name, c.name as clinic_name, c.time_zone, substr(sha256(convert_to(concat_ws('|', u.role, u.attorney_id, u.physician_id,
    (select l.password_hash from memberships m join logins l on l.id = m.login_id and l.email = u.email
        where m.clinic_id = u.clinic_id and m.user_id = u.id)), 'UTF8')), 1, {STAMP_BYTES}) as access_stamp"""
# That an account `u` may be used: it is active, and the attorney or physician that it belongs to is not retired.
ADMITTED = """u.active
    and not exists (select from attorneys a where a.clinic_id = u.clinic_id and a.id = u.attorney_id and a.retired_at is not null)
    and not exists (select from physicians p where p.clinic_id = u.clinic_id and p.id = u.physician_id and not p.active)"""
_SESSION = f"""select s.id as session_id, s.kind, s.last_used_at, s.expires_at, {VIEWER}
    from sessions s join users u on u.clinic_id = s.clinic_id and u.id = s.user_id join clinics c on c.clinic_id = u.clinic_id"""
_LIVE = f"""s.revoked_at is null and s.expires_at > $3 and {ADMITTED}
    and (s.kind = 'api_token' and u.role = 'analyst' or s.kind = 'session' and u.joined_at is not null and s.last_used_at > $4)"""
_FIND_SESSION = f"{_SESSION} where s.clinic_id = $1 and s.token_hash = $2 and {_LIVE}"
_FIND_BY_LINK = f"{_SESSION} where s.clinic_id = $1 and s.id = $2 and {_LIVE} and s.user_id = $5"
_FIND_USER = f"""select {VIEWER} from users u join clinics c on c.clinic_id = u.clinic_id
    where u.clinic_id = $1 and u.id = $2 and {ADMITTED}"""
_EXPIRY = (
    """select expires_at from sessions where clinic_id = $1 and id = $2 and kind = 'session' and revoked_at is null"""
)
# Of the cached sessions, those that the tables still have: by place in the arrays. A session of the identity provider has no row
# before it is signed out.
_STILL = f"""select k.n, s.kind, {VIEWER} from unnest($1::uuid[], $2::uuid[], $3::uuid[]) with ordinality
        k (clinic_id, user_id, session_id, n)
    join users u on u.clinic_id = k.clinic_id and u.id = k.user_id join clinics c on c.clinic_id = u.clinic_id
    left join sessions s on s.clinic_id = k.clinic_id and s.id = k.session_id
    where {ADMITTED} and s.revoked_at is null and coalesce(s.expires_at > $4, $5)
    and (s.id is null or s.kind = 'api_token' and u.role = 'analyst' or s.kind = 'session' and u.joined_at is not null and s.last_used_at > $6)"""
# The session id of viewers without a session, such as the requester of an export for the worker.
_NO_SESSION = UUID(int=0)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """The idle timeout and the absolute timeout of a session, and the longest lifetime of an API token."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)
    api_token: timedelta = timedelta(days=365)


class Sessions:
    """Finds, begins and ends sessions in the shared database, with a cache in this process."""

    def __init__(
        self,
        database: Database,
        times: SessionTimes | None = None,
        clock: Clock = now,
    ) -> None:
        self._database, self._times, self._clock = database, times or SessionTimes(), clock
        # The session cache, by hash of the token and whether the look-up counts as use of the session.
        self._believed: TTLCache[tuple[bytes, bool], Viewer] = TTLCache(_SESSIONS_KEPT, _BELIEVED_SECONDS)
        self._forgotten, self._is_checked = 0, False

    async def find(self, token: str, *, is_use: bool = True) -> Viewer | None:
        """The viewer of a token; None for one that is unknown, expired, idle too long or revoked.

        With `is_use=False`, the look-up only checks that the session is still valid and does not extend its idle timeout.
        """
        digest = hash_of(token)
        believed = None if self._is_checked else self._believed.get((digest, is_use))
        if believed is None:
            forgotten = self._forgotten
            believed = await self._look_up(token, digest, is_use=is_use)
            # Do not cache an answer that an invalidation during the query may have made stale.
            if believed and forgotten == self._forgotten:
                self._believed[digest, is_use] = believed
        return believed

    def forget(self, identity: UUID | None) -> None:
        """Invalidate the session cache for a session, a user or a user's person that has ended or changed; None: the whole cache."""
        self._forgotten += 1
        known = [key for key, viewer in self._believed.items() if identity is None or identity in ids_of(viewer)]
        for key in known:
            del self._believed[key]

    async def recheck(self) -> None:
        """Compare the cached sessions with the tables, in one query, and forget those that have ended or changed.

        Until then, the cache is not used.
        """
        # Answers on their way may be stale, and are not cached.
        self._forgotten += 1
        believed, self._is_checked = list(self._believed.items()), True
        try:
            valid = await self.still_valid([viewer for _, viewer in believed])
        except BaseException:
            self._believed.clear()
            raise
        finally:
            self._is_checked = False
        for (key, viewer), is_valid in zip(believed, valid, strict=True):
            if not is_valid and self._believed.get(key) is viewer:
                del self._believed[key]

    async def still_valid(self, viewers: Sequence[Viewer], *, of_provider: bool = False) -> list[bool]:
        """Whether the session of each viewer is valid, and its user the same as in the viewer."""
        if not viewers:
            return []
        moment, keys = self._clock(), [(v.clinic_id, v.user_id, v.session_id) for v in viewers]
        arrays = [list(column) for column in zip(*keys, strict=True)]
        async with self._database.signing_in() as connection:
            rows = await connection.fetch(_STILL, *arrays, moment, of_provider, moment - self._times.idle)
        found = {
            row["n"] - 1: replace(
                viewer_of(row, viewers[row["n"] - 1].session_id),
                is_api_token=row["kind"] == "api_token",
                session_ends_at=viewers[row["n"] - 1].session_ends_at,
            )
            for row in rows
        }
        return [found.get(place) == viewer for place, viewer in enumerate(viewers)]

    async def find_user(self, clinic_id: UUID, user_id: UUID) -> Viewer | None:
        """The current viewer of a user for whom the worker acts, without a session; None if the account may not be used."""
        async with self._database.signing_in() as connection:
            row = await connection.fetchrow(_FIND_USER, clinic_id, user_id)
        return viewer_of(row, _NO_SESSION) if row else None

    async def find_by_link(self, bearer: Bearer) -> Viewer | None:
        """The current viewer of a signed URL; None when its session has ended, or the password or role has changed since."""
        viewer = await self._find_by_link(bearer)
        return viewer if viewer and viewer.access_stamp == bearer.access_stamp else None

    async def _find_by_link(self, bearer: Bearer) -> Viewer | None:
        moment = self._clock()
        values = (bearer.clinic_id, bearer.session_id, moment, moment - self._times.idle, bearer.user_id)
        async with self._database.signing_in() as connection:
            row = await connection.fetchrow(_FIND_BY_LINK, *values)
        return viewer_of(row, bearer.session_id) if row else None

    async def begin(self, connection: asyncpg.Connection, account: asyncpg.Record) -> tuple[str, datetime, Viewer]:
        """Begin a session: its token, expiry and viewer, for an account with the columns of VIEWER."""
        return await self._begin(connection, account, self._clock() + self._times.absolute)

    async def continue_in(
        self, connection: asyncpg.Connection, viewer: Viewer, account: asyncpg.Record
    ) -> tuple[str, datetime, Viewer]:
        """Begin a session of another account that ends when the viewer's own would; Conflict where the viewer has none."""
        expires_at = await connection.fetchval(_EXPIRY, viewer.clinic_id, viewer.session_id)
        if expires_at is None:
            raise Conflict("This session cannot be continued in another clinic: sign in there")
        return await self._begin(connection, account, expires_at)

    async def _begin(
        self, connection: asyncpg.Connection, account: asyncpg.Record, expires_at: datetime
    ) -> tuple[str, datetime, Viewer]:
        moment = self._clock()
        token, session_id = new_token(account["clinic_id"]), new_id(moment)
        await connection.execute(
            """insert into sessions (clinic_id, id, user_id, token_hash, kind, last_used_at, expires_at)
            values ($1, $2, $3, $4, 'session', $5, $6)""",
            account["clinic_id"],
            session_id,
            account["user_id"],
            hash_of(token),
            moment,
            expires_at,
        )
        return token, expires_at, viewer_of(account, session_id)

    async def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's session at once."""
        async with self._database.signing_in() as connection:
            await connection.execute(
                "update sessions set revoked_at = $3 where clinic_id = $1 and id = $2",
                viewer.clinic_id,
                viewer.session_id,
                self._clock(),
            )
        self.forget(viewer.session_id)

    async def _look_up(self, token: str, digest: bytes, *, is_use: bool) -> Viewer | None:
        clinic_id, moment = clinic_of(token), self._clock()
        if clinic_id is None:
            return None
        async with self._database.signing_in() as connection:
            row = await connection.fetchrow(_FIND_SESSION, clinic_id, digest, moment, moment - self._times.idle)
            if row and is_use and (not row["last_used_at"] or moment - row["last_used_at"] > _TOUCHED_EVERY):
                await connection.execute(
                    "update sessions set last_used_at = $3 where clinic_id = $1 and id = $2",
                    clinic_id,
                    row["session_id"],
                    moment,
                )
        return replace(viewer_of(row, row["session_id"]), is_api_token=row["kind"] == "api_token") if row else None


def ids_of(viewer: Viewer) -> tuple[UUID | None, ...]:
    """The ids whose end is that of a viewer: the session, the user, and the attorney or physician that the user belongs to."""
    return (viewer.session_id, viewer.user_id, viewer.person_id)


def viewer_of(row: asyncpg.Record, session_id: UUID = _NO_SESSION) -> Viewer:
    """The viewer in the columns of VIEWER; without `session_id` for one that has no session."""
    return Viewer(
        clinic_id=row["clinic_id"],
        user_id=row["user_id"],
        session_id=session_id,
        role=Role(row["role"]),
        person_id=row["person_id"],
        email=row["email"],
        name=row["name"],
        clinic_short_name=row["short_name"],
        clinic_name=row["clinic_name"],
        time_zone=row["time_zone"],
        access_stamp=row["access_stamp"],
    )
