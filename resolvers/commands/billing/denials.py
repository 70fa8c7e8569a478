"""Commands of denials: the appeal against one, and its outcome."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.billing.claims.denials import Denial, DenialStatus, is_late
from domain.billing.claims.denials import appeal as appeal_of
from domain.billing.claims.denials import close as outcome_of
from domain.billing.invoices import InvoiceStatus
from domain.errors import NotFound
from domain.ids import new_id
from domain.warnings import late_appeal
from resolvers.commands.documents import consume
from resolvers.commands.transitions import announce
from resolvers.commands.unit_of_work import UnitOfWork

# Steps of the denials of an invoice wait for each other, and for its replacement.
_LOCK = """select i.id from denials d join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)
    where d.clinic_id = $1 and d.id = $2 for no key update of i"""
_DENIAL = """select d.id, d.invoice_id, d.denied_on, d.appeal_due_on, coalesce(d.amount, l.amount, i.billed_amount) as amount,
        i.status as invoice_status, coalesce(e.status, 'open') as status, coalesce(e.number, 0) as steps, e.happened_on
    from denials d join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)
    left join invoice_lines l on (l.clinic_id, l.id) = (d.clinic_id, d.line_id)
    left join lateral (select e.status, e.number, e.happened_on from denial_events e
        where (e.clinic_id, e.denial_id) = (d.clinic_id, d.id) order by e.number desc limit 1) e on true
    where d.clinic_id = $1 and d.id = $2"""
Row = Mapping[str, Any]


async def appeal(work: UnitOfWork) -> UUID:
    """Record an appeal, with its letter if there is one."""
    row = await _locked(work)
    denial = _denial(row)
    step = appeal_of(denial, work.inputs, work.today)
    if work.inputs.get("document_id"):
        await consume(work)
    if is_late(denial, step["happened_on"]):
        work.warnings.append(late_appeal(row["appeal_due_on"]))
    return await _write(work, row, step)


async def close(work: UnitOfWork) -> UUID:
    """Record an outcome."""
    row = await _locked(work)
    return await _write(work, row, outcome_of(_denial(row), work.inputs, work.today))


async def _locked(work: UnitOfWork) -> Row:
    identity = work.inputs["denial_id"]
    await work.one(_LOCK, identity)
    row: Row | None = await work.one(_DENIAL, identity)
    if row is None:
        raise NotFound("There is no such denial", ("denial_id",))
    return row


def _denial(row: Row) -> Denial:
    return Denial(
        DenialStatus(row["status"]),
        row["denied_on"],
        row["amount"],
        row["appeal_due_on"],
        row["happened_on"],
        row["invoice_status"] == InvoiceStatus.VOID,
    )


async def _write(work: UnitOfWork, row: Row, step: Mapping[str, Any]) -> UUID:
    key = {"id": new_id(work.moment), "recorded_at": work.moment, "denial_id": row["id"], "number": row["steps"] + 1}
    writes = work.writes()
    writes.insert("denial_events", **key, **step, recorded_by=work.user_id)
    await writes.run(work.connection)
    announce(work, row["invoice_id"], ["denial_events"])
    identity: UUID = row["id"]
    return identity
