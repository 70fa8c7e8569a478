"""Commands of invoices: creating an invoice, and changes other than transitions (lines, negotiation limits, notes)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from db.write_batch import Sql, WriteBatch
from domain.api_names import enum_name
from domain.billing.cases import CaseStatus
from domain.billing.invoice_events import change_of
from domain.billing.invoices import OPEN, Invoice, InvoiceStatus
from domain.billing.ledger.facts import Responsibility
from domain.billing.lifecycle import legal_now
from domain.billing.money import format_money
from domain.billing.negotiation import check_limits
from domain.billing.transition import WantedLine
from domain.days import not_later
from domain.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from domain.ids import new_id
from domain.pricing.pricing import Place, PricedLine, total
from domain.texts import NOTE, required_text
from domain.treatment.repeated_lines import confirmation
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.billing.injuries import confirmation_of
from resolvers.commands.billing.pricing import Circumstances, price, wanted_lines
from resolvers.commands.billing.repeated_lines import Treatment, check_second_bill, confirmed_repeats
from resolvers.commands.issued.payoff import check_not_final
from resolvers.commands.next_steps import next_step
from resolvers.commands.payers import check_payer
from resolvers.commands.transitions import (
    Row,
    announce,
    check_version,
    invoice_of,
    lock,
    moment_of,
    record_event,
)
from resolvers.commands.unit_of_work import UnitOfWork

_NOTE = replace(NOTE, needed=True)
_CONFIRMED = ("before_injury_reason", "before_injury_by")
# Locked, so that it is neither corrected nor cancelled meanwhile.
_ENCOUNTER = """select case_id, physician_id, facility_id, service_date, cancelled_at, invoice_id, before_injury_reason,
    before_injury_by from encounters where clinic_id = $1 and id = $2 for update"""
_NUMBER_OF = "select number from invoices where clinic_id = $1 and id = $2"
_PHYSICIAN = "select id from physicians where clinic_id = $1 and id = $2"
_BILLED = "select payer_id, facility_id, service_date, patient_id, physician_id, case_id from invoices where clinic_id = $1 and id = $2"
_TREATED = ("patient_id", "service_date", "physician_id", "payer_id", "case_id")
# The count in the number of the first invoice of a year.
_FIRST = """case when exists (select from invoice_counters k where k.clinic_id = clinics.clinic_id) then 1 else first_invoice_number end"""
_LINES = "select code, units, bilateral from invoice_lines where clinic_id = $1 and invoice_id = $2 order by position"
_EXAMS = """select t.code, e.units, e.bilateral from encounter_exams e
    join exam_types t on t.clinic_id = e.clinic_id and t.id = e.exam_type_id and t.code is not null
    where e.clinic_id = $1 and e.encounter_id = $2 and e.removed_at is null order by e.position, e.id"""
_DENIED = "select from denials where clinic_id = $1 and invoice_id = $2 and line_id is not null limit 1"
_REMOVE = "delete from invoice_lines where clinic_id = $1 and invoice_id = $2"


async def create(work: UnitOfWork) -> UUID:
    """Create an invoice for an open case, with the next number of the clinic's year."""
    case = await lock_case(work, work.inputs["case_id"])
    check_open(case, ("case_id",))
    await check_not_final(work, case["id"], ("case_id",))
    inputs = {**work.inputs, **await _of_encounter(work)}
    await _check_parties(work, inputs, case["patient_id"])
    service_date = not_later(inputs["service_date"], work.today, "service_date")
    if not inputs.get("before_injury_reason"):
        inputs |= confirmation_of(work, service_date, case["date_of_injury"])
    circumstances = Circumstances(inputs["payer_id"], inputs.get("facility_id"), service_date)
    return await insert_invoice(work, case, inputs, await priced_lines(work, inputs, circumstances))


