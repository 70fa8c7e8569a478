"""Decides how tests try to sign in: as accounts that no other test knows, from whichever address they like."""

from dataclasses import dataclass
from uuid import UUID

import httpx
from argon2 import PasswordHasher

from domain.ids import new_id
from server.addresses import Address
from server.passwords import Passwords
from tests.client import Client
from tests.databases import CHEAP, PASSWORD, rows

SIGN_IN = """mutation ($input: SignInInput!) {
    signIn(input: $input) { token expiresAt viewer { id email name role clinic { shortName timeZone } }
        errors { __typename code path message } } }"""
WRONG = "another password"


@dataclass(frozen=True)
class Account:
    """A user of the demo clinic whom no other test knows."""

    id: UUID
    email: str


def add_account(address: Address, hasher: PasswordHasher = CHEAP, role: str = "analyst") -> Account:
    """A new user with the password of all test users."""
    account = Account(new_id(), f"{new_id().hex}@demo.clinic")
    rows(
        address,
        """insert into users (clinic_id, id, email, name, role, password_hash)
        select clinic_id, $1, $2, 'Somebody', $4, $3 from clinics where short_name = 'demo'""",
        account.id,
        account.email,
        hasher.hash(PASSWORD),
        role,
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
    said = {"email": email, "password": password, "clinic": clinic, "secondFactorCode": code}
    given = {name: value for name, value in said.items() if value is not None}
    headers = {"x-forwarded-for": source} if source else {}
    return client.http.post(client.url, json={"query": SIGN_IN, "variables": {"input": given}}, headers=headers)


def token_of(response: httpx.Response) -> str | None:
    """The token that somebody got, if any."""
    token: str | None = response.json()["data"]["signIn"]["token"]
    return token


class CountedPasswords(Passwords):
    """Passwords that cost little, and know how often one was looked at."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.looked_at = 0

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether it is right; counted."""
        self.looked_at += 1
        return await super().is_right(stored, password)
