"""The provider's keys: they are fetched when needed, cached while the provider is unreachable, and never fetched on a caller's demand."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from identity.oidc.provider import KeyTimes
from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.identity_provider import DISCOVERY, KEYS, IdentityProvider, provider, restarted, rsa, signed

SUBJECT = "the-biller"
VIEWER = "{ viewer { email } }"
HASTY = KeyTimes(fresh=0.5, kept=3.0, pause=0.2)
Sees = Callable[[str], int]


@pytest.fixture(scope="module")
def address(address: DatabaseUrls) -> DatabaseUrls:
    rows(address, "update logins set oidc_subject = $1 where email = 'billing@demo.example'", SUBJECT)
    return address


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        yield found


@contextmanager
def statuses(address: DatabaseUrls, idp: IdentityProvider, times: KeyTimes | None = None) -> Iterator[Sees]:
    """A function that returns the status with which a server answers a bearer token."""
    with serving(address, provider=idp.trusted(), key_times=times) as url, httpx.Client(timeout=20) as http:

        def status(token: str) -> int:
            headers = {"authorization": f"Bearer {token}"}
            response = http.post(url, json={"query": VIEWER}, headers=headers)
            if response.status_code == 503:
                assert response.headers["retry-after"] == "1"
                assert response.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            return response.status_code

        yield status


def test_keys_are_fetched_once_for_concurrent_requests(address: DatabaseUrls, idp: IdentityProvider) -> None:
    idp.pause_seconds = 0.3
    tokens = [idp.token(SUBJECT, jti=str(number)) for number in range(8)]
    with statuses(address, idp) as status, ThreadPoolExecutor(8) as pool:
        assert idp.asked == {}
        assert list(pool.map(status, tokens)) == [200] * 8
    assert idp.asked == {DISCOVERY: 1, KEYS: 1}


def test_a_new_key_is_fetched_when_a_token_names_it(address: DatabaseUrls, idp: IdentityProvider) -> None:
    with statuses(address, idp, KeyTimes(pause=0.2)) as status:
        assert status(idp.token(SUBJECT)) == 200
        idp.published.insert(0, rsa("second"))
        time.sleep(0.3)
        assert status(idp.token(SUBJECT)) == 200
        assert idp.asked[KEYS] == 2


def test_a_withdrawn_key_is_refused_after_the_next_fetch(address: DatabaseUrls, idp: IdentityProvider) -> None:
    old, moment = rsa("first"), 0
    with statuses(address, idp, HASTY) as status:
        assert status(signed(idp.claims(SUBJECT), old)) == 200
        idp.published = [rsa("second")]
        deadline = time.monotonic() + 10
        while status(signed(idp.claims(SUBJECT, jti=str(moment)), old)) == 200:
            assert time.monotonic() < deadline, "a withdrawn key stays valid"
            moment += 1
        assert idp.asked[KEYS] == 2
        assert status(idp.token(SUBJECT)) == 200


def test_a_token_that_names_no_key_is_accepted_only_if_there_is_one_key(
    address: DatabaseUrls, idp: IdentityProvider
) -> None:
    token = signed(idp.claims(SUBJECT), rsa("first"), kid=None)
    with statuses(address, idp) as status:
        assert status(token) == 200
    idp.published.append(rsa("second"))
    with statuses(address, idp) as status:
        assert status(token) == 401


def test_tokens_that_name_random_keys_cause_no_request_to_the_provider(
    address: DatabaseUrls, idp: IdentityProvider
) -> None:
    with statuses(address, idp) as status, ThreadPoolExecutor(4) as pool:
        forged = [signed(idp.claims(SUBJECT), rsa("unknown"), kid=f"key-{number}") for number in range(200)]
        assert set(pool.map(status, forged)) == {401}
        assert idp.asked == {DISCOVERY: 1, KEYS: 1}
        assert status(idp.token(SUBJECT)) == 200


def test_tokens_that_name_random_keys_cause_at_most_one_request_per_pause(
    address: DatabaseUrls, idp: IdentityProvider
) -> None:
    with statuses(address, idp, KeyTimes(pause=0.5)) as status:
        began, number = time.monotonic(), 0
        while time.monotonic() - began < 2.2:
            assert status(signed(idp.claims(SUBJECT), rsa("unknown"), kid=f"key-{number}")) == 401
            number += 1
        assert number > 20
        assert 2 <= idp.asked[KEYS] <= 5


def test_cached_keys_stay_valid_for_a_while_when_the_provider_is_unreachable(address: DatabaseUrls) -> None:
    with provider() as idp:
        token, unknown = idp.token(SUBJECT), signed(idp.claims(SUBJECT), rsa("unknown"))
        with statuses(address, idp, HASTY) as status:
            known_at = time.monotonic()
            assert status(token) == 200
            idp.instead = {KEYS: (503, b"", {})}
            while time.monotonic() - known_at < HASTY.kept - 1:
                assert [status(idp.token(SUBJECT, jti=str(time.time()))), status(unknown)] == [200, 401]
                time.sleep(0.1)
            time.sleep(1.2)
            assert [status(idp.token(SUBJECT, jti="late")), status(unknown)] == [503, 503]
            idp.instead = {}
            time.sleep(0.3)
            assert [status(token), status(unknown)] == [200, 401]


def test_an_unreachable_provider_answers_503_and_does_not_reject_the_token(address: DatabaseUrls) -> None:
    with provider() as idp:
        pass
    with statuses(address, idp, HASTY) as status:
        assert status(idp.token(SUBJECT)) == 503
        # A token of no provider is refused without its keys; session tokens stay valid.
        assert status("a.b.c") == 401
        assert status("AAAA") == 401
        with restarted(idp):
            time.sleep(0.3)
            assert status(idp.token(SUBJECT)) == 200


def test_session_tokens_do_not_need_the_provider(address: DatabaseUrls) -> None:
    with provider() as idp:
        pass
    with (
        serving(address, provider=idp.trusted()) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as user,
    ):
        assert user.read(VIEWER) == {"viewer": {"email": "billing@demo.example"}}


def test_a_provider_that_does_not_answer_delays_no_request_for_long(
    address: DatabaseUrls, idp: IdentityProvider
) -> None:
    times = KeyTimes(fresh=0.3, pause=0.2, patience=0.5)
    with statuses(address, idp, times) as status:
        assert status(idp.token(SUBJECT)) == 200
        idp.pause_seconds = 3
        time.sleep(0.4)
        began = time.monotonic()
        assert status(idp.token(SUBJECT, jti="slow")) == 200
        assert time.monotonic() - began < 2


LARGE = b'{"keys": [' + b" " * 300_000 + b"]}"
USELESS: dict[str, dict[str, Any]] = {
    "another issuer": {DISCOVERY: (200, b'{"issuer": "https://other", "jwks_uri": "%b/keys"}', {})},
    "no issuer": {DISCOVERY: (200, b'{"jwks_uri": "%b/keys"}', {})},
    "keys over plain http": {DISCOVERY: (200, b'{"issuer": "%b", "jwks_uri": "http://elsewhere.example/keys"}', {})},
    "keys in a file": {DISCOVERY: (200, b'{"issuer": "%b", "jwks_uri": "file:///etc/passwd"}', {})},
    "keys nowhere": {DISCOVERY: (200, b'{"issuer": "%b"}', {})},
    "a redirect": {KEYS: (302, b"", {"Location": "/other"})},
    "a failure": {KEYS: (500, b"", {})},
    "no JSON": {KEYS: (200, b"<html>", {})},
    "a list": {KEYS: (200, b"[]", {})},
    "keys that are no list": {KEYS: (200, b'{"keys": {}}', {})},
    "too much": {KEYS: (200, LARGE, {})},
    "packed": {KEYS: (200, b"\x1f\x8b\x08\x00", {"Content-Encoding": "gzip"})},
}


@pytest.mark.parametrize("name", USELESS)
def test_an_unusable_answer_of_the_provider_counts_as_no_answer(
    address: DatabaseUrls, idp: IdentityProvider, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for path, (code, body, headers) in USELESS[name].items():
        idp.instead[path] = code, body.replace(b"%b", idp.issuer.encode()), headers
    with statuses(address, idp, HASTY) as status:
        assert status(idp.token(SUBJECT)) == 503
        messages = [record.getMessage() for record in caplog.records if record.name == "billing.oidc"]
        assert [text.partition(":")[0] for text in messages] == ["the identity provider's keys cannot be fetched"]
        idp.instead = {}
        time.sleep(0.3)
        assert status(idp.token(SUBJECT)) == 200
    assert idp.asked["/other"] == 0


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_an_unusable_key_does_not_affect_the_others(address: DatabaseUrls, idp: IdentityProvider) -> None:
    good = rsa("first").as_dict(private=False)
    short = RSAKey.generate_key(1024, {"kid": "short"})
    strange = [
        None,
        {},
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "first"},
        {"kty": "EC", "crv": "P-999", "x": "a", "y": "b", "kid": "first"},
        {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "first"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {**good, "use": "enc"},
        {**good, "key_ops": ["encrypt"]},
        short.as_dict(private=False),
        rsa("second").as_dict(private=True),
        {**rsa("third").as_dict(private=False), "alg": "RS512"},
    ]
    body = json.dumps({"keys": [*strange, good]}).encode()
    idp.instead = {KEYS: (200, body, {})}
    with statuses(address, idp) as status:
        assert status(idp.token(SUBJECT)) == 200
        for key in (short, rsa("second"), rsa("third")):
            assert status(signed(idp.claims(SUBJECT), key)) == 401