def check_open(case: Row, path: tuple[str, ...]) -> None:
    """Refuse a new invoice of a settled or closed case."""
    if case["status"] != CaseStatus.OPEN:
        raise Conflict(f"The case is {enum_name(case['status'])}: reopen it first ({next_step('reopen_case')})", path)


async def priced_lines(work: UnitOfWork, inputs: Mapping[str, Any], circumstances: Circumstances) -> list[PricedLine]:
    """The lines to bill: the given lines or, without any, every exam of the visit that has a code."""
    if inputs.get("lines") is not None:
        return await price(work, wanted_lines(inputs["lines"]), circumstances)
    if inputs.get("encounter_id") is None:
        raise InvalidInput("Lines or a visit to bill are required", ("lines",))
    lines = [WantedLine(*row) for row in await work.all(_EXAMS, inputs["encounter_id"])]
    if not lines:
        raise InvalidInput("No exam of this visit has a code to bill", ("encounter_id",))
    return await price(work, lines, circumstances, [("encounter_id", str(place)) for place in range(len(lines))])


async def _of_encounter(work: UnitOfWork) -> dict[str, Any]:
    """The physician and the facility of the billed visit; the input must not contradict them."""
    inputs = work.inputs
    if inputs.get("encounter_id") is None:
        return {}
    found = await work.one(_ENCOUNTER, inputs["encounter_id"])
    if found is None:
        raise NotFound("There is no such visit", ("encounter_id",))
    for name in ("case_id", "service_date", "physician_id", "facility_id"):
        if inputs.get(name) is not None and inputs[name] != found[name]:
            raise InvalidInput("This contradicts the visit that is billed", (name,))
    if found["cancelled_at"]:
        raise Conflict(f"The visit is cancelled: record it anew ({next_step('record_encounter')})", ("encounter_id",))
    if found["invoice_id"]:
        number = (await work.one(_NUMBER_OF, found["invoice_id"]))["number"]
        words = f"Invoice {number} bills this visit already: void it first ({next_step('void_invoice')})"
        raise Conflict(words, ("encounter_id",))
    return {name: value for name, value in found.items() if name not in ("cancelled_at", "invoice_id")}


async def _check_parties(work: UnitOfWork, inputs: Mapping[str, Any], patient: UUID) -> None:
    await check_payer(work, inputs["payer_id"], patient)
    physician = inputs.get("physician_id")
    if physician is not None and await work.one(_PHYSICIAN, physician) is None:
        raise NotFound("There is no such physician", ("physician_id",))


async def insert_invoice(
    work: UnitOfWork,
    case: Row,
    inputs: Mapping[str, Any],
    lines: Sequence[PricedLine],
    replaces: Row | None = None,
    owed_by: Sequence[Responsibility] = (),
) -> UUID:
    """Insert an invoice; `replaces` is the void one in whose place it is, and `owed_by` are the payers that go along with it."""
    identity, billed, writes = new_id(work.moment), total(lines), work.writes()
    by = inputs.get("physician_id")
    treatment = Treatment(case["patient_id"], inputs["service_date"], by, inputs["payer_id"], case["id"])
    repeated = await confirmed_repeats(work, identity, treatment, lines, _places(work.inputs, lines))
    overrides = await check_second_bill(work, identity, treatment, lines)
    # The counter's row is locked from here on, and other commands that create an invoice wait for it: nothing is
    # written later.
    row = {
        "number": _number(writes, work.today.year),
        "case_id": case["id"],
        "patient_id": case["patient_id"],
        "payer_id": inputs["payer_id"],
        **{name: inputs.get(name) for name in ("physician_id", "facility_id", "encounter_id", *_CONFIRMED)},
        "created_on": work.today,
        "service_date": inputs["service_date"],
        "billed_amount": billed,
        "updated_at": work.moment,
    }
    owed_by = owed_by or [Responsibility(1, inputs["payer_id"], work.today, work.moment)]
    row |= {"responsible_since": owed_by[-1].from_on, "replaces_id": replaces["id"] if replaces else None}
    writes.insert("invoices", id=identity, recorded_at=work.moment, status=InvoiceStatus.PENDING_INVOICE.value, **row)
    of = {"invoice_id": identity, "decided_by": work.user_id}
    writes.insert_all("responsibilities", [{"id": new_id(work.moment), **asdict(one), **of} for one in owed_by])
    _insert_lines(work, writes, identity, lines, repeated)
    begun = {"id": identity, "events": 0}
    changes = [change_of("billed_amount", None, billed), *confirmation(lines, sorted(repeated)), *overrides]
    if replaces:
        changes.append(change_of("replaces", None, replaces["number"]))
    if row["before_injury_reason"]:
        changes.append(change_of("before_injury_reason", None, row["before_injury_reason"]))
    record_event(work, writes, begun, "create_invoice", None, InvoiceStatus.PENDING_INVOICE.value, changes)
    announce(work, identity, [*row, "status", "version", "invoice_lines"])
    work.remember(writes, identity)
    await writes.run(work.connection)
    return identity


