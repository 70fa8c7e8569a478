"""Decides how an invoice is created, and what changes of it besides its state: its lines, its limits, its notes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NoReturn
from uuid import UUID

from db.writing import Sql, Writes
from domain.days import not_later
from domain.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from domain.ids import new_id
from domain.invoices import GUARDS, OPEN, InvoiceStatus
from domain.negotiation import check_limits
from domain.pricing import PricedLine, WantedLine, total
from domain.texts import NOTE, needed
from resolvers.cases import lock_case
from resolvers.payers import check_payer
from resolvers.pricing import Circumstances, price, wanted_lines
from resolvers.transitions import Row, announce, change_of, check_version, invoice_of, legal_now, lock, record_event
from resolvers.writing import Work

_NOTE = replace(NOTE, needed=True)
_ENCOUNTER = "select case_id, physician_id, facility_id, service_date from encounters where clinic_id = $1 and id = $2"
_PHYSICIAN = "select id from physicians where clinic_id = $1 and id = $2"
_BILLED = "select payer_id, facility_id, service_date from invoices where clinic_id = $1 and id = $2"
_LINES = "select code, units, bilateral from invoice_lines where clinic_id = $1 and invoice_id = $2 order by position"
_EXAMS = """select t.code, e.units, e.bilateral from encounter_exams e
    join exam_types t on t.clinic_id = e.clinic_id and t.id = e.exam_type_id and t.code is not null
    where e.clinic_id = $1 and e.encounter_id = $2 order by e.position, e.id"""
_REMOVE = "delete from invoice_lines where clinic_id = $1 and invoice_id = $2"


async def create(work: Work) -> UUID:
    """A new invoice of a case that is not settled, under the next number of the clinic's year."""
    given = {**work.given, **await _of_encounter(work)}
    case = await lock_case(work, given["case_id"])
    if case["status"] == "settled":
        raise Conflict("The case is settled; an administrator can open it again", ("case_id",))
    await _check_parties(work, given)
    not_later(given["service_date"], work.today, "service_date")
    circumstances = Circumstances(given["payer_id"], given.get("facility_id"), given["service_date"])
    return await _insert(work, case, given, await _lines(work, given, circumstances))


async def _lines(work: Work, given: Mapping[str, Any], circumstances: Circumstances) -> list[PricedLine]:
    """What is billed: the lines that are given or, without any, every exam of the visit that has a code."""
    if given.get("lines") is not None:
        return await price(work, wanted_lines(given["lines"]), circumstances)
    if given.get("encounter_id") is None:
        raise InvalidInput("Say what is billed: lines, or a visit", ("lines",))
    lines = [WantedLine(*row) for row in await work.all(_EXAMS, given["encounter_id"])]
    if not lines:
        raise InvalidInput("Nothing was done at this visit that has a price", ("encounter_id",))
    return await price(work, lines, circumstances, [("encounter_id", str(place)) for place in range(len(lines))])


async def _of_encounter(work: Work) -> dict[str, Any]:
    """What the visit that is billed says: who treated, and where. It may not contradict the input."""
    given = work.given
    if given.get("encounter_id") is None:
        return {}
    found = await work.one(_ENCOUNTER, given["encounter_id"])
    if found is None:
        raise NotFound("There is no such visit", ("encounter_id",))
    for name in ("case_id", "service_date", "physician_id", "facility_id"):
        if given.get(name) is not None and given[name] != found[name]:
            raise InvalidInput("The visit that is billed says otherwise", (name,))
    return dict(found)


async def _check_parties(work: Work, given: Mapping[str, Any]) -> None:
    await check_payer(work, given["payer_id"])
    physician = given.get("physician_id")
    if physician is not None and await work.one(_PHYSICIAN, physician) is None:
        raise NotFound("There is no such physician", ("physician_id",))


async def _insert(work: Work, case: Row, given: Mapping[str, Any], lines: Sequence[PricedLine]) -> UUID:
    identity, billed, writes = new_id(work.moment), total(lines), work.writes()
    # The counter's row is locked from here on, which everybody else who creates an invoice waits for: nothing is written later.
    row = {
        "number": _number(writes, work.today.year),
        "case_id": case["id"],
        "patient_id": case["patient_id"],
        "payer_id": given["payer_id"],
        **{name: given.get(name) for name in ("physician_id", "facility_id", "encounter_id")},
        "created_on": work.today,
        "service_date": given["service_date"],
        "billed_amount": billed,
        "updated_at": work.moment,
    }
    writes.insert("invoices", id=identity, recorded_at=work.moment, status=InvoiceStatus.PENDING_INVOICE.value, **row)
    _insert_lines(work, writes, identity, lines)
    begun = {"id": identity, "events": 0}
    changes = [change_of("billed_amount", None, billed)]
    record_event(work, writes, begun, "create_invoice", None, InvoiceStatus.PENDING_INVOICE.value, changes)
    announce(work, writes, identity, [*row, "status", "version", "invoice_lines"])
    work.remember(writes, identity)
    await writes.run(work.connection)
    return identity


