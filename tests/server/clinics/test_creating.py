"""A clinic is created together with its first administrator, once, and its other users can be added then."""

import asyncio
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.server.commands.test_cli import PASSWORD, done, refused
from tests.support.client import Client, serving
from tests.support.databases import address_of, rows
from tests.support.owner_connection import leave

NAMED = ("--name", "New Injury Clinic", "--time-zone", "America/Chicago", "--admin-name", "Ann Admin")
TABLES = ("clinics", "users", "logins", "invitations", "reminder_templates", "audit_events")


@pytest.fixture(scope="module")
def own_database(postgres_server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """A migrated database without any clinic, in which the tests of this module create theirs."""
    name, owner = f"begins_{uuid4().hex}", DatabaseUrls(postgres_server.dsn())
    rows(owner, f'create database "{name}"')
    address = address_of(postgres_server, name)
    asyncio.run(bring_up_to_date(address))
    yield address
    leave(address.owner)
    rows(owner, f'drop database "{name}" with (force)')


def create(
    run: Callable[..., str], address: DatabaseUrls, short_name: str, email: str, *more: str, typed: str = PASSWORD
) -> str:
    return run(address, "clinic", "create", short_name, *NAMED, "--admin", email, *more, input_text=f"{typed}\n")


def counts(address: DatabaseUrls) -> list[int]:
    return [rows(address, f"select count(*) from {table}")[0][0] for table in TABLES]


def test_a_created_clinic_has_an_administrator_who_signs_in_and_a_record_of_its_creation(
    own_database: DatabaseUrls,
) -> None:
    answer = create(done, own_database, "first", "Ann@New.Example")
    assert answer.startswith("The clinic first is there: New Injury Clinic, America/Chicago.")
    assert "billing user add biller@clinic.example --clinic first" in answer
    with (
        serving(own_database) as url,
        Client(url) as anonymous,
        anonymous.signed_in("ann@new.example", PASSWORD) as admin,
    ):
        read = admin.read("{ viewer { name role } clinic { name shortName timeZone } reminderTemplates { id } }")
        assert read["viewer"] == {"name": "Ann Admin", "role": "ADMIN"}
        assert read["clinic"] == {"name": "New Injury Clinic", "shortName": "first", "timeZone": "America/Chicago"}
        assert read["reminderTemplates"]
    [(role, operation, size)] = rows(
        own_database, "select role, operation, length(entities) / 18 from audit_events where operation = 'createClinic'"
    )
    assert (role, operation, size >= 2) == ("worker", "createClinic", True)
    assert done(own_database, "clinic", "show", "first").endswith("users: 1, invoices: 0.\n")
    assert "first: New Injury Clinic\n" in done(own_database, "clinic", "list")


def test_an_administrator_with_a_login_has_to_accept_the_account(own_database: DatabaseUrls) -> None:
    create(done, own_database, "known", "known@new.example")
    answer = create(done, own_database, "known-too", "known@new.example")
    assert "known@new.example has a login already, and accepts the account within 72 hours at http" in answer


def test_another_user_is_added_to_a_created_clinic(own_database: DatabaseUrls) -> None:
    create(done, own_database, "second", "b@new.example")
    command = ("user", "add", "biller@new.example", "--clinic", "second", "--role", "billing", "--name", "Bill")
    assert done(own_database, *command, input_text=f"{PASSWORD}\n") == "biller@new.example can sign in.\n"


def test_an_invited_administrator_accepts_the_account_by_a_one_time_link(own_database: DatabaseUrls) -> None:
    answer = create(done, own_database, "third", "c@new.example", "--invite")
    assert "c@new.example accepts the account within 72 hours at http://127.0.0.1:8000/invitation#" in answer
    joined = "select joined_at from users where email = 'c@new.example'"
    assert [row["joined_at"] for row in rows(own_database, joined)] == [None]
    command = ("user", "add", "d@new.example", "--clinic", "third", "--role", "billing", "--name", "D", "--invite")
    assert done(own_database, *command).startswith("d@new.example accepts the account within 72 hours at http")


@pytest.mark.parametrize(
    ("short_name", "options", "typed", "reason"),
    [
        ("taken", (), PASSWORD, "There is a clinic taken already: New Injury Clinic. Nothing was changed"),
        ("new", ("--time-zone", "America/Chicgo"), PASSWORD, "There is no time zone America/Chicgo: did you mean America/Chicago"),
        ("new", ("--time-zone", "Mars"), PASSWORD, "examples are America/New_York and America/Chicago"),
        ("New Clinic", (), PASSWORD, "A short name has 2 to 40 characters"),
        ("new", (), "short", "at least 10 characters"),
        ("new", ("--name", " "), PASSWORD, "This cannot be left blank"),
        ("new", ("--admin", "nobody"), PASSWORD, "An e-mail address looks like name@example.com"),
    ],
)  # fmt: skip
def test_a_clinic_that_cannot_be_created_is_refused_and_nothing_is_written(
    own_database: DatabaseUrls, short_name: str, options: tuple[str, ...], typed: str, reason: str
) -> None:
    if not rows(own_database, "select from clinics where short_name = 'taken'"):
        create(done, own_database, "taken", "e@new.example")
    before = counts(own_database)
    message = create(refused, own_database, short_name, "f@new.example", *options, typed=typed)
    assert reason in message
    assert counts(own_database) == before


def test_an_unknown_clinic_is_not_shown(own_database: DatabaseUrls) -> None:
    assert refused(own_database, "clinic", "show", "nowhere").startswith("There is no clinic nowhere")


def test_a_database_that_is_not_migrated_is_named_as_the_reason(postgres_server: EmbeddedPostgres) -> None:
    owner, name = DatabaseUrls(postgres_server.dsn()), f"bare_{uuid4().hex}"
    rows(owner, f'create database "{name}"')
    try:
        bare = address_of(postgres_server, name)
        message = create(refused, bare, "new", "f@new.example")
        assert "run `billing migrate` first" in message
    finally:
        rows(owner, f'drop database "{name}" with (force)')
