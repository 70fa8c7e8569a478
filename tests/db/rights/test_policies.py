"""The row-level security policies are exactly those that follow from the reach and the writes of each role."""

import asyncio

import asyncpg
import pytest

from db.row import PolicyScope, Row
from db.security.policies import (
    AUDIT_ROLE,
    IMPORT_ROLE,
    PRICING_ROLE,
    REPORT_ROLE,
    SIGN_IN,
    WORKER_ROLE,
    import_policy,
    insert_policy,
    policy,
    role_name,
    write_policy,
)
from db.security.reach import reach_of
from db.tables import metadata
from domain.access.people import Role
from permissions.pricing import PRICING
from permissions.rows import ROWS
from permissions.worker import ACROSS_CLINICS, WORKER
from permissions.writes import WRITES
from server.database_urls import DatabaseUrls
from tests.db.rights.rights import READ_BY_REPORTS, READ_BY_SIGNING_IN
from tests.db.rights.test_grants import GROUPS
from tests.db.rights.written import ADDED, CHANGED, REMOVED
from tests.support.databases import rows


def _role(name: str) -> Role:
    return next(role for role in Role if role_name(role) == name)


# Action items are a view of other tables, which have policies of their own.
STORED = {table: reaches for table, reaches in ROWS.items() if table in metadata.tables}
PolicyRow = tuple[list[str], str, str | None, str | None]


def expected_policies() -> dict[tuple[str, str], PolicyRow]:
    """Table and name of every policy → its roles, command, USING condition and WITH CHECK condition."""
    signing_in = {(table, SIGN_IN): ([SIGN_IN], "ALL", "true", "true") for table in READ_BY_SIGNING_IN}
    seen = [(table, role_name(role), policy(table, role)) for table, reaches in STORED.items() for role in reaches]
    seen += [(table, WORKER_ROLE, "true") for table in ACROSS_CLINICS]
    seen += [(table, WORKER_ROLE, policy(table, None)) for table, need in WORKER.items() if need.reads]
    seen += [(table, PRICING_ROLE, policy(table, None)) for table in PRICING]
    seen += [(table, REPORT_ROLE, policy(table, None)) for table in READ_BY_REPORTS]
    found: dict[tuple[str, str], PolicyRow] = {
        (table, name): ([name], "SELECT", condition, None) for table, name, condition in seen
    }
    # The sign-in role has one policy for all commands; its writes are limited by columns.
    for name in (name for name in GROUPS if name != SIGN_IN):
        found |= _policies_to_write(name)
    return signing_in | found


def _policies_to_write(name: str) -> dict[tuple[str, str], PolicyRow]:
    def added(table: str) -> str:
        condition = {AUDIT_ROLE: "true", WORKER_ROLE: policy(table, None), IMPORT_ROLE: import_policy(table)}
        return condition[name] if name in condition else insert_policy(table, WRITES[table], _role(name))

    def own(table: str) -> str:
        return policy(table, None) if name == WORKER_ROLE else write_policy(table, WRITES[table], _role(name))

    inserts = {(t, f"{name}_insert"): ([name], "INSERT", None, added(t)) for t in ADDED.get(name, {})}
    updates = {(t, f"{name}_update"): ([name], "UPDATE", own(t), own(t)) for t in CHANGED.get(name, {})}
    deletes = {(t, f"{name}_delete"): ([name], "DELETE", own(t), None) for t in REMOVED.get(name, "").split()}
    return {**inserts, **updates, **deletes}


def test_policies_follow_from_the_reach_and_the_writes_of_each_role(address: DatabaseUrls) -> None:
    query = "select tablename, policyname, cmd, roles::text[], permissive, qual, with_check from pg_policies where schemaname = 'public'"
    found = {(row["tablename"], row["policyname"]): row for row in rows(address, query)}
    expected = expected_policies()
    assert set(found) == set(expected)
    spelt = _as_postgresql_writes_it(
        address,
        {(table, condition) for (table, _), (_, _, *both) in expected.items() for condition in both if condition},
    )
    for (table, name), (roles, command, using, check) in expected.items():
        row = found[table, name]
        assert (row["roles"], row["cmd"], row["permissive"]) == (roles, command, "PERMISSIVE")
        assert row["qual"] == (spelt[table, using] if using else None)
        assert row["with_check"] == (spelt[table, check] if check else None)


