"""Decides how one signs in and out, what ends a session, and how little a refusal says."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from argon2 import PasswordHasher

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.sessions import SessionTimes
from tests.api.doors import Account, add_account, token_of, try_to_sign_in
from tests.client import Client, serving
from tests.databases import CHEAP, copied, rows
from tests.other_clinic import OTHER, add_other_clinic

BELIEVED_SECONDS = 2


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """Two clinics in which the same people have accounts."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


AddUser = Callable[..., Account]


@pytest.fixture
def add_user(address: Address) -> AddUser:
    return partial(add_account, address)


def is_signed_in(client: Client) -> bool:
    response = client.post("{ viewer { email } }")
    assert response.status_code in (200, 401)
    return bool(response.status_code == 200 and response.json()["data"]["viewer"])


@pytest.mark.parametrize("role", list(Role))
def test_the_answer_to_signing_in_says_who_one_is(nobody: Client, role: Role) -> None:
    answer = try_to_sign_in(nobody, f"{role}@demo.clinic", clinic="demo").json()["data"]["signIn"]
    assert (answer["errors"], answer["viewer"]["role"]) == ([], role.name)
    assert answer["viewer"]["clinic"] == {"shortName": "demo", "timeZone": "America/New_York"}
    with Client(nobody.url, answer["token"]) as somebody:
        assert (
            somebody.read("{ viewer { id email name role clinic { shortName timeZone } } }")["viewer"]
            == answer["viewer"]
        )


def test_the_e_mail_is_found_whatever_its_case(nobody: Client, add_user: AddUser) -> None:
    assert token_of(try_to_sign_in(nobody, add_user().email.upper()))


def test_a_session_ends_after_twelve_hours_at_the_latest(nobody: Client, add_user: AddUser) -> None:
    answer = try_to_sign_in(nobody, add_user().email).json()["data"]["signIn"]
    left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)


def refused_in_every_way(nobody: Client, address: Address, add_user: AddUser) -> dict[str, httpx.Response]:
    right, gone, without = add_user(), add_user(), add_user()
    rows(address, "update users set active = false where id = $1", gone.id)
    rows(address, "update users set password_hash = null where id = $1", without.id)
    return {
        "wrong password": try_to_sign_in(nobody, right.email, "another password"),
        "no password": try_to_sign_in(nobody, right.email, ""),
        "unknown e-mail": try_to_sign_in(nobody, "nobody@demo.clinic"),
        "deactivated account": try_to_sign_in(nobody, gone.email),
        "account without a password": try_to_sign_in(nobody, without.email),
        "unknown clinic": try_to_sign_in(nobody, right.email, clinic="elsewhere"),
        "somebody of another clinic": try_to_sign_in(nobody, right.email, clinic=OTHER),
        "one e-mail in two clinics": try_to_sign_in(nobody, "billing@demo.clinic"),
        "an e-mail that no database could hold": try_to_sign_in(nobody, "nobody\0@demo.clinic"),
        "a huge e-mail": try_to_sign_in(nobody, "a" * 500_000),
        "a huge password": try_to_sign_in(nobody, right.email, "a" * 500_000),
        "an e-mail with a wildcard": try_to_sign_in(nobody, "%"),
        "an e-mail with a quote": try_to_sign_in(nobody, "' or true --"),
    }


def test_every_reason_not_to_let_somebody_in_has_the_same_answer_and_begins_no_session(
    nobody: Client, address: Address, add_user: AddUser
) -> None:
    before = rows(address, "select count(*) from sessions")
    answers = refused_in_every_way(nobody, address, add_user)
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


def test_an_unknown_user_costs_as_much_time_as_a_wrong_password(
    nobody: Client, address: Address, add_user: AddUser
) -> None:
    hasher = PasswordHasher()
    known, gone = add_user(hasher), add_user(hasher)
    rows(address, "update users set active = false where id = $1", gone.id)

    def seconds(email: str) -> float:
        began = time.perf_counter()
        assert not token_of(try_to_sign_in(nobody, email, "wrong"))
        return time.perf_counter() - began

    emails = (known.email, "nobody@demo.clinic", gone.email)
    rounds = [[seconds(email) for email in emails] for _ in range(5)]
    wrong, unknown, deactivated = map(min, zip(*rounds, strict=True))
    # Without the hashing it would be a tenth.
    assert 0.5 < unknown / wrong < 2
    assert 0.5 < deactivated / wrong < 2


