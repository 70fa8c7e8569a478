"""Every row belongs to a tenant (clinic): by its primary key, its foreign keys, its indexes and its row-level security policy."""

import pytest
from sqlalchemy import Boolean, DateTime, ForeignKeyConstraint, Integer, LargeBinary, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import ColumnCollectionConstraint

from db.tables import metadata
from permissions.rows import ROWS
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

# Sign-in attempts belong to no clinic yet: they are counted by a keyed hash. The version of the policies is that of the database.
COUNTERS = {"sign_in_attempts", "policy_version"}
# The directory of people, who may have accounts in several clinics.
DIRECTORY = {"logins", "memberships", "login_second_factors", "recovery_codes", "reset_links"}
OF_NO_CLINIC = COUNTERS | DIRECTORY
TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables if table.name not in OF_NO_CLINIC]
CLINIC = "clinic_id"
# Tables that no role of users can read: sign-in and the worker have database roles of their own.
WITHOUT_REACH = {"second_factors", "audit_pending", *OF_NO_CLINIC}
# The clinics themselves, and the audit log, whose clinic and user are those of the session.
WITHOUT_REFERENCES = {"clinics", "audit_events", "audit_pending"}
# Inverted indexes find ids that are unique among clinics, and cannot contain plain columns.
INVERTED = {"ix_audit_chain_subjects"}
# Columns that are unique among clinics; all other values may occur in several clinics.
UNIQUE_AMONG_CLINICS = {"clinics.short_name"}


@pytest.mark.parametrize("table", TABLES)
def test_the_primary_key_begins_with_the_clinic(table: Table) -> None:
    assert _first(table.primary_key) == CLINIC, f"make {table.name} by clinic_table() of db/tables/base.py"
    assert not table.c[CLINIC].nullable


@pytest.mark.parametrize("table", TABLES)
def test_unique_constraints_begin_with_the_clinic(table: Table) -> None:
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    others = {f"{table.name}.{_first(constraint)}" for constraint in unique if _first(constraint) != CLINIC}
    assert others <= UNIQUE_AMONG_CLINICS, "begin each of these unique constraints with clinic_id"


@pytest.mark.parametrize("table", TABLES)
def test_a_foreign_key_refers_to_rows_of_the_same_clinic_only(table: Table) -> None:
    references = [constraint for constraint in table.constraints if isinstance(constraint, ForeignKeyConstraint)]
    for reference in references:
        own, others = reference.column_keys[0], reference.elements[0].column.name
        assert (own, others) == (CLINIC, CLINIC), (
            f"let the foreign key of {table.name} begin with clinic_id, on both sides"
        )
    assert references or table.name in WITHOUT_REFERENCES


@pytest.mark.parametrize("table", TABLES)
def test_an_index_begins_with_the_clinic(table: Table) -> None:
    assert {
        str(index.name) for index in table.indexes if next(iter(index.expressions)) is not table.c[CLINIC]
    } <= INVERTED, "begin each of these indexes with clinic_id"


@pytest.mark.parametrize("name", sorted(COUNTERS))
def test_counters_without_a_clinic_hold_only_hashes_numbers_and_times(name: str) -> None:
    # The JSON holds numbers and times by hash, which tests/api/access/test_lockout_of_accounts.py checks.
    assert {type(column.type) for column in metadata.tables[name].c} <= {Boolean, LargeBinary, Integer, DateTime, JSONB}
    assert not metadata.tables[name].foreign_keys


@pytest.mark.parametrize("name", sorted(DIRECTORY))
def test_the_directory_refers_to_itself_only_and_no_clinic_s_table_refers_to_it(name: str) -> None:
    assert {key.column.table.name for key in metadata.tables[name].foreign_keys} <= {"logins"}
    referring = {
        table.name for table in metadata.sorted_tables for key in table.foreign_keys if key.column.table.name == name
    }
    assert referring <= DIRECTORY


def test_the_directory_holds_what_signs_a_person_in_and_nothing_else() -> None:
    # Whatever is added here is shared by the clinics of a person: no clinic's records.
    assert {name: {column.name for column in metadata.tables[name].c} - {"recorded_at"} for name in DIRECTORY} == {
        "logins": {"id", "email", "password_hash", "oidc_subject", "only_clinic_id", "email_verified_at"},
        "memberships": {"login_id", "clinic_id", "user_id"},
        "login_second_factors": {"login_id", "secret", "bound_clinic_id", "confirmed_at", "last_step"},
        "recovery_codes": {"login_id", "code_hash"},
        "reset_links": {
            "id",
            "email",
            "kind",
            "asked_in_clinic_id",
            "expires_at",
            "used_at",
            "sent_at",
            "next_attempt_at",
        },
    }


def _first(constraint: ColumnCollectionConstraint) -> str:
    return str(next(iter(constraint.columns)).name)


def test_every_table_has_a_reach_or_is_listed_as_unreachable() -> None:
    assert set(metadata.tables) - set(ROWS) == WITHOUT_REACH, (
        "say in ROWS (permissions/rows.py) which rows of the table each role reaches"
    )
    # Action items, expected payments and proposals of remittances are views of other tables.
    assert set(ROWS) - {"action_items", "expected_payments", "remittance_proposals"} <= set(metadata.tables)


def test_row_level_security_is_enabled_for_every_table_of_the_database(address: DatabaseUrls) -> None:
    query = "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and not relrowsecurity"
    assert [row[0] for row in rows(address, query)] == ["alembic_version"]
