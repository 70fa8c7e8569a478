"""Marks what an export of another system holds against the guards of new records: treatment before the injury, and repeated lines."""

from uuid import UUID

import asyncpg

from domain.billing.opening_balances import CODE as OPENING

_REASON = "Imported with a day of treatment before the day of injury"
_BEFORE_INJURY = """update {table} t set before_injury_reason = $2 from cases c
    where t.clinic_id = $1 and t.before_injury_reason is null
        and (c.clinic_id, c.id) = (t.clinic_id, t.case_id) and t.service_date < c.date_of_injury"""
_REPEATED = """update invoice_lines l set is_repeated = true from (select l.id, row_number() over (
        partition by i.patient_id, l.code, i.service_date, i.physician_id, l.bilateral
        order by i.created_on, i.number, l.position, l.id) as nth
        from invoice_lines l join invoices i on (i.clinic_id, i.id) = (l.clinic_id, l.invoice_id)
        where i.clinic_id = $1 and i.status <> 'void' and l.code <> $2 and not l.is_repeated) n
    where n.nth > 1 and l.clinic_id = $1 and l.id = n.id"""


async def mark_exceptions(connection: asyncpg.Connection, clinic_id: UUID) -> None:
    """Mark the clinic's visits, invoices and lines that are exceptions; `billing verify` lists them."""
    for table in ("encounters", "invoices"):
        await connection.execute(_BEFORE_INJURY.format(table=table), clinic_id, _REASON)
    await connection.execute(_REPEATED, clinic_id, OPENING)
