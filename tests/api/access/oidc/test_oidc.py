"""A token of the identity provider signs in exactly the user that it names; where the user is ambiguous, it is refused."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from db.pools import Database
from domain.access.people import Role
from domain.ids import new_id
from identity.oidc.sessions import OpenIdSessions
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.sign_in_attempts import token_of, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import copied, rows
from tests.support.identity_provider import IdentityProvider, provider, signed
from tests.support.logins import add_login, join_login
from tests.support.other_clinic import OTHER, add_other_clinic

VIEWER = "{ viewer { email role clinic { shortName } } }"
REFUSAL = {"errors": [{"message": "The session has ended: sign in again", "extensions": {"code": "UNAUTHENTICATED"}}]}


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with accounts of the same e-mails."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, idp: IdentityProvider) -> Iterator[str]:
    with serving(address, provider=idp.trusted()) as url:
        yield url


@dataclass
class Account:
    """A user whom no other test uses, with a subject that no other user has."""

    id: UUID = field(default_factory=new_id)
    subject: str = field(default_factory=lambda: f"subject-{new_id().hex}")
    email: str = field(default_factory=lambda: f"{new_id().hex}@demo.example")


AddUser = Callable[..., Account]


@pytest.fixture
def add_user(address: DatabaseUrls) -> AddUser:
    def add(
        *, bound: bool, clinic: str = "demo", like: Account | None = None, is_for_one_clinic: bool = False
    ) -> Account:
        shared = like or Account()
        account = Account(email=shared.email, subject=shared.subject)
        rows(
            address,
            """insert into users (clinic_id, id, email, name, role)
            select clinic_id, $1, $2, 'Test User', 'analyst' from clinics where short_name = $3""",
            account.id,
            account.email,
            clinic,
        )
        if bound:
            add_login(address, account.id, subject=account.subject, is_for_one_clinic=is_for_one_clinic)
        return account

    return add


def subject_of(address: DatabaseUrls, account: Account) -> str | None:
    query = "select l.oidc_subject from memberships m join logins l on l.id = m.login_id where m.user_id = $1"
    found = rows(address, query, account.id)
    subject: str | None = found[0][0] if found else None
    return subject


def ask(url: str, token: str, query: str = VIEWER) -> httpx.Response:
    with Client(url, token) as client:
        return client.post(query)


def viewer_of(url: str, token: str) -> Any:
    """The e-mail and the clinic of the user to whom a token belongs, None when it is refused like any other."""
    response = ask(url, token)
    if response.status_code == 401:
        assert response.json() == REFUSAL
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        return None
    viewer = response.json()["data"]["viewer"]
    return viewer["email"], viewer["clinic"]["shortName"]


def verified(account: Account) -> dict[str, Any]:
    return {"email": account.email, "email_verified": True}


def test_a_user_is_found_by_subject_regardless_of_the_e_mail(
    server_url: str, idp: IdentityProvider, add_user: AddUser
) -> None:
    account, other = add_user(bound=True), add_user(bound=False)
    for claims in ({}, verified(account), verified(other)):
        assert viewer_of(server_url, idp.token(account.subject, **claims)) == (account.email, "demo")


def test_a_user_without_a_subject_is_found_by_verified_e_mail_once_and_by_subject_afterwards(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=False)
    assert viewer_of(server_url, idp.token(account.subject, email=account.email.upper(), email_verified=True)) == (
        account.email,
        "demo",
    )
    assert subject_of(address, account) == account.subject
    assert viewer_of(server_url, idp.token(account.subject)) == (account.email, "demo")
    # A later owner of that e-mail at the provider is a different person.
    assert viewer_of(server_url, idp.token("another-subject", **verified(account))) is None
    assert subject_of(address, account) == account.subject


def test_concurrent_first_requests_of_a_user_all_succeed(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    with ThreadPoolExecutor(6) as pool:
        for _ in range(4):
            account = add_user(bound=False)
            tokens = [idp.token(account.subject, **verified(account), jti=str(number)) for number in range(6)]
            assert list(pool.map(partial(viewer_of, server_url), tokens)) == [(account.email, "demo")] * 6
            assert subject_of(address, account) == account.subject


def test_of_two_concurrent_subjects_with_one_e_mail_only_one_is_accepted(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    with ThreadPoolExecutor(6) as pool:
        account = add_user(bound=False)
        tokens = [idp.token(f"{account.subject}-{number}", **verified(account)) for number in range(6)]
        seen = list(pool.map(partial(viewer_of, server_url), tokens))
    assert (seen.count((account.email, "demo")), seen.count(None)) == (1, 5)
    assert subject_of(address, account) == f"{account.subject}-{seen.index((account.email, 'demo'))}"


UNVERIFIED: list[dict[str, Any]] = [
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"email_verified": 1},
    {"email_verified": ["true"]},
    {"email": ["a@demo.example"]},
    {"email": "\x00"},
    {"email": ""},
    {"email": "a" * 5000},
    {"email": None},
]


@pytest.mark.parametrize("claims", UNVERIFIED, ids=lambda claims: ascii(claims)[:40])
def test_an_e_mail_that_the_provider_has_not_verified_finds_no_user(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser, claims: dict[str, Any]
) -> None:
    account = add_user(bound=False)
    assert viewer_of(server_url, idp.token(account.subject, **(verified(account) | claims))) is None
    assert subject_of(address, account) is None


def test_an_e_mail_that_only_case_folding_makes_equal_is_a_different_e_mail(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=False, like=Account(email=f"kim{new_id().hex}@demo.example"))
    kelvin = account.email.replace("k", "\N{KELVIN SIGN}", 1)
    assert kelvin.lower() == account.email
    assert viewer_of(server_url, idp.token(account.subject, email=kelvin, email_verified=True)) is None
    assert subject_of(address, account) is None


@pytest.mark.parametrize("subject", ["unknown", "", "a\x00", "a" * 300, 5, None, ["a"], "' or true --", "%"])
def test_a_subject_without_a_user_is_refused_like_any_bad_token(
    server_url: str, idp: IdentityProvider, subject: Any
) -> None:
    assert viewer_of(server_url, idp.token(subject)) is None


def test_a_deactivated_user_is_refused_at_once_and_not_matched_by_e_mail(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account, other = add_user(bound=True), add_user(bound=False)
    token = idp.token(account.subject)
    assert viewer_of(server_url, token)
    rows(address, "update users set active = false where id = $1", account.id)
    # Every process gets the notification; it takes a moment.
    assert any(viewer_of(server_url, token) is None for _ in range(50))
    for claims in ({}, verified(account), verified(other)):
        assert viewer_of(server_url, idp.token(account.subject, **claims, jti="new")) is None
    assert subject_of(address, other) is None


async def is_accepted(sessions: OpenIdSessions, token: str) -> bool:
    return await sessions.find(token) is not None


async def test_a_notification_about_a_user_or_a_token_ends_its_cache_entry_at_once(
    address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    change = "update users set active = $2 where id = $1"
    account = await asyncio.to_thread(partial(add_user, bound=True))
    connection = await asyncpg.connect(address.owner)
    async with Database(address.login) as database:
        sessions, token = OpenIdSessions(database, None, idp.trusted()), idp.token(account.subject)
        viewer = await sessions.find(token)
        assert viewer
        for whose in (viewer.user_id, viewer.session_id, None):
            still_believed = False
            while not still_believed:
                # On a busy machine the two seconds are over before it can be seen that the token was believed within them.
                await connection.execute(change, account.id, True)
                sessions.forget(None)
                assert await is_accepted(sessions, token)
                await connection.execute(change, account.id, False)
                still_believed = await is_accepted(sessions, token)
                sessions.forget(new_id())
                still_believed = still_believed and await is_accepted(sessions, token)
                sessions.forget(whose)
                assert not await is_accepted(sessions, token)
    await connection.close()


def test_a_deactivated_user_is_not_bound_to_a_subject(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=False)
    rows(address, "update users set active = false where id = $1", account.id)
    assert viewer_of(server_url, idp.token(account.subject, **verified(account))) is None
    assert subject_of(address, account) is None


def test_a_user_with_accounts_in_two_clinics_is_not_guessed(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    here = add_user(bound=False)
    there = add_user(bound=False, clinic=OTHER, like=here)
    assert viewer_of(server_url, idp.token(here.subject, **verified(here))) is None
    assert [subject_of(address, account) for account in (here, there)] == [None, None]
    for account in (here, there):
        add_login(address, account.id, subject=here.subject, is_for_one_clinic=True)
    assert viewer_of(server_url, idp.token(here.subject)) is None
    rows(address, "update logins set oidc_subject = null where id = $1", here.id)
    assert viewer_of(server_url, idp.token(here.subject)) == (there.email, OTHER)


def test_a_login_with_accounts_in_two_clinics_needs_a_clinic(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    here = add_user(bound=True)
    there = add_user(bound=False, clinic=OTHER, like=here)
    assert viewer_of(server_url, idp.token(here.subject, **verified(here))) == (here.email, "demo")
    join_login(address, here.id, there.id)
    assert viewer_of(server_url, idp.token(here.subject, **verified(here), jti="new")) is None
    with serving(address, provider=idp.trusted(CLINIC_CLAIM="clinic")) as url:
        for clinic in ("demo", OTHER):
            assert viewer_of(url, idp.token(here.subject, clinic=clinic)) == (here.email, clinic)


@pytest.mark.parametrize("is_for_one_clinic", [False, True])
def test_a_configured_claim_names_the_clinic(
    address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser, *, is_for_one_clinic: bool
) -> None:
    here = add_user(bound=False)
    there = add_user(bound=True, clinic=OTHER, like=here, is_for_one_clinic=is_for_one_clinic)
    with serving(address, provider=idp.trusted(CLINIC_CLAIM="clinic")) as url:
        for clinic in ("demo", OTHER):
            assert viewer_of(url, idp.token(here.subject, **verified(here), clinic=clinic)) == (here.email, clinic)
        for wrong in (None, "", "elsewhere", ["demo"], 1, "\x00"):
            assert viewer_of(url, idp.token(here.subject, **verified(here), clinic=wrong)) is None
    assert [subject_of(address, account) for account in (here, there)] == [here.subject] * 2


def test_a_provider_of_one_clinic_signs_no_user_in_to_another(
    address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    here, there, unbound = add_user(bound=True), add_user(bound=True, clinic=OTHER), add_user(bound=False, clinic=OTHER)
    with serving(address, provider=idp.trusted(CLINIC="demo")) as url:
        assert viewer_of(url, idp.token(here.subject)) == (here.email, "demo")
        for account in (there, unbound):
            assert viewer_of(url, idp.token(account.subject, **verified(account))) is None
    assert subject_of(address, unbound) is None


def test_without_e_mails_a_user_is_found_by_subject_alone(
    address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    bound, unbound = add_user(bound=True), add_user(bound=False)
    with serving(address, provider=idp.trusted(EMAIL="no")) as url:
        assert viewer_of(url, idp.token(bound.subject)) == (bound.email, "demo")
        assert viewer_of(url, idp.token(unbound.subject, **verified(unbound))) is None
    assert subject_of(address, unbound) is None


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_the_same_through_the_provider_as_with_a_password(
    address: DatabaseUrls, idp: IdentityProvider, server_url: str, role: Role
) -> None:
    email = f"{role}@demo.example"
    rows(
        address,
        "update logins set oidc_subject = $1 where email = $2 and only_clinic_id is null",
        f"the-{role}",
        email,
    )
    queries = [
        "{ __schema { types { name fields { name args { name } } inputFields { name } enumValues { name } } } }",
        "{ invoices(first: 50) { totalCount nodes { id number status billedAmount } } viewer { id email role } }",
        "{ invoices(first: 1) { nodes { number internalNotes { body } balance } } }",
    ]
    with serving(address) as other, Client(other) as anonymous:
        token = token_of(try_to_sign_in(anonymous, email, clinic="demo"))
    with Client(server_url, token) as by_password:
        expected = [by_password.post(query).content for query in queries]
    with Client(server_url, idp.token(f"the-{role}")) as by_provider:
        assert [by_provider.post(query).content for query in queries] == expected


def test_signing_out_ends_a_token_of_the_provider_in_every_process_in_every_encoding(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=True)
    leaving, staying = (idp.token(account.subject, jti=name) for name in ("leaving", "staying"))
    sign_out = "mutation { signOut { signedOut errors { message } } }"
    with serving(address, provider=idp.trusted()) as elsewhere:
        assert [viewer_of(url, leaving) for url in (server_url, elsewhere)] == [(account.email, "demo")] * 2
        answer = ask(server_url, leaving, sign_out).json()
        assert answer == {"data": {"signOut": {"signedOut": True, "errors": []}}}
        assert viewer_of(server_url, leaving) is None
        assert any(viewer_of(elsewhere, leaving) is None for _ in range(50))
        assert viewer_of(server_url, staying) == (account.email, "demo")
    # The last character of the signature has bits that do not count.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = leaving[:-1] + alphabet[alphabet.index(leaving[-1]) ^ 1]
    assert base64.urlsafe_b64decode(twin.split(".")[2] + "==") == base64.urlsafe_b64decode(leaving.split(".")[2] + "==")
    assert viewer_of(server_url, twin) is None


def test_no_part_of_a_token_is_stored(
    server_url: str, address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=True)
    token = idp.token(account.subject)
    assert viewer_of(server_url, token)
    assert rows(address, "select * from sessions where user_id = $1", account.id) == []
    ask(server_url, token, "mutation { signOut { signedOut } }")
    [row] = rows(address, "select s::text from sessions s where user_id = $1", account.id)
    assert not any(part in row[0] for part in token.split("."))


def test_session_tokens_are_accepted_beside_the_provider_s(server_url: str, idp: IdentityProvider) -> None:
    with Client(server_url) as anonymous:
        token = token_of(try_to_sign_in(anonymous, "billing@demo.example", clinic="demo")) or ""
    assert viewer_of(server_url, token) == ("billing@demo.example", "demo")
    ask(server_url, token, "mutation { signOut { signedOut } }")
    assert viewer_of(server_url, token) is None


def test_without_a_configured_provider_its_tokens_are_refused_and_it_gets_no_request(
    address: DatabaseUrls, idp: IdentityProvider, add_user: AddUser
) -> None:
    account = add_user(bound=True)
    before = idp.asked.total()
    with serving(address) as url:
        assert viewer_of(url, idp.token(account.subject)) is None
    assert idp.asked.total() == before


def test_the_log_names_the_reason_and_the_request_and_nothing_else(
    server_url: str, idp: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    token = idp.token("the-secret-subject", email="secret@demo.example", email_verified=True)
    expired = signed(idp.claims("the-secret-subject", exp=1), idp.published[0])
    with caplog.at_level("DEBUG", "billing"):
        identities = [ask(server_url, bearer).headers["x-request-id"] for bearer in (token, expired)]
    messages = [record.getMessage() for record in caplog.records if record.name == "billing.oidc"]
    words = "a token of the identity provider is refused"
    assert messages == [
        f"request {identities[0]}: {words}: its e-mail matches no user who may sign in with it",
        f"request {identities[1]}: {words}: it has expired",
    ]
