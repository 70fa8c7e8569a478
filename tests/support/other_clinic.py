"""Adds a second clinic (tenant) to a database: a copy of the demo clinic with other ids, so that every table has foreign rows."""

import asyncio
from uuid import UUID

import asyncpg

from server.database_urls import DatabaseUrls

OTHER = "other"
# Every id of the copy is derived from the original's, so that references stay valid.
_OTHER_ID = "md5('other clinic ' || {0}::text)::uuid"
# The demo clinic lacks a message to a payer, a pending change of attorney and a void invoice of the attorney's user.
_GAPS = """
    insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on)
        select clinic_id, gen_random_uuid(), 'payer@example.com', 'Reminder', 'queued', created_on from invoices order by id limit 1;
    insert into attorney_changes (clinic_id, id, case_id, effective_on, requested_at)
        select clinic_id, gen_random_uuid(), id, '2035-01-01', now() from cases where attorney_id is not null order by id limit 1;
    update invoices set status = 'void' where (clinic_id, id) = (
        select i.clinic_id, i.id from invoices i join users u on u.clinic_id = i.clinic_id and u.attorney_id = i.attorney_id
        where i.status = 'pending_invoice' and i.received_amount = 0 order by i.id limit 1)"""
_COLUMNS = """select c.table_name, array_agg(c.column_name::text) as columns,
        array_agg(c.column_name::text) filter (where c.data_type = 'uuid') as ids
    from information_schema.columns c
    where c.table_schema = 'public' and c.is_generated = 'NEVER' and c.table_name not in ('alembic_version', 'policy_version')
    group by c.table_name"""


# The audit log has one event about an invoice.
_LOOKED_AT = """insert into audit_events (clinic_id, id, user_id, role, operation, entities, fields, request_id, at)
    select u.clinic_id, gen_random_uuid(), u.id, 'admin', 'invoice', 'in'::bytea || uuid_send(i.id), '{Invoice.balance}', '', now()
    from users u, lateral (select id from invoices where clinic_id = u.clinic_id limit 1) i where u.role = 'admin'"""


def add_other_clinic(address: DatabaseUrls) -> UUID:
    """Copy the demo clinic, with the same numbers and e-mails and with other ids; returns the new clinic's id."""
    return asyncio.run(_add(address))


async def _add(address: DatabaseUrls) -> UUID:
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute(_GAPS)
        await connection.execute(_LOOKED_AT)
        # Triggers are off, because the rows that they write are copied like all others.
        await connection.execute("set session_replication_role = replica")
        # One snapshot, and at once: a worker may be running.
        async with connection.transaction(isolation="repeatable_read"):
            for table, columns, ids in await connection.fetch(_COLUMNS):
                copied = [_copy_of(table, column, ids or ()) for column in columns]
                await connection.execute(
                    f"insert into {table} ({', '.join(columns)}) select {', '.join(copied)} from {table}"
                )
        await connection.execute("analyze")
        found: UUID = await connection.fetchval("select clinic_id from clinics where short_name = $1", OTHER)
        return found
    finally:
        await connection.close()


def _copy_of(table: str, column: str, ids: list[str] | tuple[str, ...]) -> str:
    if column == "only_clinic_id":
        # The copied accounts have logins of their own, for the copied clinic alone.
        return _OTHER_ID.format("(select clinic_id from clinics where short_name = 'demo')")
    if column in ids:
        return _OTHER_ID.format(column)
    if table == "clinics" and column == "short_name":
        return f"'{OTHER}'"
    return f"convert_to('other ' || encode({column}, 'hex'), 'UTF8')" if column == "token_hash" else column
