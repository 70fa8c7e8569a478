"""Validates JSON Web Tokens of the OpenID Connect provider: signature, issuer, audience, client, lifetime and claims."""

import hashlib
import re
import warnings
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import orjson
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError, SecurityWarning
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact
from joserfc.jwt import JWTClaimsRegistry

from domain.clock import Clock, now
from identity.oidc.keys import Keys
from identity.oidc.provider import Provider

# RFC 9864 gives EdDSA a second name for each of its curves; providers still use the first.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)

_LARGEST_TOKEN, _LONGEST_TEXT = 16 * 1024, 255
_PARTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# The `typ` of an access token (RFC 9068) or an ID token. Other types, such as logout tokens, are signed by the same keys.
_TYPES = ("at+jwt", "jwt")
# Claims of a logout token, and of a token that is bound to its sender's key and so is no bearer token.
_OTHER_PURPOSES = ("events", "cnf")
_SIGNED = UUID("b1c7d0a6-9f55-4a5e-8f0b-2d1b6a5c1f37")
# What joserfc and its dependencies raise for a malformed token.
_BROKEN = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


class RefusedTokenError(Exception):
    """An invalid token; the reason is for the log only, and quotes nothing of the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a valid token; `ends_at` is its expiry in seconds since the epoch, clock skew included."""

    identity: UUID
    subject: str
    email: str | None
    clinic: str | None
    ends_at: float


def is_signed(token: str) -> bool:
    """Whether a token has the form of a signed JWT; our own tokens have no dots."""
    return token.count(".") == 2  # noqa: PLR2004


class Tokens:
    """Validates the tokens of one provider."""

    def __init__(self, provider: Provider, keys: Keys, clock: Clock = now) -> None:
        self._provider, self._keys, self._clock = provider, keys, clock
        self._registry = JWSRegistry(algorithms=provider.algorithms, strict_check_header=False)
        self._registry.max_header_length = self._registry.max_payload_length = _LARGEST_TOKEN

    async def read(self, token: str) -> Claims:
        """The claims of a token; RefusedTokenError when it is invalid, ProviderAwayError when no key is available to check it."""
        if len(token) > _LARGEST_TOKEN or not _PARTS.fullmatch(token):
            raise RefusedTokenError("it is not a JWT")
        try:
            signature = extract_compact(token.encode(), registry=self._registry)
            header = signature.headers()
            self._check_header(header)
        except _BROKEN as error:
            raise RefusedTokenError("its header is broken") from error
        self._verify(signature, await self._keys.find(header.get("kid")))
        claims = self._checked(signature.payload)
        # Derived from the signed parts only: changing unused bits of the encoded signature does not make another token of it.
        identity = uuid5(_SIGNED, hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest())
        return self._read(claims, identity)

    def _check_header(self, header: dict[str, Any]) -> None:
        if header.get("alg") not in self._provider.algorithms:
            raise RefusedTokenError("its algorithm is not allowed")
        if "crit" in header or "b64" in header:
            raise RefusedTokenError("its header requires an extension")
        said = header.get("typ")
        if said is not None and str(said).lower().removeprefix("application/") not in _TYPES:
            raise RefusedTokenError("its type is not accepted")
        if not isinstance(header.get("kid"), str | None):
            raise RefusedTokenError("its header is broken")

    def _verify(self, signature: CompactSignature, keys: tuple[Key, ...]) -> None:
        fitting = [key for key in keys if self._fits(key, signature.headers()["alg"])]
        if len(fitting) != 1:
            raise RefusedTokenError("its key is unknown")
        try:
            is_good = validate_compact(signature, fitting[0], registry=self._registry)
        except _BROKEN as error:
            raise RefusedTokenError("its signature is broken") from error
        if not is_good:
            raise RefusedTokenError("its signature is wrong")

    def _fits(self, key: Key, algorithm: str) -> bool:
        try:
            self._registry.get_alg(algorithm).check_key(key)
        except _BROKEN:
            return False
        return True

    def _checked(self, payload: bytes) -> dict[str, Any]:
        registry = JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=int(self._provider.skew.total_seconds()),
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": self._provider.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            claims = orjson.loads(payload)
            registry.validate(claims)
        except ExpiredTokenError as error:
            raise RefusedTokenError("it has expired") from error
        except (InvalidClaimError, MissingClaimError) as error:
            raise RefusedTokenError(f"its {error.claim} is missing or wrong") from error
        except _BROKEN as error:
            raise RefusedTokenError("its claims are broken") from error
        self._check_client(claims)
        return claims  # type: ignore[no-any-return]

    def _check_client(self, claims: dict[str, Any]) -> None:
        """Refuse a token that was issued to an untrusted client, or for another purpose."""
        if any(name in claims for name in _OTHER_PURPOSES):
            raise RefusedTokenError("it is for another purpose")
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        trusted = self._provider.clients or ({self._provider.audience} if is_shared else None)
        client = claims.get("azp", claims.get("client_id"))
        if trusted is not None and not (isinstance(client, str) and client in trusted):
            raise RefusedTokenError("its client is not trusted")

    def _read(self, claims: dict[str, Any], identity: UUID) -> Claims:
        subject = _text(claims["sub"])
        clinic = _text(claims.get(self._provider.clinic_claim)) if self._provider.clinic_claim else None
        if subject is None or (self._provider.clinic_claim and clinic is None):
            raise RefusedTokenError("its subject or its clinic claim is missing or not usable")
        is_verified = self._provider.by_email and claims.get("email_verified") is True
        email = _text(claims.get("email")) if is_verified else None
        return Claims(identity, subject, email, clinic, claims["exp"] + self._provider.skew.total_seconds())


def _text(said: object) -> str | None:
    """A non-empty text of at most 255 characters that PostgreSQL accepts; None for any other value."""
    return said if isinstance(said, str) and 0 < len(said) <= _LONGEST_TEXT and "\x00" not in said else None
