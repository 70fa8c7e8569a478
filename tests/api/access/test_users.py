"""Accounts: who creates and changes them, what is refused, and that a deactivated user is refused at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from graphql import GraphQLInputObjectType

from db.global_ids import make_id
from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.accounts import (
    USER,
    Account,
    accept,
    answer_to_acceptance,
    change,
    invited_account,
    is_let_in,
    link_of_another_invitation,
    new_account,
    new_token,
)
from tests.support.api.mutations import answered, document, done, refused
from tests.support.api.records import Found, changed_by, nothing_changes, uuid_of
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message } } }"
ANOTHER = "another good password"


def can_sign_in(anonymous: Client, account: Account, password: str = PASSWORD) -> bool:
    answer = anonymous.read(SIGN_IN, input={"email": account.email, "password": password})
    return bool(answer["signIn"]["token"])


def account_input(**more: Any) -> dict[str, Any]:
    """An input that creates an account."""
    return {
        "email": f"{uuid4().hex}@demo.example",
        "name": "Some Body",
        "role": "BILLING",
        **more,
    }


def test_an_administrator_creates_an_account_and_its_owner_accepts_the_invitation_and_signs_in(
    admin: Client, anonymous: Client
) -> None:
    inputs = account_input(email=f"New.{uuid4().hex}@Demo.Example", name="  Nora New")
    answer = answered(admin, "createUser", f"{USER} invitationUrl", **inputs)
    assert answer["errors"] == []
    user, url = answer["user"], answer["invitationUrl"]
    assert (user["email"], user["role"], user["active"]) == (inputs["email"].lower(), "BILLING", True)
    assert user["sessions"] == user["apiTokens"] == {"nodes": []}
    assert answer_to_acceptance(anonymous, url) == {
        "email": inputs["email"].lower(),
        "clinicName": admin.read("{ viewer { clinic { name } } }")["viewer"]["clinic"]["name"],
        "errors": [],
    }
    with anonymous.signed_in(inputs["email"]) as person:
        assert person.read("{ viewer { id role } }")["viewer"] == {"id": user["id"], "role": "BILLING"}
    listed = admin.read("{ users(first: 500) { totalCount nodes { id email } } }")["users"]
    assert [node["email"] for node in listed["nodes"]] == sorted(node["email"] for node in listed["nodes"])
    assert user["id"] in [node["id"] for node in listed["nodes"]]
    assert admin.read("query ($id: ID!) { node(id: $id) { id ... on User { email } } }", id=user["id"])["node"] == {
        "id": user["id"],
        "email": inputs["email"].lower(),
    }


def test_the_accounts_are_listed_in_pages_without_gaps(admin: Client, address: DatabaseUrls) -> None:
    for _ in range(3):
        new_account(admin)
    found: list[str] = []
    after, more = None, True
    while more:
        query = (
            "query ($a: String) { users(first: 2, after: $a) { pageInfo { hasNextPage endCursor } nodes { email } } }"
        )
        page = admin.read(query, a=after)["users"]
        found += [node["email"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    here = "select users.email from users join clinics using (clinic_id) where short_name = 'demo' order by users.email"
    assert found == [row["email"] for row in rows(address, here)]


def test_no_password_signs_in_to_an_account_before_its_invitation_is_accepted(admin: Client, anonymous: Client) -> None:
    account, url = invited_account(admin)
    for password in ("", PASSWORD, "null", "None"):
        assert not can_sign_in(anonymous, account, password)
    accept(anonymous, url, ANOTHER)
    assert not can_sign_in(anonymous, account, PASSWORD)
    assert can_sign_in(anonymous, account, ANOTHER)


@pytest.mark.parametrize("role", [None, *Role])
def test_no_role_sees_an_input_by_which_an_administrator_sets_a_password(role: Role | None) -> None:
    inputs = [
        kind
        for name in ("CreateUserInput", "UpdateUserInput", "InviteUserAgainInput")
        if isinstance(kind := role_schemas()[role].get_type(name), GraphQLInputObjectType)
    ]
    assert len(inputs) == (3 if role is Role.ADMIN else 0)
    assert [name for kind in inputs for name in kind.fields if "password" in name.lower()] == []


@pytest.mark.parametrize("role", ["ATTORNEY", "PHYSICIAN"])
def test_an_account_of_an_attorney_or_a_physician_names_its_person_and_reads_its_records(
    admin: Client, anonymous: Client, found: Found, role: str
) -> None:
    field, kind = f"{role.lower()}Id", role.capitalize()
    account = new_account(admin, role, **{field: found.own[kind]})
    users = admin.read(f"{{ users(first: 500) {{ nodes {{ id {role.lower()} {{ id }} }} }} }}")["users"]["nodes"]
    assert {"id": account.id, role.lower(): {"id": found.own[kind]}} in users
    with anonymous.signed_in(account.email) as person:
        assert person.read("{ invoices { totalCount } }")["invoices"]["totalCount"] > 0


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"email": "billing@demo.example"}, "CONFLICT", "email"),
        ({"email": "BILLING@Demo.Example"}, "CONFLICT", "email"),
        ({"email": "no address"}, "INVALID_INPUT", "email"),
        ({"email": ""}, "INVALID_INPUT", "email"),
        ({"email": "a" * 250 + "@demo.example"}, "INVALID_INPUT", "email"),
        ({"name": " "}, "INVALID_INPUT", "name"),
        ({"name": "Two\nlines"}, "INVALID_INPUT", "name"),
        ({"role": "ATTORNEY"}, "INVALID_INPUT", "attorneyId"),
        ({"role": "PHYSICIAN"}, "INVALID_INPUT", "physicianId"),
        ({"role": "BILLING", "attorneyId": make_id("Attorney", uuid4())}, "INVALID_INPUT", "attorneyId"),
        ({"role": "ATTORNEY", "attorneyId": make_id("Attorney", uuid4())}, "NOT_FOUND", "attorneyId"),
        ({"role": "ATTORNEY", "attorneyId": "nonsense"}, "INVALID_INPUT", "attorneyId"),
    ],
)
def test_an_invalid_account_is_refused_and_nothing_is_stored(
    admin: Client, address: DatabaseUrls, more: dict[str, Any], code: str, path: str
) -> None:
    with nothing_changes(address):
        answer = answered(admin, "createUser", f"{USER} invitationUrl", **account_input(**more))
    assert (answer["user"], answer["invitationUrl"]) == (None, None)
    [error] = answer["errors"]
    assert (error["code"], error["path"]) == (code, ["input", path])


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (None, "nine char"),
        (None, "x" * 201),
        (None, "x" * 20),
        ("Test.User@demo.example", "TEST.USER@demo.example"),
        ("Test.User.Two@demo.example", "TEST.User.two"),
    ],
)
def test_an_invitation_is_not_accepted_with_a_weak_password_and_nothing_is_stored(
    admin: Client, anonymous: Client, address: DatabaseUrls, email: str | None, password: str
) -> None:
    account, url = invited_account(admin, **({"email": email} if email else {}))
    with nothing_changes(address):
        answer = answer_to_acceptance(anonymous, url, password)
    assert (answer["email"], answer["clinicName"]) == (None, None)
    [error] = answer["errors"]
    assert error["path"] == ["input", "password"]
    assert password not in error["message"]
    # The link can still be used.
    accept(anonymous, url)
    assert can_sign_in(anonymous, account)


def test_an_account_cannot_name_an_attorney_of_another_clinic(
    admin: Client, address: DatabaseUrls, found: Found
) -> None:
    account = new_account(admin)
    with nothing_changes(address):
        foreign = {"role": "ATTORNEY", "attorneyId": found.foreign["Attorney"]}
        errors = [
            refused(admin, "createUser", USER, **account_input(**foreign)),
            refused(admin, "updateUser", USER, userId=account.id, **foreign),
        ]
    assert [error["code"] for error in errors] == ["NOT_FOUND"] * 2


def test_omitted_fields_stay_and_no_field_can_be_blank(admin: Client, address: DatabaseUrls) -> None:
    account = new_account(admin)
    before = done(admin, "updateUser", USER, userId=account.id)
    assert change(admin, account, name="Else Other") == {**before, "name": "Else Other"}
    with nothing_changes(address):
        for field in ("email", "name", "role", "active"):
            error = refused(admin, "updateUser", USER, userId=account.id, **{field: None})
            assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])


def test_a_new_e_mail_signs_in_once_it_has_accepted_an_invitation_and_the_old_one_does_not(
    admin: Client, anonymous: Client
) -> None:
    account = new_account(admin)
    other = new_account(admin)
    assert refused(admin, "updateUser", USER, userId=account.id, email=other.email)["code"] == "CONFLICT"
    email = f"NEW-{account.email}"
    assert change(admin, account, email=email)["email"] == email.lower()
    assert [can_sign_in(anonymous, Account("", name)) for name in (email, account.email)] == [False, False]
    accept(anonymous, link_of_another_invitation(admin, account), ANOTHER)
    assert can_sign_in(anonymous, Account("", email), ANOTHER)
    assert [can_sign_in(anonymous, Account("", name)) for name in (email, account.email)] == [False, False]


# Changes that end a user's sessions.

SHUT_OUT: dict[str, dict[str, Any]] = {
    "deactivated": {"active": False},
    "of another role": {"role": "ADMIN"},
    "of another e-mail": {"email": "{}@demo.example"},
}


@pytest.mark.parametrize("what", SHUT_OUT)
def test_a_user_whose_sessions_end_is_refused_at_once_by_every_server(
    servers: tuple[str, str], address: DatabaseUrls, what: str
) -> None:
    first, second = servers
    with Client(first) as anonymous, anonymous.signed_in("admin@demo.example") as admin:
        account = new_account(admin)
        with anonymous.signed_in(account.email) as here, Client(second, here.token) as there:
            assert [is_let_in(client) for client in (here, there)] == [True, True]
            unique = uuid4().hex
            change(
                admin,
                account,
                **{name: value.format(unique) if name == "email" else value for name, value in SHUT_OUT[what].items()},
            )
            assert not is_let_in(here)
            # The notification arrives far sooner than the two seconds of the cache's time to live.
            assert _seconds_until_refused(there) < 1
    [[standing]] = rows(
        address, "select count(*) from sessions where user_id = $1 and revoked_at is null", uuid_of(account.id)
    )
    assert standing == 0


def _seconds_until_refused(client: Client, tries: int = 100) -> float:
    """The seconds until a client was refused."""
    taken = 0.0
    for _ in range(tries):
        response = client.post("{ viewer { id } }")
        if response.status_code == httpx.codes.UNAUTHORIZED:
            break
        taken += response.elapsed.total_seconds()
    return taken


def test_ended_sessions_and_tokens_stay_ended_when_an_account_is_reactivated(admin: Client, anonymous: Client) -> None:
    account = new_account(admin, "ANALYST")
    token, _ = new_token(admin, account)
    with anonymous.signed_in(account.email) as person, Client(anonymous.url, token) as program:
        closed = change(admin, account, active=False)
        assert not closed["active"]
        assert not can_sign_in(anonymous, account)
        assert change(admin, account, active=True)["active"]
        assert [is_let_in(client) for client in (person, program)] == [False, False]
    assert all(node["revokedAt"] for part in ("sessions", "apiTokens") for node in closed[part]["nodes"])
    assert can_sign_in(anonymous, account)


def test_a_new_name_ends_no_session(admin: Client, anonymous: Client) -> None:
    account = new_account(admin)
    with anonymous.signed_in(account.email) as person:
        change(admin, account, name="Married Now", email=account.email.upper(), role="BILLING", active=True)
        assert person.read("{ viewer { name } }")["viewer"]["name"] == "Married Now"


def test_a_change_of_role_removes_the_person_or_requires_one(admin: Client, found: Found) -> None:
    account = new_account(admin, "ATTORNEY", attorneyId=found.own["Attorney"])
    assert refused(admin, "updateUser", USER, userId=account.id, role="PHYSICIAN")["path"][1:] == ["physicianId"]
    moved = change(admin, account, role="PHYSICIAN", physicianId=found.own["Physician"])
    assert (moved["attorney"], moved["physician"]) == (None, {"id": found.own["Physician"]})
    assert change(admin, account, role="ANALYST")["physician"] is None


# The last administrator.


def test_an_administrator_cannot_deactivate_or_demote_themselves(address: DatabaseUrls, admin: Client) -> None:
    new_account(admin, "ADMIN")
    me = admin.read("{ viewer { id } }")["viewer"]["id"]
    with nothing_changes(address):
        for inputs in ({"active": False}, {"role": "BILLING"}):
            assert refused(admin, "updateUser", USER, userId=me, **inputs)["code"] == "CONFLICT"
    assert is_let_in(admin)


def test_of_two_administrators_who_deactivate_each_other_at_once_one_stays_active(own_address: DatabaseUrls) -> None:
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("admin@demo.example") as one:
        account = new_account(one, "ADMIN")
        with anonymous.signed_in(account.email) as other:
            me = one.read("{ viewer { id } }")["viewer"]["id"]
            both = [(one, account.id), (other, me)]
            with ThreadPoolExecutor(2) as people:
                list(people.map(lambda pair: _closed(*pair), both))
        [[left]] = rows(own_address, "select count(*) from users where role = 'admin' and active")
        assert left == 1


def _closed(client: Client, identity: str) -> int:
    inputs = {"input": {"userId": identity, "active": False}}
    return client.post(document("updateUser", "user { id }"), **inputs).status_code


# Idempotency keys, and hostile requests.


def test_an_idempotency_key_creates_one_account_with_one_invitation_and_shows_its_link_once(
    admin: Client, address: DatabaseUrls, anonymous: Client
) -> None:
    inputs = account_input(idempotencyKey=f"once {uuid4()}")
    first = answered(admin, "createUser", f"{USER} invitationUrl", **inputs)
    with nothing_changes(address):
        again = answered(admin, "createUser", f"{USER} invitationUrl", **inputs)
        error = refused(admin, "createUser", USER, **{**inputs, "name": "Other"})
    assert again == {**first, "invitationUrl": None}
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "idempotencyKey"])
    accept(anonymous, first["invitationUrl"])


UNKNOWN_INPUTS = ["clinicId", "password", "passwordHash", "id", "oidcSubject", "createdAt", "joinedAt", "loginId"]


@pytest.mark.parametrize("more", [*UNKNOWN_INPUTS, "active"])
def test_an_unknown_input_field_is_refused(admin: Client, address: DatabaseUrls, more: str) -> None:
    with nothing_changes(address):
        messages = admin.refusals(document("createUser", USER), input={**account_input(), more: PASSWORD})
    assert f"not to include unknown field '{more}'." in messages[0]
    assert PASSWORD not in messages[0]


@pytest.mark.parametrize("more", UNKNOWN_INPUTS)
def test_an_unknown_input_field_of_a_change_is_refused(
    admin: Client, anonymous: Client, address: DatabaseUrls, more: str
) -> None:
    account = new_account(admin)
    with nothing_changes(address):
        messages = admin.refusals(document("updateUser", USER), input={"userId": account.id, more: ANOTHER})
    assert f"not to include unknown field '{more}'." in messages[0]
    assert ANOTHER not in messages[0]
    assert [can_sign_in(anonymous, account, password) for password in (ANOTHER, PASSWORD)] == [False, True]


@pytest.mark.parametrize("role", [None, Role.BILLING, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_neither_see_accounts_nor_become_administrators(
    anonymous: Client, sign_in: SignIn, address: DatabaseUrls, found: Found, role: Role | None
) -> None:
    client = sign_in(role) if role else anonymous
    [row] = rows(address, "select id from users where email = $1", f"{role or Role.BILLING}@demo.example")
    me = make_id("User", row["id"])
    answers: list[httpx.Response] = []

    def attempt() -> None:
        promoted = {"userId": me, "role": "ADMIN"}
        answers.append(client.post(document("updateUser", "user { id }"), input=promoted))
        answers.append(client.post(document("createUser", "user { id }"), input=account_input(role="ADMIN")))
        answers.append(client.post(document("inviteUserAgain", "user { id } invitationUrl"), input={"userId": me}))
        own_record = f'{{ node(id: "{me}") {{ ... on User {{ email role sessions {{ nodes {{ id }} }} }} }} }}'
        queries = ("{ users { nodes { id } } }", "{ viewer { role email apiTokens { nodes { id } } } }", own_record)
        answers.extend(client.post(query) for query in queries)

    assert changed_by(address, attempt) == set()
    assert {answer.status_code for answer in answers} == {400}
    assert "@demo.example" not in "".join(answer.text for answer in answers)


def test_an_account_of_another_clinic_is_not_visible(admin: Client, found: Found) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } }"
    seen = [admin.post(query, id=identity).content for identity in (found.foreign["User"], found.unknown("User"))]
    assert seen == [b'{"data":{"node":null}}'] * 2
    emails = [node["email"] for node in admin.read("{ users(first: 500) { nodes { email } } }")["users"]["nodes"]]
    assert "analyst@foreign.clinic" not in emails


def test_an_answer_may_select_no_record(admin: Client, address: DatabaseUrls) -> None:
    account = new_account(admin)
    query = "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { __typename } }"
    assert admin.read(query, input={"userId": account.id, "active": False}) == {
        "updateUser": {"__typename": "UserPayload"}
    }
    [[active]] = rows(address, "select active from users where id = $1", uuid_of(account.id))
    assert not active
    assert answered(admin, "updateUser", USER, userId=account.id)["user"]["active"] is False


def test_an_account_cannot_name_a_retired_attorney(admin: Client) -> None:
    attorney = done(admin, "createAttorney", "attorney { id }", name="Rita Retired", firm="Retired LLP")
    done(admin, "retireAttorney", "attorney { id }", attorneyId=attorney["id"])
    inputs = account_input(role="ATTORNEY", attorneyId=attorney["id"])
    assert refused(admin, "createUser", USER, **inputs)["path"] == ["input", "attorneyId"]
