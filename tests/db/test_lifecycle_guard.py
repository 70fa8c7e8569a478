"""The database enforces the lifecycle: hand-written SQL can break neither the transition table nor the history."""

import asyncio
from importlib import import_module
from uuid import uuid4

import asyncpg
import pytest

from db.pools import entering
from db.security.policies import STAFF_LOGIN
from db.tables import metadata
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import legal_pairs
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.support.databases import rows
from tests.support.other_clinic import OTHER, add_other_clinic

PAIRS = [(start, end) for start in InvoiceStatus for end in InvoiceStatus if start is not end]
# Without the check constraints of the ledger, only the transition trigger can refuse.
_LEDGER_UNCHECKED = """alter table invoices drop constraint ck_invoices_status_agrees_with_ledger,
    drop constraint ck_invoices_written_off, drop constraint ck_invoices_received_within_agreed"""
_OF_OTHER = f"(select clinic_id from clinics where short_name = '{OTHER}')"
_OWN = "(select clinic_id from clinics where short_name = 'demo')"


@pytest.fixture(scope="module")
def two_clinics(address: DatabaseUrls) -> DatabaseUrls:
    """The demo clinic and another one."""
    add_other_clinic(address)
    return address


def attempt(address: DatabaseUrls, *statements: str, role: Role | None = None) -> str:
    """Run statements as the owner or as a role of the demo clinic, roll back, and return the last command tag ("UPDATE 1")."""
    begin = entering(viewer(address, role), read_only=False) if role else "begin"

    async def run() -> str:
        connection = await asyncpg.connect(address.login(STAFF_LOGIN) if role else address.owner)
        try:
            await connection.execute(begin)
            return [await connection.execute(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def viewer(address: DatabaseUrls, role: Role) -> Viewer:
    """The user of the demo clinic with a role."""
    query = f"select clinic_id, id from users where clinic_id = {_OWN} and role = $1"
    [user] = rows(address, query, role.value)
    return Viewer(user["clinic_id"], user["id"], uuid4(), role, None, "", "", "demo", "", "UTC")


def one(status: str, condition: str = "", clinic: str = _OWN) -> str:
    """The SQL for the id of an invoice of the demo clinic in a status."""
    return f"(select id from invoices where clinic_id = {clinic} and status = '{status}' {condition} order by number limit 1)"


# The owner of the tables, with the triggers in place.


@pytest.mark.parametrize(("start", "end"), PAIRS)
def test_the_owner_can_change_a_status_only_as_the_table_allows(
    address: DatabaseUrls, start: InvoiceStatus, end: InvoiceStatus
) -> None:
    change = f"update invoices set status = '{end}' where id = {one(start)}"
    if (start, end) in legal_pairs():
        assert attempt(address, _LEDGER_UNCHECKED, change) == "UPDATE 1"
    else:
        with pytest.raises(asyncpg.CheckViolationError, match=f"does not go from {start} to {end}"):
            attempt(address, _LEDGER_UNCHECKED, change)


def test_a_pair_of_the_first_release_is_still_allowed() -> None:
    guard = import_module("db.migrations.versions.0002_the_database_guards_the_lifecycle")
    assert set(guard.LEGAL) <= {(start.value, end.value) for start, end in legal_pairs()}


@pytest.mark.parametrize(
    "change",
    [
        f"status = 'pending_cheque' where id = {one('pending_invoice')}",
        f"status = 'cheque_received' where id = {one('pending_cheque')}",
        f"open_status = 'paid' where id = {one('pending_invoice')}",
        f"earlier_received_amount = 0.01 where id = {one('pending_invoice')}",
        f"small_balance_amount = balance + 0.01 where id = {one('pending_cheque')}",
        f"agreed_amount = 1 where id = {one('pending_reduction')}",
        f"status = 'paid', paid_on = null where id = {one('cheque_received')}",
        f"received_amount = agreed_amount + 0.01 where id = {one('pending_cheque')}",
        f"received_amount = -0.01 where id = {one('pending_cheque')}",
        f"agreed_amount = billed_amount + 0.01 where id = {one('pending_cheque')}",
        f"agreed_amount = null where id = {one('paid', 'and agreed_amount < billed_amount')}",
        f"written_off_amount = 1 where id = {one('pending_cheque')}",
        f"status = 'lost' where id = {one('pending_cheque')}",
    ],
)
def test_the_owner_cannot_make_status_and_ledger_disagree(address: DatabaseUrls, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        attempt(address, f"update invoices set {change}")


_APPEND_ONLY = (
    *("invoice_events", "cheque_allocations", "coverage_events", "denials", "responsibilities", "invoice_adjustments"),
    "denial_events",
)


def _referring(table: str) -> list[str]:
    """The tables that refer to one: unless they are emptied with it, their keys refuse before the guard of the table is asked."""
    return [
        other.name
        for other in metadata.sorted_tables
        if other.name != table and any(key.referred_table.name == table for key in other.foreign_key_constraints)
    ]


@pytest.mark.parametrize("table", _APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        "update {} set recorded_at = now()",
        "update {} set id = id",
        "delete from {}",
        "truncate {with_referring}",
        "truncate {} cascade",
        "merge into {} t using (select 1) s on true when matched then delete",
        "insert into {0} select * from {0} limit 1 on conflict (clinic_id, id) do update set recorded_at = now()",
    ],
)
def test_the_owner_cannot_rewrite_append_only_tables(address: DatabaseUrls, table: str, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=f"{table} is written once and kept"):
        attempt(address, statement.format(table, with_referring=", ".join((table, *_referring(table)))))


@pytest.mark.parametrize(
    "change", ["amount = amount + 1", "number = 'other'", "received_on = received_on - 1", "cheque_date = cheque_date - 1",
     "payer_id = (select id from payers p where p.id <> payer_id limit 1)", "returned_on = null, return_reason = null"]
)  # fmt: skip
def test_the_owner_cannot_edit_a_cheque(address: DatabaseUrls, change: str) -> None:
    which = "is not null" if "returned_on = null" in change else "is null"
    cheque = f"(select id from cheques where returned_on {which} order by id limit 1)"
    with pytest.raises(asyncpg.CheckViolationError, match="a cheque is never edited or deleted"):
        attempt(address, f"update cheques set {change} where id = {cheque}")


def test_the_owner_can_record_once_that_a_cheque_was_returned(address: DatabaseUrls) -> None:
    change = f"update cheques set returned_on = received_on where id = {_STANDING}"
    assert attempt(address, change) == "UPDATE 1"
    with pytest.raises(asyncpg.CheckViolationError, match="a cheque is never edited or deleted"):
        attempt(address, change, "update cheques set returned_on = received_on + 1 where returned_on = received_on")


_STANDING = "(select id from cheques where returned_on is null order by id limit 1)"


@pytest.mark.parametrize(
    "statement",
    [
        f"delete from cheques where id = {_STANDING}",
        "delete from cheques where not exists (select from cheque_allocations a where a.cheque_id = cheques.id)",
        "truncate cheques",
        "truncate cheques cascade",
        f"delete from invoices where id = {one('void')}",
        "truncate invoices",
        "truncate invoices cascade",
        "truncate clinics cascade",
        "truncate denials",
        f"delete from cases where id = (select case_id from invoices where id = {one('paid')})",
    ],
)
def test_the_owner_cannot_delete_cheques_or_records_with_a_history(address: DatabaseUrls, statement: str) -> None:
    unpaid = """insert into cheques (clinic_id, id, payer_id, number, amount, cheque_date, received_on, imported)
        select clinic_id, gen_random_uuid(), id, 'unapplied', 1, '2026-06-01', '2026-06-01', true from payers limit 1"""
    with pytest.raises(_REFUSALS):
        attempt(address, unpaid, statement)


_REFUSALS = (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError, asyncpg.FeatureNotSupportedError)


def test_an_invoice_number_is_unique(address: DatabaseUrls) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        attempt(address, f"update invoices set number = (select max(number) from invoices) where id = {one('paid')}")


# The roles of the server: besides the triggers, grants and row-level security apply.

_STAFF = (Role.BILLING, Role.ADMIN)
# These roles cannot see the table of clinics.
_VOID = one("void", clinic="current_setting('app.clinic_id')::uuid")
_NEW = """insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, created_on, service_date, billed_amount,
    updated_at{columns}) select i.clinic_id, gen_random_uuid(), 'INV-2099-000001', i.case_id, i.patient_id, i.payer_id,
    '2026-06-01', '2026-06-01', 0, now(){values} from invoices i where {whose} limit 1"""


@pytest.mark.parametrize("role", _STAFF)
def test_staff_can_write_what_commands_write(two_clinics: DatabaseUrls, role: Role) -> None:
    """A control: without it, all refusals below could be due to missing privileges."""
    new = _NEW.format(columns="", values="", whose="true")
    assert attempt(two_clinics, new, role=role) == "INSERT 0 1"
    change = f"update invoices set version = version + 1 where id = {_VOID}"
    assert attempt(two_clinics, change, role=role) == "UPDATE 1"


@pytest.mark.parametrize("role", _STAFF)
@pytest.mark.parametrize("status", [status for status in InvoiceStatus if status is not InvoiceStatus.PENDING_INVOICE])
def test_staff_cannot_create_an_invoice_in_another_status(
    address: DatabaseUrls, role: Role, status: InvoiceStatus
) -> None:
    amounts = ", 1, 1, '2026-06-01', '2026-06-01', '2026-06-01'"
    agreed = {"pending_invoice", "pending_reduction", "void", "written_off"}
    columns, values = ", status", f", '{status}'"
    if status not in agreed:
        received = "0" if status == "pending_cheque" else "1"
        columns += ", agreed_amount, received_amount, fully_paid_on, paid_on, submitted_on"
        values += amounts.replace(", 1, 1", f", 1, {received}")
    elif status == "written_off":
        columns, values = columns + ", written_off_amount", values + ", 1"
    elif status == "pending_reduction":
        columns, values = columns + ", submitted_on", values + ", '2026-06-01'"
    new = _NEW.format(columns=columns, values=values, whose="true").replace(
        "'2026-06-01', 0, now()", "'2026-06-01', 1, now()"
    )
    assert attempt(address, new) == "INSERT 0 1"
    # A column that an insert may not set is refused by its grant, before the policy is checked.
    message = "row-level security policy" if columns == ", status" else "permission denied for table invoices"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=message):
        attempt(address, new, role=role)


@pytest.mark.parametrize("role", _STAFF)
def test_staff_cannot_see_change_or_add_rows_of_another_clinic(two_clinics: DatabaseUrls, role: Role) -> None:
    [[other]] = rows(two_clinics, f"select {_OF_OTHER}")
    for table in ("invoices", "cases", "cheques", "payers", "holds", "reduction_offers"):
        [[found]] = rows(two_clinics, f"select count(*) from {table} where clinic_id = $1", other)
        assert found > 0
        column = {"holds": "released_at = null", "cheques": "return_reason = 'x'", "reduction_offers": "status = 'open'",
                  "payers": "name = 'x'"}.get(table, "version = version")  # fmt: skip
        change = f"update {table} set {column} where clinic_id = '{other}'"
        assert attempt(two_clinics, change, role=role) == "UPDATE 0"
        assert attempt(two_clinics, f"select 1 from {table} where clinic_id = '{other}'", role=role) == "SELECT 0"
    copied = f"""insert into invoice_events (clinic_id, id, invoice_id, seq, at, transition, to_status)
        select clinic_id, gen_random_uuid(), id, 999, now(), 'paid', 'paid' from invoices where clinic_id = '{other}'"""
    assert attempt(two_clinics, copied, role=role) == "INSERT 0 0"
    [[foreign]] = rows(two_clinics, "select id from invoices where clinic_id = $1 limit 1", other)
    named = f"""insert into invoice_events (clinic_id, id, invoice_id, seq, at, transition, to_status)
        values ('{other}', gen_random_uuid(), '{foreign}', 999, now(), 'paid', 'paid')"""
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security policy"):
        attempt(two_clinics, named, role=role)


@pytest.mark.parametrize("role", _STAFF)
@pytest.mark.parametrize(
    "statement",
    [
        *(f"delete from {table}" for table in ("invoices", "invoice_events", "cheques", "cheque_allocations", "denials",
          "reduction_offers", "internal_notes", "cases", "representations", "holds", "invoice_counters")),
        *(f"truncate {table}" for table in ("invoices", "invoice_events", "cheques", "cheque_allocations", "denials")),
        *(f"update {table} set recorded_at = now()" for table in ("invoice_events", "cheque_allocations", "denials")),
        "update invoice_events set to_status = 'paid'",
        "update cheque_allocations set amount = amount",
        "update cheques set amount = amount",
        "update cheques set document_id = null",
        "update cheques set imported = true",
        "update reduction_offers set amount = 1",
        "update internal_notes set body = ''",
        *(f"update invoices set {column} = {column}" for column in ("clinic_id", "id", "number", "case_id", "patient_id",
          "attorney_id", "created_on", "external_key", "recorded_at", "encounter_id")),
        "alter table invoices disable trigger all",
        "drop trigger guard_invoice_status on invoices",
        "set session_replication_role = replica",
        "create or replace function refuse_rewriting() returns trigger language plpgsql as 'begin return null; end'",
    ],
)  # fmt: skip
def test_staff_have_no_right_to_rewrite_or_delete(address: DatabaseUrls, role: Role, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        attempt(address, statement, role=role)


@pytest.mark.parametrize("role", _STAFF)
def test_the_transition_trigger_applies_to_staff_too(address: DatabaseUrls, role: Role) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="does not go from void to pending_invoice"):
        attempt(address, f"update invoices set status = 'pending_invoice' where id = {_VOID}", role=role)
