"""Decides what the commands of `billing` do to a real database, and that doing it twice changes nothing."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from click.testing import CliRunner, Result

from db.identity import make_id
from domain.people import Role
from schema.snapshots import FOLDER
from server.addresses import Address
from server.cli import main
from server.embedded import EmbeddedPostgres
from tests.client import Client, serving
from tests.databases import address_of, copied, rows
from tests.server.embedded_user import PROJECT

BILLING = Path(sys.executable).parent / "billing"
SYNTHEA = PROJECT / "tests" / "imports" / "data" / "synthea"
PASSWORD = "a password of ten letters"


def billing(address: Address | None, *arguments: str, said: str = "") -> Result:
    """The command, with its input, run to its end against a database."""
    unset: dict[str, str | None] = {name: None for name in os.environ if name.startswith(("BILLING_", "DATABASE_"))}
    settings = {"BILLING_DEMO_PASSWORD": PASSWORD} | ({"DATABASE_URL": address.owner} if address else {})
    return CliRunner().invoke(main, arguments, input=said, env=unset | settings)


def done(address: Address | None, *arguments: str, said: str = "") -> str:
    """What a command prints that succeeds."""
    result = billing(address, *arguments, said=said)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(address: Address | None, *arguments: str, said: str = "") -> str:
    """The sentence with which a command refuses."""
    result = billing(address, *arguments, said=said)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code != 0
    return result.stderr.strip().rpartition("Error: ")[2]


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[Address]:
    """A database with nothing in it at all."""
    name, owner = f"empty_{uuid4().hex}", Address(postgres_server.dsn())
    rows(owner, f'create database "{name}"')
    yield address_of(postgres_server, name)
    rows(owner, f'drop database "{name}" with (force)')


def content(address: Address) -> dict[str, list[str]]:
    """Every row of every table as text, sorted, and every policy and grant: what must not change when nothing may."""

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
def test_the_schema_of_a_role_is_printed_as_it_is_committed(role: str) -> None:
    assert done(None, "print-schema", "--role", role) == (FOLDER / f"{role}.graphql").read_text()


def test_a_role_that_nobody_has_is_refused() -> None:
    assert "'president' is not one of 'admin'" in refused(None, "print-schema", "--role", "president")


def test_help_names_every_command_and_needs_no_database() -> None:
    said = subprocess.run([BILLING, "--help"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    for command in ("serve", "worker", "migrate", "demo", "import", "print-schema", "explain", "user"):
        assert f"  {command} " in said


def test_migrating_twice_changes_nothing(empty: Address) -> None:
    assert done(empty, "migrate") == "The database is up to date.\n"
    before = content(empty)
    assert before["policies"]
    assert "invoices" in before
    assert done(empty, "migrate") == "The database is up to date.\n"
    assert content(empty) == before


def test_two_hosts_may_migrate_at_once(empty: Address) -> None:
    environment = {**os.environ, "DATABASE_URL": empty.owner}
    hosts = [
        subprocess.Popen([BILLING, "migrate"], cwd=PROJECT, env=environment, stderr=subprocess.PIPE) for _ in range(2)
    ]
    said = [host.communicate(timeout=120)[1] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0], said
    [(count,)] = rows(empty, "select count(*) from alembic_version")
    assert count == 1


def test_the_demo_clinic_is_loaded_once_however_often_it_is_asked_for(empty: Address) -> None:
    first = done(empty, "demo", "--invoices", "60")
    [(count,)] = rows(empty, "select count(*) from invoices")
    assert count == 60
    assert PASSWORD in first
    before = content(empty)
    second = done(empty, "demo", "--invoices", "60")
    assert content(empty) == before
    assert "there already" in second
    with serving(empty) as url, Client(url) as nobody, nobody.signed_in("billing@demo.clinic", PASSWORD) as staff:
        assert staff.read("{ invoices { totalCount } }") == {"invoices": {"totalCount": 60}}


def test_an_import_of_synthea_s_files_done_twice_changes_nothing(empty: Address) -> None:
    first = done(empty, "import", "synthea", str(SYNTHEA), "--clinic", "riverside", "--attorneys", "2")
    before = content(empty)
    [(count, billed)] = rows(empty, "select count(*), sum(billed_amount) from invoices")
    assert count > 0
    assert str(count) in first
    assert f"{billed:,}" in first or str(billed) in first
    second = done(empty, "import", "synthea", str(SYNTHEA), "--clinic", "riverside", "--attorneys", "2")
    assert content(empty) == before
    assert second != first


def test_an_import_that_is_broken_says_file_and_line_and_writes_nothing(empty: Address, tmp_path: Path) -> None:
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
def users(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    with copied(postgres_server, template_database) as copy:
        yield copy


def add(how: Callable[..., str], address: Address, email: str, role: str, *more: str, typed: str = PASSWORD) -> str:
    who = ("user", "add", email, "--clinic", "demo", "--role", role, "--name", "Somebody New")
    return how(address, *who, *more, said=f"{typed}\n")


def test_a_user_who_is_added_signs_in(users: Address) -> None:
    assert add(done, users, "New@Demo.Clinic", "billing") == "New@Demo.Clinic can sign in.\n"
    with serving(users) as url, Client(url) as nobody, nobody.signed_in("new@demo.clinic", PASSWORD) as somebody:
        assert somebody.read("{ viewer { email name role } }")["viewer"] == {
            "email": "new@demo.clinic",
            "name": "Somebody New",
            "role": "BILLING",
        }
    [(stored,)] = rows(users, "select password_hash from users where email = 'new@demo.clinic'")
    assert stored.startswith("$argon2id$")


@pytest.mark.parametrize(("role", "table"), [("attorney", "attorneys"), ("physician", "physicians")])
def test_a_user_may_be_one_of_the_clinic_s_attorneys_or_physicians(users: Address, role: str, table: str) -> None:
    [(person,)] = rows(
        users, f"select {role}_id from invoices where {role}_id is not null and status <> 'void' order by id limit 1"
    )
    add(done, users, f"own-{role}@demo.clinic", role, "--person", make_id(role.capitalize(), person))
    [(own,)] = rows(
        users,
        f"select count(*) from invoices where {role}_id = $1 and (status <> 'void' or $2)",
        person,
        role == "physician",
    )
    with (
        serving(users) as url,
        Client(url) as nobody,
        nobody.signed_in(f"own-{role}@demo.clinic", PASSWORD) as somebody,
    ):
        assert somebody.read("{ invoices { totalCount } }") == {"invoices": {"totalCount": own}}


def test_what_cannot_be_a_user_is_refused_with_a_sentence_and_nothing_is_added(users: Address) -> None:
    [(patient,)] = rows(users, "select id from patients order by id limit 1")
    before = rows(users, "select count(*) from users")
    attempts = [
        (add(refused, users, "billing@demo.clinic", "billing"), "Another account of the clinic has this e-mail already"),
        (add(refused, users, "x@demo.clinic", "billing", typed="short"), "at least 10 characters"),
        (add(refused, users, "x@demo.clinic", "attorney"), "--person takes the id of a"),
        (add(refused, users, "x@demo.clinic", "attorney", "--person", make_id("Patient", patient)), "--person takes the id"),
        (add(refused, users, "x@demo.clinic", "physician", "--person", make_id("Physician", uuid4())), "no such physician"),
        (add(refused, users, "x@demo.clinic", "billing", "--person", make_id("Attorney", uuid4())), "nobody in particular"),
        (add(refused, users, "x@demo.clinic", "billing", "--clinic", "nowhere"), "no clinic nowhere"),
    ]  # fmt: skip
    for told, expected in attempts:
        assert expected in told
    assert rows(users, "select count(*) from users") == before


def test_a_user_is_deactivated_by_a_command_and_the_last_administrator_is_not(users: Address) -> None:
    add(done, users, "leaving@demo.clinic", "billing")
    with serving(users) as url, Client(url) as nobody, nobody.signed_in("leaving@demo.clinic", PASSWORD) as somebody:
        who = ("user", "deactivate", "Leaving@Demo.Clinic", "--clinic", "demo")
        assert done(users, *who) == "Leaving@Demo.Clinic cannot sign in any more.\n"
        with Client(url, somebody.token) as again:
            assert again.post("{ viewer { id } }").status_code == 401
    for email, expected in (("admin", "last active administrator"), ("nobody", "no user nobody@demo.clinic")):
        assert expected in refused(users, "user", "deactivate", f"{email}@demo.clinic", "--clinic", "demo")
    [[active]] = rows(users, "select active from users where email = 'admin@demo.clinic'")
    assert active


@pytest.mark.parametrize("command", ["migrate", "verify", "demo", "serve", "worker"])
def test_a_database_that_cannot_be_reached_is_told_in_a_sentence(command: str) -> None:
    told = refused(Address("postgresql://nobody:a-secret@127.0.0.1:1/nothing"), command)
    assert told.startswith("DATABASE_URL is wrong: there is no database to be reached: ")
    assert len(told.splitlines()) == 1
    assert "a-secret" not in told


def test_a_database_that_is_not_there_is_told_by_its_name(empty: Address) -> None:
    nowhere = Address(empty.owner.replace("/empty_", "/no_"))
    assert "does not exist" in refused(nowhere, "migrate")
