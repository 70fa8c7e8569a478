"""A login whose mailbox was never proven, which another person may have made, is taken back by a token with the verified e-mail."""

from collections.abc import Iterator

import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.accounts import is_let_in
from tests.support.api.sign_in_attempts import add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.identity_provider import IdentityProvider, provider


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, idp: IdentityProvider) -> Iterator[str]:
    with serving(address, provider=idp.trusted()) as url:
        yield url


@pytest.mark.parametrize("is_proven", [True, False])
def test_a_token_takes_the_password_and_the_sessions_of_an_unproven_login(
    address: DatabaseUrls, anonymous: Client, idp: IdentityProvider, is_proven: bool
) -> None:
    account = add_account(address)
    if not is_proven:
        rows(address, "update logins set email_verified_at = null where id = $1", account.id)
    before = Client(anonymous.url, token_of(try_to_sign_in(anonymous, account.email)))
    token = idp.token(f"subject of {account.id}", email=account.email, email_verified=True)
    assert is_let_in(Client(anonymous.url, token))
    assert bool(token_of(try_to_sign_in(anonymous, account.email))) is is_proven
    assert is_let_in(before) is is_proven
    [login] = rows(address, "select oidc_subject, email_verified_at from logins where id = $1", account.id)
    assert login["oidc_subject"] == f"subject of {account.id}"
    assert login["email_verified_at"]
