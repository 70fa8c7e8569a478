"""A token of the identity provider is accepted only if the provider signed it, for this server and for the present moment."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from websockets.exceptions import ConnectionClosed

from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.identity_provider import AUDIENCE, IdentityProvider, ec, ed25519, encoded, provider, rsa, signed
from tests.support.subscriber import INVOICE, connected

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
SUBJECT = "the-attorney"
REFUSAL = {"errors": [{"message": "The session has ended: sign in again", "extensions": {"code": "UNAUTHENTICATED"}}]}
VIEWER = "{ viewer { email } }"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        found.published = [rsa("first"), ec("second"), ed25519("third")]
        yield found


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, idp: IdentityProvider) -> Iterator[str]:
    rows(address, "update logins set oidc_subject = $1 where email = 'attorney@demo.example'", SUBJECT)
    with serving(address, provider=idp.trusted()) as url:
        yield url


@pytest.fixture
def answer(server_url: str) -> Iterator[Callable[[str], httpx.Response]]:
    with Client(server_url) as anonymous:

        def ask(token: str) -> httpx.Response:
            headers = {b"authorization": b"Bearer " + token.encode()}
            return anonymous.http.post(anonymous.url, json={"query": VIEWER}, headers=headers)

        yield ask


Answer = Callable[[str], httpx.Response]


def assert_refused(response: httpx.Response) -> None:
    assert (response.status_code, response.json()) == (401, REFUSAL)
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def assert_accepted(response: httpx.Response) -> None:
    assert response.json() == {"data": {"viewer": {"email": "attorney@demo.example"}}}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(rsa("first"), "RS256"), (rsa("first"), "PS256"), (ec("second"), "ES256"), (ed25519("third"), "EdDSA")],
    ids=["RS256", "PS256", "ES256", "EdDSA"],
)
def test_a_token_signed_with_any_allowed_algorithm_is_accepted(
    answer: Answer, idp: IdentityProvider, key: Key, algorithm: str
) -> None:
    assert_accepted(answer(signed(idp.claims(SUBJECT), key, algorithm)))


@pytest.mark.parametrize("token_type", ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "jwt", None])
def test_access_tokens_and_id_tokens_are_accepted(
    answer: Answer, idp: IdentityProvider, token_type: str | None
) -> None:
    assert_accepted(answer(signed(idp.claims(SUBJECT), rsa("first"), typ=token_type)))


@pytest.mark.parametrize(
    "token_type", ["logout+jwt", "dpop+jwt", "secevent+jwt", "kb+jwt", "JOSE", "", "at+jwt+at+jwt"]
)
def test_tokens_of_another_type_are_refused(answer: Answer, idp: IdentityProvider, token_type: str) -> None:
    assert_refused(answer(signed(idp.claims(SUBJECT), rsa("first"), typ=token_type)))


NOW = int(time.time())
GOOD: dict[str, dict[str, Any]] = {
    "the audience among others, for the audience itself": {"aud": [AUDIENCE, "other"], "azp": AUDIENCE},
    "the audience alone, in a list, issued to any client": {"aud": [AUDIENCE], "azp": "web"},
    "without the moment when it was issued": {"iat": None},
    "expired within the skew": {"exp": -40},
    "not yet valid within the skew": {"nbf": 50, "iat": 50},
    "with parts of a second": {"exp": 100.5},
    "for ever": {"exp": 10**30},
}
BAD: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "the issuer with a slash": {"iss": lambda idp: f"{idp.issuer}/"},
    "the issuer in a list": {"iss": lambda idp: [idp.issuer]},
    "no issuer": {"iss": None},
    "another audience": {"aud": "elsewhere"},
    "other audiences": {"aud": ["elsewhere", "there"], "azp": AUDIENCE},
    "the audience as a part of another": {"aud": f"{AUDIENCE}-2"},
    "an audience that is no text": {"aud": [[AUDIENCE]]},
    "an audience in an object": {"aud": {AUDIENCE: AUDIENCE}},
    "no audience": {"aud": None},
    "an empty audience": {"aud": []},
    "several audiences, for another client": {"aud": [AUDIENCE, "web"], "azp": "web"},
    "several audiences, no authorized party": {"aud": [AUDIENCE, "web"]},
    "expired beyond the skew": {"exp": -62},
    "expired long ago": {"exp": -100_000},
    "no expiry": {"exp": None},
    "an expiry that is a text": {"exp": lambda idp: str(NOW + 300)},
    "an expiry that is yes": {"exp": lambda idp: True},
    "an expiry that is a list": {"exp": lambda idp: [NOW + 300]},
    "not yet valid beyond the skew": {"nbf": 75},
    "issued in the future": {"iat": 75},
    "valid from a text on": {"nbf": "now"},
    "no subject": {"sub": None},
    "a subject that is a number": {"sub": 7},
    "a logout token": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    "bound to the sender's key": {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
}


def claims_of(idp: IdentityProvider, given_claims: dict[str, Any]) -> dict[str, Any]:
    """Claims in which moments are offsets from now."""
    moment, claims = int(time.time()), {}
    for name, value in given_claims.items():
        is_offset = name in ("exp", "nbf", "iat") and isinstance(value, int | float)
        claims[name] = moment + value if is_offset else value(idp) if callable(value) else value
    return idp.claims(SUBJECT, **claims)


@pytest.mark.parametrize("name", GOOD)
def test_a_token_is_accepted(answer: Answer, idp: IdentityProvider, name: str) -> None:
    assert_accepted(answer(signed(claims_of(idp, GOOD[name]), rsa("first"))))


@pytest.mark.parametrize("name", BAD)
def test_a_token_is_refused(answer: Answer, idp: IdentityProvider, name: str) -> None:
    assert_refused(answer(signed(claims_of(idp, BAD[name]), rsa("first"))))


def test_the_accepted_clients_are_a_setting(address: DatabaseUrls, server_url: str, idp: IdentityProvider) -> None:
    with serving(address, provider=idp.trusted(CLIENTS="web, phone")) as url:
        for given_claims in ({"azp": "web"}, {"client_id": "phone"}, {"azp": "web", "aud": [AUDIENCE, "other"]}):
            with Client(url, idp.token(SUBJECT, **given_claims)) as user:
                assert_accepted(user.post(VIEWER))
        for wrong in ({}, {"azp": "other"}, {"azp": "other", "client_id": "web"}, {"azp": ["web"]}, {"azp": AUDIENCE}):
            with Client(url, idp.token(SUBJECT, **wrong)) as anonymous:
                assert_refused(anonymous.post(VIEWER))


def test_the_clock_skew_and_the_algorithms_are_settings(
    address: DatabaseUrls, server_url: str, idp: IdentityProvider
) -> None:
    moment = int(time.time())
    with serving(address, provider=idp.trusted(SKEW_SECONDS="0", ALGORITHMS="ES256")) as url:
        with Client(url, signed(idp.claims(SUBJECT), ec("second"), "ES256")) as user:
            assert_accepted(user.post(VIEWER))
        for wrong in (
            signed(idp.claims(SUBJECT), rsa("first")),
            signed(idp.claims(SUBJECT, exp=moment - 2), ec("second"), "ES256"),
        ):
            with Client(url, wrong) as anonymous:
                assert_refused(anonymous.post(VIEWER))


def by_secret(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """A token that is signed by HMAC with any bytes as the secret."""
    content = f"{encoded({'alg': 'HS256', 'kid': 'first', **header})}.{encoded(claims)}"
    return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


def forged(idp: IdentityProvider) -> dict[str, str]:
    """Tokens with all the right claims that the provider has not signed."""
    claims, good = idp.claims(SUBJECT), idp.token(SUBJECT)
    header, payload, signature = good.split(".")
    public, stranger = rsa("first"), RSAKey.generate_key(2048, {"kid": "first"})
    pem, published = public.as_pem(private=False), public.as_dict(private=False)
    of_ec = signed(claims, ec("second"), "ES256").split(".")
    return {
        "alg none, without a signature": f"{encoded({'alg': 'none', 'kid': 'first'})}.{payload}.",
        "alg none, with the signature": f"{encoded({'alg': 'none', 'kid': 'first'})}.{payload}.{signature}",
        "alg None": f"{encoded({'alg': 'None', 'kid': 'first'})}.{payload}.{signature}",
        "no alg": f"{encoded({'kid': 'first'})}.{payload}.{signature}",
        "alg of another kind": f"{encoded({'alg': ['RS256'], 'kid': 'first'})}.{payload}.{signature}",
        "HS256 by the public key's PEM": by_secret(claims, pem),
        "HS256 by the PEM without its last line break": by_secret(claims, pem.rstrip()),
        "HS256 by the public key's DER": by_secret(claims, public.as_der(private=False)),
        "HS256 by the public key's JWK": by_secret(claims, json.dumps(published).encode()),
        "HS256 by the public key's modulus": by_secret(claims, base64.urlsafe_b64decode(f"{published['n']}==")),
        "HS256 by nothing": by_secret(claims, b""),
        "RS256 by a stranger with the same kid": signed(claims, stranger),
        "by a key that it brings itself": signed(claims, stranger, jwk=stranger.as_dict(private=False)),
        "by a key that it says where to get": signed(claims, stranger, jku=f"{idp.issuer}/other"),
        "by a key that is not published": signed(claims, rsa("unknown")),
        "by the key of another algorithm": signed(claims, ECKey.generate_key("P-256", {"kid": "first"}), "ES256"),
        "by one key under the name of another": signed(claims, ec("second"), "ES256", kid="third"),
        "by ES256 with nothing but noughts": f"{of_ec[0]}.{of_ec[1]}.{encoded(bytes(64))}",
        "by a curve that is too short": f"{of_ec[0]}.{of_ec[1]}.{encoded(bytes(10))}",
        "other claims under the same signature": f"{header}.{encoded(claims | {'sub': 'x'})}.{signature}",
        "no signature": f"{header}.{payload}.",
        "half a signature": f"{header}.{payload}.{signature[:100]}",
        "without kid, of several keys that fit none": signed(claims, stranger, kid=None),
        "a kid that is a number": f"{encoded({'alg': 'RS256', 'kid': 1})}.{payload}.{signature}",
        "a kid that is a list": f"{encoded({'alg': 'RS256', 'kid': ['first']})}.{payload}.{signature}",
        "a header of another algorithm": f"{encoded({'alg': 'PS256', 'kid': 'first'})}.{payload}.{signature}",
        "RS512, which is not allowed": signed(claims, public, "RS512"),
        "an extension that has to be understood": signed(claims, public, crit=["exp"], exp=1),
        "a supported extension": signed(claims, public, crit=["b64"], b64=True),
    }


NAMES = list(forged(IdentityProvider("http://127.0.0.1:1")))


@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_the_provider_has_not_signed_is_refused(answer: Answer, idp: IdentityProvider, name: str) -> None:
    assert_refused(answer(forged(idp)[name]))


def test_a_shared_secret_among_the_published_keys_signs_nothing(address: DatabaseUrls, server_url: str) -> None:
    secret = OctKey.import_key("a secret that is long enough for HS256", {"kid": "secret"})
    with provider() as careless:
        careless.published.append(secret)
        with serving(address, provider=careless.trusted()) as url:
            for token, status in (
                (careless.token(SUBJECT), 200),
                (by_secret(careless.claims(SUBJECT), secret.raw_value, kid="secret"), 401),
            ):
                with Client(url, token) as user:
                    assert user.post(VIEWER).status_code == status


HEADER = encoded({"alg": "RS256", "kid": "first"})
GARBAGE = [
    "..",
    "a.b.c",
    "...",
    "a.b.",
    f"{HEADER}.e30.YQ",
    f"{HEADER}..YQ",
    f"{encoded([])}.e30.YQ",
    f"{encoded('alg')}.e30.YQ",
    f"{encoded(None)}.e30.YQ",
    f"{encoded(5)}.e30.YQ",
    f"{encoded(b'{')}.e30.YQ",
    f"{encoded(b'[' * 5000)}.e30.YQ",
    encoded(b'{"a":' * 2000) + ".e30.YQ",
    f"{encoded(bytes(range(256)))}.e30.YQ",
    f"{HEADER}.e30=.YQ==",
    f"{HEADER}.e3 0.YQ",
    "\u00e4.\u00f6.\u00fc",
    f"{HEADER}.{'a' * 20_000}.YQ",
    f"{'a' * 15_000}.e30.YQ",
    f"{encoded({'alg': 'RS256', 'kid': 'first', 'b64': False})}.e30.YQ",
    "a.b.c.d.e",
]


@pytest.mark.parametrize("token", GARBAGE, ids=lambda token: ascii(token)[:30])
def test_garbage_is_refused_like_any_bad_token(answer: Answer, token: str) -> None:
    assert_refused(answer(token))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"5", b'"a"', b"{", b"[" * 9000, b"\xff", b'{"exp": NaN}'])
def test_signed_garbage_is_refused_too(answer: Answer, payload: bytes) -> None:
    assert_refused(answer(signed(payload, rsa("first"))))


def test_a_huge_token_is_refused_although_it_is_signed(answer: Answer, idp: IdentityProvider) -> None:
    assert_accepted(answer(idp.token(SUBJECT, more="a" * 8_000)))
    assert_refused(answer(idp.token(SUBJECT, more="a" * 14_000)))


def test_a_token_with_one_character_changed_is_refused(answer: Answer, idp: IdentityProvider) -> None:
    good = idp.token(SUBJECT)
    end = good.rindex(".")
    for place in (*range(0, end, 7), *range(end - 3, end + 1)):
        character = "B" if good[place] == "A" else "A"
        assert_refused(answer(good[:place] + character + good[place + 1 :]))
    assert_accepted(answer(good))


def test_a_subscription_ends_when_its_token_expires(
    address: DatabaseUrls, server_url: str, idp: IdentityProvider
) -> None:
    with serving(address, provider=idp.trusted(SKEW_SECONDS="0")) as url:
        token = idp.token(SUBJECT, exp=int(time.time()) + 4)
        with connected(url, token) as subscriber:
            subscriber.send(id="1", type="subscribe", payload={"query": INVOICE})
            assert subscriber.is_silent(1)
            assert subscriber.ended_with() == "UNAUTHENTICATED"
            assert time.time() < int(idp_expiry(token)) + 6
        with Client(url, token) as anonymous:
            assert_refused(anonymous.post(VIEWER))


def idp_expiry(token: str) -> float:
    payload = json.loads(base64.urlsafe_b64decode(f"{token.split('.')[1]}=="))
    return float(payload["exp"])


def test_a_token_in_constant_use_is_refused_after_its_expiry(
    address: DatabaseUrls, server_url: str, idp: IdentityProvider
) -> None:
    with serving(address, provider=idp.trusted(SKEW_SECONDS="0")) as url:
        expiry = int(time.time()) + 3
        with Client(url, idp.token(SUBJECT, exp=expiry)) as user:
            assert_accepted(user.post(VIEWER))
            while time.time() < expiry:
                response = user.post(VIEWER)
                if time.time() < expiry:
                    assert_accepted(response)
            assert_refused(user.post(VIEWER))


def test_a_web_socket_with_a_bad_token_is_refused(server_url: str, idp: IdentityProvider) -> None:
    with connected(server_url, idp.token(SUBJECT)) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": VIEWER})
        assert subscriber.next()["payload"]["data"] == {"viewer": {"email": "attorney@demo.example"}}
    with pytest.raises(ConnectionClosed), connected(server_url, idp.token(SUBJECT, aud="elsewhere")):
        pass
