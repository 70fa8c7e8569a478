"""Invitations: an administrator invites, the person accepts by a one-time link, and nothing shows who has a login already."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import read_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.conftest import SignIn
from tests.support.api.accounts import ACCEPT, USER, Account, accept, change
from tests.support.api.mutations import answered
from tests.support.api.sign_in_attempts import add_account, token_of, try_to_sign_in
from tests.support.api.wire_capture import captured_statements
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

OWN = "a password of my own"
NOT_VALID = "This link is not valid any more: ask for a new one"
INVITED = f"invitationUrl {USER[:-1]} joinedAt invitationExpiresAt }}"


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls) -> Iterator[str]:
    with serving(address) as url:
        yield url


def invite(admin: Client, email: str | None = None, role: str = "BILLING", **values: Any) -> Any:
    email = email or f"{uuid4().hex}@person.example"
    answer = answered(admin, "createUser", INVITED, email=email, name="Pat Person", role=role, **values)
    assert answer["errors"] == [], answer
    return answer


def token(answer: Any) -> str:
    return str(answer["invitationUrl"]).partition("#")[2]


def refusal(client: Client, sent: str, password: str = OWN, **values: Any) -> tuple[str, str]:
    answer = client.read(ACCEPT, input={"token": sent, "password": password, **values})["acceptInvitation"]
    assert answer["email"] is None
    (error,) = answer["errors"]
    return error["path"][-1], error["message"]


def test_an_invited_person_chooses_a_password_and_signs_in(admin: Client, anonymous: Client) -> None:
    answer = invite(admin)
    email, url = answer["user"]["email"], answer["invitationUrl"]
    assert answer["user"]["joinedAt"] is None
    expiry = datetime.fromisoformat(answer["user"]["invitationExpiresAt"]) - datetime.fromisoformat(
        answer["user"]["createdAt"]
    )
    assert expiry == timedelta(hours=72)
    assert url.startswith(admin.url.replace("/graphql", "/invitation#"))
    assert token_of(try_to_sign_in(anonymous, email, OWN)) is None
    accept(anonymous, url, OWN)
    assert token_of(try_to_sign_in(anonymous, email, OWN))
    (user,) = (one for one in _users(admin) if one["email"] == email)
    assert user["joinedAt"]
    assert user["invitationExpiresAt"] is None


def _users(admin: Client) -> list[Any]:
    answer = admin.read("{ users(first: 200) { nodes { email joinedAt invitationExpiresAt } } }")
    return list(answer["users"]["nodes"])


def test_an_invitation_works_once(admin: Client, anonymous: Client) -> None:
    answer = invite(admin)
    accept(anonymous, answer["invitationUrl"], OWN)
    assert refusal(anonymous, token(answer), "another password") == ("token", NOT_VALID)
    assert token_of(try_to_sign_in(anonymous, answer["user"]["email"], OWN))


def test_a_newer_invitation_ends_the_older_one(admin: Client, anonymous: Client) -> None:
    answer = invite(admin)
    again = answered(admin, "inviteUserAgain", f"invitationUrl {USER}", userId=answer["user"]["id"])
    assert refusal(anonymous, token(answer)) == ("token", NOT_VALID)
    accept(anonymous, again["invitationUrl"], OWN)
    joined = answered(admin, "inviteUserAgain", "invitationUrl", userId=answer["user"]["id"])
    assert [error["message"] for error in joined["errors"]] == ["This account has joined already"]


@pytest.mark.parametrize(
    "changes",
    [{"email": "someone.else@person.example"}, {"role": "ADMIN"}, {"active": False}],
    ids=["e-mail", "role", "deactivated"],
)
def test_an_invitation_is_for_the_account_as_it_was_invited(
    admin: Client, anonymous: Client, changes: dict[str, Any]
) -> None:
    answer = invite(admin)
    change(admin, Account(answer["user"]["id"], answer["user"]["email"]), **changes)
    assert refusal(anonymous, token(answer)) == ("token", NOT_VALID)
    assert token_of(try_to_sign_in(anonymous, answer["user"]["email"], OWN)) is None


def test_an_invitation_expires(admin: Client, anonymous: Client, address: DatabaseUrls) -> None:
    answer = invite(admin)
    _, user_id = read_id(answer["user"]["id"]) or ("", None)
    rows(address, "update invitations set expires_at = now() - interval '1 second' where user_id = $1", user_id)
    assert refusal(anonymous, token(answer)) == ("token", NOT_VALID)


@pytest.mark.parametrize(
    "forged",
    [
        lambda sent: "",
        lambda sent: sent[:-1],
        lambda sent: sent + "A",
        lambda sent: ("B" if sent[0] == "A" else "A") + sent[1:],
        lambda sent: sent[:-4] + "AAAA",
        lambda sent: sent.replace("-", "+").replace("_", "/") + "=",
        lambda sent: "é" * len(sent),
        lambda sent: "\x00" * len(sent),
    ],
)
def test_a_forged_token_is_no_invitation(admin: Client, anonymous: Client, forged: Any) -> None:
    assert refusal(anonymous, forged(token(invite(admin)))) == ("token", NOT_VALID)


def test_a_weak_password_is_refused_and_the_invitation_stays_valid(admin: Client, anonymous: Client) -> None:
    answer = invite(admin)
    assert refusal(anonymous, token(answer), "short")[0] == "password"
    assert refusal(anonymous, token(answer), answer["user"]["email"])[0] == "password"
    accept(anonymous, answer["invitationUrl"], OWN)


def test_no_administrator_sets_a_password(admin: Client) -> None:
    for name in ("CreateUserInput", "UpdateUserInput"):
        asked = admin.read("query ($name: String!) { __type(name: $name) { inputFields { name } } }", name=name)
        assert "password" not in {field["name"] for field in asked["__type"]["inputFields"]}


def test_a_person_with_a_login_accepts_with_its_password(
    admin: Client, anonymous: Client, address: DatabaseUrls
) -> None:
    known = add_account(address, clinic=OTHER)
    answer = invite(admin, known.email)
    path, message = refusal(anonymous, token(answer))
    assert (path, message) == ("password", "This e-mail has a login already, with another password")
    accept(anonymous, answer["invitationUrl"], PASSWORD)
    signed_in = try_to_sign_in(anonymous, known.email, clinic="demo").json()["data"]["signIn"]
    assert signed_in["viewer"]["clinic"]["shortName"] == "demo"


def test_wrong_passwords_at_an_invitation_count_toward_the_lockout(
    admin: Client, anonymous: Client, address: DatabaseUrls
) -> None:
    known = add_account(address, clinic=OTHER)
    answer = invite(admin, known.email)
    for _ in range(10):
        refusal(anonymous, token(answer), "another password")
    assert refusal(anonymous, token(answer), PASSWORD)[0] == "password"
    assert token_of(try_to_sign_in(anonymous, known.email)) is None


def test_inviting_answers_and_works_the_same_whether_the_e_mail_has_a_login_or_not(address: DatabaseUrls) -> None:
    known, unknown = add_account(address, clinic=OTHER).email, f"{uuid4().hex}@demo.example"
    answers, statements = [], []
    with captured_statements(address) as (through, wire), serving(through) as url, Client(url) as client:
        admin = client.signed_in("admin@demo.example", PASSWORD)
        invite(admin)
        for email in (known, unknown):
            wire.executed.clear()
            user = invite(admin, email)["user"]
            answers.append({**user, **dict.fromkeys(("id", "email", "createdAt", "invitationExpiresAt"))})
            # Without values, which follow the first parenthesis of a function call, and without the random id of the transaction.
            told = (statement.partition("('")[0].partition("app.change_id")[0] for _, statement in wire.executed)
            statements.append(list(told))
    assert answers[0] == answers[1]
    assert statements[0] == statements[1] != []


def test_an_invitation_of_another_clinic_does_not_change_how_a_person_signs_in(
    admin: Client, anonymous: Client, address: DatabaseUrls
) -> None:
    """An account that waits for its acceptance neither shows that the e-mail is known nor keeps its owner out."""
    known = add_account(address, clinic=OTHER)
    before = try_to_sign_in(anonymous, known.email).json()["data"]["signIn"]["viewer"]
    invite(admin, known.email)
    after = try_to_sign_in(anonymous, known.email).json()["data"]["signIn"]["viewer"]
    assert before == after
    assert before["clinic"]["shortName"] == OTHER


def test_the_database_keeps_nothing_of_a_token(admin: Client, address: DatabaseUrls) -> None:
    sent = token(invite(admin))
    kept = rows(address, "select i::text as whole from invitations i order by recorded_at desc limit 1")[0]["whole"]
    assert sent not in kept
    assert sent[-43:] not in kept


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_only_an_administrator_invites(sign_in: SignIn, role: Role) -> None:
    messages = sign_in(role).refusals("mutation { createUser { __typename } inviteUserAgain { __typename } }")
    assert messages == [
        f"Cannot query field '{name}' on type 'Mutation'." for name in ("createUser", "inviteUserAgain")
    ]
