"""The identity provider of the tests (OpenID Connect): a real one, on this machine, which publishes keys and signs with them."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from identity.oidc.provider import Provider
from server.identity_provider import provider_of
from server.settings import read_settings

AUDIENCE = "clinic-billing"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


@cache
def rsa(name: str) -> RSAKey:
    """An RSA key pair with a name."""
    return RSAKey.generate_key(2048, {"kid": name})


@cache
def ec(name: str) -> ECKey:
    """A key pair of the curve P-256 with a name."""
    return ECKey.generate_key("P-256", {"kid": name})


@cache
def ed25519(name: str) -> OKPKey:
    """A key pair of the curve Ed25519 with a name."""
    return OKPKey.generate_key("Ed25519", {"kid": name})


def encoded(value: Any) -> str:
    """A part of a token: bytes as they are, anything else as JSON."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: Any, key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """A token with exactly these claims, valid or not; None leaves a part of the header out."""
    parts = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt", **header}
    content = f"{encoded({name: value for name, value in parts.items() if value is not None})}.{encoded(claims)}"
    return f"{content}.{encoded(JWSRegistry.algorithms[algorithm].sign(content.encode(), key))}"


@dataclass
class IdentityProvider:
    """A provider: the keys that it publishes, and the number of requests by path."""

    issuer: str
    published: list[Key] = field(default_factory=lambda: [rsa("first")])
    asked: Counter[str] = field(default_factory=Counter)
    # Path → the answer that replaces the usual one: status, body, headers.
    instead: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    pause_seconds: float = 0.0

    def claims(self, subject: str, **others: Any) -> dict[str, Any]:
        """The claims of a valid token for a subject, overridden by `others`; None leaves a claim out."""
        moment = int(time.time())
        values = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": moment, "exp": moment + 300, **others}
        return {name: value for name, value in values.items() if value is not None}

    def token(self, subject: str, **others: Any) -> str:
        """A token as the provider gives it, signed by its first key."""
        return signed(self.claims(subject, **others), self.published[0])

    def trusted(self, **settings: str) -> Provider:
        """The provider as an operator configures it."""
        values = {"BILLING_OIDC_ISSUER": self.issuer, "BILLING_OIDC_AUDIENCE": AUDIENCE}
        provider = provider_of(
            read_settings(values | {f"BILLING_OIDC_{name}": text for name, text in settings.items()})
        )
        assert provider is not None
        return provider

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """The answer at a path."""
        self.asked[path] += 1
        time.sleep(self.pause_seconds)
        if path in self.instead:
            return self.instead[path]
        documents = {
            DISCOVERY: {"issuer": self.issuer, "jwks_uri": f"{self.issuer}{KEYS}"},
            KEYS: {"keys": [key.as_dict(private=False) for key in self.published]},
        }
        return (200, json.dumps(documents[path]).encode(), {}) if path in documents else (404, b"", {})


@contextmanager
def provider() -> Iterator[IdentityProvider]:
    """A running provider; its issuer is its address."""
    with _listening(0, None) as found:
        yield found


@contextmanager
def restarted(existing: IdentityProvider) -> Iterator[None]:
    """A provider that is started again at its former address."""
    with _listening(int(existing.issuer.rpartition(":")[2]), existing):
        yield


@contextmanager
def _listening(port: int, existing: IdentityProvider | None) -> Iterator[IdentityProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = found.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name in the base class)
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    found = existing or IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
