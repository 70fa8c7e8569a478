"""A session that begins while the password or the account changes either sees the change, or is ended by it."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.accounts import Account as Invited
from tests.support.api.accounts import change, is_let_in
from tests.support.api.sign_in_attempts import WRONG, Account, add_account, token_of, try_to_sign_in
from tests.support.client import Client
from tests.support.databases import rows

_OF_LOGIN = "update logins set password_hash = 'another' where id = $1"
_OF_ACCOUNT = "update users set {} where id = $1"


def _while_changing(address: DatabaseUrls, statement: str, account: Account, work: Callable[[], Any]) -> Any:
    """The result of work that begins while a change is under way in another transaction, which then commits."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))

    async def run() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            async with connection.transaction():
                await connection.execute(statement, account.id)
                thread.start()
                await asyncio.sleep(0.7)
                assert thread.is_alive(), "it does not wait for the change"
        finally:
            await connection.close()

    asyncio.run(run())
    thread.join(20)
    return found[0]


@pytest.mark.parametrize(
    "statement",
    [
        _OF_LOGIN,
        *(_OF_ACCOUNT.format(one) for one in ("active = false", "email = email || '.example'", "joined_at = null")),
    ],
)
def test_a_sign_in_under_way_gets_no_session_once_the_change_is_made(
    address: DatabaseUrls, anonymous: Client, statement: str
) -> None:
    account = add_account(address)
    answer = _while_changing(address, statement, account, lambda: try_to_sign_in(anonymous, account.email))
    assert token_of(answer) is None
    assert rows(address, "select from sessions where user_id = $1", account.id) == []


def test_an_account_that_has_not_joined_has_no_valid_session(address: DatabaseUrls, anonymous: Client) -> None:
    account = add_account(address)
    client = Client(anonymous.url, token_of(try_to_sign_in(anonymous, account.email)))
    rows(address, "update users set joined_at = null where id = $1", account.id)
    time.sleep(2.5)
    assert not is_let_in(client)


@pytest.mark.parametrize(
    "domain", ["\uff44\uff45\uff4d\uff4f.clinic", "demo\u3002clinic", "demo\uff0eclinic", "DEMO.Clinic"]
)
def test_another_spelling_of_the_domain_gives_no_further_guess(
    address: DatabaseUrls, anonymous: Client, domain: str
) -> None:
    account = add_account(address)
    spelling = f"{account.email.partition('@')[0]}@{domain}"
    assert token_of(try_to_sign_in(anonymous, spelling))
    for number in range(10):
        try_to_sign_in(anonymous, account.email if number % 2 else spelling, WRONG)
    assert token_of(try_to_sign_in(anonymous, spelling)) is None
    assert token_of(try_to_sign_in(anonymous, account.email)) is None


def test_a_changed_e_mail_ends_the_session(admin: Client, address: DatabaseUrls, anonymous: Client) -> None:
    account = add_account(address)
    client = Client(anonymous.url, token_of(try_to_sign_in(anonymous, account.email)))
    [(global_id,)] = [
        (one["id"],)
        for one in admin.read("{ users(first: 500) { nodes { id email } } }")["users"]["nodes"]
        if one["email"] == account.email
    ]
    change(admin, Invited(global_id, account.email), email=f"other.{account.email}")
    assert not is_let_in(client)