def _places(inputs: Mapping[str, Any], lines: Sequence[PricedLine]) -> list[Place]:
    """Where the lines stand in the input."""
    name = "encounter_id" if inputs.get("lines") is None else "lines"
    return [(name, str(place)) for place in range(len(lines))]


def _number(writes: WriteBatch, year: int) -> Sql:
    """Numbers are consecutive per clinic and year, the very first being the clinic's choice; after 999999 they have more digits."""
    count = writes.count("invoice_counters", "last_number", writes.of_clinic(_FIRST), year=year)
    prefix = writes.of_clinic("invoice_number_prefix")
    return Sql(f"{prefix} || '-{year:04d}-' || lpad({count}::text, greatest(6, length({count}::text)), '0')")


def _insert_lines(
    work: UnitOfWork, writes: WriteBatch, invoice: UUID, lines: Sequence[PricedLine], repeated: Collection[int]
) -> None:
    known = {"invoice_id": invoice, "recorded_at": work.moment}
    rows = [
        {
            "id": new_id(work.moment),
            **known,
            "position": place + 1,
            **asdict(line),
            "is_repeated": place in repeated,
            "repeat_confirmed_by": work.user_id if place in repeated else None,
        }
        for place, line in enumerate(lines)
    ]
    writes.insert_all("invoice_lines", rows)


async def replace_lines(work: UnitOfWork) -> UUID:
    """Replace the lines, at current prices, of an invoice that was never submitted."""
    row = await _locked(work)
    invoice = invoice_of(row)
    if invoice.status in OPEN and invoice.first_submitted_on:
        words = "The lines are fixed since the invoice was submitted: replace the invoice (replaceInvoice)"
        _refuse(work, row, "replace_invoice_lines", words)
    if invoice.status is not InvoiceStatus.PENDING_INVOICE:
        _refuse(
            work,
            row,
            "replace_invoice_lines",
            f"Lines cannot be replaced while the invoice is {enum_name(invoice.status)}",
        )
    if await work.one(_DENIED, invoice.id) is not None:
        words = "A denial names one of the lines: replace the invoice (replaceInvoice)"
        _refuse(work, row, "replace_invoice_lines", words)
    billed = await work.one(_BILLED, invoice.id)
    circumstances = Circumstances(billed["payer_id"], billed["facility_id"], billed["service_date"])
    lines = await price(work, wanted_lines(work.inputs["lines"]), circumstances)
    treatment = Treatment(**{name: billed[name] for name in _TREATED})
    repeated = await confirmed_repeats(work, invoice.id, treatment, lines, _places(work.inputs, lines))
    overrides = await check_second_bill(work, invoice.id, treatment, lines)
    if max(row["floor_amount"] or 0, row["target_amount"] or 0) > total(lines):
        raise Conflict(
            "The new total would be below the limits of the negotiation: change the limits first", ("lines",)
        )
    _check_is_due(invoice, total(lines))
    before = _texts_of(await work.all(_LINES, invoice.id))
    await work.connection.execute(_REMOVE, work.clinic_id, invoice.id)
    writes = work.writes()
    _insert_lines(work, writes, invoice.id, lines, repeated)
    after = _texts_of([asdict(line) for line in lines])
    changes = [change_of("lines", before, after), *confirmation(lines, sorted(repeated)), *overrides]
    return await _change(
        work, writes, row, "replace_invoice_lines", {"billed_amount": total(lines)}, changes, "invoice_lines"
    )


