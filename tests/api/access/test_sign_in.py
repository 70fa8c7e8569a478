"""Signing in and out: what ends a session, and that a refusal does not show its reason."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from argon2 import PasswordHasher

from domain.access.people import Role
from identity.passwords import Passwords
from identity.sessions import SessionTimes
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.sign_in_attempts import Account, add_account, token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import CHEAP, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

BELIEVED_SECONDS = 2


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with accounts of the same e-mails."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


AddUser = Callable[..., Account]


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls) -> Iterator[str]:
    """The URL of a server with the password hash of production: its cost is part of what is tested here."""
    with serving(address, passwords=Passwords()) as url:
        yield url


@pytest.fixture
def add_user(address: DatabaseUrls) -> AddUser:
    return partial(add_account, address)


def is_signed_in(client: Client) -> bool:
    response = client.post("{ viewer { email } }")
    assert response.status_code in (200, 401)
    return bool(response.status_code == 200 and response.json()["data"]["viewer"])


@pytest.mark.parametrize("role", list(Role))
def test_the_answer_to_a_sign_in_describes_the_user(anonymous: Client, role: Role) -> None:
    answer = try_to_sign_in(anonymous, f"{role}@demo.example", clinic="demo").json()["data"]["signIn"]
    assert (answer["errors"], answer["viewer"]["role"]) == ([], role.name)
    assert answer["viewer"]["clinic"] == {"shortName": "demo", "timeZone": "America/New_York"}
    with Client(anonymous.url, answer["token"]) as user:
        assert (
            user.read("{ viewer { id email name role clinic { shortName timeZone } } }")["viewer"] == answer["viewer"]
        )


def test_the_e_mail_is_found_in_any_case(anonymous: Client, add_user: AddUser) -> None:
    assert token_of(try_to_sign_in(anonymous, add_user().email.upper()))


def test_a_session_ends_after_twelve_hours_at_the_latest(anonymous: Client, add_user: AddUser) -> None:
    answer = try_to_sign_in(anonymous, add_user().email).json()["data"]["signIn"]
    left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


def refused_in_every_way(anonymous: Client, address: DatabaseUrls, add_user: AddUser) -> dict[str, httpx.Response]:
    right, gone, without, parted, renamed = (add_user() for _ in range(5))
    for_one_clinic = add_user(is_for_one_clinic=True)
    rows(address, "update users set active = false where id = $1", gone.id)
    rows(address, "update logins set password_hash = null where id = $1", without.id)
    rows(address, "update users set joined_at = null where id = $1", parted.id)
    rows(address, "update users set email = $2 where id = $1", renamed.id, f"renamed-{renamed.email}")
    return {
        "wrong password": try_to_sign_in(anonymous, right.email, "another password"),
        "no password": try_to_sign_in(anonymous, right.email, ""),
        "unknown e-mail": try_to_sign_in(anonymous, "unknown@demo.example"),
        "deactivated account": try_to_sign_in(anonymous, gone.email),
        "account without a password": try_to_sign_in(anonymous, without.email),
        "account that waits for an invitation": try_to_sign_in(anonymous, parted.email),
        "the e-mail before a change": try_to_sign_in(anonymous, renamed.email),
        "the e-mail after a change": try_to_sign_in(anonymous, f"renamed-{renamed.email}"),
        "wrong password and unknown clinic": try_to_sign_in(anonymous, right.email, "wrong", clinic="elsewhere"),
        "wrong password and another clinic": try_to_sign_in(anonymous, right.email, "wrong", clinic=OTHER),
        "login for one clinic, none chosen": try_to_sign_in(anonymous, for_one_clinic.email),
        "login for one clinic, unknown clinic": try_to_sign_in(anonymous, for_one_clinic.email, clinic="elsewhere"),
        "login for one clinic, another clinic": try_to_sign_in(anonymous, for_one_clinic.email, clinic=OTHER),
        "an e-mail that no database could hold": try_to_sign_in(anonymous, "unknown\0@demo.example"),
        "a huge e-mail": try_to_sign_in(anonymous, "a" * 500_000),
        "a huge password": try_to_sign_in(anonymous, right.email, "a" * 500_000),
        "an e-mail with a wildcard": try_to_sign_in(anonymous, "%"),
        "an e-mail with a quote": try_to_sign_in(anonymous, "' or true --"),
    }


def test_every_reason_to_refuse_a_sign_in_has_the_same_answer_and_begins_no_session(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser
) -> None:
    before = rows(address, "select count(*) from sessions")
    answers = refused_in_every_way(anonymous, address, add_user)
    assert rows(address, "select count(*) from sessions") == before
    assert len({(answer.status_code, answer.content) for answer in answers.values()}) == 1
    assert {tuple(answer.headers) for answer in answers.values()} == {tuple(answers["wrong password"].headers)}
    assert answers["wrong password"].json()["data"]["signIn"] == {
        "token": None,
        "expiresAt": None,
        "viewer": None,
        "errors": [
            {
                "__typename": "InvalidInput",
                "code": "INVALID_INPUT",
                "path": ["input"],
                "message": "The e-mail or the password is wrong",
            }
        ],
    }


def test_an_unknown_user_costs_as_much_processor_time_as_a_wrong_password(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser
) -> None:
    """The server runs in this process; time by the clock is compared by test_sign_in_time.py."""
    hasher = PasswordHasher()
    active, gone = add_user(hasher), add_user(hasher)
    rows(address, "update users set active = false where id = $1", gone.id)

    def seconds(email: str) -> float:
        began = time.process_time()
        assert not token_of(try_to_sign_in(anonymous, email, "wrong"))
        return time.process_time() - began

    emails = (active.email, "unknown@demo.example", gone.email)
    rounds = [[seconds(email) for email in emails] for _ in range(5)]
    wrong, unknown, deactivated = map(min, zip(*rounds, strict=True))
    # Without the hash it would take a tenth of the time.
    assert 0.5 < unknown / wrong < 2
    assert 0.5 < deactivated / wrong < 2


def test_one_e_mail_with_logins_for_single_clinics_chooses_by_the_clinic_s_short_name(
    anonymous: Client, add_user: AddUser
) -> None:
    email = add_user(is_for_one_clinic=True).email
    add_user(is_for_one_clinic=True, clinic=OTHER, email=email)
    clinics = {}
    for name in ("demo", OTHER):
        answer = try_to_sign_in(anonymous, email, clinic=name).json()["data"]["signIn"]
        clinics[name] = (answer["viewer"]["clinic"]["shortName"], answer["viewer"]["id"])
    assert [short_name for short_name, _ in clinics.values()] == ["demo", OTHER]
    assert len(set(clinics.values())) == 2


@pytest.mark.parametrize("clinic", ["elsewhere", OTHER])
def test_who_knows_the_password_learns_that_a_clinic_has_no_account_of_theirs(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser, clinic: str
) -> None:
    account = add_user()
    before = rows(address, "select count(*) from sessions")
    answer = try_to_sign_in(anonymous, account.email, clinic=clinic).json()["data"]["signIn"]
    assert (answer["token"], answer["viewer"]) == (None, None)
    assert [(error["path"], error["message"]) for error in answer["errors"]] == [
        (["input", "clinic"], "There is no account in this clinic")
    ]
    assert rows(address, "select count(*) from sessions") == before


def test_only_a_hash_of_the_token_is_stored(anonymous: Client, address: DatabaseUrls, add_user: AddUser) -> None:
    account = add_user()
    token = token_of(try_to_sign_in(anonymous, account.email)) or ""
    [kept] = rows(address, "select * from sessions where user_id = $1", account.id)
    assert kept["token_hash"] == hashlib.sha256(token.encode()).digest()
    secret = base64.urlsafe_b64decode(token)[16:]
    [row] = rows(address, "select s::text from sessions s where user_id = $1", account.id)
    assert token not in row[0]
    assert secret.hex() not in row[0]
    assert len(secret) >= 32


def test_a_token_identifies_its_owner_only_and_is_unique(anonymous: Client, add_user: AddUser) -> None:
    one, other = add_user(), add_user()
    tokens = [token_of(try_to_sign_in(anonymous, email)) for email in (one.email, one.email, other.email)]
    assert len(set(tokens)) == 3
    seen = []
    for token in tokens:
        with Client(anonymous.url, token) as client:
            seen.append(client.read("{ viewer { email } }")["viewer"]["email"])
    assert seen == [one.email, one.email, other.email]


def test_signing_out_ends_the_token_at_once_and_no_other(anonymous: Client, add_user: AddUser) -> None:
    account = add_user()
    with anonymous.signed_in(account.email) as leaving, anonymous.signed_in(account.email) as staying:
        assert is_signed_in(leaving)
        assert is_signed_in(staying)
        assert leaving.read("mutation { signOut { signedOut errors { message } } }") == {
            "signOut": {"signedOut": True, "errors": []}
        }
        assert not is_signed_in(leaving)
        assert is_signed_in(staying)


def test_an_anonymous_caller_cannot_sign_out(anonymous: Client) -> None:
    assert anonymous.refusals("mutation { signOut { signedOut } }") == [
        "Cannot query field 'signOut' on type 'Mutation'."
    ]


MALFORMED = [
    "",
    "Bearer",
    "Bearer x",
    "Bearer \u00e4\u00f6",
    "Bearer " + "A" * 64,
    "Bearer " + "A" * 63,
    "Bearer " + "A" * 20_000,
    "Bearer null",
    "Bearer ' or true --",
    "Bearer a b",
    "Basic YWRtaW46YWRtaW4=",
    "Token abc",
    base64.urlsafe_b64encode(bytes(48)).decode(),
]


@pytest.mark.parametrize("authorization", MALFORMED, ids=lambda text: ascii(text)[:40])
def test_an_authorization_without_a_valid_token_is_refused_with_401_and_a_json_error(
    anonymous: Client, authorization: str
) -> None:
    response = anonymous.http.post(
        anonymous.url, json={"query": "{ viewer { id } }"}, headers={b"authorization": authorization.encode("latin-1")}
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert response.json() == {
        "errors": [{"message": "The session has ended: sign in again", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


def test_a_token_with_one_character_changed_is_refused_like_any_bad_token(anonymous: Client, add_user: AddUser) -> None:
    token = token_of(try_to_sign_in(anonymous, add_user().email)) or ""
    for place in (0, 21, 30, 60):
        with Client(
            anonymous.url, token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]
        ) as client:
            assert not is_signed_in(client)


def test_the_scheme_is_accepted_in_any_case(anonymous: Client, add_user: AddUser) -> None:
    token = token_of(try_to_sign_in(anonymous, add_user().email))
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {token}"}
        response = anonymous.http.post(anonymous.url, json={"query": "{ viewer { role } }"}, headers=headers)
        assert response.json() == {"data": {"viewer": {"role": "ANALYST"}}}


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ("last_used_at = now() - interval '29 minutes'", False),
        ("last_used_at = now() - interval '31 minutes'", True),
        ("expires_at = now() + interval '1 minute'", False),
        ("expires_at = now() - interval '1 second'", True),
        ("revoked_at = now()", True),
        ("kind = 'api_token', last_used_at = now() - interval '31 days'", False),
        ("kind = 'api_token', expires_at = now() - interval '1 second'", True),
    ],
)
def test_a_session_ends_by_time_or_by_revocation(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser, change: str, ends: bool
) -> None:
    account = add_user()
    with anonymous.signed_in(account.email) as user:
        rows(address, f"update sessions set {change} where user_id = $1", account.id)
        assert is_signed_in(user) is not ends


def test_using_a_session_extends_it(anonymous: Client, address: DatabaseUrls, add_user: AddUser) -> None:
    account = add_user()
    with anonymous.signed_in(account.email) as user:
        rows(address, "update sessions set last_used_at = now() - interval '20 minutes' where user_id = $1", account.id)
        assert is_signed_in(user)
    [[used]] = rows(address, "select now() - last_used_at from sessions where user_id = $1", account.id)
    assert used < timedelta(minutes=1)


def test_using_an_ended_session_does_not_reopen_it(anonymous: Client, address: DatabaseUrls, add_user: AddUser) -> None:
    account = add_user()
    with anonymous.signed_in(account.email) as user:
        rows(address, "update sessions set last_used_at = now() - interval '31 minutes' where user_id = $1", account.id)
        assert [is_signed_in(user) for _ in range(2)] == [False, False]


def test_the_session_times_are_settings(address: DatabaseUrls, add_user: AddUser) -> None:
    account = add_user()
    times = SessionTimes(idle=timedelta(minutes=5), absolute=timedelta(minutes=50))
    with serving(address, times) as url, Client(url) as anonymous:
        answer = try_to_sign_in(anonymous, account.email).json()["data"]["signIn"]
        left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
        assert timedelta(minutes=49) < left <= timedelta(minutes=50)
        rows(address, "update sessions set last_used_at = now() - interval '6 minutes' where user_id = $1", account.id)
        with Client(url, answer["token"]) as user:
            assert not is_signed_in(user)


def ends_soon(client: Client) -> bool:
    """Whether a session in this process's cache ends as soon as the process has to read the database again."""
    # Other tests run on the same cores: the same answer may be a few seconds late.
    deadline = time.monotonic() + BELIEVED_SECONDS + 5
    while time.monotonic() < deadline:
        if not is_signed_in(client):
            return True
        time.sleep(0.1)
    return False