def _number(writes: Writes, year: int) -> Sql:
    """Numbers run on per clinic and year; after 999999 they grow longer."""
    count = writes.count("invoice_counters", "last_number", year=year)
    return Sql(f"'INV-{year:04d}-' || lpad({count}::text, greatest(6, length({count}::text)), '0')")


def _insert_lines(work: Work, writes: Writes, invoice: UUID, lines: Sequence[PricedLine]) -> None:
    known = {"invoice_id": invoice, "recorded_at": work.moment}
    rows = [
        {"id": new_id(work.moment), **known, "position": position, **asdict(line)}
        for position, line in enumerate(lines, 1)
    ]
    writes.insert_all("invoice_lines", rows)


async def replace_lines(work: Work) -> UUID:
    """Other lines, at the prices of now, for an invoice that was not sent yet or came back."""
    row = await _locked(work)
    invoice = invoice_of(row)
    if invoice.status is not InvoiceStatus.PENDING_INVOICE:
        _refuse(work, row, "replace_invoice_lines", f"Lines are not replaced while the invoice is {invoice.status}")
    if invoice.submitted_on:
        _refuse(work, row, "replace_invoice_lines", GUARDS["not_submitted"].words)
    circumstances = Circumstances(*await work.one(_BILLED, invoice.id))
    lines = await price(work, wanted_lines(work.given["lines"]), circumstances)
    if max(row["floor_amount"] or 0, row["target_amount"] or 0) > total(lines):
        raise Conflict("Less would be billed than the limits of the negotiation: change those first", ("lines",))
    before = _said(await work.all(_LINES, invoice.id))
    await work.connection.execute(_REMOVE, work.clinic_id, invoice.id)
    writes = work.writes()
    _insert_lines(work, writes, invoice.id, lines)
    changes = [change_of("lines", before, _said([asdict(line) for line in lines]))]
    return await _change(
        work, writes, row, "replace_invoice_lines", {"billed_amount": total(lines)}, changes, "invoice_lines"
    )


def _said(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lines in short, for the history: what is replaced is not to be found anywhere else."""
    return ", ".join(f"{line['units']} of {line['code']}{' both sides' * line['bilateral']}" for line in lines)


async def set_limits(work: Work) -> UUID:
    """What the clinic wants to get by negotiating, and what it would take at the least."""
    row = await _locked(work)
    if row["status"] not in OPEN:
        _refuse(work, row, "set_negotiation_limits", "There is nothing left to negotiate")
    names = ("floor_amount", "target_amount")
    wanted = {name: work.given[name] for name in names if name in work.given}
    if not wanted:
        raise InvalidInput("Say which limit changes", ("floor_amount",))
    check_limits(row["billed_amount"], **{name: wanted.get(name, row[name]) for name in names})
    return await _change(work, work.writes(), row, "set_negotiation_limits", wanted, [])


async def add_note(work: Work) -> UUID:
    """Something that staff tell each other about an invoice, whatever its state."""
    body = needed(work.given, "body", _NOTE)
    row = await _locked(work)
    writes = work.writes()
    note = {"id": new_id(work.moment), "recorded_at": work.moment, "invoice_id": row["id"], "body": body}
    writes.insert("internal_notes", **note, written_by=work.user_id, written_at=work.moment)
    # The note itself is kept for ever, so that the history only says that there is one.
    record_event(work, writes, row, "add_internal_note", row["status"], row["status"], [])
    announce(work, writes, row["id"], ["internal_notes"])
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


async def _locked(work: Work) -> Row:
    identity = work.given["invoice_id"]
    row = (await lock(work, [identity]))[identity]
    check_version(invoice_of(row), work.given)
    return row


async def _change(
    work: Work,
    writes: Writes,
    row: Row,
    name: str,
    values: Mapping[str, Any],
    changes: list[Mapping[str, Any]],
    *besides: str,
) -> UUID:
    """Write new values of a locked invoice that keeps its state, with the event that says so."""
    changed = {column: value for column, value in values.items() if row[column] != value}
    writes.update("invoices", {"id": row["id"]}, **changed, version=row["version"] + 1, updated_at=work.moment)
    changes = [*(change_of(column, row[column], value) for column, value in changed.items()), *changes]
    record_event(work, writes, row, name, row["status"], row["status"], changes)
    announce(work, writes, row["id"], [*changed, *besides, "version"])
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


def _refuse(work: Work, row: Row, name: str, words: str) -> NoReturn:
    invoice = invoice_of(row)
    raise IllegalTransition(words, ("invoice_id",), invoice.status, name, legal_now(invoice, work))