def _as_postgresql_writes_it(address: DatabaseUrls, conditions: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Conditions as PostgreSQL formats them, by creating policies in a transaction that is rolled back."""

    async def spell() -> dict[tuple[str, str], str]:
        connection = await asyncpg.connect(address.owner)
        found = {}
        try:
            await connection.execute("begin")
            for table, condition in conditions:
                await connection.execute(f"create policy spelt on {table} for select to {SIGN_IN} using ({condition})")
                query = "select qual from pg_policies where policyname = 'spelt'"
                found[table, condition] = await connection.fetchval(query)
                await connection.execute(f"drop policy spelt on {table}")
        finally:
            await connection.close()
        return found

    return asyncio.run(spell())


# The column that names the user who adds a row, and whether only that user may change the row.
AUTHOR_COLUMNS = {
    "attorney_changes": ("requested_by", False),
    "audit_events": ("user_id", False),
    "coverage_events": ("by_user_id", False),
    "case_events": ("by_user_id", False),
    "denial_events": ("recorded_by", False),
    "denials": ("recorded_by", False),
    "deposits": ("recorded_by", False),
    "document_deliveries": ("recorded_by", False),
    "document_templates": ("created_by", False),
    "documents": ("uploaded_by", True),
    "encounter_events": ("by_user_id", False),
    "exports": ("requested_by", True),
    "holds": ("placed_by", False),
    "idempotency_keys": ("user_id", True),
    "internal_notes": ("written_by", False),
    "import_mappings": ("changed_by", False),
    "invoice_adjustments": ("decided_by", False),
    "invoice_selections": ("user_id", True),
    "invoice_events": ("by_user_id", False),
    "issued_documents": ("issued_by", False),
    "merges": ("merged_by", False),
    "reduction_offers": ("made_by", False),
    "provider_adjustments": ("recorded_by", False),
    "recoupment_answers": ("answered_by", False),
    "recoupment_requests": ("recorded_by", False),
    "refunds": ("refunded_by", False),
    "remittances": ("imported_by", False),
    "reminder_confirmations": ("confirmed_by", False),
    "reminder_templates": ("created_by", False),
    "reminders": ("created_by", False),
    "suppressed_addresses": ("added_by", False),
    "write_offs": ("decided_by", False),
}


BEGINS = {
    "cheques": " and (cheques.returned_on is null or cheques.corrects_id is not null)"
    " and (cheques.return_reason is null or cheques.corrects_id is not null)",
    "coverages": " and coverages.status = 'unverified'",
    "exports": " and exports.status = 'queued'",
    "invoices": " and invoices.status = 'pending_invoice'",
    "issued_documents": " and issued_documents.status = 'issued'",
    "outbound_messages": " and (outbound_messages.recipient is null or outbound_messages.issued_document_id is not null)",
    "sessions": " and sessions.kind = 'api_token'",
}
# Administrators import every kind.
WITHIN = {
    "import_mappings": " and import_mappings.kind in ('codes', 'fee_schedules', 'reason_codes', 'exam_types', 'payers', 'attorneys', "
    "'physicians', 'facilities', 'patients', 'cases', 'invoices')"
}


@pytest.mark.parametrize("table", WRITES)
def test_written_rows_belong_to_the_viewers_clinic_and_name_the_viewer_as_author(table: str) -> None:
    clinic = f"{table}.clinic_id = (select nullif(current_setting('app.clinic_id', true), '')::uuid)"
    by, is_own = AUTHOR_COLUMNS.get(table, (None, False))
    viewer_id = f" and {table}.{by} = (select nullif(current_setting('app.user_id', true), '')::uuid)" if by else ""
    begins, within = BEGINS.get(table, ""), WITHIN.get(table, "")
    assert insert_policy(table, WRITES[table], Role.ADMIN).lower() == clinic + viewer_id + begins + within
    assert write_policy(table, WRITES[table], Role.ADMIN).lower() == clinic + (viewer_id if is_own else "") + within


def test_billing_staff_write_mappings_of_the_kinds_that_they_import() -> None:
    kinds = "import_mappings.kind in ('reason_codes', 'payers', 'attorneys', 'patients', 'cases', 'invoices')"
    table = WRITES["import_mappings"]
    assert insert_policy("import_mappings", table, Role.BILLING).lower().endswith(kinds)
    assert write_policy("import_mappings", table, Role.BILLING).lower().endswith(kinds)


@pytest.mark.parametrize("role", list(Role))
def test_every_policy_is_limited_to_the_viewers_clinic(role: Role) -> None:
    for table in (table for table, reaches in STORED.items() if role in reaches):
        scope = PolicyScope(role)
        row = Row(metadata.tables[table], table, scope)
        first = f"{table}.clinic_id = (select nullif(current_setting('app.clinic_id', true), '')::uuid)"
        assert policy(table, role).startswith(first)
        assert bool(reach_of(row)) is (" and " in policy(table, role))
