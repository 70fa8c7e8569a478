"""Stores a remittance: what was found of each payment and claim, beside what the payer says."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.billing.invoices import InvoiceStatus
from domain.days import FIRST_DAY
from domain.errors import InvalidInput, NotFound
from domain.ids import new_id
from domain.normal_forms import code_form
from domain.remittances.matching import NO_INVOICE, REVERSAL, OurLine, match_lines, status_of, unknown_status
from domain.remittances.remittance import BrokenLaw, RemittedClaim, RemittedPayment, broken_laws
from domain.remittances.statuses import RemittanceOrigin, RemittanceStatus
from resolvers.commands.remittances.finding import (
    find_invoices,
    find_lines,
    find_payers,
    find_posted_before,
    find_traces,
    name_of,
)
from resolvers.commands.remittances.rows import claim_columns, payment_columns
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_PAYER = "select retired_at from payers where clinic_id = $1 and id = $2"
UNKNOWN_PAYER = "This payer is not known: choose it (identifyRemittancePayer)"
_OUT_OF_BALANCE = "The amounts of the payment do not add up: ask the payer for a corrected remittance"
_DUPLICATE = "This payment of the payer has come in a remittance before"
_VOID = (
    "The invoice is void: match the claim with another one (matchRemittanceClaim), or close it (closeRemittanceClaim)"
)
# Another import of the same payments may be committed meanwhile, and then they are duplicates here.
_TRIES = 3
_PLACE_BITS = 20


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found of a claim."""

    status: RemittanceStatus
    reason: str | None
    invoice_id: UUID | None = None
    line_ids: list[UUID | None] = field(default_factory=list)


@dataclass
class Known:
    """What the clinic knows of the things that claims speak of."""

    invoices: dict[str, Row]
    lines: Mapping[UUID, Sequence[OurLine]]
    posted_before: dict[tuple[UUID, str], UUID]

    def match(self, claim: RemittedClaim, payer: UUID | None) -> Matched:
        """What is found of a claim of a payment that is in balance and no duplicate."""
        found = self.invoices.get(claim.number)
        invoice: UUID | None = found["id"] if found else None
        is_reversal = claim.status_code == REVERSAL
        if invoice is None and is_reversal and payer is not None and claim.payer_number is not None:
            invoice = self.posted_before.get((payer, claim.payer_number))
        is_void = found is not None and found["status"] == InvoiceStatus.VOID
        reason = unknown_status(claim) or (NO_INVOICE if invoice is None else _VOID if is_void else None)
        status = status_of(claim, is_found=invoice is not None and not is_void)
        line_ids = self.lines_of(claim, invoice)
        return Matched(status, reason, invoice, line_ids)

    def lines_of(self, claim: RemittedClaim, invoice: UUID | None) -> list[UUID | None]:
        """The lines of the invoice that those of a claim are about."""
        return match_lines(claim.lines, self.lines.get(invoice, ()) if invoice else ())


@dataclass(frozen=True, slots=True)
class NewRemittance:
    """A remittance that comes in; `payer_id` is the payer that the user names for payments of an unknown one."""

    origin: RemittanceOrigin
    payments: Sequence[RemittedPayment]
    document_id: UUID | None = None
    payer_id: UUID | None = None
    problems: Sequence[str] = ()


async def store(work: UnitOfWork, new: NewRemittance) -> UUID:
    """Store a remittance with its payments and claims; nothing is posted."""
    for attempt in range(_TRIES):
        try:
            async with work.savepoint():
                return await _store(work, new)
        except asyncpg.UniqueViolationError:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def claim_id(moment: datetime, place: int) -> UUID:
    """The id of a claim: claims of one moment sort as in their file."""
    return new_id(moment, lambda bits: place << (bits - _PLACE_BITS) | secrets.randbits(bits - _PLACE_BITS))


