"""Decides how tests come to accounts of their own: made through the API by an administrator, signed in or not."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.api.steps import answered, done
from tests.client import Client
from tests.databases import PASSWORD

USER = """user { id email name role active attorney { id } physician { id } createdAt
    sessions { nodes { id revokedAt } } apiTokens { nodes { id name revokedAt } } }"""
API_TOKEN = "apiToken { id name createdAt expiresAt lastUsedAt revokedAt }"


@dataclass(frozen=True)
class Account:
    """An account that no other test knows."""

    id: str
    email: str


def new_account(admin: Client, role: str = "BILLING", **given: Any) -> Account:
    """An account with the password that all tests use."""
    said = {"email": f"{uuid4().hex}@demo.clinic", "name": "Some Body", "role": role, "password": PASSWORD, **given}
    user = done(admin, "createUser", USER, **said)
    return Account(user["id"], user["email"])


def change(admin: Client, account: Account, **given: Any) -> Any:
    """The account after a change."""
    return done(admin, "updateUser", USER, userId=account.id, **given)


def new_token(admin: Client, account: Account, **given: Any) -> tuple[str, Any]:
    """A token for a program, and what is kept of it."""
    said = {"userId": account.id, "name": "Reports", **given}
    answer = answered(admin, "createApiToken", f"token {API_TOKEN}", **said)
    assert answer["errors"] == [], answer
    return answer["token"], answer["apiToken"]


def is_let_in(client: Client) -> bool:
    """Whether somebody's token is accepted."""
    response = client.post("{ viewer { id } }")
    assert response.status_code in (200, 401)
    return response.status_code == 200