def test_one_e_mail_with_accounts_in_two_clinics_chooses_by_the_clinic_s_short_name(nobody: Client) -> None:
    clinics = {}
    for name in ("demo", OTHER):
        answer = try_to_sign_in(nobody, "billing@demo.clinic", clinic=name).json()["data"]["signIn"]
        clinics[name] = (answer["viewer"]["clinic"]["shortName"], answer["viewer"]["id"])
    assert [short_name for short_name, _ in clinics.values()] == ["demo", OTHER]
    assert len(set(clinics.values())) == 2


def test_only_a_hash_of_the_token_is_kept(nobody: Client, address: Address, add_user: AddUser) -> None:
    account = add_user()
    token = token_of(try_to_sign_in(nobody, account.email)) or ""
    [kept] = rows(address, "select * from sessions where user_id = $1", account.id)
    assert kept["token_hash"] == hashlib.sha256(token.encode()).digest()
    secret = base64.urlsafe_b64decode(token)[16:]
    [row] = rows(address, "select s::text from sessions s where user_id = $1", account.id)
    assert token not in row[0]
    assert secret.hex() not in row[0]
    assert len(secret) >= 32


def test_a_token_is_good_for_its_owner_alone_and_no_two_are_alike(nobody: Client, add_user: AddUser) -> None:
    one, other = add_user(), add_user()
    tokens = [token_of(try_to_sign_in(nobody, email)) for email in (one.email, one.email, other.email)]
    assert len(set(tokens)) == 3
    seen = []
    for token in tokens:
        with Client(nobody.url, token) as client:
            seen.append(client.read("{ viewer { email } }")["viewer"]["email"])
    assert seen == [one.email, one.email, other.email]


def test_signing_out_ends_the_token_at_once_and_no_other(nobody: Client, add_user: AddUser) -> None:
    account = add_user()
    with nobody.signed_in(account.email) as leaving, nobody.signed_in(account.email) as staying:
        assert is_signed_in(leaving)
        assert is_signed_in(staying)
        assert leaving.read("mutation { signOut { signedOut errors { message } } }") == {
            "signOut": {"signedOut": True, "errors": []}
        }
        assert not is_signed_in(leaving)
        assert is_signed_in(staying)


def test_whoever_is_not_signed_in_cannot_sign_out(nobody: Client) -> None:
    assert nobody.refusals("mutation { signOut { signedOut } }") == ["Cannot query field 'signOut' on type 'Mutation'."]


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
def test_what_is_no_token_is_refused_with_401_and_a_json_error(nobody: Client, authorization: str) -> None:
    response = nobody.http.post(
        nobody.url, json={"query": "{ viewer { id } }"}, headers={b"authorization": authorization.encode("latin-1")}
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert response.json() == {
        "errors": [{"message": "The session has ended: sign in again", "extensions": {"code": "UNAUTHENTICATED"}}]
    }


def test_a_token_of_which_one_letter_is_another_is_refused_like_any_other(nobody: Client, add_user: AddUser) -> None:
    token = token_of(try_to_sign_in(nobody, add_user().email)) or ""
    for place in (0, 21, 30, 60):
        with Client(nobody.url, token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]) as client:
            assert not is_signed_in(client)


def test_the_scheme_is_read_whatever_its_case(nobody: Client, add_user: AddUser) -> None:
    token = token_of(try_to_sign_in(nobody, add_user().email))
    for scheme in ("bearer", "BEARER"):
        headers = {"authorization": f"{scheme} {token}"}
        response = nobody.http.post(nobody.url, json={"query": "{ viewer { role } }"}, headers=headers)
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
def test_a_session_ends_by_time_or_by_hand(
    nobody: Client, address: Address, add_user: AddUser, change: str, ends: bool
) -> None:
    account = add_user()
    with nobody.signed_in(account.email) as somebody:
        rows(address, f"update sessions set {change} where user_id = $1", account.id)
        assert is_signed_in(somebody) is not ends


