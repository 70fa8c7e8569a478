"""Decides which keys of the identity provider are believed: those that it publishes, for a while also when it is away."""

import asyncio
import logging
from collections.abc import Iterator
from math import inf
from time import monotonic
from typing import Any

import httpx
import orjson
from joserfc.jwk import JWKRegistry, Key, RSAKey

from server.oidc_provider import KeyTimes
from server.setting_values import is_protected

logger = logging.getLogger("billing.oidc")

_DISCOVERY = "/.well-known/openid-configuration"
_LARGEST_ANSWER, _MOST_KEYS = 256 * 1024, 100
_LONGEST_SECONDS = 5.0
_SMALLEST_RSA = 2048
# What is no public key to check a signature with: a secret, or the other half of a pair.
_SIGNING_TYPES, _PRIVATE = ("RSA", "EC", "OKP"), ("d", "p", "q", "k")


class ProviderAwayError(Exception):
    """No key is known, or none any more, because the provider cannot be asked."""


class _UselessError(Exception):
    """An answer of the provider from which no keys can be taken: what is wrong with it."""


class Keys:
    """The keys of one provider, as this process knows them."""

    def __init__(self, issuer: str, times: KeyTimes) -> None:
        self._issuer, self._times = issuer, times
        self._keys: tuple[Key, ...] = ()
        self._fetched_at, self._not_before = -inf, -inf
        self._fetching: asyncio.Task[None] | None = None
        # Nothing is kept open between two fetches. Answers come as they are: a small one cannot unfold into a large one.
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=_LONGEST_SECONDS,
            follow_redirects=False,
        )

    async def find(self, name: str | None) -> tuple[Key, ...]:
        """The keys that a token may be signed with by the name that it says; without name all.

        ProviderAwayError when nothing is known.
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
        """Wait for the one fetch that is under way; begin it unless the last one was just now."""
        if self._fetching is None:
            if monotonic() < self._not_before:
                return
            self._fetching = asyncio.create_task(self._fetch())
        # The fetch goes on when whoever began it has gone.
        await asyncio.wait({self._fetching}, timeout=self._times.patience)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                discovered = await self._get(self._issuer.rstrip("/") + _DISCOVERY)
                published = await self._get(_keys_address(discovered, self._issuer))
            self._keys = tuple(_imported(published))
            self._fetched_at = monotonic()
        except Exception as failure:  # noqa: BLE001 (whatever it was, the keys are asked for again)
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
                    raise _UselessError("an answer that is too large")
        said = orjson.loads(body)
        if not isinstance(said, dict):
            raise _UselessError("an answer that is no JSON object")
        return said


def _keys_address(discovered: dict[str, Any], issuer: str) -> str:
    if discovered.get("issuer") != issuer:
        raise _UselessError("the issuer in the discovery document is not the one that is set")
    url = discovered.get("jwks_uri")
    if not isinstance(url, str) or not is_protected(url):
        raise _UselessError("jwks_uri is no https address")
    return url


def _imported(published: dict[str, Any]) -> Iterator[Key]:
    """The keys that can be used; one that cannot does not harm the others."""
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
        except Exception:  # noqa: BLE001, S112 (whatever joserfc and what it stands on make of a strange key)
            continue
        if not isinstance(key, RSAKey) or key.raw_value.key_size >= _SMALLEST_RSA:
            yield key
