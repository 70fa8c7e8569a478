"""Commands of cheques: recording and allocating a cheque, over many invoices at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import asyncpg

from db.merged_records import group
from db.write_batch import WriteBatch
from domain.access.people import Role
from domain.billing.cases import CaseStatus
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.amounts import effective_day, is_in_present_round
from domain.billing.ledger.conditions import lapsed_agreement
from domain.billing.ledger.facts import Receipt
from domain.billing.lifecycle import legal_now
from domain.billing.next_steps import named
from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from resolvers.commands.billing.cases import lock_case, reopen, share_cases
from resolvers.commands.payments.covered_payments import find_coverages
from resolvers.commands.payments.payments import new_payment, refuse_corrected
from resolvers.commands.transitions import Row, invoice_of, lock, moment_of, move
from resolvers.commands.unit_of_work import UnitOfWork

_CHEQUE = """select id, payer_id, number, amount, received_on, cleared_on, returned_on, corrected_at, unapplied_amount,
    held_from is not null and released_at is null as is_held from cheques
    where clinic_id = $1 and id = $2 for no key update"""
# A payer that pays stays who it is: changes of its kind wait. A merged patient is any of those who are one.
_PATIENT_OF = f"""select case when kind = 'patient' and patient_id is not null then {group("patient", "patient_id")} else '{{}}' end
    as patient_ids from payers where clinic_id = $1 and id = $2 for key share"""


async def record(work: UnitOfWork) -> UUID:
    """Record a received cheque with its document and its allocations."""
    cheque = {"id": new_id(work.moment), "recorded_at": work.moment, **await new_payment(work)}
    await share_cases(work, _wanted(work))
    writes = work.writes()
    writes.insert("cheques", **cheque)
    await _allocate(work, writes, "record_cheque", cheque, cheque["amount"])
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        words = f"A payment of this payer with this number is already recorded; if that was typed wrong: {named('correct_cheque')}"
        raise Conflict(words, ("number",)) from error
    identity: UUID = cheque["id"]
    return identity


async def allocate(work: UnitOfWork) -> UUID:
    """Allocate the rest of a cheque to further invoices."""
    # All commands lock cases before cheques, and cheques before invoices.
    await share_cases(work, _wanted(work))
    cheque = await lock_cheque(work)
    if cheque["returned_on"]:
        raise Conflict("This cheque has been returned", ("cheque_id",))
    if cheque["is_held"]:
        raise Conflict("This cheque is held: record its deposit first", ("cheque_id",))
    if not work.inputs["allocations"]:
        raise InvalidInput("At least one allocation is required", ("allocations",))
    writes = work.writes()
    await _allocate(work, writes, "allocate_cheque", cheque, cheque["unapplied_amount"])
    await writes.run(work.connection)
    identity: UUID = cheque["id"]
    return identity


def _wanted(work: UnitOfWork) -> list[UUID]:
    return [part["invoice_id"] for part in work.inputs["allocations"]]


async def lock_cheque(work: UnitOfWork) -> Row:
    """The payment of the input, locked; refused if it was corrected."""
    row: Row | None = await work.one(_CHEQUE, work.inputs["cheque_id"])
    if row is None:
        raise NotFound("There is no such cheque", ("cheque_id",))
    await refuse_corrected(work, row)
    return row


async def _allocate(work: UnitOfWork, writes: WriteBatch, name: str, cheque: Row, available: Decimal) -> None:
    """Add the allocations of the input to the batch; together they must not exceed the unallocated amount of the cheque."""
    wanted = work.inputs["allocations"]
    amounts = {part["invoice_id"]: part["amount"] for part in wanted}
    if len(amounts) != len(wanted):
        raise InvalidInput("An invoice is listed twice", ("allocations",))
    if sum(amounts.values()) > available:
        raise InvalidInput("The allocations exceed the unallocated amount of the cheque", ("allocations",))
    with about("allocations"):
        rows = await lock(work, amounts, with_facts=True)
    cheque = {**cheque, "patient_ids": await patients_of(work, cheque["payer_id"])}
    rows = await with_due_agreements(work, rows, cheque)
    coverages = await find_coverages(work, cheque["payer_id"], (row["case_id"] for row in rows.values()))
    for place, part in enumerate(wanted):
        row, path = rows[part["invoice_id"]], ("allocations", str(place))
        with about(*path):
            coverage = coverages.coverage_of(row["case_id"], part.get("coverage_id"))
            receipt = receipt_of(work, row, cheque, part["amount"], coverage)
            check_may_pay(row, receipt)
            move(work, writes, name, row, {"receipt": receipt})
        coverages.pay(work, coverage, part["amount"], (*path, "amount"))
        insert_allocation(work, writes, cheque["id"], row["id"], receipt)


def receipt_of(work: UnitOfWork, row: Row, cheque: Row, amount: Decimal, coverage: UUID | None = None) -> Receipt:
    """What a payment pays of a locked invoice; the payment has `patient_ids` besides its columns, which are none if its payer is no patient."""
    on = effective_day(cheque["received_on"], row["created_on"])
    known = (new_id(work.moment), cheque["payer_id"], amount, on, moment_of(work, row))
    return Receipt(*known, coverage_id=coverage, is_patient=row["patient_id"] in cheque["patient_ids"])


def check_may_pay(row: Row, receipt: Receipt) -> None:
    """Every payer who is or was responsible may pay, and the patient."""
    if not receipt.is_patient and not row["facts"].is_responsible(receipt.payer_id):
        words = "This payer was never responsible for the invoice: transfer its balance first (transferBalance)"
        raise InvalidInput(words, ("invoice_id",))


async def patients_of(work: UnitOfWork, payer_id: UUID) -> Collection[UUID]:
    """The patient that a payer is, with those who are merged with that one; none for another payer."""
    found = await work.one(_PATIENT_OF, payer_id)
    return frozenset(found["patient_ids"]) if found else frozenset()


async def with_due_agreements(work: UnitOfWork, rows: dict[UUID, Row], cheque: Row) -> dict[UUID, Row]:
    """Let agreements lapse that were not paid in time, and revive those that were, before a payment is allocated."""
    writes, changed = work.writes(), list[UUID]()
    for identity, row in rows.items():
        name = _due(work, row, receipt_of(work, row, cheque, Decimal(0)))
        if name is not None:
            move(work, writes, name, row, {}, replace(work.actor, role=None))
            changed.append(identity)
    if not changed:
        return rows
    await writes.run(work.connection)
    return {**rows, **await lock(work, changed, with_facts=True)}


def _due(work: UnitOfWork, row: Row, receipt: Receipt) -> str | None:
    invoice = invoice_of(row)
    if invoice.status is InvoiceStatus.PENDING_CHEQUE:
        names = legal_now(invoice, replace(work.actor, role=None))
        until = invoice.conditional_until
        has_lapsed = "lapse_agreement" in names and until is not None and receipt.effective_on > until
        return "lapse_agreement" if has_lapsed else None
    lapsed = lapsed_agreement(invoice.known)
    if lapsed is None or invoice.status is not InvoiceStatus.PENDING_REDUCTION or invoice.open_offer is not None:
        return None
    is_in_time = lapsed.conditional_until is not None and receipt.effective_on <= lapsed.conditional_until
    return "revive_agreement" if is_in_time and is_in_present_round(invoice.known, receipt) else None


@contextmanager
def about(*path: str) -> Iterator[None]:
    """Errors raised inside refer to a part of the input."""
    try:
        yield
    except DomainError as refusal:
        refusal.path = (*path, *refusal.path)
        raise


def insert_allocation(
    work: UnitOfWork,
    writes: WriteBatch,
    cheque: UUID,
    invoice: UUID,
    receipt: Receipt,
    kind: ReversalKind | None = None,
    recorded_at: datetime | None = None,
) -> None:
    """Add the row of a receipt, or of its reversal of a kind, to the batch.

    With `recorded_at`, the moment of the receipt is that of the row which it corrects, and only orders it among the facts of its day.
    """
    columns = {"amount": receipt.amount, "effective_on": receipt.effective_on, "reverses_id": receipt.reverses_id}
    columns |= {"coverage_id": receipt.coverage_id, "reversal_kind": None if kind is None else kind.value}
    key = {"id": receipt.id, "cheque_id": cheque, "invoice_id": invoice}
    at = {"recorded_at": recorded_at or receipt.recorded_at, "ordered_at": recorded_at and receipt.recorded_at}
    writes.insert("cheque_allocations", **key, **at, **columns)


async def lock_settled(work: UnitOfWork, cases: Iterable[UUID]) -> dict[UUID, Row]:
    """Lock cases, which come before cheques and invoices; returns those that are settled or closed."""
    return {
        row["id"]: row for case in sorted(cases) if (row := await lock_case(work, case))["status"] != CaseStatus.OPEN
    }


async def lock_with_paid(work: UnitOfWork, ids: Collection[UUID], settled: Mapping[UUID, Row]) -> dict[UUID, Row]:
    """Some invoices and all paid ones of locked cases that are not open, locked, with their facts."""
    others = await work.all(
        "select id from invoices where clinic_id = $1 and case_id = any($2) and status = 'paid'", sorted(settled)
    )
    return await lock(work, {*ids, *(row["id"] for row in others)}, with_facts=True)


def reopen_cases(
    work: UnitOfWork,
    writes: WriteBatch,
    name: str,
    cases: Mapping[UUID, Row],
    rows: Mapping[UUID, Row],
    moved: Collection[UUID],
) -> None:
    """Reopen locked cases of which a transition has opened a paid invoice; their other paid invoices are open with them."""
    for identity, row in rows.items():
        if identity not in moved and row["case_id"] in cases and row["status"] == InvoiceStatus.PAID:
            move(work, writes, "reopen_case", row, work.inputs, replace(work.actor, role=Role.ADMIN))
    for case in cases.values():
        reopen(work, writes, case, name)
