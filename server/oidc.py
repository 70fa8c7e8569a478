"""Decides which user somebody with a token of the identity provider is."""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
from cachetools import TTLCache

from db.pools import Database
from permissions.viewers import Viewer
from resolvers.context import Clock, now
from server.oidc_keys import Keys, KeyTimes, ProviderAwayError
from server.oidc_tokens import Claims, Provider, RefusedTokenError, Tokens, is_signed
from server.requests import REQUEST_ID, RefusedRequest
from server.sessions import Sessions, SessionTimes

logger = logging.getLogger("billing.oidc")

# How long a process believes a token without asking the database again, as it believes a session.
_BELIEVED_SECONDS = 2.0
_TOKENS_KEPT = 10_000
# Session ids are of version 7; those of the provider's tokens follow from the token.
_OF_PROVIDER = 5

_BY_SUBJECT = """select u.clinic_id, u.id from users u join clinics c on c.clinic_id = u.clinic_id
    where u.oidc_subject = $1 and ($2::text is null or c.short_name = $2) and ($3::text is null or c.short_name = $3)"""
_BY_EMAIL = """select u.clinic_id, u.id from users u join clinics c on c.clinic_id = u.clinic_id
    where u.email = $1 and u.active and u.oidc_subject is null
    and ($2::text is null or c.short_name = $2) and ($3::text is null or c.short_name = $3)"""
_BIND = "update users set oidc_subject = $3 where clinic_id = $1 and id = $2 and oidc_subject is null returning id"
_HAS_ENDED = "select 1 from sessions where clinic_id = $1 and id = $2"
# The session that the token would have been, so that it can be ended like any other.
_REMEMBER = """insert into sessions (clinic_id, id, user_id, token_hash, kind, last_used_at, expires_at)
    values ($1, $2, $3, $4, 'session', $5, $5) on conflict do nothing"""

FindUser = Callable[[UUID, UUID], Awaitable[Viewer | None]]


class OpenIdSessions(Sessions):
    """Sessions, and beside them whoever brings a token of the identity provider."""

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
        """Who a token belongs to, ours or the provider's; RefusedRequest (503) when the provider's keys cannot be known."""
        if is_signed(token):
            return await self._signed.find(token)
        return await super().find(token, is_use=is_use)

    def forget(self, identity: UUID | None) -> None:
        """Believe nothing any more of a session or a user that has ended or changed; None: of all."""
        super().forget(identity)
        self._signed.forget(identity)

    async def sign_out(self, viewer: Viewer) -> None:
        """End the viewer's session at once; a token of the provider is refused from now on, its session there goes on."""
        if viewer.session_id.version == _OF_PROVIDER:
            await self._signed.remember(viewer)
        await super().sign_out(viewer)


@dataclass(frozen=True, slots=True)
class _Believed:
    viewer: Viewer
    ends_at: float


class _SignedIn:
    """Who has come by a token of the provider."""

    def __init__(
        self, database: Database, provider: Provider, tokens: Tokens, find_user: FindUser, clock: Clock
    ) -> None:
        self._database, self._provider, self._tokens = database, provider, tokens
        self._find_user, self._clock = find_user, clock
        # By hash of the token.
        self._believed: TTLCache[bytes, _Believed] = TTLCache(_TOKENS_KEPT, _BELIEVED_SECONDS)
        self._forgotten = 0

    async def find(self, token: str) -> Viewer | None:
        """Who a token belongs to; None when it is not good, or nobody's here."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._believed.get(digest)
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
        # What was forgotten while the database was asked may be what it answered.
        if forgotten == self._forgotten:
            self._believed[digest] = _Believed(viewer, claims.ends_at)
        return viewer

    def forget(self, identity: UUID | None) -> None:
        """Believe nothing any more of a token or a user; None: of all."""
        self._forgotten += 1
        for digest, known in list(self._believed.items()):
            if identity in (None, known.viewer.session_id, known.viewer.user_id):
                self._believed.pop(digest, None)

    async def remember(self, viewer: Viewer) -> None:
        """Keep a session for a token, by which every process will know that it has ended."""
        identity, moment = viewer.session_id, self._clock()
        async with self._database.signing_in() as connection:
            await connection.execute(_REMEMBER, viewer.clinic_id, identity, viewer.user_id, identity.bytes, moment)

    async def _viewer(self, claims: Claims) -> Viewer:
        async with self._database.signing_in() as connection:
            clinic_id, user_id = await self._identify(connection, claims)
            if await connection.fetchval(_HAS_ENDED, clinic_id, claims.identity):
                raise RefusedTokenError("it was signed out")
        viewer = await self._find_user(clinic_id, user_id)
        if viewer is None:
            raise RefusedTokenError("its user is deactivated")
        return replace(viewer, session_id=claims.identity)

    async def _identify(self, connection: asyncpg.Connection, claims: Claims) -> tuple[UUID, UUID]:
        """The clinic and the user that a token means: by its subject, and only for one that nobody has by verified e-mail.

        A subject that somebody has is never looked for by e-mail, whether that user is active or not.
        """
        clinics = self._provider.clinic, claims.clinic
        users = await connection.fetch(_BY_SUBJECT, claims.subject, *clinics)
        if len(users) == 1:
            return users[0]["clinic_id"], users[0]["id"]
        if users or claims.email is None:
            raise RefusedTokenError("its subject is several users" if users else "its subject is nobody")
        return await self._bind(connection, claims, await connection.fetch(_BY_EMAIL, _lower(claims.email), *clinics))

    async def _bind(
        self, connection: asyncpg.Connection, claims: Claims, users: list[asyncpg.Record]
    ) -> tuple[UUID, UUID]:
        """The one user with the token's e-mail, who is the token's subject from now on, whatever becomes of the e-mail."""
        if len(users) != 1:
            raise RefusedTokenError(
                "its e-mail is several users" if users else "its e-mail is nobody without a subject"
            )
        clinic_id, user_id = users[0]["clinic_id"], users[0]["id"]
        if await connection.fetchval(_BIND, clinic_id, user_id, claims.subject) is None:
            raise RefusedTokenError("its e-mail is nobody without a subject")
        return clinic_id, user_id


def _lower(email: str) -> str:
    """An e-mail as users have it. Letters beyond ASCII stay: some become a plain letter, and so somebody else's e-mail."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in email)