def test_using_a_session_keeps_it(nobody: Client, address: Address, add_user: AddUser) -> None:
    account = add_user()
    with nobody.signed_in(account.email) as somebody:
        rows(address, "update sessions set last_used_at = now() - interval '20 minutes' where user_id = $1", account.id)
        assert is_signed_in(somebody)
    [[used]] = rows(address, "select now() - last_used_at from sessions where user_id = $1", account.id)
    assert used < timedelta(minutes=1)


def test_an_ended_session_is_not_brought_back_by_using_it(nobody: Client, address: Address, add_user: AddUser) -> None:
    account = add_user()
    with nobody.signed_in(account.email) as somebody:
        rows(address, "update sessions set last_used_at = now() - interval '31 minutes' where user_id = $1", account.id)
        assert [is_signed_in(somebody) for _ in range(2)] == [False, False]


def test_the_times_are_the_operator_s_to_choose(address: Address, add_user: AddUser) -> None:
    account = add_user()
    times = SessionTimes(idle=timedelta(minutes=5), absolute=timedelta(minutes=50))
    with serving(address, times) as url, Client(url) as nobody:
        answer = try_to_sign_in(nobody, account.email).json()["data"]["signIn"]
        left = datetime.fromisoformat(answer["expiresAt"]) - datetime.now(UTC)
        assert timedelta(minutes=49) < left <= timedelta(minutes=50)
        rows(address, "update sessions set last_used_at = now() - interval '6 minutes' where user_id = $1", account.id)
        with Client(url, answer["token"]) as somebody:
            assert not is_signed_in(somebody)


def comes_to_an_end(client: Client) -> bool:
    """Whether a session that this process believes ends as soon as it has to ask the database again."""
    # Other tests run on the same cores: an answer may be a few seconds late without being another one.
    deadline = time.monotonic() + BELIEVED_SECONDS + 5
    while time.monotonic() < deadline:
        if not is_signed_in(client):
            return True
        time.sleep(0.1)
    return False


def test_who_is_deactivated_or_signs_out_elsewhere_is_out_within_two_seconds(
    nobody: Client, address: Address, add_user: AddUser
) -> None:
    deactivated, leaving = add_user(), add_user()
    with (
        serving(address) as elsewhere,
        nobody.signed_in(deactivated.email) as one,
        nobody.signed_in(leaving.email) as other,
        Client(elsewhere, other.token) as other_elsewhere,
    ):
        assert [is_signed_in(client) for client in (one, other, other_elsewhere)] == [True, True, True]
        rows(address, "update users set active = false where id = $1", deactivated.id)
        other_elsewhere.read("mutation { signOut { signedOut } }")
        assert comes_to_an_end(one)
        assert comes_to_an_end(other)


def test_a_change_of_role_counts_within_two_seconds(nobody: Client, address: Address, add_user: AddUser) -> None:
    account = add_user()
    with nobody.signed_in(account.email) as somebody:
        assert somebody.read("{ viewer { role } }") == {"viewer": {"role": "ANALYST"}}
        rows(address, "update users set role = 'billing' where id = $1", account.id)
        time.sleep(BELIEVED_SECONDS + 0.2)
        assert somebody.read("{ viewer { role } }") == {"viewer": {"role": "BILLING"}}


def test_a_hash_that_has_become_too_cheap_is_replaced_as_its_owner_signs_in_and_only_then(
    nobody: Client, address: Address, add_user: AddUser
) -> None:
    account = add_user(CHEAP)

    def stored() -> str:
        [(found,)] = rows(address, "select password_hash from users where id = $1", account.id)
        return str(found)

    before = stored()
    assert not token_of(try_to_sign_in(nobody, account.email, "another password"))
    assert stored() == before
    assert token_of(try_to_sign_in(nobody, account.email))
    renewed = stored()
    assert not PasswordHasher().check_needs_rehash(renewed)
    assert token_of(try_to_sign_in(nobody, account.email))
    assert stored() == renewed
