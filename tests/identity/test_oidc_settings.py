"""The settings of an OpenID Connect provider: defaults, values refused at the start, and a server that uses them."""

from datetime import timedelta

import pytest

from server.database_urls import DatabaseUrls
from server.identity_provider import provider_of
from server.settings import SettingError, read_settings
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.identity_provider import AUDIENCE, provider
from tests.support.processes import billing

ISSUER = "https://login.example.org/realms/clinic/"
CONFIGURED = {"BILLING_OIDC_ISSUER": ISSUER, "BILLING_OIDC_AUDIENCE": AUDIENCE}


def test_no_provider_is_trusted_by_default() -> None:
    assert provider_of(read_settings({})) is None
    assert provider_of(read_settings({"BILLING_OIDC_AUDIENCE": AUDIENCE})) is None


def test_the_defaults_of_a_provider_are_restrictive() -> None:
    found = provider_of(read_settings(CONFIGURED))
    assert found is not None
    assert (found.issuer, found.audience, found.clients) == (ISSUER, AUDIENCE, frozenset())
    assert found.algorithms == {"RS256", "PS256", "ES256", "EdDSA"}
    assert (found.skew, found.by_email, found.clinic, found.clinic_claim) == (timedelta(minutes=1), True, None, None)


INVALID = {
    "BILLING_OIDC_ISSUER": [
        "login.example.org",
        "http://login.example.org",
        "http://127.0.0.1.example.org",
        "ftp://login.example.org",
        "https://",
        "https://login.example.org/?a=b",
        "https://login.example.org/#a",
        "https://user:secret@login.example.org",
    ],
    "BILLING_OIDC_ALGORITHMS": ["none", "HS256", "RS256,HS256", "RS256 ES256", ",", "rs256"],
    "BILLING_OIDC_SKEW_SECONDS": ["-1", "301", "1.5", "a minute"],
    "BILLING_OIDC_EMAIL": ["maybe", "true", "YES"],
}


@pytest.mark.parametrize(("variable", "text"), [(name, text) for name, texts in INVALID.items() for text in texts])
def test_an_invalid_or_unsafe_setting_stops_the_start(variable: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable} is wrong: expected "):
        read_settings(CONFIGURED | {variable: text})


def test_an_issuer_without_an_audience_stops_the_start() -> None:
    with pytest.raises(SettingError, match=r"^BILLING_OIDC_AUDIENCE is needed"):
        read_settings({"BILLING_OIDC_ISSUER": ISSUER})


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080/realm", "http://localhost", "http://[::1]:80"])
def test_a_provider_on_this_host_needs_no_https(issuer: str) -> None:
    found = provider_of(read_settings(CONFIGURED | {"BILLING_OIDC_ISSUER": issuer}))
    assert found is not None
    assert found.issuer == issuer


def test_the_server_uses_the_configured_provider(own_address: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(own_address, "update logins set oidc_subject = 'me' where email = 'physician@demo.example'")
    with provider() as idp:
        monkeypatch.setenv("BILLING_OIDC_ISSUER", idp.issuer)
        monkeypatch.setenv("BILLING_OIDC_AUDIENCE", AUDIENCE)
        with billing(own_address, "serve", "--no-worker") as process:
            with Client(process.url, idp.token("me")) as client:
                assert client.read("{ viewer { email } }") == {"viewer": {"email": "physician@demo.example"}}
            with Client(process.url, idp.token("me", aud="elsewhere")) as anonymous:
                assert anonymous.post("{ viewer { email } }").status_code == 401
