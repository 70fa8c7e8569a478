"""Sign-in attempts of the tests: with accounts that no other test uses, from a chosen network address."""

from dataclasses import dataclass
from uuid import UUID

import httpx
from argon2 import PasswordHasher

from domain.ids import new_id
from identity.passwords import Passwords
from server.database_urls import DatabaseUrls
from tests.support.client import Client
from tests.support.databases import CHEAP, PASSWORD, rows
from tests.support.logins import add_login

SIGN_IN = """mutation ($input: SignInInput!) {
    signIn(input: $input) { token expiresAt viewer { id email name role clinic { shortName timeZone } }
        errors { __typename code path message } } }"""
WRONG = "another password"


@dataclass(frozen=True)
class Account:
    """A user of the demo clinic whom no other test uses."""

    id: UUID
    email: str


def add_account(
    address: DatabaseUrls,
    hasher: PasswordHasher = CHEAP,
    role: str = "analyst",
    *,
    clinic: str = "demo",
    email: str | None = None,
    password: str = PASSWORD,
    is_for_one_clinic: bool = False,
) -> Account:
    """A new user with a login, which may be for this clinic alone; by default with the password of all test users."""
    account = add_account_without_login(address, role, clinic=clinic, email=email)
    add_login(address, account.id, hasher.hash(password), is_for_one_clinic=is_for_one_clinic)
    return account


def add_account_without_login(
    address: DatabaseUrls, role: str = "analyst", *, clinic: str = "demo", email: str | None = None
) -> Account:
    """A new user who has not accepted an invitation."""
    account = Account(new_id(), email or f"{new_id().hex}@demo.example")
    rows(
        address,
        """insert into users (clinic_id, id, email, name, role)
        select clinic_id, $1, $2, 'Test User', $3 from clinics where short_name = $4""",
        account.id,
        account.email,
        role,
        clinic,
    )
    return account


def try_to_sign_in(
    client: Client,
    email: str,
    password: str = PASSWORD,
    clinic: str | None = None,
    *,
    code: str | None = None,
    source: str | None = None,
) -> httpx.Response:
    """The response to one attempt; `source` is the network address from which it comes."""
    values = {"email": email, "password": password, "clinic": clinic, "secondFactorCode": code}
    sent = {name: value for name, value in values.items() if value is not None}
    headers = {"x-forwarded-for": source} if source else {}
    return client.http.post(client.url, json={"query": SIGN_IN, "variables": {"input": sent}}, headers=headers)


def token_of(response: httpx.Response) -> str | None:
    """The token in the response, if any."""
    token: str | None = response.json()["data"]["signIn"]["token"]
    return token


class CountedPasswords(Passwords):
    """Cheap password hashes that count how often a password is checked."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.looked_at = 0

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; the call is counted."""
        self.looked_at += 1
        return await super().is_right(stored, password)


def let_time_pass(address: DatabaseUrls, interval: str) -> None:
    """Make all counted attempts older, as if time had passed."""
    earlier = f"interval '{interval}'"
    rows(
        address,
        f"""update sign_in_attempts set since_at = since_at - {earlier}, until_at = until_at - {earlier},
            known_until = known_until - {earlier}, known_accounts = coalesce((
                select jsonb_object_agg(key, value::timestamptz - {earlier}) from jsonb_each_text(known_accounts)), '{{}}')""",
    )
