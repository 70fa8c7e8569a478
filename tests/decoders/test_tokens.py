"""Bearer tokens of sessions, of programs and of an identity provider: a changed one authenticates nobody, and never another user."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.decoders.fuzzing import JSON_VALUES, TEXTS, answered, fuzz, fuzzed, mutants
from tests.support.api.accounts import ACCEPT, accept, invited_account
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.identity_provider import IdentityProvider, ec, encoded, provider, rsa, signed

METRICS_TOKEN = "a token of monitoring for a test only"
SUBJECT = "the-attorney"
WHO = "{ viewer { email } }"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        found.published = [rsa("first"), ec("second")]
        yield found


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, idp: IdentityProvider) -> Iterator[str]:
    rows(address, "update logins set oidc_subject = $1 where email = 'attorney@demo.example'", SUBJECT)
    with serving(address, provider=idp.trusted(), running=ServerOptions(metrics_token=METRICS_TOKEN)) as url:
        yield url


@pytest.fixture(scope="module")
def tokens(anonymous: Client) -> dict[str, str]:
    """The valid tokens of two users."""
    clients = {name: anonymous.signed_in(f"{name}@demo.example") for name in ("billing", "physician")}
    return {f"{name}@demo.example": str(client.token) for name, client in clients.items()}


def header_value(text: str) -> bytes:
    """The bytes of a header that HTTP can carry: without control characters, and without blanks at the ends."""
    return "".join(letter for letter in text if ord(letter) >= 0x20 and ord(letter) != 0x7F).strip(" ").encode()


def as_sent(token: str) -> str:
    """What the server gets of a token: HTTP carries no control characters, and the server takes blanks off its ends."""
    return header_value(token).decode().strip()


def bearer(client: Client, authorization: str, *statuses: int) -> Any:
    """The answer to a header with any bytes that HTTP allows; others are left out."""
    headers = {b"authorization": header_value(authorization)}
    return answered(client.http.post(client.url, json={"query": WHO}, headers=headers), *statuses)


@fuzzed
def test_a_changed_session_token_authenticates_nobody(anonymous: Client, tokens: dict[str, str], examples: int) -> None:
    whole = list(tokens.values())
    assert bearer(anonymous, f"Bearer {whole[0]}", 200)["data"]["viewer"] == {"email": "billing@demo.example"}
    joined = st.tuples(st.sampled_from(whole), st.sampled_from(whole), st.integers(0, 64)).map(
        lambda parts: parts[0][: parts[2]] + parts[1][parts[2] :]
    )

    def check(token: str) -> None:
        answer = bearer(anonymous, f"Bearer {token}", 200, 401)
        viewer = answer.get("data", {}).get("viewer")
        known = next((email for email, good in tokens.items() if good == as_sent(token)), None)
        assert (viewer["email"] if viewer else None) == known, token

    fuzz(examples * 3, st.one_of(mutants(whole), joined, TEXTS), check)


@fuzzed
def test_a_changed_one_time_link_is_not_valid(address: DatabaseUrls, anonymous: Client, examples: int) -> None:
    admin = anonymous.signed_in("admin@demo.example")
    urls = [invited_account(admin)[1] for _ in range(2)]
    whole = [url.partition("#")[2] for url in urls]
    logins = rows(address, "select count(*) from logins")[0][0]

    def check(token: str) -> None:
        sent = {"token": "" if token.strip() in whole else token, "password": "a password of my own"}
        body = {"query": ACCEPT, "variables": {"input": sent}}
        accepted = answered(anonymous.http.post(anonymous.url, json=body), 200)["data"]["acceptInvitation"]
        assert [error["path"] for error in accepted["errors"]] == [["input", "token"]], token

    fuzz(examples * 2, st.one_of(mutants(whole), TEXTS), check)
    assert rows(address, "select count(*) from logins")[0][0] == logins
    accept(anonymous, urls[0])


@fuzzed
def test_any_authorization_header_is_answered(anonymous: Client, tokens: dict[str, str], examples: int) -> None:
    whole = [f"Bearer {token}" for token in tokens.values()]
    shapes = st.one_of(TEXTS, mutants([*whole, "Basic YTpi", "bearer  x", "Bearer", "Digest a=b"], " ="))
    fuzz(examples, shapes, lambda header: bearer(anonymous, header, 200, 401))


@fuzzed
def test_only_the_whole_token_opens_the_metrics(anonymous: Client, examples: int) -> None:
    url = anonymous.url.replace("/graphql", "/metrics")

    def check(header: str) -> None:
        value = header_value(header)
        response = anonymous.http.get(url, headers={b"authorization": value})
        assert response.status_code == (200 if value == f"Bearer {METRICS_TOKEN}".encode() else 401)

    fuzz(examples, st.one_of(mutants([f"Bearer {METRICS_TOKEN}"], " "), TEXTS), check)


def parts_of(idp: IdentityProvider) -> list[str]:
    """Valid tokens of the provider, of one user and of none."""
    other = signed(idp.claims("nobody"), ec("second"), "ES256")
    return [idp.token(SUBJECT), other]


@fuzzed
def test_a_changed_token_of_the_provider_authenticates_nobody(
    anonymous: Client, idp: IdentityProvider, examples: int
) -> None:
    whole = parts_of(idp)
    assert bearer(anonymous, f"Bearer {whole[0]}", 200)["data"]["viewer"] == {"email": "attorney@demo.example"}

    def check(token: str) -> None:
        viewer = bearer(anonymous, f"Bearer {token}", 200, 401).get("data", {}).get("viewer")
        # The last bits of the text of a signature carry nothing, and no secret.
        same = as_sent(token).rpartition(".")[0] == whole[0].rpartition(".")[0]
        assert viewer is None or same, token

    fuzz(examples * 2, mutants(whole, "."), check)


CLAIMS = st.dictionaries(
    st.sampled_from(
        ["iss", "aud", "exp", "nbf", "iat", "sub", "azp", "client_id", "email", "email_verified", "events"]
    ),
    JSON_VALUES,
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(["typ", "crit", "b64", "jwk", "jku", "x5c", "zip", "cty", "enc", "p2c"]), JSON_VALUES, max_size=2
)


def without_surrogates(value: Any) -> Any:
    """JSON as bytes, with NaN and infinities as the numbers that they stand for in other languages."""
    return json.dumps(value).replace("NaN", "1e999").replace("Infinity", "1e999").encode()


@fuzzed
def test_a_signed_token_with_any_claims_and_header_is_accepted_or_refused(
    anonymous: Client, idp: IdentityProvider, examples: int
) -> None:
    key = rsa("first")

    def check(given: tuple[dict[str, Any], dict[str, Any], Any]) -> None:
        claims, header, instead = given
        payload = without_surrogates({**idp.claims(SUBJECT), **claims} if instead is None else instead)
        header_text = encoded(without_surrogates({"alg": "RS256", "kid": key.kid, **header}))
        content = f"{header_text}.{encoded(payload)}"
        signature = signed(idp.claims(SUBJECT), key).rpartition(".")[2]
        honest = resigned(content, key)
        for last in (honest, signature):
            bearer(anonymous, f"Bearer {content}.{last}", 200, 401)

    fuzz(examples, st.tuples(CLAIMS, HEADERS, st.none() | JSON_VALUES), check)


def resigned(content: str, key: Any) -> str:
    """The signature of any content by a key."""
    return base64.urlsafe_b64encode(JWSRegistry.algorithms["RS256"].sign(content.encode(), key)).rstrip(b"=").decode()