def test_a_user_who_is_deactivated_or_signs_out_elsewhere_is_refused_within_two_seconds(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser
) -> None:
    deactivated, leaving = add_user(), add_user()
    with (
        serving(address) as elsewhere,
        anonymous.signed_in(deactivated.email) as one,
        anonymous.signed_in(leaving.email) as other,
        Client(elsewhere, other.token) as other_elsewhere,
    ):
        assert [is_signed_in(client) for client in (one, other, other_elsewhere)] == [True, True, True]
        rows(address, "update users set active = false where id = $1", deactivated.id)
        other_elsewhere.read("mutation { signOut { signedOut } }")
        assert ends_soon(one)
        assert ends_soon(other)


def test_a_change_of_role_takes_effect_within_two_seconds(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser
) -> None:
    account = add_user()
    with anonymous.signed_in(account.email) as user:
        assert user.read("{ viewer { role } }") == {"viewer": {"role": "ANALYST"}}
        rows(address, "update users set role = 'billing' where id = $1", account.id)
        time.sleep(BELIEVED_SECONDS + 0.2)
        assert user.read("{ viewer { role } }") == {"viewer": {"role": "BILLING"}}


def test_an_outdated_hash_is_replaced_when_its_owner_signs_in_and_only_then(
    anonymous: Client, address: DatabaseUrls, add_user: AddUser
) -> None:
    account = add_user(CHEAP)

    def stored() -> str:
        [(found,)] = rows(address, "select password_hash from logins where id = $1", account.id)
        return str(found)

    before = stored()
    assert not token_of(try_to_sign_in(anonymous, account.email, "another password"))
    assert stored() == before
    assert token_of(try_to_sign_in(anonymous, account.email))
    renewed = stored()
    assert not PasswordHasher().check_needs_rehash(renewed)
    assert token_of(try_to_sign_in(anonymous, account.email))
    assert stored() == renewed
