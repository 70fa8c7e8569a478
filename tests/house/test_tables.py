"""Decides that every row belongs to a clinic, by its key, by each reference, by every index and by a policy."""

import pytest
from sqlalchemy import DateTime, ForeignKeyConstraint, Integer, LargeBinary, Table, UniqueConstraint
from sqlalchemy.schema import ColumnCollectionConstraint

from db.tables import metadata
from permissions.rows import ROWS
from server.addresses import Address
from tests.databases import rows

# Whoever tries to sign in is of no clinic yet: attempts are counted by a keyed hash.
OF_NO_CLINIC = {"sign_in_attempts"}
TABLES = [pytest.param(table, id=table.name) for table in metadata.sorted_tables if table.name not in OF_NO_CLINIC]
CLINIC = "clinic_id"
# Whom nobody reaches by asking: signing in and the worker have doors of their own.
REACHED_BY_NOBODY = {"second_factors", "audit_pending", *OF_NO_CLINIC}
# The clinics themselves, and what is written of every request, whose session knows clinic and user.
WITHOUT_REFERENCES = {"clinics", "audit_events", "audit_pending"}
# Inverted indexes find ids that are unique among clinics, and know nothing of plain columns.
INVERTED = {"ix_audit_chain_subjects"}
# What tells clinics apart; everything else may be the same in two of them.
UNIQUE_AMONG_CLINICS = {"clinics.short_name"}


@pytest.mark.parametrize("table", TABLES)
def test_the_key_of_a_row_begins_with_its_clinic(table: Table) -> None:
    assert _first(table.primary_key) == CLINIC
    assert not table.c[CLINIC].nullable


@pytest.mark.parametrize("table", TABLES)
def test_what_is_unique_is_unique_in_a_clinic(table: Table) -> None:
    unique = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    others = {f"{table.name}.{_first(constraint)}" for constraint in unique if _first(constraint) != CLINIC}
    assert others <= UNIQUE_AMONG_CLINICS


@pytest.mark.parametrize("table", TABLES)
def test_a_row_refers_to_rows_of_its_own_clinic_only(table: Table) -> None:
    references = [constraint for constraint in table.constraints if isinstance(constraint, ForeignKeyConstraint)]
    for reference in references:
        own, others = reference.column_keys[0], reference.elements[0].column.name
        assert (own, others) == (CLINIC, CLINIC)
    assert references or table.name in WITHOUT_REFERENCES


@pytest.mark.parametrize("table", TABLES)
def test_an_index_begins_with_the_clinic(table: Table) -> None:
    assert {
        str(index.name) for index in table.indexes if next(iter(index.expressions)) is not table.c[CLINIC]
    } <= INVERTED


@pytest.mark.parametrize("name", OF_NO_CLINIC)
def test_what_belongs_to_no_clinic_holds_hashes_numbers_and_moments_alone(name: str) -> None:
    assert {type(column.type) for column in metadata.tables[name].c} == {LargeBinary, Integer, DateTime}
    assert not metadata.tables[name].foreign_keys


def _first(constraint: ColumnCollectionConstraint) -> str:
    return str(next(iter(constraint.columns)).name)


def test_every_table_has_a_reach_or_is_known_to_be_reached_by_nobody() -> None:
    assert set(metadata.tables) - set(ROWS) == REACHED_BY_NOBODY
    # Action items are gathered from other tables each time.
    assert set(ROWS) - {"action_items"} <= set(metadata.tables)


def test_row_security_is_on_for_every_table_of_the_database(address: Address) -> None:
    query = "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and not relrowsecurity"
    assert [row[0] for row in rows(address, query)] == ["alembic_version"]
