"""Locks all that a posting touches before anything of it is written, in the order of all commands: cases, payments, invoices, coverages."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from db.locks import LOCK_INVOICES, LOCK_PAYMENTS
from db.merged_records import group
from resolvers.commands.billing.cases import share_cases
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
# The payments to which some payments of a remittance were posted, with those that stand in their place, and those that have the number
# of one that was not posted yet.
_PAYMENTS = f"""with recursive posted as (select c.clinic_id, c.id from remittance_payments p
        join cheques c on c.clinic_id = p.clinic_id and c.id = p.cheque_id where p.clinic_id = $1 and p.id = any($2)
    union select n.clinic_id, n.id from cheques n join posted f on n.clinic_id = f.clinic_id and n.corrects_id = f.id)
    select id from posted union select c.id from remittance_payments p join cheques c on c.clinic_id = p.clinic_id
        and c.payer_id = any({group("payer", "p.payer_id")}) and c.number_key = p.trace_key
    where p.clinic_id = $1 and p.id = any($2) and p.cheque_id is null and c.method <> 'cash' and c.returned_on is null"""
# In the order in which payments lock them.
_LOCK_COVERAGES = """select id from coverages where clinic_id = $1
    and case_id in (select case_id from invoices where clinic_id = $1 and id = any($2)) order by priority, id for no key update"""


async def lock_posting(work: UnitOfWork, payments: Collection[UUID], claims: Iterable[Row]) -> frozenset[UUID]:
    """Lock what these payments and claims of a remittance touch; returns the ids of the payments that may be posted to."""
    invoices = sorted({claim["invoice_id"] for claim in claims})
    await share_cases(work, invoices)
    locked = set[UUID]()
    # Whoever corrected one of them meanwhile has made another one.
    while more := {row["id"] for row in await work.all(_PAYMENTS, list(payments))} - locked:
        await work.all(LOCK_PAYMENTS, sorted(more))
        locked |= more
    if invoices:
        await work.all(LOCK_INVOICES, invoices)
        await work.all(_LOCK_COVERAGES, invoices)
        work.locked |= set(invoices)
    return frozenset(locked)
