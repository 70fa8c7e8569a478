"""Maps tokens of the OpenID Connect provider to users: by subject, or once by verified e-mail."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import asyncpg
from cachetools import TTLCache

from db.pools import Database
from domain.access.signed_urls import Bearer
from domain.clock import Clock, now
from domain.errors import RefusedRequest
from identity.logins import add_login, end_sessions, find_shared_login, join
from identity.oidc.keys import Keys, ProviderAwayError
from identity.oidc.provider import KeyTimes, Provider
from identity.oidc.tokens import Claims, RefusedTokenError, Tokens, is_signed
from identity.sessions import ADMITTED, Sessions, SessionTimes, ids_of
from observability.request_id import REQUEST_ID
from permissions.viewers import Viewer

logger = logging.getLogger("billing.oidc")

# The time to live of the token cache, the same as that of the session cache.
_BELIEVED_SECONDS = 2.0
_TOKENS_KEPT = 10_000
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_NO_SESSION = UUID(int=0)
# Our session ids are UUIDs of version 7; those of the provider's tokens are derived from the token (version 5).
_OF_PROVIDER = 5

_ENDED = "exists (select from sessions s where s.clinic_id = u.clinic_id and s.id = $4) as has_ended"
_AMONG = "($2::text is null or c.short_name = $2) and ($3::text is null or c.short_name = $3)"
_BY_SUBJECT = f"""select u.clinic_id, u.id, {_ENDED}
    from logins l join memberships m on m.login_id = l.id
    join users u on u.clinic_id = m.clinic_id and u.id = m.user_id and u.email = l.email and u.joined_at is not null
    join clinics c on c.clinic_id = u.clinic_id
    where l.oidc_subject = $1 and {_AMONG}"""
# A user's first requests are concurrent: another one may have bound the subject by now.
_BY_EMAIL = f"""select u.clinic_id, u.id, u.email, u.joined_at is not null and m.login_id is not null as has_joined,
        coalesce(l.id, shared.id) as login_id, {_ENDED}
    from users u join clinics c on c.clinic_id = u.clinic_id
    left join memberships m on m.clinic_id = u.clinic_id and m.user_id = u.id
    left join logins l on l.id = m.login_id and l.email = u.email
    left join logins shared on shared.email = u.email and shared.only_clinic_id is null
    where u.email = $1 and {ADMITTED}
    and coalesce(case when l.id is null then shared.oidc_subject else l.oidc_subject end, $5) = $5 and {_AMONG}"""
_LOCK = "select email_verified_at from logins where id = $1 and (oidc_subject is null or oidc_subject = $2) for no key update"
_BIND = "update logins set oidc_subject = $2, email_verified_at = coalesce(email_verified_at, $3) where id = $1"
# Another person, such as an administrator of another clinic, may have made a login whose mailbox was never proven.
_TAKE_BACK = (
    "update logins set password_hash = null where id = $1",
    "delete from recovery_codes where login_id = $1",
    "delete from login_second_factors where login_id = $1",
)
_HAS_ENDED = "select exists (select from sessions where clinic_id = $1 and id = $2)"
# A session row for the token, so that it can be revoked like any other session.
_REMEMBER = """insert into sessions (clinic_id, id, user_id, token_hash, kind, last_used_at, expires_at)
    values ($1, $2, $3, $4, 'session', $5, $5) on conflict do nothing"""

FindUser = Callable[[UUID, UUID], Awaitable[Viewer | None]]


class OpenIdSessions(Sessions):
    """Sessions by our own tokens and by tokens of the identity provider."""

    def __init__(
        self,
        database: Database,
        times: SessionTimes | None,
        provider: Provider,
        key_times: KeyTimes | None = None,
        clock: Clock = now,
    ) -> None:
        super().__init__(database, times, clock=clock)
        tokens = Tokens(provider, Keys(provider.issuer, key_times or KeyTimes()), clock)
        self._signed = _SignedIn(database, provider, tokens, self.find_user, clock)

    async def find(self, token: str, *, is_use: bool = True) -> Viewer | None:
        """The viewer of a token, ours or the provider's; RefusedRequest (503) when the provider's keys are unavailable."""
        if is_signed(token):
            return await self._signed.find(token)
        return await super().find(token, is_use=is_use)

    async def _find_by_link(self, bearer: Bearer) -> Viewer | None:
        if bearer.session_id.version != _OF_PROVIDER:
            return await super()._find_by_link(bearer)
        # A token has a row only once it is signed out; the URL expires with it at the latest.
        async with self._database.signing_in() as connection:
            if await connection.fetchval(_HAS_ENDED, bearer.clinic_id, bearer.session_id):
                return None
        viewer = await self.find_user(bearer.clinic_id, bearer.user_id)
        return replace(viewer, session_id=bearer.session_id) if viewer else None

    def forget(self, identity: UUID | None) -> None:
        """Invalidate the caches for a session or a user that has ended or changed; None: both caches completely."""
        super().forget(identity)
        self._signed.forget(identity)

    async def recheck(self) -> None:
        """Compare both caches with the tables, and forget what has ended or changed."""
        await super().recheck()
        await self._signed.recheck(partial(self.still_valid, of_provider=True))

    async def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's session at once; a token of the provider is refused from now on, but its session there continues."""
        if viewer.session_id.version == _OF_PROVIDER:
            await self._signed.remember(viewer)
        await super().sign_out(viewer)


@dataclass(frozen=True, slots=True)
class _Believed:
    viewer: Viewer
    ends_at: float


