"""Accounts for single tests, created through the API by an administrator."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.api.mutations import answered, done
from tests.support.client import Client
from tests.support.databases import PASSWORD

USER = """user { id email name role active attorney { id } physician { id } createdAt
    sessions { nodes { id revokedAt } } apiTokens { nodes { id name revokedAt } } }"""
ACCEPT = """mutation ($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) { email clinicName errors { message path } } }"""
API_TOKEN = "apiToken { id name createdAt expiresAt lastUsedAt revokedAt }"


@dataclass(frozen=True)
class Account:
    """An account that no other test uses."""

    id: str
    email: str


def new_account(admin: Client, role: str = "BILLING", **values: Any) -> Account:
    """An account that was accepted with the password that all tests use."""
    account, url = invited_account(admin, role, **values)
    accept(admin, url)
    return account


def invited_account(admin: Client, role: str = "BILLING", **values: Any) -> tuple[Account, str]:
    """An account that waits for its invitation to be accepted, and the link of the invitation."""
    input_values = {"email": f"{uuid4().hex}@demo.example", "name": "Some Body", "role": role, **values}
    answer = answered(admin, "createUser", f"invitationUrl {USER}", **input_values)
    assert answer["errors"] == [], answer
    return Account(answer["user"]["id"], answer["user"]["email"]), answer["invitationUrl"]


def link_of_another_invitation(admin: Client, account: Account) -> str:
    """The link of a new invitation to an account."""
    answer = answered(admin, "inviteUserAgain", f"invitationUrl {USER}", userId=account.id)
    assert answer["errors"] == [], answer
    url: str = answer["invitationUrl"]
    return url


def accept(client: Client, url: str, password: str = PASSWORD, **values: Any) -> None:
    """Accept an invitation by its link."""
    answer = answer_to_acceptance(client, url, password, **values)
    assert answer["errors"] == [], answer


def answer_to_acceptance(client: Client, url: str, password: str = PASSWORD, **values: Any) -> Any:
    """The answer to somebody who accepts an invitation by its link, without being signed in."""
    with Client(client.url) as anonymous:
        answer = anonymous.read(ACCEPT, input={"token": url.partition("#")[2], "password": password, **values})
    return answer["acceptInvitation"]


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
