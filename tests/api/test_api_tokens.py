"""Decides what a token for a program opens, how long, and for whom one is made."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from db.identity import make_id
from db.security import STAFF_LOGIN
from domain.people import Role
from server.addresses import Address
from server.sessions import SessionTimes
from tests.api.accounts import API_TOKEN, Account, change, is_let_in, new_account, new_token
from tests.api.records import nothing_changes, uuid_of
from tests.api.steps import answered, done, refused
from tests.client import Client, serving
from tests.databases import PASSWORD, rows

TOKENS = "query ($id: ID!) { node(id: $id) { ... on User { apiTokens { nodes { id name lastUsedAt revokedAt } } } } }"


@pytest.fixture
def analyst(admin: Client) -> Account:
    """Somebody who reads figures, whom no other test knows."""
    return new_account(admin, "ANALYST")


def test_a_token_reads_what_an_analyst_reads(admin: Client, nobody: Client, analyst: Account) -> None:
    token, kept = new_token(admin, analyst, name="Monthly report", expiresInDays=30)
    assert (kept["name"], kept["lastUsedAt"], kept["revokedAt"]) == ("Monthly report", None, None)
    good_for = datetime.fromisoformat(kept["expiresAt"]) - datetime.fromisoformat(kept["createdAt"])
    assert good_for == timedelta(days=30)
    everything = "{ viewer { role } invoices(first: 500) { totalCount nodes { id agreedAmount } } }"
    with Client(nobody.url, token) as program, nobody.signed_in(analyst.email) as somebody:
        assert program.read(everything) == somebody.read(everything)
        assert program.refusals("{ cases { totalCount } }") == ["Cannot query field 'cases' on type 'Query'."]


def test_when_a_token_was_used_last_is_kept(admin: Client, nobody: Client, address: Address, analyst: Account) -> None:
    token, kept = new_token(admin, analyst)

    def used() -> str | None:
        [node] = admin.read(TOKENS, id=analyst.id)["node"]["apiTokens"]["nodes"]
        found: str | None = node["lastUsedAt"]
        return found

    assert used() is None
    with Client(nobody.url, token) as program:
        assert is_let_in(program)
    first = used()
    assert first
    assert datetime.now(UTC) - datetime.fromisoformat(first) < timedelta(minutes=1)
    rows(address, "update sessions set last_used_at = now() - interval '3 days' where id = $1", uuid_of(kept["id"]))
    with serving(address) as url, Client(url, token) as program:
        # Unlike a sign-in, a token may lie unused.
        assert is_let_in(program)
    assert (used() or "") >= first


def test_a_token_is_shown_once_and_only_its_hash_is_kept(admin: Client, address: Address, analyst: Account) -> None:
    token, kept = new_token(admin, analyst)
    [row] = rows(address, "select s.*, s::text as whole from sessions s where id = $1", uuid_of(kept["id"]))
    assert row["token_hash"] == hashlib.sha256(token.encode()).digest()
    assert token not in row["whole"]
    assert token not in admin.post(TOKENS, id=analyst.id).text


def test_a_key_that_comes_again_names_the_token_and_does_not_show_it(
    admin: Client, address: Address, analyst: Account
) -> None:
    said = {"userId": analyst.id, "name": "Reports", "idempotencyKey": f"once {uuid4()}"}
    first, again = (answered(admin, "createApiToken", f"token {API_TOKEN}", **said) for _ in range(2))
    assert first["token"]
    assert again == {**first, "token": None}
    [[count]] = rows(address, "select count(*) from sessions where user_id = $1", uuid_of(analyst.id))
    assert count == 1


def test_a_revoked_token_is_refused_at_once_by_every_server(servers: tuple[str, str]) -> None:
    first, second = servers
    with Client(first) as nobody, nobody.signed_in("admin@demo.clinic") as admin:
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
        # A role that is no analyst's has no use for a token, whoever changed it.
        "update users set role = 'admin' where id = $1",
    ],
)
def test_a_token_that_has_ended_is_refused_in_whatever_way(
    admin: Client, address: Address, analyst: Account, end: str
) -> None:
    token, _ = new_token(admin, analyst)
    rows(address, end, uuid_of(analyst.id))
    with serving(address) as url, Client(url, token) as program:
        assert not is_let_in(program)


def test_a_token_ends_with_the_role_of_an_analyst(admin: Client, nobody: Client, analyst: Account) -> None:
    token, _ = new_token(admin, analyst)
    with Client(nobody.url, token) as program:
        assert is_let_in(program)
        change(admin, analyst, role="BILLING")
        change(admin, analyst, role="ANALYST")
        assert not is_let_in(program)


def test_a_new_password_leaves_tokens_alone(admin: Client, nobody: Client, analyst: Account) -> None:
    token, _ = new_token(admin, analyst)
    change(admin, analyst, password="another good password")  # noqa: S106
    with Client(nobody.url, token) as program:
        assert is_let_in(program)


@pytest.mark.parametrize(
    "mutation",
    [
        "signOut { signedOut }",
        f'changePassword(input: {{oldPassword: "{PASSWORD}", newPassword: "another good password"}}) {{ changed }}',
        'revokeSession(input: {sessionId: "SESSION"}) { revoked }',
    ],
)
def test_a_token_only_reads(admin: Client, nobody: Client, address: Address, analyst: Account, mutation: str) -> None:
    token, kept = new_token(admin, analyst)
    session = make_id("Session", uuid_of(kept["id"]))
    with Client(nobody.url, token) as program:
        with nothing_changes(address):
            answer = program.ask(f"mutation {{ {mutation.replace('SESSION', session)} }}")
        assert [error["message"] for error in answer["errors"]] == ["A token for programs only reads"]
        assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
        assert program.ask("{ viewer { sessions { id } } }")["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
        assert is_let_in(program)
    with nobody.signed_in(analyst.email):
        pass


@pytest.mark.parametrize(("days", "is_made"), [(0, False), (-1, False), (1, True), (365, True), (366, False)])
def test_a_token_is_good_for_a_year_at_most(admin: Client, address: Address, days: int, is_made: bool) -> None:
    analyst = new_account(admin, "ANALYST")
    answer = answered(admin, "createApiToken", "token", userId=analyst.id, name="Reports", expiresInDays=days)
    assert (answer["token"] is not None) is (answer["errors"] == []) is is_made
    if not is_made:
        assert answer["errors"][0]["path"] == ["input", "expiresInDays"]
        assert rows(address, "select from sessions where user_id = $1", uuid_of(analyst.id)) == []


def test_the_longest_time_is_the_operator_s_to_choose(address: Address, analyst: Account) -> None:
    times = SessionTimes(api_token=timedelta(days=7))
    with serving(address, times) as url, Client(url) as nobody, nobody.signed_in("admin@demo.clinic") as admin:
        said = {"userId": analyst.id, "name": "Reports"}
        assert answered(admin, "createApiToken", "token", **said, expiresInDays=7)["token"]
        error = refused(admin, "createApiToken", API_TOKEN, **said, expiresInDays=8)
        assert error["message"] == "A token is good for 1 to 7 days"


def test_a_token_is_made_for_active_analysts_alone(admin: Client, address: Address) -> None:
    billing, gone = new_account(admin), new_account(admin, "ANALYST")
    change(admin, gone, active=False)
    with nothing_changes(address):
        for account in (billing, gone):
            error = refused(admin, "createApiToken", API_TOKEN, userId=account.id, name="Reports")
            assert (error["code"], error["path"]) == ("CONFLICT", ["input", "userId"])
        for name in ("", " ", "x" * 101, "Two\nlines"):
            error = refused(admin, "createApiToken", API_TOKEN, userId=gone.id, name=name)
            assert error["path"] == ["input", "name"]


def test_a_sign_in_is_no_token_that_could_be_revoked_as_one(admin: Client, address: Address, nobody: Client) -> None:
    account = new_account(admin)
    with nobody.signed_in(account.email) as somebody:
        [[session]] = rows(address, "select id from sessions where user_id = $1", uuid_of(account.id))
        error = refused(admin, "revokeApiToken", API_TOKEN, apiTokenId=make_id("ApiToken", session))
        assert error["code"] == "NOT_FOUND"
        assert is_let_in(somebody)


# The database alone.


def as_admin(address: Address, statement: str, *values: object) -> str:
    """What becomes of a statement in a transaction that was entered for an administrator; nothing is committed."""
    [row] = rows(address, "select clinic_id, id from users where email = 'admin@demo.clinic'")

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


def test_the_database_lets_an_administrator_add_tokens_of_analysts_and_no_session(address: Address) -> None:
    assert as_admin(address, _ADD, "analyst@demo.clinic", "api_token") == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        as_admin(address, _ADD, "analyst@demo.clinic", "session")
    for role in (role for role in Role if role is not Role.ANALYST):
        with pytest.raises(asyncpg.CheckViolationError, match="analyst"):
            as_admin(address, _ADD, f"{role}@demo.clinic", "api_token")


@pytest.mark.parametrize(
    "statement",
    [
        "select password_hash from users",
        "select token_hash from sessions",
        "update users set name = password_hash",
        "update sessions set expires_at = now() + interval '1 year'",
        "update sessions set token_hash = 'x'",
        "update sessions set kind = 'api_token'",
        "update users set id = gen_random_uuid()",
        "delete from sessions",
        "delete from users",
        "insert into users (clinic_id, id, email, name, role, active) select clinic_id, id, email, name, role, active from users",
    ],
)
def test_the_database_lets_an_administrator_read_no_secret_and_rewrite_no_past(
    address: Address, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        as_admin(address, statement)


def test_the_database_lets_nobody_begin_again_what_has_ended(address: Address, admin: Client) -> None:
    analyst = new_account(admin, "ANALYST")
    _, kept = new_token(admin, analyst)
    done(admin, "revokeApiToken", API_TOKEN, apiTokenId=kept["id"])
    with pytest.raises(asyncpg.CheckViolationError, match="does not begin again"):
        as_admin(address, "update sessions set revoked_at = null where id = $1", uuid_of(kept["id"]))


def test_the_database_keeps_an_administrator_to_the_own_clinic(address: Address, admin: Client) -> None:
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
