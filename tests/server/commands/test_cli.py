"""The commands of `billing` on a real database; running them twice changes nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from click.testing import CliRunner, Result

from db.global_ids import make_id
from domain.access.people import Role
from schema.pages.snapshots import FOLDER
from server.cli import main
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.server.embedded.embedded_user import PROJECT
from tests.support.client import Client, serving
from tests.support.databases import address_of, copied, rows
from tests.support.forking.forked import Forked

BILLING = Path(sys.executable).parent / "billing"
SYNTHEA = PROJECT / "tests" / "imports" / "data" / "synthea"
PASSWORD = "a password of ten letters"


def billing(address: DatabaseUrls | None, *arguments: str, input_text: str = "") -> Result:
    """Run a command with its input against a database, and return the result."""
    unset: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("BILLING_", "DATABASE_"))}
    settings = {"BILLING_DEMO_PASSWORD": PASSWORD} | ({"DATABASE_URL": address.owner} if address else {})
    return CliRunner().invoke(main, arguments, input=input_text, env=unset | settings)


def done(address: DatabaseUrls | None, *arguments: str, input_text: str = "") -> str:
    """Run a command that must succeed, and return its output."""
    result = billing(address, *arguments, input_text=input_text)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(address: DatabaseUrls | None, *arguments: str, input_text: str = "") -> str:
    """Run a command that must fail, and return its error message."""
    result = billing(address, *arguments, input_text=input_text)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code != 0
    return result.stderr.strip().rpartition("Error: ")[2]


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """An empty database."""
    name, owner = f"empty_{uuid4().hex}", DatabaseUrls(postgres_server.dsn())
    rows(owner, f'create database "{name}"')
    yield address_of(postgres_server, name)
    rows(owner, f'drop database "{name}" with (force)')


def content(address: DatabaseUrls) -> dict[str, list[str]]:
    """Every row of every table as text, sorted, and every policy and grant, for comparison before and after."""

    async def read() -> dict[str, list[str]]:
        connection = await asyncpg.connect(address.owner)
        try:
            names = [
                row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
            ]
            queries = {name: f'select t::text from "{name}" t' for name in names}
            queries["policies"] = "select p::text from pg_policies p"
            queries["grants"] = (
                "select c.relname || a.attname || coalesce(a.attacl::text, '') from pg_attribute a join pg_class c on c.oid = a.attrelid"
            )
            return {name: sorted(row[0] for row in await connection.fetch(query)) for name, query in queries.items()}
        finally:
            await connection.close()

    return asyncio.run(read())


@pytest.mark.parametrize("role", [*(role.value for role in Role), "nobody"])
def test_the_printed_schema_of_a_role_is_the_committed_one(role: str) -> None:
    assert done(None, "print-schema", "--role", role) == (FOLDER / f"{role}.graphql").read_text()


def test_an_unknown_role_is_refused() -> None:
    assert "'president' is not one of 'admin'" in refused(None, "print-schema", "--role", "president")


def test_help_lists_every_command_and_needs_no_database() -> None:
    output = subprocess.run([BILLING, "--help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for command in ("serve", "worker", "migrate", "demo", "import", "print-schema", "explain", "user"):
        assert f"  {command} " in output


def test_migrating_twice_changes_nothing(empty: DatabaseUrls) -> None:
    assert done(empty, "migrate").endswith("\nThe database is up to date.\n")
    before = content(empty)
    assert before["policies"]
    assert "invoices" in before
    assert done(empty, "migrate") == "The database is up to date: there was nothing to do.\n"
    assert content(empty) == before


def test_two_hosts_may_migrate_at_once(empty: DatabaseUrls) -> None:
    environment = {**os.environ, "DATABASE_URL": empty.owner}
    with ExitStack() as stack:
        hosts = [stack.enter_context(Forked(["migrate"], environment, subprocess.STDOUT)) for _ in range(2)]
        outputs = [host.stdout.read() for host in hosts]
        assert [host.wait(120) for host in hosts] == [0, 0], outputs
    [(count,)] = rows(empty, "select count(*) from alembic_version")
    assert count == 1


def test_loading_the_demo_clinic_again_changes_nothing(empty: DatabaseUrls) -> None:
    done(empty, "migrate")
    first = done(empty, "demo", "--invoices", "60")
    [(count,)] = rows(empty, "select count(*) from invoices")
    assert count == 60
    assert PASSWORD in first
    before = content(empty)
    second = done(empty, "demo", "--invoices", "60")
    assert content(empty) == before
    assert "already exists" in second
    with (
        serving(empty) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example", PASSWORD) as staff,
    ):
        assert staff.read("{ invoices { totalCount } }") == {"invoices": {"totalCount": 60}}


def test_importing_the_files_of_synthea_twice_changes_nothing(empty: DatabaseUrls) -> None:
    done(empty, "migrate")
    first = done(empty, "import", "synthea", str(SYNTHEA), "--clinic", "riverside", "--attorneys", "2")
    before = content(empty)
    [(count, billed)] = rows(empty, "select count(*), sum(billed_amount) from invoices")
    assert count > 0
    assert str(count) in first
    assert f"{billed:,}" in first or str(billed) in first
    second = done(empty, "import", "synthea", str(SYNTHEA), "--clinic", "riverside", "--attorneys", "2")
    assert content(empty) == before
    assert second != first


def test_a_broken_import_reports_file_and_line_and_writes_nothing(empty: DatabaseUrls, tmp_path: Path) -> None:
    for file in SYNTHEA.iterdir():
        text = file.read_text()
        (tmp_path / file.name).write_text(
            text.replace("1980-02-29", "1980-02-30") if file.name == "patients.csv" else text
        )
    done(empty, "migrate")
    before = content(empty)
    reason = refused(empty, "import", "synthea", str(tmp_path))
    assert "patients.csv" in reason
    assert "2" in reason
    assert content(empty) == before
    assert "does not exist" in refused(empty, "import", "synthea", str(tmp_path / "nowhere"))


Add = Callable[..., str]


@pytest.fixture(scope="module")
def users(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


def add(
    run: Callable[..., str], address: DatabaseUrls, email: str, role: str, *more: str, typed: str = PASSWORD
) -> str:
    command = ("user", "add", email, "--clinic", "demo", "--role", role, "--name", "New User")
    return run(address, *command, *more, input_text=f"{typed}\n")


def test_an_added_user_can_sign_in(users: DatabaseUrls) -> None:
    assert add(done, users, "New@Demo.Example", "billing") == "New@Demo.Example can sign in.\n"
    with serving(users) as url, Client(url) as anonymous, anonymous.signed_in("new@demo.example", PASSWORD) as client:
        assert client.read("{ viewer { email name role } }")["viewer"] == {
            "email": "new@demo.example",
            "name": "New User",
            "role": "BILLING",
        }
    [(stored,)] = rows(users, "select password_hash from logins where email = 'new@demo.example'")
    assert stored.startswith("$argon2id$")


def test_an_added_user_whose_e_mail_has_a_login_has_to_accept_the_account(users: DatabaseUrls) -> None:
    """Whoever made that login, such as an administrator of another clinic, need not be the owner of the e-mail."""
    rows(users, "insert into logins (id, email, password_hash) values (gen_random_uuid(), 'known@demo.example', 'x')")
    answer = add(done, users, "Known@Demo.Example", "admin")
    assert "has a login already, and accepts the account within 72 hours at http://127.0.0.1:8000/invitation#" in answer
    joined = "select from memberships m join users u on u.id = m.user_id where u.email = 'known@demo.example'"
    assert rows(users, joined) == []


def test_a_password_link_sets_a_new_password(users: DatabaseUrls) -> None:
    add(done, users, "forgetful@demo.example", "billing")
    assert done(
        users, "user", "password-link", "Forgetful@demo.example", "--url", "https://billing.example/"
    ).startswith("https://billing.example/password-reset#")
    assert "has no login" in refused(users, "user", "password-link", "nobody@demo.example")


@pytest.mark.parametrize(("role", "table"), [("attorney", "attorneys"), ("physician", "physicians")])
def test_a_user_can_be_linked_to_an_attorney_or_a_physician(users: DatabaseUrls, role: str, table: str) -> None:
    [(person,)] = rows(
        users, f"select {role}_id from invoices where {role}_id is not null and status <> 'void' order by id limit 1"
    )
    add(done, users, f"own-{role}@demo.example", role, "--person", make_id(role.capitalize(), person))
    [(own,)] = rows(
        users,
        f"select count(*) from invoices where {role}_id = $1 and (status <> 'void' or $2)",
        person,
        role == "physician",
    )
    with (
        serving(users) as url,
        Client(url) as anonymous,
        anonymous.signed_in(f"own-{role}@demo.example", PASSWORD) as client,
    ):
        assert client.read("{ invoices { totalCount } }") == {"invoices": {"totalCount": own}}


def test_an_invalid_user_is_refused_with_a_message_and_not_added(users: DatabaseUrls) -> None:
    [(patient,)] = rows(users, "select id from patients order by id limit 1")
    before = rows(users, "select count(*) from users")
    attempts = [
        (add(refused, users, "billing@demo.example", "billing"), "Another account of the clinic already has this e-mail"),
        (add(refused, users, "x@demo.example", "billing", typed="short"), "at least 10 characters"),
        (add(refused, users, "x@demo.example", "attorney"), "--person must be a global id"),
        (add(refused, users, "x@demo.example", "attorney", "--person", make_id("Patient", patient)), "--person must be a global id"),
        (add(refused, users, "x@demo.example", "physician", "--person", make_id("Physician", uuid4())), "no such physician"),
        (add(refused, users, "x@demo.example", "billing", "--person", make_id("Attorney", uuid4())), "not linked to a person"),
        (add(refused, users, "x@demo.example", "billing", "--clinic", "nowhere"), "no clinic nowhere"),
    ]  # fmt: skip
    for message, expected in attempts:
        assert expected in message
    assert rows(users, "select count(*) from users") == before


def test_a_command_deactivates_a_user_but_not_the_last_administrator(users: DatabaseUrls) -> None:
    add(done, users, "leaving@demo.example", "billing")
    with (
        serving(users) as url,
        Client(url) as anonymous,
        anonymous.signed_in("leaving@demo.example", PASSWORD) as client,
    ):
        command = ("user", "deactivate", "Leaving@Demo.Example", "--clinic", "demo")
        assert done(users, *command) == "Leaving@Demo.Example cannot sign in any more.\n"
        with Client(url, client.token) as again:
            assert again.post("{ viewer { id } }").status_code == 401
    for email, expected in (("admin", "last active administrator"), ("nobody", "no user nobody@demo.example")):
        assert expected in refused(users, "user", "deactivate", f"{email}@demo.example", "--clinic", "demo")
    [[active]] = rows(users, "select active from users where email = 'admin@demo.example'")
    assert active


@pytest.mark.parametrize("command", ["migrate", "verify", "demo", "serve", "worker"])
def test_an_unreachable_database_is_reported_in_one_line(command: str) -> None:
    message = refused(DatabaseUrls("postgresql://nobody:a-secret@127.0.0.1:1/nothing"), command)
    assert message.startswith("DATABASE_URL is wrong: the database cannot be reached: ")
    assert len(message.splitlines()) == 1
    assert "a-secret" not in message


def test_a_missing_database_is_reported_with_its_name(empty: DatabaseUrls) -> None:
    missing = DatabaseUrls(empty.owner.replace("/empty_", "/no_"))
    assert "does not exist" in refused(missing, "migrate")
