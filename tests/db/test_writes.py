"""Writes that the database itself refuses, regardless of the resolvers."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from db.security.policies import STAFF_LOGIN, role_name
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

OF_ADMINISTRATORS = {
    "physicians": (
        "insert into physicians (clinic_id, id, name) values ($1, gen_random_uuid(), 'Dr. Smuggled')",
        "update physicians set name = 'Dr. Nobody' where clinic_id = $1",
        "delete from physicians where clinic_id = $1",
    ),
    "facilities": (
        "insert into facilities (clinic_id, id, name) values ($1, gen_random_uuid(), 'Smuggled')",
        "update facilities set geographic_factor = 9 where clinic_id = $1",
        "delete from facilities where clinic_id = $1",
    ),
}
OF_STAFF = (
    """insert into patients (clinic_id, id, mrn, first_name, last_name, sort_name)
    values ($1, gen_random_uuid(), 'X', 'X', 'X', 'x')""",
    "insert into payers (clinic_id, id, name, kind) values ($1, gen_random_uuid(), 'Smuggled', 'insurance')",
    "insert into attorneys (clinic_id, id, name, firm) values ($1, gen_random_uuid(), 'Smuggled', 'Smuggled')",
    "insert into invoice_counters (clinic_id, year, last_number) values ($1, 2031, 1)",
)


@pytest.fixture(scope="module")
def clinic(address: DatabaseUrls) -> UUID:
    """The id of the demo clinic."""
    (row,) = rows(address, "select clinic_id from clinics where short_name = 'demo'")
    identity: UUID = row["clinic_id"]
    return identity


async def attempt(
    address: DatabaseUrls, role: Role, clinic: UUID, statement: str, clinic_of_statement: UUID | None = None
) -> str:
    """Run a statement about a clinic (by default, the own) in a transaction of a role, without committing, and return its command tag."""
    connection = await asyncpg.connect(address.login(STAFF_LOGIN))
    try:
        await connection.execute(f"begin; set local role {role_name(role)}; set local app.clinic_id = '{clinic}'")
        return str(await connection.execute(statement, clinic_of_statement or clinic))
    finally:
        # Nothing is committed.
        await connection.close()


@pytest.mark.parametrize("role", [Role.BILLING, Role.PHYSICIAN, Role.ANALYST])
@pytest.mark.parametrize("table", OF_ADMINISTRATORS)
async def test_only_administrators_can_write_physicians_and_facilities(
    address: DatabaseUrls, clinic: UUID, table: str, role: Role
) -> None:
    for statement in OF_ADMINISTRATORS[table]:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await attempt(address, role, clinic, statement)


@pytest.mark.parametrize("table", OF_ADMINISTRATORS)
async def test_administrators_can_write_physicians_and_facilities_but_not_delete_them(
    address: DatabaseUrls, clinic: UUID, table: str
) -> None:
    insert, update, delete = OF_ADMINISTRATORS[table]
    assert await attempt(address, Role.ADMIN, clinic, insert) == "INSERT 0 1"
    assert int((await attempt(address, Role.ADMIN, clinic, update)).split()[1]) > 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await attempt(address, Role.ADMIN, clinic, delete)


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
@pytest.mark.parametrize("statement", OF_STAFF)
async def test_staff_can_write_to_their_own_clinic_only(
    address: DatabaseUrls, clinic: UUID, role: Role, statement: str
) -> None:
    assert await attempt(address, role, clinic, statement) == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await attempt(address, role, clinic, statement, uuid4())


# Columns that no command sets on a new row: a past, a document without a scan, a key of another system.
_NEVER_SET = {
    "cheques": ("imported", "external_key"),
    "invoices": ("agreed_amount", "received_amount", "written_off_amount", "submitted_on", "version", "external_key"),
    "cases": ("settled_on", "version"),
    "documents": ("stored_at", "consumed_at", "sha256", "blob_key"),
    "holds": ("released_at",),
    "idempotency_keys": ("result_id",),
    "payers": ("retired_at",),
    "representations": ("known_until",),
    "attorney_changes": ("status", "ended_by", "ended_at"),
}


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
@pytest.mark.parametrize(("table", "column"), [(table, name) for table, names in _NEVER_SET.items() for name in names])
async def test_a_new_row_cannot_set_columns_that_no_command_sets(
    address: DatabaseUrls, clinic: UUID, role: Role, table: str, column: str
) -> None:
    forged = f"insert into {table} (clinic_id, {column}) select $1, null"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
        await attempt(address, role, clinic, forged)


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
@pytest.mark.parametrize(("column", "value"), [("returned_on", "'2026-06-02'"), ("return_reason", "'Forged'")])
async def test_a_new_payment_was_returned_only_if_it_corrects_one(
    address: DatabaseUrls, clinic: UUID, role: Role, column: str, value: str
) -> None:
    new = """insert into cheques (clinic_id, id, payer_id, method, number, amount, cheque_date, received_on{more})
        select $1, gen_random_uuid(), payer_id, 'wire', 'FORGED', 1, '2026-06-01', '2026-06-01'{values} from cheques limit 1"""
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await attempt(address, role, clinic, new.format(more=f", {column}", values=f", {value}"))
    corrected = f", {column}, corrects_id, correction_reason"
    kept = await attempt(address, role, clinic, new.format(more=corrected, values=f", {value}, id, 'Typed wrong'"))
    assert kept == "INSERT 0 1"


@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
async def test_staff_cannot_mark_a_cheque_without_a_scan_as_imported(
    address: DatabaseUrls, clinic: UUID, role: Role
) -> None:
    columns = "clinic_id, id, payer_id, number, amount, cheque_date, received_on"
    new = "select $1, gen_random_uuid(), id, 'FORGED', 1, '2026-06-01', '2026-06-01'{} from payers limit 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for table cheques"):
        await attempt(address, role, clinic, f"insert into cheques ({columns}, imported) {new.format(', true')}")
    with pytest.raises(asyncpg.CheckViolationError, match="has_a_document"):
        await attempt(address, role, clinic, f"insert into cheques ({columns}) {new.format('')}")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ANALYST])
@pytest.mark.parametrize("statement", OF_STAFF)
async def test_read_only_roles_cannot_write(address: DatabaseUrls, clinic: UUID, role: Role, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await attempt(address, role, clinic, statement)


@pytest.mark.parametrize("table", ["fee_schedules", "fee_schedule_rates"])
async def test_staff_can_read_prices_but_not_change_them(address: DatabaseUrls, clinic: UUID, table: str) -> None:
    look, change = f"select from {table} where clinic_id = $1", f"update {table} set id = id where clinic_id = $1"
    assert int((await attempt(address, Role.BILLING, clinic, look)).split()[1]) > 0
    for role, statement in ((Role.BILLING, change), (Role.PHYSICIAN, look), (Role.ANALYST, look)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await attempt(address, role, clinic, statement)
