"""Users list and end their own sessions and change their own password; administrators end the sessions of others."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.accounts import ACCEPT, Account, invited_account, is_let_in, new_account, new_token
from tests.support.api.mutations import document
from tests.support.api.records import Found, nothing_changes, uuid_of
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows

OWN = "{ viewer { sessions { id kind name begunAt lastUsedAt expiresAt isCurrent } } }"
REVOKE = "mutation ($input: RevokeSessionInput!) { revokeSession(input: $input) { revoked errors { code path } } }"
CHANGE = (
    "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { changed errors { code path message } } }"
)
ANOTHER = "another good password"
NewAccount = Callable[[Role], Account]


@pytest.fixture
def account_of(admin: Client, found: Found) -> NewAccount:
    """A function that adds an account whom no other test uses, in a given role."""

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
def test_every_role_lists_its_own_sessions_and_ends_them(anonymous: Client, account_of: NewAccount, role: Role) -> None:
    account = account_of(role)
    with anonymous.signed_in(account.email) as here, anonymous.signed_in(account.email) as there:
        listed = sessions(here)
        assert [(one["kind"], one["name"], one["isCurrent"]) for one in listed] == [
            ("SESSION", None, False),
            ("SESSION", None, True),
        ]
        assert all(str(here.token) not in str(one) for one in listed)
        assert revoke(here, listed[0]["id"]) == {"revoked": True, "errors": []}
        assert [is_let_in(client) for client in (here, there)] == [True, False]
        # To end a session twice is no error.
        assert revoke(here, listed[0]["id"]) == {"revoked": True, "errors": []}
        assert [one["isCurrent"] for one in sessions(here)] == [True]
        assert revoke(here, listed[1]["id"])["revoked"]
        assert not is_let_in(here)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_ends_the_session_of_another_user(
    anonymous: Client, address: DatabaseUrls, account_of: NewAccount, role: Role
) -> None:
    mine, others = account_of(role), account_of(role)
    with anonymous.signed_in(mine.email) as user, anonymous.signed_in(others.email) as other:
        [theirs] = sessions(other)
        with nothing_changes(address):
            answers = [revoke(user, session) for session in (theirs["id"], make_id("Session", uuid4()))]
        assert answers == [{"revoked": False, "errors": [{"code": "NOT_FOUND", "path": ["input", "sessionId"]}]}] * 2
        assert is_let_in(other)
        assert theirs["id"] not in [one["id"] for one in sessions(user)]
        nonsense = revoke(user, "nonsense")
        assert nonsense["errors"] == [{"code": "INVALID_INPUT", "path": ["input", "sessionId"]}]


def test_an_administrator_lists_and_ends_the_sessions_of_other_users(
    admin: Client, anonymous: Client, account_of: NewAccount
) -> None:
    account = account_of(Role.BILLING)
    query = "query ($id: ID!) { node(id: $id) { ... on User { sessions { nodes { id revokedAt lastUsedAt } } } } }"

    def seen() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = admin.read(query, id=account.id)["node"]["sessions"]["nodes"]
        return listed

    with anonymous.signed_in(account.email) as first, anonymous.signed_in(account.email) as second:
        latest, earliest = seen()
        assert latest["id"] == next(one["id"] for one in sessions(second) if one["isCurrent"])
        assert (latest["revokedAt"], earliest["revokedAt"]) == (None, None)
        assert revoke(admin, latest["id"])["revoked"]
        assert [is_let_in(client) for client in (first, second)] == [True, False]
        assert [bool(one["revokedAt"]) for one in seen()] == [True, False]


def test_an_administrator_ends_no_session_of_another_clinic(admin: Client, address: DatabaseUrls, found: Found) -> None:
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


def test_an_analyst_lists_and_ends_the_tokens_of_their_own_account(
    admin: Client, anonymous: Client, account_of: NewAccount
) -> None:
    account = account_of(Role.ANALYST)
    token, _ = new_token(admin, account, name="Warehouse")
    with anonymous.signed_in(account.email) as user, Client(anonymous.url, token) as program:
        assert is_let_in(program)
        [own] = [one for one in sessions(user) if one["kind"] == "API_TOKEN"]
        assert (own["name"], own["isCurrent"]) == ("Warehouse", False)
        assert revoke(user, own["id"])["revoked"]
        assert not is_let_in(program)


def test_idle_and_expired_sessions_are_not_listed(
    anonymous: Client, address: DatabaseUrls, account_of: NewAccount
) -> None:
    account = account_of(Role.ATTORNEY)
    for change_of in ("last_used_at = now() - interval '31 minutes'", "expires_at = now()", "revoked_at = now()"):
        with anonymous.signed_in(account.email), anonymous.signed_in(account.email) as here:
            current = next(one["id"] for one in sessions(here) if one["isCurrent"])
            others = "update sessions set {} where user_id = $1 and id <> $2 and revoked_at is null"
            rows(address, others.format(change_of), uuid_of(account.id), uuid_of(current))
            assert [one["id"] for one in sessions(here)] == [current]


# The user's own password.


@pytest.mark.parametrize("role", list(Role))
def test_every_role_changes_its_own_password_which_ends_its_other_sessions(
    anonymous: Client, account_of: NewAccount, role: Role
) -> None:
    account, another = account_of(role), account_of(role)
    with (
        anonymous.signed_in(account.email) as here,
        anonymous.signed_in(account.email) as there,
        anonymous.signed_in(another.email) as other,
    ):
        assert [is_let_in(client) for client in (here, there, other)] == [True] * 3
        assert change(here, PASSWORD, ANOTHER) == {"changed": True, "errors": []}
        assert [is_let_in(client) for client in (here, there, other)] == [True, False, True]
        # The same request again is refused: the old password is no longer the password.
        assert change(here, PASSWORD, ANOTHER)["errors"][0]["path"] == ["input", "oldPassword"]
    with anonymous.signed_in(account.email, ANOTHER), anonymous.signed_in(another.email):
        pass
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    assert anonymous.read(query, i={"email": account.email, "password": PASSWORD})["signIn"]["token"] is None


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
        # What is wrong with the new password is reported without verifying the old one.
        ("not the password", "short", "newPassword"),
    ],
)
def test_a_wrong_or_a_weak_password_changes_nothing(
    anonymous: Client, address: DatabaseUrls, account_of: NewAccount, old: str, new: str, path: str
) -> None:
    account = account_of(Role.PHYSICIAN)
    with anonymous.signed_in(account.email) as here, anonymous.signed_in(account.email) as there:
        with nothing_changes(address):
            answer = change(here, old, account.email.upper() if new == "EMAIL" else new)
        assert (answer["changed"], answer["errors"][0]["path"]) == (False, ["input", path])
        assert answer["errors"][0]["code"] == "INVALID_INPUT"
        assert [is_let_in(client) for client in (here, there)] == [True, True]
        assert answer["errors"][0]["message"] in {
            "The password is wrong",
            "The new password must differ from the old one",
            "A password has at least 10 characters",
            "A password has at most 200 characters",
            "This password is too easy to guess",
        }


def test_api_tokens_survive_a_change_of_password(admin: Client, anonymous: Client, account_of: NewAccount) -> None:
    account = account_of(Role.ANALYST)
    token, _ = new_token(admin, account)
    with anonymous.signed_in(account.email) as user, Client(anonymous.url, token) as program:
        assert change(user, PASSWORD, ANOTHER)["changed"]
        assert is_let_in(program)


def test_anonymous_callers_have_no_password_to_change_and_no_session_to_list(anonymous: Client) -> None:
    messages = [
        *anonymous.refusals(CHANGE, input={"oldPassword": PASSWORD, "newPassword": ANOTHER}),
        *anonymous.refusals(REVOKE, input={"sessionId": "x"}),
        *anonymous.refusals(OWN),
    ]
    assert "Cannot query field 'changePassword' on type 'Mutation'." in messages
    assert "Cannot query field 'revokeSession' on type 'Mutation'." in messages
    assert "Cannot query field 'sessions' on type 'Viewer'." in messages


def test_a_change_of_password_ends_the_other_sessions_in_every_server(servers: tuple[str, str]) -> None:
    first, second = servers
    with Client(first) as anonymous, anonymous.signed_in("admin@demo.example") as admin:
        account = new_account(admin)
        with (
            anonymous.signed_in(account.email) as here,
            anonymous.signed_in(account.email) as other,
            Client(second, other.token) as there,
            Client(second, here.token) as stays,
        ):
            assert [is_let_in(client) for client in (there, stays)] == [True, True]
            assert change(here, PASSWORD, ANOTHER)["changed"]
            assert not all(is_let_in(there) for _ in range(50))
            assert [is_let_in(client) for client in (here, stays)] == [True, True]


def test_no_answer_contains_a_password_or_its_hash(
    admin: Client, anonymous: Client, address: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f"a secret {uuid4()}"
    _, url = invited_account(admin, email="secret@demo.example")
    token = url.partition("#")[2]

    def accepting(**values: Any) -> Callable[[], httpx.Response]:
        return lambda: anonymous.post(ACCEPT, input={"password": secret, **values})

    inline = f'mutation {{ acceptInvitation(input: {{token: "x", password: "{secret}"}}) {{ errors {{ code }} }} }}'
    attempts: list[Callable[[], httpx.Response]] = [
        accepting(token=str(uuid4())),
        accepting(token=token, password=secret + "x" * 200),
        accepting(token=token),
        accepting(token=token),
        # A value of the wrong type is refused by GraphQL itself, whose message would quote the value.
        accepting(token=token, password=[secret]),
        accepting(token=token, surprise=1),
        accepting(),
        accepting(token=secret),
        accepting(token=invited_account(admin)[1].partition("#")[2], password=secret + "\0"),
        lambda: anonymous.post(ACCEPT, input=secret),
        lambda: anonymous.post(inline),
        lambda: anonymous.post(f'mutation {{ acceptInvitation(input: "{secret}") {{ errors {{ code }} }} }}'),
        lambda: admin.post(
            document("createUser", "user { id }"),
            input={"email": "a@b.example", "name": "A", "role": "BILLING", "password": secret},
        ),
        lambda: admin.post("{ users(first: 500) { nodes { id email name } } }"),
    ]
    texts = [attempt().text for attempt in attempts]
    kept = rows(address, "select password_hash from logins where email = 'secret@demo.example'")[0][0]
    assert kept.startswith("$argon2id$")
    for text in (*texts, caplog.text):
        assert "$argon2" not in text
        assert secret not in text


def test_the_accounts_of_the_demo_clinic_are_unchanged(sign_in: SignIn) -> None:
    assert [sign_in(role).read("{ viewer { role } }")["viewer"]["role"] for role in Role] == [
        role.name for role in Role
    ]
