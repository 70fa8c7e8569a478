"""API tokens: what a program reads with one, how long it lasts, and for which users one is made."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from db.global_ids import make_id
from db.security.policies import STAFF_LOGIN
from domain.access.people import Role
from identity.sessions import SessionTimes
from server.database_urls import DatabaseUrls
from tests.support.api.accounts import API_TOKEN, Account, change, is_let_in, new_account, new_token
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows

TOKENS = "query ($id: ID!) { node(id: $id) { ... on User { apiTokens { nodes { id name lastUsedAt revokedAt } } } } }"


@pytest.fixture
def analyst(admin: Client) -> Account:
    """An analyst whom no other test uses."""
    return new_account(admin, "ANALYST")


def test_a_token_reads_what_an_analyst_reads(admin: Client, anonymous: Client, analyst: Account) -> None:
    token, kept = new_token(admin, analyst, name="Monthly report", expiresInDays=30)
    assert (kept["name"], kept["lastUsedAt"], kept["revokedAt"]) == ("Monthly report", None, None)
    good_for = datetime.fromisoformat(kept["expiresAt"]) - datetime.fromisoformat(kept["createdAt"])
    assert good_for == timedelta(days=30)
    everything = "{ viewer { role } invoices(first: 500) { totalCount nodes { id agreedAmount } } }"
    with Client(anonymous.url, token) as program, anonymous.signed_in(analyst.email) as user:
        assert program.read(everything) == user.read(everything)
        assert program.refusals("{ cases { totalCount } }") == ["Cannot query field 'cases' on type 'Query'."]


def test_the_last_use_of_a_token_is_stored(
    admin: Client, anonymous: Client, address: DatabaseUrls, analyst: Account
) -> None:
    token, kept = new_token(admin, analyst)

    def used() -> str | None:
        [node] = admin.read(TOKENS, id=analyst.id)["node"]["apiTokens"]["nodes"]
        found: str | None = node["lastUsedAt"]
        return found

    assert used() is None
    with Client(anonymous.url, token) as program:
        assert is_let_in(program)
    first = used()
    assert first
    assert datetime.now(UTC) - datetime.fromisoformat(first) < timedelta(minutes=1)
    rows(address, "update sessions set last_used_at = now() - interval '3 days' where id = $1", uuid_of(kept["id"]))
    with serving(address) as url, Client(url, token) as program:
        # Unlike a session, a token may stay unused for long.
        assert is_let_in(program)
    assert (used() or "") >= first


def test_a_token_is_shown_once_and_only_its_hash_is_stored(
    admin: Client, address: DatabaseUrls, analyst: Account
) -> None:
    token, kept = new_token(admin, analyst)
    [row] = rows(address, "select s.*, s::text as whole from sessions s where id = $1", uuid_of(kept["id"]))
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token not in row["whole"]
    assert token not in admin.post(TOKENS, id=analyst.id).text


def test_a_repeated_idempotency_key_returns_the_token_s_record_and_does_not_show_the_token(
    admin: Client, address: DatabaseUrls, analyst: Account
) -> None:
    inputs = {"userId": analyst.id, "name": "Reports", "idempotencyKey": f"once {uuid4()}"}
    first, again = (answered(admin, "createApiToken", f"token {API_TOKEN}", **inputs) for _ in range(2))
    assert first["token"]
    assert again == {**first, "token": None}
    [[count]] = rows(address, "select count(*) from sessions where user_id = $1", uuid_of(analyst.id))
    assert count == 1


def test_a_revoked_token_is_refused_at_once_by_every_server(servers: tuple[str, str]) -> None:
    first, second = servers
    with Client(first) as anonymous, anonymous.signed_in("admin@demo.example") as admin:
        analyst = new_account(admin, "ANALYST")
        (token, kept), (other, _) = new_token(admin, analyst), new_token(admin, analyst)
        with Client(first, token) as here, Client(second, token) as there, Client(second, other) as another:
            assert [is_let_in(client) for client in (here, there, another)] == [True] * 3
            revoked = done(admin, "revokeApiToken", API_TOKEN, apiTokenId=kept["id"])
            assert revoked["revokedAt"]
            assert not is_let_in(here)
            assert not all(is_let_in(there) for _ in range(50))
            assert is_let_in(another)
        assert refused(admin, "revokeApiToken", API_TOKEN, apiTokenId=kept["id"])["code"] == "CONFLICT"


@pytest.mark.parametrize(
    "end",
    [
        "update sessions set expires_at = now() - interval '1 second' where user_id = $1",
        "update sessions set revoked_at = now() where user_id = $1",
        "update users set active = false where id = $1",
        # Only an analyst has a token: a change of role ends it, also one that was written straight to the database.
        "update users set role = 'admin' where id = $1",
    ],
)
def test_a_token_is_refused_however_it_has_ended(
    admin: Client, address: DatabaseUrls, analyst: Account, end: str
) -> None:
    token, _ = new_token(admin, analyst)
    rows(address, end, uuid_of(analyst.id))
    with serving(address) as url, Client(url, token) as program:
        assert not is_let_in(program)


def test_a_token_ends_when_its_owner_is_no_longer_an_analyst(
    admin: Client, anonymous: Client, analyst: Account
) -> None:
    token, _ = new_token(admin, analyst)
    with Client(anonymous.url, token) as program:
        assert is_let_in(program)
        change(admin, analyst, role="BILLING")
        change(admin, analyst, role="ANALYST")
        assert not is_let_in(program)


def test_a_new_password_does_not_end_tokens(admin: Client, anonymous: Client, analyst: Account) -> None:
    token, _ = new_token(admin, analyst)
    with anonymous.signed_in(analyst.email) as person:
        inputs = f'oldPassword: "{PASSWORD}", newPassword: "another good password"'
        answer = person.read(f"mutation {{ changePassword(input: {{ {inputs} }}) {{ changed }} }}")
        assert answer == {"changePassword": {"changed": True}}
    with Client(anonymous.url, token) as program:
        assert is_let_in(program)


@pytest.mark.parametrize(
    "mutation",
    [
        "signOut { signedOut }",
        f'changePassword(input: {{oldPassword: "{PASSWORD}", newPassword: "another good password"}}) {{ changed }}',
        'revokeSession(input: {sessionId: "SESSION"}) { revoked }',
    ],
)
def test_a_token_only_reads(
    admin: Client, anonymous: Client, address: DatabaseUrls, analyst: Account, mutation: str
) -> None:
    token, kept = new_token(admin, analyst)
    session = make_id("Session", uuid_of(kept["id"]))
    with Client(anonymous.url, token) as program:
        with nothing_changes(address):
            answer = program.ask(f"mutation {{ {mutation.replace('SESSION', session)} }}")
        assert [error["message"] for error in answer["errors"]] == ["An API token is read-only"]
        assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
        assert program.ask("{ viewer { sessions { id } } }")["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
        assert is_let_in(program)
    with anonymous.signed_in(analyst.email):
        pass


@pytest.mark.parametrize(("days", "is_made"), [(0, False), (-1, False), (1, True), (365, True), (366, False)])
def test_a_token_is_valid_for_a_year_at_most(admin: Client, address: DatabaseUrls, days: int, is_made: bool) -> None:
    analyst = new_account(admin, "ANALYST")
    answer = answered(admin, "createApiToken", "token", userId=analyst.id, name="Reports", expiresInDays=days)
    assert (answer["token"] is not None) is (answer["errors"] == []) is is_made
    if not is_made:
        assert answer["errors"][0]["path"] == ["input", "expiresInDays"]
        assert rows(address, "select from sessions where user_id = $1", uuid_of(analyst.id)) == []


def test_the_longest_validity_is_a_setting(address: DatabaseUrls, analyst: Account) -> None:
    times = SessionTimes(api_token=timedelta(days=7))
    with serving(address, times) as url, Client(url) as anonymous, anonymous.signed_in("admin@demo.example") as admin:
        inputs = {"userId": analyst.id, "name": "Reports"}
        assert answered(admin, "createApiToken", "token", **inputs, expiresInDays=7)["token"]
        error = refused(admin, "createApiToken", API_TOKEN, **inputs, expiresInDays=8)
        assert error["message"] == "A token is valid for 1 to 7 days"


def test_a_token_is_made_for_active_analysts_only(admin: Client, address: DatabaseUrls) -> None:
    billing, gone = new_account(admin), new_account(admin, "ANALYST")
    change(admin, gone, active=False)
    with nothing_changes(address):
        for account in (billing, gone):
            error = refused(admin, "createApiToken", API_TOKEN, userId=account.id, name="Reports")
            assert (error["code"], error["path"]) == ("CONFLICT", ["input", "userId"])
        for name in ("", " ", "x" * 101, "Two\nlines"):
            error = refused(admin, "createApiToken", API_TOKEN, userId=gone.id, name=name)
            assert error["path"] == ["input", "name"]


def test_a_session_cannot_be_revoked_as_an_api_token(admin: Client, address: DatabaseUrls, anonymous: Client) -> None:
    account = new_account(admin)
    with anonymous.signed_in(account.email) as user:
        [[session]] = rows(address, "select id from sessions where user_id = $1", uuid_of(account.id))
        error = refused(admin, "revokeApiToken", API_TOKEN, apiTokenId=make_id("ApiToken", session))
        assert error["code"] == "NOT_FOUND"
        assert is_let_in(user)


# The rules of the database.


def as_admin(address: DatabaseUrls, statement: str, *values: object) -> str:
    """The result of a statement in a transaction that runs for an administrator; nothing is committed."""
    [row] = rows(address, "select clinic_id, id from users where email = 'admin@demo.example'")

    async def attempt() -> str:
        connection = await asyncpg.connect(address.login(STAFF_LOGIN))
        entering = "begin; set local role clinic_admin; set local app.clinic_id = '{}'; set local app.user_id = '{}'"
        try:
            await connection.execute(entering.format(row["clinic_id"], row["id"]))
            return str(await connection.execute(statement, *values))
        finally:
            await connection.close()

    return asyncio.run(attempt())


_ADD = """insert into sessions (clinic_id, id, user_id, token_hash, kind, name, expires_at)
    select clinic_id, gen_random_uuid(), id, 'x', $2, 'Forged', now() from users where email = $1"""


def test_the_database_lets_an_administrator_add_tokens_of_analysts_and_no_sessions(address: DatabaseUrls) -> None:
    assert as_admin(address, _ADD, "analyst@demo.example", "api_token") == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        as_admin(address, _ADD, "analyst@demo.example", "session")
    for role in (role for role in Role if role is not Role.ANALYST):
        with pytest.raises(asyncpg.CheckViolationError, match="analyst"):
            as_admin(address, _ADD, f"{role}@demo.example", "api_token")


@pytest.mark.parametrize(
    "statement",
    [
        "select password_hash from users",
        "select password_hash from logins",
        "select secret from login_second_factors",
        "select token_hash from sessions",
        "update users set name = password_hash",
        "update users set password_hash = name",
        "update logins set password_hash = email",
        "insert into memberships (login_id, clinic_id, user_id) select login_id, clinic_id, user_id from memberships",
        "update sessions set expires_at = now() + interval '1 year'",
        "update sessions set token_hash = 'x'",
        "update sessions set kind = 'api_token'",
        "update users set id = gen_random_uuid()",
        "delete from sessions",
        "delete from users",
        "delete from login_second_factors",
        "update invitations set accepted_at = now()",
        "insert into users (clinic_id, id, email, name, role, active) select clinic_id, id, email, name, role, active from users",
    ],
)
def test_the_database_lets_an_administrator_read_no_secret_and_change_no_ended_session(
    address: DatabaseUrls, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        as_admin(address, statement)


def test_the_database_lets_no_role_reopen_an_ended_session(address: DatabaseUrls, admin: Client) -> None:
    analyst = new_account(admin, "ANALYST")
    _, kept = new_token(admin, analyst)
    done(admin, "revokeApiToken", API_TOKEN, apiTokenId=kept["id"])
    with pytest.raises(asyncpg.CheckViolationError, match="does not begin again"):
        as_admin(address, "update sessions set revoked_at = null where id = $1", uuid_of(kept["id"]))


def test_the_database_restricts_an_administrator_to_their_own_clinic(address: DatabaseUrls, admin: Client) -> None:
    rows(
        address,
        """with c as (insert into clinics (clinic_id, short_name, name) values (gen_random_uuid(), 'elsewhere', 'Elsewhere')
        returning clinic_id) insert into users (clinic_id, id, email, name, role)
        select clinic_id, gen_random_uuid(), 'analyst@elsewhere.clinic', 'Elsa', 'analyst' from c""",
    )
    here = "select count(*) from users where email = 'analyst@elsewhere.clinic'"
    assert as_admin(address, f"update users set name = 'Mine' where ({here}) > 0") == "UPDATE 0"
    assert as_admin(address, "update users set name = 'Mine' where email = 'analyst@elsewhere.clinic'") == "UPDATE 0"
    [[clinic]] = rows(address, "select clinic_id from clinics where short_name = 'elsewhere'")
    smuggled = (
        "insert into users (clinic_id, id, email, name, role) values ($1, gen_random_uuid(), 'x@x', 'x', 'admin')"
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        as_admin(address, smuggled, clinic)
