"""The signing keys of the OpenID Connect provider: fetched from its JWKS, cached, and used for a while when it is unreachable."""

import asyncio
import logging
from collections.abc import Iterator
from math import inf
from time import monotonic
from typing import Any

import httpx
import orjson
from joserfc.jwk import JWKRegistry, Key, RSAKey

from identity.oidc.provider import KeyTimes, is_protected

logger = logging.getLogger("billing.oidc")

_DISCOVERY = "/.well-known/openid-configuration"
_LARGEST_ANSWER, _MOST_KEYS = 256 * 1024, 100
_LONGEST_SECONDS = 5.0
_SMALLEST_RSA = 2048
# Key types that can sign, and the members of a JWK that hold secret or private key material.
_SIGNING_TYPES, _PRIVATE = ("RSA", "EC", "OKP"), ("d", "p", "q", "k")


class ProviderAwayError(Exception):
    """No valid key is cached, and the provider cannot be reached."""


class _UselessError(Exception):
    """A response of the provider that holds no usable keys; the message says what is wrong with it."""


class Keys:
    """The key cache of one provider in this process."""

    def __init__(self, issuer: str, times: KeyTimes) -> None:
        self._issuer, self._times = issuer, times
        self._keys: tuple[Key, ...] = ()
        self._fetched_at, self._not_before = -inf, -inf
        self._fetching: asyncio.Task[None] | None = None
        # No connection is kept open between fetches. No compression: a small response cannot expand into a large one.
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=_LONGEST_SECONDS,
            follow_redirects=False,
        )

    async def find(self, name: str | None) -> tuple[Key, ...]:
        """The keys with the key id of a token; without a key id, all.

        ProviderAwayError when no valid key is cached and the provider cannot be reached.
        """
        if monotonic() - self._fetched_at > self._times.fresh:
            await self._refresh()
        found = self._known(name)
        if not found:
            await self._refresh()
            found = self._known(name)
        return found

    def _known(self, name: str | None) -> tuple[Key, ...]:
        if monotonic() - self._fetched_at > self._times.kept:
            raise ProviderAwayError
        return tuple(key for key in self._keys if name is None or key.kid == name)

    async def _refresh(self) -> None:
        """Wait for the one fetch in progress; start it unless the last one ended just now."""
        if self._fetching is None:
            if monotonic() < self._not_before:
                return
            self._fetching = asyncio.create_task(self._fetch())
        # The fetch goes on when the request that started it has been cancelled.
        await asyncio.wait({self._fetching}, timeout=self._times.patience)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                discovered = await self._get(self._issuer.rstrip("/") + _DISCOVERY)
                published = await self._get(_keys_address(discovered, self._issuer))
            self._keys = tuple(_imported(published))
            self._fetched_at = monotonic()
        except Exception as failure:  # noqa: BLE001 (after any failure, the keys are fetched again later)
            reason = str(failure) if isinstance(failure, _UselessError) else type(failure).__name__
            logger.warning("the identity provider's keys cannot be fetched: %s", reason)
        finally:
            self._not_before = monotonic() + self._times.pause
            self._fetching = None

    async def _get(self, url: str) -> dict[str, Any]:
        body = b""
        async with self._client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise _UselessError(f"status {response.status_code}")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _LARGEST_ANSWER:
                    raise _UselessError("the response is too large")
        said = orjson.loads(body)
        if not isinstance(said, dict):
            raise _UselessError("the response is not a JSON object")
        return said


def _keys_address(discovered: dict[str, Any], issuer: str) -> str:
    if discovered.get("issuer") != issuer:
        raise _UselessError("the issuer in the discovery document differs from BILLING_OIDC_ISSUER")
    url = discovered.get("jwks_uri")
    if not isinstance(url, str) or not is_protected(url):
        raise _UselessError("jwks_uri is not an https URL")
    return url


def _imported(published: dict[str, Any]) -> Iterator[Key]:
    """The usable keys of a key set; an unusable one is skipped."""
    listed = published.get("keys")
    if not isinstance(listed, list):
        raise _UselessError("the key set has no keys")
    for said in listed[:_MOST_KEYS]:
        if (
            not isinstance(said, dict)
            or said.get("kty") not in _SIGNING_TYPES
            or any(name in said for name in _PRIVATE)
        ):
            continue
        try:
            key = JWKRegistry.import_key(said)
            key.check_use("sig")
            key.check_key_op("verify")
        except Exception:  # noqa: BLE001, S112 (joserfc and its dependencies raise errors of many types for a malformed key)
            continue
        if not isinstance(key, RSAKey) or key.raw_value.key_size >= _SMALLEST_RSA:
            yield key
