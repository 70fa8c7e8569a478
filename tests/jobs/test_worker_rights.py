"""The worker's rights in the database: the rows of the clinic of its job, and the columns that its jobs need."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.pools import Database
from permissions.worker import ACROSS_CLINICS, WORKER
from server.database_urls import DatabaseUrls
from tests.db.rights.own_statements import MERGED
from tests.support.databases import rows


async def _as_worker(address: DatabaseUrls, clinic: UUID | None, sql: str) -> Any:
    async with Database(address.login) as database, database.working(clinic) as connection:
        return await connection.fetch(sql)


def _clinic(address: DatabaseUrls) -> UUID:
    found: UUID = rows(address, "select clinic_id from clinics")[0]["clinic_id"]
    return found


UPLOAD = """insert into documents (clinic_id, id, uploaded_by, file_name, content_type, byte_size, expires_at)
    select clinic_id, gen_random_uuid(), id, 'scan.pdf', 'application/pdf', 1, now() from users limit 1"""


# An audit event and its link in the audit chain.
AUDIT_EVENT = """with looked as (insert into audit_events (clinic_id, id, role, operation, request_id, at)
        select clinic_id, gen_random_uuid(), 'admin', 'viewer', '', now() from clinics returning clinic_id, id)
    insert into audit_chain (clinic_id, seq, event_id, hash, subjects) select clinic_id, 1, id, '', '{}' from looked"""


# A reminder that was sent to a payer.
SENT_REMINDER = """with template as (insert into reminder_templates (clinic_id, id, name, version, subject, body)
        select clinic_id, gen_random_uuid(), 'Worker', 1, '', '' from clinics returning clinic_id, id),
    policy as (insert into reminder_policies (clinic_id, id, name, active)
        select clinic_id, gen_random_uuid(), 'Worker', false from clinics returning clinic_id, id),
    level as (insert into reminder_levels (clinic_id, id, policy_id, level, after_days, in_status, template_id, recipient)
        select p.clinic_id, gen_random_uuid(), p.id, 1, 1, 'pending_invoice', t.id, 'payer' from policy p, template t),
    message as (insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on)
        select clinic_id, gen_random_uuid(), 'payer@example.test', '', 'sent', current_date from clinics returning clinic_id, id)
    insert into message_invoices (clinic_id, id, message_id, invoice_id, policy_id, level, template_id)
        select m.clinic_id, gen_random_uuid(), m.id, (select id from invoices limit 1), p.id, 1, t.id
        from message m, policy p, template t"""


LISTED = """insert into export_records (clinic_id, export_id, table_name, part, ids)
    select clinic_id, id, 'invoices', 0, '{}' from exports"""


PENDING_CHANGE = """insert into attorney_changes (clinic_id, id, case_id, effective_on, requested_at)
    select clinic_id, gen_random_uuid(), id, '2035-01-01', now() from cases order by id limit 1"""


IMAGE = """insert into invoice_images (clinic_id, change_id, id, existed, number, status, case_id, patient_id, payer_id, created_on,
        service_date, billed_amount, denial_statuses)
    select clinic_id, gen_random_uuid(), id, true, number, status, case_id, patient_id, payer_id, created_on, service_date,
        billed_amount, '{}' from invoices limit 1"""


# The events that wait to be chained are read for all clinics at once; the history of cases is only written.
READ = {table for table, need in WORKER.items() if need.reads}


@pytest.fixture(scope="module")
def with_rows(address: DatabaseUrls) -> DatabaseUrls:
    """The module's database, with rows in each table that the worker reads."""
    for insert in (UPLOAD, AUDIT_EVENT, SENT_REMINDER, LISTED, PENDING_CHANGE, IMAGE, *MERGED):
        rows(address, insert)
    return address


@pytest.mark.parametrize("table", sorted(READ - set(ACROSS_CLINICS)))
def test_the_worker_sees_only_rows_of_the_clinic_of_its_job(with_rows: DatabaseUrls, table: str) -> None:
    other_clinic = UUID(int=7)
    count = f"select count(clinic_id) from {table}"
    assert asyncio.run(_as_worker(with_rows, _clinic(with_rows), count))[0][0] > 0
    assert asyncio.run(_as_worker(with_rows, other_clinic, count))[0][0] == 0
    assert asyncio.run(_as_worker(with_rows, None, count))[0][0] == 0


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from patients",
        "select body from internal_notes",
        "select token_hash from sessions",
        "select name from payers",
        "select role from users",
        "update clinics set name = ''",
        "update outbound_messages set recipient = 'me@example.test'",
        "update invoices set billed_amount = 1",
        "update invoices set received_amount = 0",
        "update cases set status = 'settled'",
        "delete from invoices",
        "delete from invoice_events",
        "select file_name from documents",
        "select blob_key from documents",
        "insert into cheque_allocations (clinic_id) values (null)",
    ],
)
def test_the_worker_has_only_the_rights_that_its_jobs_need(address: DatabaseUrls, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_as_worker(address, _clinic(address), sql))


def test_the_attorneys_login_cannot_become_the_worker(address: DatabaseUrls) -> None:
    async def attempt() -> None:
        connection = await asyncpg.connect(address.login("clinic_attorney_login"))
        try:
            await connection.execute("set role clinic_worker")
        finally:
            await connection.close()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(attempt())
