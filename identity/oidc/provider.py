"""The configuration of the trusted OpenID Connect provider, and the lifetimes of its cached keys."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """The lifetimes of the key cache and the timeouts of fetching it, in seconds."""

    # Time to live: older keys are fetched again first, so a key that the provider has withdrawn is refused after this time.
    fresh: float = 300.0
    # While the provider is unreachable, its cached keys are used for this long.
    kept: float = 4 * 3600.0
    # The shortest interval between two fetches, also when tokens name unknown keys.
    pause: float = 10.0
    # The longest time that a request waits for a fetch.
    patience: float = 3.0


@dataclass(frozen=True, slots=True)
class Provider:
    """The identity provider that an operator trusts, and the rules for its tokens."""

    issuer: str
    audience: str
    clients: frozenset[str]
    algorithms: frozenset[str]
    skew: timedelta
    by_email: bool
    clinic: str | None
    clinic_claim: str | None


def is_protected(url: str) -> bool:
    """Whether responses from a URL cannot be tampered with in transit: https, or http to this machine itself."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )
