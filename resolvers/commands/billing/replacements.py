"""The command that replaces an invoice with wrong lines: it is voided, and another one bills the right lines in its place."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.ledger.amounts import effective_day, standing
from domain.billing.ledger.facts import Receipt
from domain.billing.next_steps import named
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.billing.cheques import insert_allocation
from resolvers.commands.billing.invoices import insert_invoice, priced_lines
from resolvers.commands.billing.pricing import Circumstances
from resolvers.commands.issued.payoff import check_not_final
from resolvers.commands.transitions import Row, lock, moment_of, move
from resolvers.commands.unit_of_work import UnitOfWork

_BILLED = """select case_id, payer_id, physician_id, facility_id, encounter_id, service_date, before_injury_reason, before_injury_by
    from invoices where clinic_id = $1 and id = $2"""
# All commands lock cases before cheques, and cheques before invoices. A payment that replaces a returned one refers to it after its
# invoices are locked, which these locks (no key update) do not keep from it.
_CHEQUES = """select c.id, c.received_on from cheques c where c.clinic_id = $1 and c.id in (select cheque_id from cheque_allocations
    where clinic_id = $1 and invoice_id = $2) order by c.id for no key update"""
_PAID_BY = "select id, cheque_id from cheque_allocations where clinic_id = $1 and invoice_id = $2"
# The line of a denial is that of the same code, side and units in the new invoice; null where there is none, or several.
# A last day for an appeal that lies before the denial was stored by an earlier release, and says nothing.
_DENIALS = """select d.id, d.denied_on, d.adjustment_group, d.reason_code, d.remark_codes, d.cheque_id, d.amount, d.note,
    case when d.appeal_due_on >= d.denied_on then d.appeal_due_on end as
    appeal_due_on, (select (array_agg(n.id))[1]
        from invoice_lines o join invoice_lines n on (n.clinic_id, n.code, n.bilateral, n.units) = (o.clinic_id, o.code, o.bilateral, o.units)
        where o.clinic_id = d.clinic_id and o.id = d.line_id and n.invoice_id = $3 having count(*) = 1) as line_id
    from denials d where d.clinic_id = $1 and d.invoice_id = $2 order by d.id"""

_STEPS = """select e.number, e.status, e.happened_on, e.recovered_amount, e.document_id, e.note from denial_events e
    where e.clinic_id = $1 and e.denial_id = $2 order by e.number"""


async def replace_invoice(work: UnitOfWork) -> UUID:
    """Void an invoice and bill other lines in its place; payers, denials and the money that was received go along."""
    old: UUID = work.inputs["invoice_id"]
    billed = await work.one(_BILLED, old)
    if billed is None:
        raise NotFound("There is no such invoice", ("invoice_id",))
    case = await lock_case(work, billed["case_id"])
    received_on = {row["id"]: row["received_on"] for row in await work.all(_CHEQUES, old)}
    row = (await lock(work, [old], with_facts=True))[old]
    # Another payer may have become responsible while this command waited for the lock.
    billed = {**billed, "payer_id": row["payer_id"]}
    circumstances = Circumstances(billed["payer_id"], billed["facility_id"], billed["service_date"])
    lines = await priced_lines(work, work.inputs, circumstances)
    if not lines:
        raise InvalidInput(f"At least one line is required; instead: {named('void_invoice')}", ("lines",))
    paid = standing(row["facts"])
    paid_by = {part["id"]: part["cheque_id"] for part in await work.all(_PAID_BY, old)}
    if any(paid_by[one.id] not in received_on for one in paid):
        raise Conflict("Money has just been received for the invoice: read it again", ("invoice_id",))
    await _void(work, row, paid, paid_by)
    owed_by = [replace(one, recorded_at=work.moment) for one in row["facts"].responsibilities]
    await check_not_final(work, case["id"], ("invoice_id",))
    new = await insert_invoice(work, case, billed, lines, replaces=row, owed_by=owed_by)
    await _bring_along(work, old, new, paid, {one.id: (paid_by[one.id], received_on[paid_by[one.id]]) for one in paid})
    return new


async def _void(work: UnitOfWork, row: Row, paid: list[Receipt], paid_by: Mapping[UUID, UUID]) -> None:
    """Void the invoice, in a statement of its own: a visit is billed by one invoice at a time."""
    writes, moment = work.writes(), moment_of(work, row)
    reversals = [
        replace(one, id=new_id(work.moment), amount=-one.amount, recorded_at=moment, reverses_id=one.id) for one in paid
    ]
    move(work, writes, "replace_invoice", row, {**work.inputs, "reversals": reversals})
    for one in reversals:
        assert one.reverses_id is not None
        insert_allocation(work, writes, paid_by[one.reverses_id], row["id"], one, ReversalKind.REPLACED)
    await writes.run(work.connection)


async def _bring_along(
    work: UnitOfWork, old: UUID, new: UUID, paid: list[Receipt], cheques: Mapping[UUID, tuple[UUID, Any]]
) -> None:
    """Allocate what was received to the new invoice, up to its amount; the rest is unapplied. Denials are copied."""
    for one in paid:
        row = (await lock(work, [new], with_facts=True))[new]
        amount = min(one.amount, row["billed_amount"] - row["received_amount"])
        if amount <= Decimal(0):
            break
        cheque, received_on = cheques[one.id]
        counts_on, moment = effective_day(received_on, row["created_on"]), moment_of(work, row)
        identity = new_id(work.moment)
        receipt = replace(one, id=identity, amount=amount, effective_on=counts_on, recorded_at=moment)
        writes = work.writes()
        move(work, writes, "allocate_cheque", row, {"receipt": receipt})
        insert_allocation(work, writes, cheque, new, receipt)
        await writes.run(work.connection)
    writes = work.writes()
    for denial in await work.all(_DENIALS, old, new):
        key = {"id": new_id(work.moment), "recorded_at": work.moment}
        # Whoever copies a record is its author.
        writes.insert("denials", invoice_id=new, **{**dict(denial), **key, "recorded_by": work.user_id})
        for step in await work.all(_STEPS, denial["id"]):
            of = {"id": new_id(work.moment), "recorded_at": work.moment, "denial_id": key["id"]}
            writes.insert("denial_events", **of, **dict(step), recorded_by=work.user_id)
    await writes.run(work.connection)