def _check_is_due(invoice: Invoice, billed: Decimal) -> None:
    """Refuse a new total of which nothing would be due, although money was received: the invoice would be paid before it is sent."""
    settled = invoice.received + invoice.contractual
    if settled > billed or (settled == billed and invoice.received > 0):
        words = (
            f"${format_money(settled)} of the invoice have been received or adjusted, and the new total has to be more: move the "
            f"payments first ({next_step('move_allocation')}), or replace the invoice ({next_step('replace_invoice')})"
        )
        raise Conflict(words, ("lines",))


def _texts_of(lines: Sequence[Mapping[str, Any]]) -> str:
    """A summary of the lines for the history: replaced lines are not kept anywhere else."""
    return ", ".join(f"{line['units']} of {line['code']}{' both sides' * line['bilateral']}" for line in lines)


async def set_limits(work: UnitOfWork) -> UUID:
    """Set the amount that the clinic aims for, and the lowest amount that it would accept."""
    row = await _locked(work)
    if row["status"] not in OPEN:
        _refuse(work, row, "set_negotiation_limits", "There is nothing left to negotiate")
    names = ("floor_amount", "target_amount")
    wanted = {name: work.inputs[name] for name in names if name in work.inputs}
    if not wanted:
        raise InvalidInput("At least one limit to change is required", ("floor_amount",))
    check_limits(invoice_of(row).open_part, **{name: wanted.get(name, row[name]) for name in names})
    return await _change(work, work.writes(), row, "set_negotiation_limits", wanted, [])


async def add_note(work: UnitOfWork) -> UUID:
    """Add an internal note of staff to an invoice in any status."""
    body = required_text(work.inputs, "body", _NOTE)
    row = await _locked(work)
    writes = work.writes()
    note = {"id": new_id(work.moment), "recorded_at": work.moment, "invoice_id": row["id"], "body": body}
    writes.insert("internal_notes", **note, written_by=work.user_id, written_at=work.moment)
    # The note itself is kept for ever, so that the history only records that there is one.
    record_event(work, writes, row, "add_internal_note", row["status"], row["status"], [])
    announce(work, row["id"], ["internal_notes"])
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


async def _locked(work: UnitOfWork) -> Row:
    identity = work.inputs["invoice_id"]
    row = (await lock(work, [identity]))[identity]
    check_version(invoice_of(row), work.inputs)
    return row


async def _change(
    work: UnitOfWork,
    writes: WriteBatch,
    row: Row,
    name: str,
    values: Mapping[str, Any],
    changes: list[Mapping[str, Any]],
    *besides: str,
) -> UUID:
    """Write new values of a locked invoice whose status does not change, with the history event."""
    changed = {column: value for column, value in values.items() if row[column] != value}
    writes.update("invoices", {"id": row["id"]}, **changed, version=row["version"] + 1, updated_at=moment_of(work, row))
    changes = [*(change_of(column, row[column], value) for column, value in changed.items()), *changes]
    record_event(work, writes, row, name, row["status"], row["status"], changes)
    announce(work, row["id"], [*changed, *besides, "version"])
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


def _refuse(work: UnitOfWork, row: Row, name: str, words: str) -> NoReturn:
    invoice = invoice_of(row)
    raise IllegalTransition(words, ("invoice_id",), invoice.status, name, legal_now(invoice, work.actor))
