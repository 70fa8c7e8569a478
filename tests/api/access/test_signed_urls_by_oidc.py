"""Signed URLs of a user who signs in with an identity provider end with the provider's token."""

import time
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import done
from tests.support.api.scans import PDF, created
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.identity_provider import IdentityProvider, provider
from tests.support.subscriber import INVOICE, connected

SUBJECT = "the-biller"


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        yield found


@pytest.fixture
def server_url(own_address: DatabaseUrls, idp: IdentityProvider) -> Iterator[str]:
    rows(own_address, "update logins set oidc_subject = $1 where email = 'billing@demo.example'", SUBJECT)
    rows(own_address, "update logins set oidc_subject = 'the-attorney' where email = 'attorney@demo.example'")
    with serving(own_address, provider=idp.trusted(SKEW_SECONDS="0")) as url:
        yield url


def put(url: str) -> int:
    return httpx.put(url, content=PDF).status_code


def test_a_signed_url_ends_with_the_sign_out_of_its_token_and_not_with_that_of_another(
    server_url: str, idp: IdentityProvider
) -> None:
    tokens = [idp.token(SUBJECT, jti=name) for name in ("one", "other")]
    with Client(server_url, tokens[0]) as one, Client(server_url, tokens[1]) as other:
        ends, works = created(one)["uploadUrl"], created(other)["uploadUrl"]
        one.read("mutation { signOut { signedOut } }")
    assert (put(ends), put(works)) == (403, 201)


def test_a_signed_url_ends_with_its_token_although_it_would_last_longer(server_url: str, idp: IdentityProvider) -> None:
    with Client(server_url, idp.token(SUBJECT, exp=int(time.time()) + 4)) as user:
        first, second = (created(user)["uploadUrl"] for _ in range(2))
    assert put(first) == 201
    time.sleep(5)
    assert put(second) == 403


@pytest.mark.parametrize(
    "change",
    ["users set active = false", "logins set password_hash = 'x'", "users set role = 'admin'"],
    ids=["account", "password", "role"],
)
def test_a_signed_url_ends_with_the_account_its_password_and_its_role(
    own_address: DatabaseUrls, server_url: str, idp: IdentityProvider, change: str
) -> None:
    with Client(server_url, idp.token(SUBJECT)) as user:
        url = created(user)["uploadUrl"]
    rows(own_address, f"update {change} where email = 'billing@demo.example'")
    assert put(url) == 403


def test_retiring_an_attorney_ends_the_tokens_and_the_subscriptions_of_the_user(
    own_address: DatabaseUrls, server_url: str, idp: IdentityProvider
) -> None:
    token = idp.token("the-attorney")
    with (
        Client(server_url) as anonymous,
        anonymous.signed_in("admin@demo.example") as admin,
        anonymous.signed_in("attorney@demo.example") as attorney,
        connected(server_url, token) as by_token,
        connected(server_url, attorney.token) as by_session,
    ):
        for subscriber in (by_token, by_session):
            subscriber.send(id="1", type="subscribe", payload={"query": INVOICE})
            assert subscriber.is_silent(0.5)
        [row] = rows(own_address, "select attorney_id from users where email = 'attorney@demo.example'")
        done(admin, "retireAttorney", "attorney { id }", attorneyId=make_id("Attorney", UUID(str(row["attorney_id"]))))
        assert [subscriber.ended_with() for subscriber in (by_token, by_session)] == ["UNAUTHENTICATED"] * 2
        with Client(server_url, token) as again:
            assert again.post("{ viewer { id } }").status_code == 401
        # Reactivated, the attorney's user signs in again; the ended session stays ended.
        done(
            admin,
            "updateAttorney",
            "attorney { id }",
            attorneyId=make_id("Attorney", UUID(str(row["attorney_id"]))),
            active=True,
        )
        assert attorney.post("{ viewer { id } }").status_code == 401
        with anonymous.signed_in("attorney@demo.example") as back:
            assert back.read("{ viewer { role } }")["viewer"]["role"] == Role.ATTORNEY.name
