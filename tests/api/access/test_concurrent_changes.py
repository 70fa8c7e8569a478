"""A session that begins while the password or the account changes either sees the change, or is ended by it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pyotp
import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.accounts import Account as Invited
from tests.support.api.accounts import answer_to_acceptance, change, invited_account, is_let_in
from tests.support.api.records import uuid_of
from tests.support.api.sign_in_attempts import WRONG, Account, add_account, token_of, try_to_sign_in
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows

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
    "domain", ["\uff44\uff45\uff4d\uff4f.example", "demo\u3002example", "demo\uff0eexample", "DEMO.Example"]
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


def test_an_invitation_accepted_while_its_account_changes_is_refused_without_a_deadlock(
    admin: Client, anonymous: Client, address: DatabaseUrls
) -> None:
    invited, url = invited_account(admin)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(answer_to_acceptance(anonymous, url)))

    async def change_slowly() -> None:
        connection = await asyncpg.connect(address.owner)
        async with connection.transaction():
            await connection.execute("update users set role = 'admin' where id = $1", uuid_of(invited.id))
            thread.start()
            await asyncio.sleep(0.7)
            # As a change of the account does, after the account itself.
            await connection.execute(
                "update invitations set revoked_at = now() where user_id = $1", uuid_of(invited.id)
            )
        await connection.close()

    asyncio.run(change_slowly())
    thread.join(20)
    assert [error["path"] for error in found[0]["errors"]] == [["input", "token"]]


def test_two_logins_joined_from_both_sides_at_once_are_joined_once(address: DatabaseUrls, anonymous: Client) -> None:
    rows(
        address,
        """insert into clinics (clinic_id, short_name, name) values (gen_random_uuid(), 'beside', 'Beside')
        on conflict do nothing""",
    )
    here = add_account(address, is_for_one_clinic=True)
    add_account(address, clinic="beside", email=here.email, is_for_one_clinic=True)
    sides = [("demo", "beside"), ("beside", "demo")]
    tokens = [token_of(try_to_sign_in(anonymous, here.email, clinic=clinic)) for clinic, _ in sides]
    join = "mutation ($i: JoinLoginsInput!) { joinLogins(input: $i) { joined errors { message } } }"

    def joined(token: str | None, other: str) -> bool:
        inputs = {"password": PASSWORD, "otherClinic": other, "otherPassword": PASSWORD}
        with Client(anonymous.url, token) as client:
            answer = client.post(join, i=inputs).json()
            if "errors" in answer:
                # The other side was first: joining ends the sessions of the login that is no more.
                assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
                return False
            return bool(answer["data"]["joinLogins"]["joined"])

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(joined, tokens, [other for _, other in sides]))
    assert sorted(results) == [False, True]
    assert len(rows(address, "select from logins where email = $1", here.email)) == 1


def test_wrong_codes_that_confirm_a_second_factor_count_toward_the_lockout(
    address: DatabaseUrls, anonymous: Client
) -> None:
    account = add_account(address)
    with Client(anonymous.url, token_of(try_to_sign_in(anonymous, account.email))) as own:
        enrol = "mutation ($i: PasswordInput!) { enrolSecondFactor(input: $i) { secret } }"
        secret = own.read(enrol, i={"password": PASSWORD})["enrolSecondFactor"]["secret"]
        confirm = "mutation ($i: ConfirmSecondFactorInput!) { confirmSecondFactor(input: $i) { recoveryCodes } }"
        for _ in range(10):
            assert own.read(confirm, i={"code": "000000"})["confirmSecondFactor"]["recoveryCodes"] == []
        right = own.read(confirm, i={"code": pyotp.TOTP(secret).now()})["confirmSecondFactor"]
    assert right["recoveryCodes"] == []
    assert token_of(try_to_sign_in(anonymous, account.email)) is None