async def look_up(work: UnitOfWork, claims: Iterable[RemittedClaim]) -> Known:
    """What the clinic knows of claims."""
    claims = list(claims)
    invoices = await find_invoices(work, (claim.number for claim in claims))
    before = await find_posted_before(work, (claim.payer_number for claim in claims if claim.payer_number))
    lines = await find_lines(work, [*(row["id"] for row in invoices.values()), *before.values()])
    return Known(invoices, lines, before)


async def check_new_payer(work: UnitOfWork, payer: UUID) -> None:
    """NotFound for a payer who cannot be accessed."""
    row = await work.one(_PAYER, payer)
    if row is None:
        raise NotFound("There is no such payer", ("payer_id",))


async def _store(work: UnitOfWork, new: NewRemittance) -> UUID:
    payers = await _payers(work, new)
    known = await look_up(work, (claim for payment in new.payments for claim in payment.claims))
    traces = await find_traces(work, payers.values(), (payment.trace for payment in new.payments))
    identity, writes = new_id(work.moment), work.bulk_writes()
    of = {"origin": new.origin.value, "document_id": new.document_id, "imported_by": work.user_id}
    writes.insert("remittances", id=identity, recorded_at=work.moment, **of, problems=list(new.problems))
    place = 0
    for payment in new.payments:
        payer, laws = payers.get(name_of(payment)), broken_laws(payment)
        status, reason = _status(payment, laws, payer, traces)
        if status is RemittanceStatus.MATCHED and payer is not None:
            traces.add((payer, code_form(payment.trace)))
        payment_id = new_id(work.moment)
        columns = {"id": payment_id, "recorded_at": work.moment, "remittance_id": identity, "payer_id": payer}
        columns |= {"status": status.value, "reason": reason, **payment_columns(payment, laws)}
        writes.insert("remittance_payments", **columns)
        for claim in payment.claims:
            place += 1
            found = _found(known, claim, payer, status, reason)
            key = {
                "id": claim_id(work.moment, place),
                "recorded_at": work.moment,
                "remittance_id": identity,
                "place": place,
            }
            of_claim = {"status": found.status.value, "reason": found.reason, "invoice_id": found.invoice_id}
            said = claim_columns(claim, found.line_ids)
            writes.insert("remittance_claims", **key, payment_id=payment_id, **of_claim, **said)
    await writes.run(work.connection)
    return identity


def _found(
    known: Known, claim: RemittedClaim, payer: UUID | None, status: RemittanceStatus, reason: str | None
) -> Matched:
    """What is found of a claim; where its whole payment cannot be posted, that is what is found of it."""
    found = known.match(claim, payer)
    if status is RemittanceStatus.MATCHED:
        return found
    return Matched(status, reason, found.invoice_id, found.line_ids)


async def _payers(work: UnitOfWork, new: NewRemittance) -> dict[Any, UUID]:
    payers = await find_payers(work, new.payments)
    unknown = {name_of(payment) for payment in new.payments} - set(payers)
    if new.payer_id is None or not unknown:
        return payers
    if len(unknown) > 1:
        words = "Several payers of this file are not known: leave this out, and choose each (identifyRemittancePayer)"
        raise InvalidInput(words, ("payer_id",))
    await check_new_payer(work, new.payer_id)
    return {**payers, **dict.fromkeys(unknown, new.payer_id)}


def _status(
    payment: RemittedPayment, laws: Sequence[BrokenLaw], payer: UUID | None, traces: set[tuple[UUID, str]]
) -> tuple[RemittanceStatus, str | None]:
    """What is found of a payment, and why it waits."""
    if payer is not None and (payer, code_form(payment.trace)) in traces:
        return RemittanceStatus.DUPLICATE, _DUPLICATE
    if laws:
        return RemittanceStatus.OUT_OF_BALANCE, _OUT_OF_BALANCE
    if payment.paid_on < FIRST_DAY:
        return (
            RemittanceStatus.OUT_OF_BALANCE,
            f"The day of the payment, {payment.paid_on}, cannot be right: ask the payer",
        )
    return (RemittanceStatus.UNMATCHED, UNKNOWN_PAYER) if payer is None else (RemittanceStatus.MATCHED, None)
