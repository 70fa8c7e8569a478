"""An ordinary login that owns the database can migrate it and serve it, without being a superuser."""

import asyncio
from collections.abc import Iterator

import pytest

from db.security.ownership import OWNER_ROLE
from db.security.policies import STAFF_LOGIN
from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from server.settings import SettingError
from tests.db.rights.function_rights import faults
from tests.support.api.records import find_records
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client, serving
from tests.support.databases import fill, rows

_PASSWORD = "only for these tests"
_OWNER = (
    f"create role owner login createrole password '{_PASSWORD}'; create database owned owner owner; "
    f"create role visitor login createrole password '{_PASSWORD}'"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server used by this module only, with a database that belongs to an ordinary login."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("ordinary"), durable=False) as started:
        for statement in _OWNER.split("; "):
            rows(DatabaseUrls(started.dsn()), statement)
        yield started


@pytest.fixture(scope="module")
def owned(server: EmbeddedPostgres) -> DatabaseUrls:
    """The database, migrated from scratch by its owner, with the demo clinic."""
    address = DatabaseUrls(server.dsn(user="owner", database="owned", password=_PASSWORD))
    asyncio.run(fill(address))
    return address


def test_a_database_migrated_by_an_ordinary_owner_has_the_same_owner_and_rights(owned: DatabaseUrls) -> None:
    assert faults(owned) == []
    assert rows(owned, "select from pg_roles where rolname in ('owner', $1) and rolsuper", OWNER_ROLE) == []
    asyncio.run(bring_up_to_date(owned))
    assert faults(owned) == []


def test_an_invoice_can_be_billed_and_paid_in_that_database_and_verification_finds_no_breach(
    owned: DatabaseUrls,
) -> None:
    with serving(owned) as url, Client(url) as anonymous:
        billing, admin = (anonymous.signed_in(f"{role}@demo.example") for role in ("billing", "admin"))
        clinic = Clinic(billing, admin, find_records(owned), owned)
        before = broken_laws(owned)
        paid, agreed = clinic.agreed(), clinic.agreed()
        clinic.pays("1000.00", {paid: "1000.00"})
        assert clinic.look(paid)["status"] == "CHEQUE_RECEIVED"
        assert clinic.look(agreed)["status"] == "PENDING_CHEQUE"
    assert broken_laws(owned) == before


def test_a_login_that_does_not_own_the_database_cannot_migrate_it_and_changes_nothing(
    owned: DatabaseUrls, server: EmbeddedPostgres
) -> None:
    before = rows(owned, "select proname, proowner, proacl::text from pg_proc order by oid")
    visitor = DatabaseUrls(server.dsn(user="visitor", database="owned", password=_PASSWORD))
    with pytest.raises(
        SettingError, match="run by the owner of the database with the right to create roles, or by a superuser"
    ):
        asyncio.run(bring_up_to_date(visitor))
    assert rows(owned, "select proname, proowner, proacl::text from pg_proc order by oid") == before


@pytest.mark.parametrize(
    ("change", "undo", "message"),
    [
        (
            f"grant {OWNER_ROLE} to {STAFF_LOGIN}",
            f"revoke {OWNER_ROLE} from {STAFF_LOGIN}",
            f"{STAFF_LOGIN} is a member of {OWNER_ROLE}: only logins are",
        ),
        (
            "alter role clinic_analyst bypassrls",
            "alter role clinic_analyst nobypassrls",
            "clinic_analyst has the attributes ['bypassrls']",
        ),
        ("create role clinic_extra", "drop role clinic_extra", "clinic_extra is a role that is not known here"),
    ],
)
def test_a_role_with_excessive_rights_is_reported(
    owned: DatabaseUrls, server: EmbeddedPostgres, change: str, undo: str, message: str
) -> None:
    superuser = DatabaseUrls(server.dsn(database="owned"))
    rows(superuser, change)
    assert any(message in fault for fault in faults(owned))
    rows(superuser, undo)
    assert faults(owned) == []
