"""Builds the configuration of the OpenID Connect provider from the settings."""

from identity.oidc.provider import Provider
from server.settings import Settings


def provider_of(settings: Settings) -> Provider | None:
    """The configured provider; None when the settings name none."""
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