class _SignedIn:
    """Finds the viewers of the provider's tokens, with a cache in this process."""

    def __init__(
        self, database: Database, provider: Provider, tokens: Tokens, find_user: FindUser, clock: Clock
    ) -> None:
        self._database, self._provider, self._tokens = database, provider, tokens
        self._find_user, self._clock = find_user, clock
        # By hash of the token.
        self._believed: TTLCache[bytes, _Believed] = TTLCache(_TOKENS_KEPT, _BELIEVED_SECONDS)
        self._forgotten, self._is_checked = 0, False

    async def find(self, token: str) -> Viewer | None:
        """The viewer of a token; None when the token is invalid or belongs to no user here."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = None if self._is_checked else self._believed.get(digest)
        if known and self._clock().timestamp() < known.ends_at:
            return known.viewer
        forgotten = self._forgotten
        try:
            claims = await self._tokens.read(token)
            viewer = await self._viewer(claims)
        except RefusedTokenError as refused:
            logger.warning("request %s: a token of the identity provider is refused: %s", REQUEST_ID.get(), refused)
            return None
        except ProviderAwayError as error:
            words = "The identity provider cannot be reached: try again"
            raise RefusedRequest(503, words, "UNAVAILABLE") from error
        # Do not cache an answer that an invalidation during the query may have made stale.
        if forgotten == self._forgotten:
            self._believed[digest] = _Believed(viewer, claims.ends_at)
        return viewer

    def forget(self, identity: UUID | None) -> None:
        """Invalidate the token cache for a session or a user; None: the whole cache."""
        self._forgotten += 1
        for digest, known in list(self._believed.items()):
            if identity is None or identity in ids_of(known.viewer):
                self._believed.pop(digest, None)

    async def recheck(self, still_valid: Callable[[Sequence[Viewer]], Awaitable[list[bool]]]) -> None:
        """Compare the token cache with the tables, and forget what has ended or changed."""
        self._forgotten += 1
        believed, self._is_checked = list(self._believed.items()), True
        try:
            valid = await still_valid([known.viewer for _, known in believed])
        except BaseException:
            self._believed.clear()
            raise
        finally:
            self._is_checked = False
        for (digest, known), is_valid in zip(believed, valid, strict=True):
            if not is_valid and self._believed.get(digest) is known:
                del self._believed[digest]

    async def remember(self, viewer: Viewer) -> None:
        """Store a session row for a token, which tells every process that the token has been signed out."""
        identity, moment = viewer.session_id, self._clock()
        async with self._database.signing_in() as connection:
            await connection.execute(_REMEMBER, viewer.clinic_id, identity, viewer.user_id, identity.bytes, moment)

    async def _viewer(self, claims: Claims) -> Viewer:
        async with self._database.signing_in() as connection:
            user = await self._identify(connection, claims)
        viewer = await self._find_user(user["clinic_id"], user["id"])
        if viewer is None:
            raise RefusedTokenError("its user is deactivated, or belongs to a retired record")
        # A token may name an end beyond all calendars.
        ends_at = datetime.fromtimestamp(min(claims.ends_at, _LATEST.timestamp()), UTC)
        return replace(viewer, session_id=claims.identity, session_ends_at=ends_at)

    async def _identify(self, connection: asyncpg.Connection, claims: Claims) -> asyncpg.Record:
        """The user of a token: by its subject, or by verified e-mail when no user has that subject.

        A subject that a user has is never looked up by e-mail, whether that user is active or not.
        """
        among = self._provider.clinic, claims.clinic, claims.identity
        users = await connection.fetch(_BY_SUBJECT, claims.subject, *among)
        if users or claims.email is None:
            return _only(users, "subject")
        user = _only(await connection.fetch(_BY_EMAIL, _lower(claims.email), *among, claims.subject), "e-mail")
        await self._bind(connection, user, claims.subject)
        return user

    async def _bind(self, connection: asyncpg.Connection, user: asyncpg.Record, subject: str) -> None:
        """Bind the subject to the user's login, so that later changes of the e-mail do not matter; it accepts an invitation, too.

        The provider has verified the e-mail, as the link of an invitation does. Where nothing has before, the login loses its password,
        second factor and sessions.
        """
        moment = self._clock()
        login_id = user["login_id"] or await add_login(
            connection, user["email"], None, subject, verified_at=moment, moment=moment
        )
        if login_id is None:
            # Another request has added it by now.
            login = await find_shared_login(connection, user["email"])
            assert login is not None
            login_id = login["id"]
        login = await connection.fetchrow(_LOCK, login_id, subject)
        if login is None:
            raise RefusedTokenError("the user with its e-mail already has another subject")
        if login["email_verified_at"] is None:
            for statement in _TAKE_BACK:
                await connection.execute(statement, login_id)
            await end_sessions(connection, login_id, _NO_SESSION, moment)
        await connection.execute(_BIND, login_id, subject, moment)
        if not user["has_joined"]:
            await join(connection, login_id, user["clinic_id"], user["id"], moment)


def _only(users: list[asyncpg.Record], by: str) -> asyncpg.Record:
    """The one user that was found, unless the token was signed out; RefusedTokenError for none or several."""
    if len(users) != 1:
        raise RefusedTokenError(
            f"its {by} matches several users" if users else f"its {by} matches no user who may sign in with it"
        )
    if users[0]["has_ended"]:
        raise RefusedTokenError("it was signed out")
    return users[0]


def _lower(email: str) -> str:
    """An e-mail in lower case, ASCII letters only: some other letters become an ASCII one, which is another user's e-mail."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in email)
