"""Decides what everybody does with their own sign-ins and password, and what administrators do with those of others."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from db.identity import make_id
from domain.people import Role
from server.addresses import Address
from tests.api.accounts import Account, is_let_in, new_account, new_token
from tests.api.records import Found, nothing_changes, uuid_of
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import PASSWORD, rows

OWN = "{ viewer { sessions { id kind name begunAt lastUsedAt expiresAt isCurrent } } }"
REVOKE = "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { revoked errors { code path } } }"
CHANGE = (
    "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { changed errors { code path message } } }"
)
ANOTHER = "another good password"
NewAccount = Callable[[Role], Account]


@pytest.fixture
def account_of(admin: Client, found: Found) -> NewAccount:
    """An account of a role that no other test knows."""

    def add(role: Role) -> Account:
        person = {Role.ATTORNEY: "Attorney", Role.PHYSICIAN: "Physician"}.get(role)
        return new_account(admin, role.name, **({f"{role}Id": found.own[person]} if person else {}))

    return add


def sessions(client: Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.read(OWN)["viewer"]["sessions"]
    return listed


def revoke(client: Client, session: str) -> Any:
    return client.read(REVOKE, input={"sessionId": session})["revokeSession"]


def change(client: Client, old: str, new: str) -> Any:
    return client.read(CHANGE, input={"oldPassword": old, "newPassword": new})["changePassword"]


@pytest.mark.parametrize("role", list(Role))
def test_everybody_sees_where_they_are_signed_in_and_ends_it_there(
    nobody: Client, account_of: NewAccount, role: Role
) -> None:
    account = account_of(role)
    with nobody.signed_in(account.email) as here, nobody.signed_in(account.email) as there:
        listed = sessions(here)
        assert [(one["kind"], one["name"], one["isCurrent"]) for one in listed] == [
            ("SESSION", None, False),
            ("SESSION", None, True),
        ]
        assert all(str(here.token) not in str(one) for one in listed)
        assert revoke(here, listed[0]["id"]) == {"revoked": True, "errors": []}
        assert [is_let_in(client) for client in (here, there)] == [True, False]
        # Ended twice, it is ended.
        assert revoke(here, listed[0]["id"]) == {"revoked": True, "errors": []}
        assert [one["isCurrent"] for one in sessions(here)] == [True]
        assert revoke(here, listed[1]["id"])["revoked"]
        assert not is_let_in(here)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_but_an_administrator_ends_what_somebody_else_is_signed_in_by(
    nobody: Client, address: Address, account_of: NewAccount, role: Role
) -> None:
    mine, others = account_of(role), account_of(role)
    with nobody.signed_in(mine.email) as somebody, nobody.signed_in(others.email) as other:
        [theirs] = sessions(other)
        with nothing_changes(address):
            answers = [revoke(somebody, session) for session in (theirs["id"], make_id("Session", uuid4()))]
        assert answers == [{"revoked": False, "errors": [{"code": "NOT_FOUND", "path": ["input", "sessionId"]}]}] * 2
        assert is_let_in(other)
        assert theirs["id"] not in [one["id"] for one in sessions(somebody)]
        nonsense = revoke(somebody, "nonsense")
        assert nonsense["errors"] == [{"code": "INVALID_INPUT", "path": ["input", "sessionId"]}]


def test_an_administrator_sees_and_ends_what_others_are_signed_in_by(
    admin: Client, nobody: Client, account_of: NewAccount
) -> None:
    account = account_of(Role.BILLING)
    query = "query ($id: ID!) { node(id: $id) { ... on User { sessions { nodes { id revokedAt lastUsedAt } } } } }"

    def seen() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = admin.read(query, id=account.id)["node"]["sessions"]["nodes"]
        return listed

    with nobody.signed_in(account.email) as first, nobody.signed_in(account.email) as second:
        latest, earliest = seen()
        assert latest["id"] == next(one["id"] for one in sessions(second) if one["isCurrent"])
        assert (latest["revokedAt"], earliest["revokedAt"]) == (None, None)
        assert revoke(admin, latest["id"])["revoked"]
        assert [is_let_in(client) for client in (first, second)] == [True, False]
        assert [bool(one["revokedAt"]) for one in seen()] == [True, False]


def test_an_administrator_ends_nothing_in_another_clinic(admin: Client, address: Address, found: Found) -> None:
    foreign = uuid_of(found.foreign["User"])
    rows(
        address,
        """insert into sessions (clinic_id, id, user_id, token_hash, last_used_at, expires_at)
        select clinic_id, id, id, 'foreign', now(), now() + interval '1 hour' from users where id = $1""",
        foreign,
    )
    answers = [revoke(admin, make_id("Session", identity)) for identity in (foreign, uuid4())]
    assert answers == [{"revoked": False, "errors": [{"code": "NOT_FOUND", "path": ["input", "sessionId"]}]}] * 2
    [[revoked_at]] = rows(address, "select revoked_at from sessions where id = $1", foreign)
    assert revoked_at is None


def test_an_analyst_sees_and_ends_the_tokens_of_the_own_account(
    admin: Client, nobody: Client, account_of: NewAccount
) -> None:
    account = account_of(Role.ANALYST)
    token, _ = new_token(admin, account, name="Warehouse")
    with nobody.signed_in(account.email) as somebody, Client(nobody.url, token) as program:
        assert is_let_in(program)
        [own] = [one for one in sessions(somebody) if one["kind"] == "API_TOKEN"]
        assert (own["name"], own["isCurrent"]) == ("Warehouse", False)
        assert revoke(somebody, own["id"])["revoked"]
        assert not is_let_in(program)


def test_what_was_idle_too_long_or_has_expired_is_listed_no_more(
    nobody: Client, address: Address, account_of: NewAccount
) -> None:
    account = account_of(Role.ATTORNEY)
    for change_of in ("last_used_at = now() - interval '31 minutes'", "expires_at = now()", "revoked_at = now()"):
        with nobody.signed_in(account.email), nobody.signed_in(account.email) as here:
            current = next(one["id"] for one in sessions(here) if one["isCurrent"])
            others = "update sessions set {} where user_id = $1 and id <> $2 and revoked_at is null"
            rows(address, others.format(change_of), uuid_of(account.id), uuid_of(current))
            assert [one["id"] for one in sessions(here)] == [current]


# The own password.


@pytest.mark.parametrize("role", list(Role))
def test_everybody_changes_their_own_password_by_which_everything_else_ends(
    nobody: Client, account_of: NewAccount, role: Role
) -> None:
    account, another = account_of(role), account_of(role)
    with (
        nobody.signed_in(account.email) as here,
        nobody.signed_in(account.email) as there,
        nobody.signed_in(another.email) as other,
    ):
        assert [is_let_in(client) for client in (here, there, other)] == [True] * 3
        assert change(here, PASSWORD, ANOTHER) == {"changed": True, "errors": []}
        assert [is_let_in(client) for client in (here, there, other)] == [True, False, True]
        # Sent again, it is refused: the old password is not the password any more.
        assert change(here, PASSWORD, ANOTHER)["errors"][0]["path"] == ["input", "oldPassword"]
    with nobody.signed_in(account.email, ANOTHER), nobody.signed_in(another.email):
        pass
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    assert nobody.read(query, i={"email": account.email, "password": PASSWORD})["signIn"]["token"] is None


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("not the password", ANOTHER, "oldPassword"),
        ("", ANOTHER, "oldPassword"),
        ("x" * 100_000, ANOTHER, "oldPassword"),
        (PASSWORD, PASSWORD, "newPassword"),
        (PASSWORD, "nine char", "newPassword"),
        (PASSWORD, "x" * 201, "newPassword"),
        (PASSWORD, "EMAIL", "newPassword"),
        # What is wrong with the new one is said without a look at the old one.
        ("not the password", "short", "newPassword"),
    ],
)
def test_a_wrong_or_a_poor_password_changes_nothing(
    nobody: Client, address: Address, account_of: NewAccount, old: str, new: str, path: str
) -> None:
    account = account_of(Role.PHYSICIAN)
    with nobody.signed_in(account.email) as here, nobody.signed_in(account.email) as there:
        with nothing_changes(address):
            answer = change(here, old, account.email.upper() if new == "EMAIL" else new)
        assert (answer["changed"], answer["errors"][0]["path"]) == (False, ["input", path])
        assert answer["errors"][0]["code"] == "INVALID_INPUT"
        assert [is_let_in(client) for client in (here, there)] == [True, True]
        assert answer["errors"][0]["message"] in {
            "The password is wrong",
            "The new password is the old one",
            "A password has at least 10 characters",
            "A password has at most 200 characters",
            "This password is too easy to guess",
        }


def test_the_tokens_of_programs_survive_a_change_of_password(
    admin: Client, nobody: Client, account_of: NewAccount
) -> None:
    account = account_of(Role.ANALYST)
    token, _ = new_token(admin, account)
    with nobody.signed_in(account.email) as somebody, Client(nobody.url, token) as program:
        assert change(somebody, PASSWORD, ANOTHER)["changed"]
        assert is_let_in(program)


def test_whoever_is_not_signed_in_has_no_password_to_change_and_no_sign_in_to_see(nobody: Client) -> None:
    told = [
        *nobody.refusals(CHANGE, input={"oldPassword": PASSWORD, "newPassword": ANOTHER}),
        *nobody.refusals(REVOKE, input={"sessionId": "x"}),
        *nobody.refusals(OWN),
    ]
    assert "Cannot query field 'changePassword' on type 'Mutation'." in told
    assert "Cannot query field 'revokeSession' on type 'Mutation'." in told
    assert "Cannot query field 'sessions' on type 'Viewer'." in told


def test_a_change_of_password_ends_the_other_sessions_in_every_server(servers: tuple[str, str]) -> None:
    first, second = servers
    with Client(first) as nobody, nobody.signed_in("admin@demo.clinic") as admin:
        account = new_account(admin)
        with (
            nobody.signed_in(account.email) as here,
            nobody.signed_in(account.email) as other,
            Client(second, other.token) as there,
            Client(second, here.token) as stays,
        ):
            assert [is_let_in(client) for client in (there, stays)] == [True, True]
            assert change(here, PASSWORD, ANOTHER)["changed"]
            assert not all(is_let_in(there) for _ in range(50))
            assert [is_let_in(client) for client in (here, stays)] == [True, True]


def test_the_demo_s_people_are_still_who_they_were(sign_in: SignIn) -> None:
    assert [sign_in(role).read("{ viewer { role } }")["viewer"]["role"] for role in Role] == [
        role.name for role in Role
    ]
