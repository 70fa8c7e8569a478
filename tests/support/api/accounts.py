"""Accounts for single tests, created through the API by an administrator."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.api.mutations import answered, done
from tests.support.client import Client
from tests.support.databases import PASSWORD

USER = """user { id email name role active attorney { id } physician { id } createdAt
    sessions { nodes { id revokedAt } } apiTokens { nodes { id name revokedAt } } }"""
API_TOKEN = "apiToken { id name createdAt expiresAt lastUsedAt revokedAt }"


@dataclass(frozen=True)
class Account:
    """An account that no other test uses."""

    id: str
    email: str


def new_account(admin: Client, role: str = "BILLING", **values: Any) -> Account:
    """An account with the password that all tests use."""
    input_values = {
        "email": f"{uuid4().hex}@demo.clinic",
        "name": "Some Body",
        "role": role,
        "password": PASSWORD,
        **values,
    }
    user = done(admin, "createUser", USER, **input_values)
    return Account(user["id"], user["email"])


def change(admin: Client, account: Account, **values: Any) -> Any:
    """The account after a change."""
    return done(admin, "updateUser", USER, userId=account.id, **values)


def new_token(admin: Client, account: Account, **values: Any) -> tuple[str, Any]:
    """A new API token, and its record."""
    input_values = {"userId": account.id, "name": "Reports", **values}
    answer = answered(admin, "createApiToken", f"token {API_TOKEN}", **input_values)
    assert answer["errors"] == [], answer
    return answer["token"], answer["apiToken"]


def is_let_in(client: Client) -> bool:
    """Whether the client's token is accepted."""
    response = client.post("{ viewer { id } }")
    assert response.status_code in (200, 401)
    return response.status_code == 200
