"""Decides which identity provider is trusted, with what, and for how long its keys are believed."""

from dataclasses import dataclass
from datetime import timedelta

from server.settings import Settings


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """How many seconds keys are good for."""

    # Older keys are believed only after the provider was asked again: a key that it has withdrawn is refused after so long.
    fresh: float = 300.0
    # A provider that is away is believed for so long.
    kept: float = 4 * 3600.0
    # The provider is asked no more often, whatever tokens name.
    pause: float = 10.0
    # A request waits no longer for the provider.
    patience: float = 3.0


@dataclass(frozen=True, slots=True)
class Provider:
    """The identity provider that an operator trusts, and with what."""

    issuer: str
    audience: str
    clients: frozenset[str]
    algorithms: frozenset[str]
    skew: timedelta
    by_email: bool
    clinic: str | None
    clinic_claim: str | None


def provider_of(settings: Settings) -> Provider | None:
    """The provider that is set, None without one."""
    if not settings.oidc_issuer:
        return None
    return Provider(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_clients,
        settings.oidc_algorithms,
        settings.oidc_skew,
        settings.oidc_email,
        settings.oidc_clinic or None,
        settings.oidc_clinic_claim or None,
    )
