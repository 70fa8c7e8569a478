"""Looks up what remittances speak of: payers by how they name themselves, invoices by number, their lines, and payments by trace."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from db.merged_records import surviving
from domain.billing.invoices import InvoiceStatus
from domain.normal_forms import code_form, normal_key
from domain.remittances.matching import OurLine, loose_form, spellings
from domain.remittances.remittance import RemittedPayment
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
# The payer that was chosen last for each way in which a payer names itself.
_LEARNED = f"""select distinct on (payer_identifier, payer_name_key) payer_identifier, payer_name_key,
        {surviving("payer", "payer_id")} as payer_id
    from remittance_payments where clinic_id = $1 and payer_identifier = any($2) and payer_id is not null
    order by payer_identifier, payer_name_key, id desc"""
_NAMED = """select p.name_key, s.id from payers p join payers s on s.clinic_id = p.clinic_id and s.id = coalesce(p.merged_into_id, p.id)
    where p.clinic_id = $1 and p.name_key = any($2) and p.kind <> 'patient' and s.retired_at is null"""
_INVOICE = "select id, number, status, replaces_id from invoices where clinic_id = $1"
_BY_NUMBER = f"{_INVOICE} and number = any($2)"
# Reads all invoices of the clinic, for the few claims whose number is found in no other way.
_BY_LOOSE_NUMBER = f"{_INVOICE} and upper(regexp_replace(number, '\\s', '', 'g')) = any($2)"
_REPLACING = f"{_INVOICE} and replaces_id = any($2)"
_LINES = """select id, invoice_id, position, code, amount from invoice_lines where clinic_id = $1 and invoice_id = any($2)
    order by position"""
_POSTED_BEFORE = f"""select distinct on (p.payer_id, c.payer_number) {surviving("payer", "p.payer_id")} as payer_id, c.payer_number, c.invoice_id
    from remittance_claims c join remittance_payments p on p.clinic_id = c.clinic_id and p.id = c.payment_id
    where c.clinic_id = $1 and c.payer_number = any($2) and c.invoice_id is not null and c.posted_at is not null
    order by p.payer_id, c.payer_number, c.id desc"""
_TRACES = f"""select {surviving("payer", "payer_id")} as payer_id, trace_key from remittance_payments where clinic_id = $1
    and {surviving("payer", "payer_id")} = any($2)
    and trace_key = any($3) and status = 'matched'"""


def name_of(payment: RemittedPayment) -> tuple[str | None, str | None]:
    """How the payer of a payment names itself: its identifier, and its name in normal form."""
    return payment.payer_identifier, normal_key(payment.payer_name) if payment.payer_name else None


async def find_payers(work: UnitOfWork, payments: Iterable[RemittedPayment]) -> dict[Any, UUID]:
    """The payer for each way in which payers name themselves: as it was chosen before, else the only one of the name."""
    wanted = {name_of(payment) for payment in payments}
    identifiers = sorted({one[0] for one in wanted if one[0] is not None})
    names = sorted({one[1] for one in wanted if one[1] is not None})
    learned: dict[str, dict[str | None, UUID]] = defaultdict(dict)
    for row in await work.all(_LEARNED, identifiers) if identifiers else ():
        learned[row["payer_identifier"]][row["payer_name_key"]] = row["payer_id"]
    named: dict[str, set[UUID]] = defaultdict(set)
    for row in await work.all(_NAMED, names) if names else ():
        named[row["name_key"]].add(row["id"])
    found = {one: _payer(one, learned.get(one[0] or "", {}), named.get(one[1] or "", set())) for one in wanted}
    return {one: payer for one, payer in found.items() if payer is not None}


def _payer(one: tuple[str | None, str | None], chosen: Mapping[str | None, UUID], named: set[UUID]) -> UUID | None:
    if one[1] in chosen:
        return chosen[one[1]]
    if len(named) == 1:
        return next(iter(named))
    # One company may pay for several insurers under one identifier.
    return next(iter(chosen.values())) if len(set(chosen.values())) == 1 and not named else None


async def find_invoices(work: UnitOfWork, numbers: Iterable[str]) -> dict[str, Row]:
    """The invoice that each number means; of one that was replaced, the invoice that stands for it now."""
    wanted = {number: spellings(number) for number in set(numbers)}
    every = sorted({spelling for spelled in wanted.values() for spelling in spelled})
    known = {row["number"]: row for row in await work.all(_BY_NUMBER, every)}
    found = {number: known[one] for number, spelled in wanted.items() if (one := _first(spelled, known)) is not None}
    missing = {loose_form(number) for number in wanted if number not in found} - {""}
    if missing:
        loose: dict[str, list[Row]] = defaultdict(list)
        for row in await work.all(_BY_LOOSE_NUMBER, sorted(missing)):
            loose[loose_form(row["number"])].append(row)
        only = {form: rows[0] for form, rows in loose.items() if len(rows) == 1}
        found |= {
            number: only[loose_form(number)] for number in wanted if number not in found and loose_form(number) in only
        }
    return await _replaced(work, found)


def _first(spelled: Sequence[str], known: Mapping[str, Row]) -> str | None:
    return next((one for one in spelled if one in known), None)


async def _replaced(work: UnitOfWork, found: dict[str, Row]) -> dict[str, Row]:
    void = [row["id"] for row in found.values() if row["status"] == InvoiceStatus.VOID]
    instead: dict[UUID, Row] = {}
    while void:
        rows = await work.all(_REPLACING, void)
        instead |= {row["replaces_id"]: row for row in rows}
        void = [row["id"] for row in rows if row["status"] == InvoiceStatus.VOID]

    def present(row: Row) -> Row:
        while row["id"] in instead:
            row = instead[row["id"]]
        return row

    return {number: present(row) for number, row in found.items()}


async def find_lines(work: UnitOfWork, invoices: Iterable[UUID]) -> dict[UUID, list[OurLine]]:
    """The lines of invoices."""
    found: dict[UUID, list[OurLine]] = defaultdict(list)
    for row in await work.all(_LINES, sorted(set(invoices))):
        found[row["invoice_id"]].append(OurLine(row["id"], row["position"], row["code"], row["amount"]))
    return found


async def find_posted_before(work: UnitOfWork, payer_numbers: Iterable[str]) -> dict[tuple[UUID, str], UUID]:
    """The invoice to which a claim with a payer's own number was posted last, by payer and number."""
    numbers = sorted(set(payer_numbers))
    rows = await work.all(_POSTED_BEFORE, numbers) if numbers else ()
    return {(row["payer_id"], row["payer_number"]): row["invoice_id"] for row in rows}


async def find_traces(work: UnitOfWork, payers: Iterable[UUID], traces: Iterable[str]) -> set[tuple[UUID, str]]:
    """The traces of payers that have come in a remittance before."""
    keys = sorted({code_form(trace) for trace in traces})
    rows = await work.all(_TRACES, sorted(set(payers)), keys)
    return {(row["payer_id"], row["trace_key"]) for row in rows}
