"""What an operator can say of an identity provider, what is refused at the start, and that the server goes by it."""

from datetime import timedelta

import pytest

from server.addresses import Address
from server.oidc_provider import provider_of
from server.settings import SettingError, read_settings
from tests.client import Client
from tests.databases import rows
from tests.processes import billing
from tests.provider import AUDIENCE, provider

ISSUER = "https://login.example.org/realms/clinic/"
SET = {"BILLING_OIDC_ISSUER": ISSUER, "BILLING_OIDC_AUDIENCE": AUDIENCE}


def test_nothing_is_trusted_unless_it_is_set() -> None:
    assert provider_of(read_settings({})) is None
    assert provider_of(read_settings({"BILLING_OIDC_AUDIENCE": AUDIENCE})) is None


def test_what_is_trusted_by_default_is_little() -> None:
    found = provider_of(read_settings(SET))
    assert found is not None
    assert (found.issuer, found.audience, found.clients) == (ISSUER, AUDIENCE, frozenset())
    assert found.algorithms == {"RS256", "PS256", "ES256", "EdDSA"}
    assert (found.skew, found.by_email, found.clinic, found.clinic_claim) == (timedelta(minutes=1), True, None, None)


WRONG = {
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


@pytest.mark.parametrize(("variable", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_what_makes_no_sense_or_no_safety_stops_the_start(variable: str, text: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable} is wrong: expected is "):
        read_settings(SET | {variable: text})


def test_an_issuer_without_an_audience_stops_the_start() -> None:
    with pytest.raises(SettingError, match=r"^BILLING_OIDC_AUDIENCE is needed"):
        read_settings({"BILLING_OIDC_ISSUER": ISSUER})


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080/realm", "http://localhost", "http://[::1]:80"])
def test_a_provider_on_this_machine_needs_no_https(issuer: str) -> None:
    found = provider_of(read_settings(SET | {"BILLING_OIDC_ISSUER": issuer}))
    assert found is not None
    assert found.issuer == issuer


def test_the_server_goes_by_what_is_set(own_address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(own_address, "update users set oidc_subject = 'me' where email = 'physician@demo.clinic'")
    with provider() as idp:
        monkeypatch.setenv("BILLING_OIDC_ISSUER", idp.issuer)
        monkeypatch.setenv("BILLING_OIDC_AUDIENCE", AUDIENCE)
        with billing(own_address, "serve", "--no-worker") as process:
            with Client(process.url, idp.token("me")) as somebody:
                assert somebody.read("{ viewer { email } }") == {"viewer": {"email": "physician@demo.clinic"}}
            with Client(process.url, idp.token("me", aud="elsewhere")) as nobody:
                assert nobody.post("{ viewer { email } }").status_code == 401
