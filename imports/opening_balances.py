"""Opening balances: imports the open invoices of a clinic's accounts receivable, with a cheque for the amount received."""

import asyncio
from collections.abc import Mapping, Sequence
from random import SystemRandom
from typing import Any
from uuid import UUID

from domain.billing.invoices import InvoiceStatus
from domain.billing.opening_balances import CODE, LABEL, place_of
from domain.billing.pricing import PriceSource
from domain.ids import new_id
from domain.normal_forms import normal_key
from imports.checking import Checked, Row
from imports.history.rows import HistoryLine, HistoryStart
from imports.history.write import ImportedHistory, write_histories
from imports.rows import parts
from imports.target import Target

Found = Mapping[Any, Mapping[str, Any]]

_RANDOM = SystemRandom()
# The case cannot be settled or reassigned while invoices are added to it.
_CASES = """select c.id, c.status, c.patient_id, c.attorney_id, p.first_name, p.last_name from cases c
    join patients p on p.clinic_id = c.clinic_id and p.id = c.patient_id
    where c.clinic_id = $1 and c.id in (select unnest($2::uuid[])) order by c.id for no key update of c"""
_KNOWN = """select i.number, i.case_id, i.billed_amount, i.status, i.payer_id, i.physician_id, i.facility_id, i.created_on,
        i.service_date, i.submitted_on, i.agreed_amount, i.received_amount, i.written_off_amount, i.paid_on,
        (select c.number from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
            where a.clinic_id = i.clinic_id and a.invoice_id = i.id and c.document_id is null limit 1) as cheque_number
    from invoices i where i.clinic_id = $1 and i.number in (select unnest($2::text[]))"""
_CHEQUES = """select payer_id, number from cheques
    where clinic_id = $1 and number in (select unnest($2::text[])) and returned_on is null"""
_COUNT_ON = """insert into invoice_counters as kept (clinic_id, year, last_number)
    select $1, n.year, n.place from unnest($2::integer[], $3::integer[]) n (year, place)
    on conflict (clinic_id, year) do update set last_number = greatest(kept.last_number, excluded.last_number)"""


async def write_openings(target: Target, checked: Checked) -> None:
    """Compare the invoices with the existing ones, and write the new ones; nothing if a single row is bad."""
    rows = checked.rows
    cases = {row["id"]: row for row in await target.find_among(_CASES, {row.values["case_id"] for row in rows})}
    known = {row["number"]: row for row in await target.find_among(_KNOWN, [row.values["number"] for row in rows])}
    await asyncio.to_thread(_compare, checked, cases, known)
    new = [row for row in rows if row.is_new]
    used = await target.find_among(_CHEQUES, {_cheque_number(row) for row in new if row.values["received_amount"]})
    await asyncio.to_thread(_check_cheques, checked, new, {(row["payer_id"], row["number"]) for row in used})
    if checked.problems.lines:
        return
    await _write(target, new, cases)
    await _count_on(target, new)


def _compare(checked: Checked, cases: Found, known: Found) -> None:
    for row in checked.rows:
        case, before = cases[row.values["case_id"]], known.get(row.values["number"])
        name = row.values["patient_name"]
        if name is not None and normal_key(name) != normal_key(f"{case['first_name']} {case['last_name']}"):
            checked.refuse(row, "patient_name", "This case belongs to another patient", name)
        if before is not None:
            _check_known(checked, row, before)
        elif case["status"] != "open":
            checked.refuse(row, "case_id", "This case is settled; an administrator can reopen it")
        row.is_new = before is None


def _check_known(checked: Checked, row: Row, before: Mapping[str, Any]) -> None:
    """An existing invoice has the same values; only the cheque number may be missing."""
    for name in before.keys():  # noqa: SIM118 (a record of the driver iterates over its values)
        value = row.values[name]
        is_left_out = name == "cheque_number" and value is None
        if name in checked.present_columns and value != before[name] and not is_left_out:
            checked.refuse(row, name, "The existing invoice of this number has another value", value)


def _check_cheques(checked: Checked, new: Sequence[Row], used: set[tuple[UUID, str]]) -> None:
    """A cheque pays one invoice only, and its number is unique among the payer's cheques."""
    lines: dict[tuple[UUID, str], int] = {}
    for row in new:
        if row.values["received_amount"]:
            cheque = (row.values["payer_id"], _cheque_number(row))
            if cheque in used:
                checked.refuse(row, "cheque_number", "A cheque of this payer already has this number", cheque[1])
            elif lines.setdefault(cheque, row.line) != row.line:
                reason = f"Line {lines[cheque]} has the same cheque: each invoice must have its own cheque, or none"
                checked.refuse(row, "cheque_number", reason, cheque[1])


def _cheque_number(row: Row) -> str:
    return row.values["cheque_number"] or f"{CODE} {row.values['number']}"


def _histories(target: Target, rows: Sequence[Row], cases: Found) -> tuple[list[ImportedHistory], list[dict[str, Any]]]:
    """The histories of invoices, and their cheques."""
    histories, cheques = list[ImportedHistory](), list[dict[str, Any]]()
    for row in rows:
        start = _start(target, row.values, cases[row.values["case_id"]])
        history = ImportedHistory(start, _RANDOM, target.moment, target.by)
        histories.append(history)
        cheques += _record(target, history, row)
    return histories, cheques


def _start(target: Target, values: Mapping[str, Any], case: Mapping[str, Any]) -> HistoryStart:
    billed = values["billed_amount"]
    line = HistoryLine(CODE, LABEL, 1, billed, billed, source=PriceSource.OVERRIDE, override_reason=LABEL)
    names = ("number", "case_id", "payer_id", "physician_id", "facility_id", "created_on", "service_date")
    values = {name: values[name] for name in names} | {name: case[name] for name in ("patient_id", "attorney_id")}
    return HistoryStart(target.clinic_id, lines=(line,), external_key=values["number"], **values)


def _record(target: Target, history: ImportedHistory, row: Row) -> list[dict[str, Any]]:
    """The history of an invoice, and the cheque that paid it. Events without a date in the file are dated today."""
    values, today = row.values, target.today
    if values["submitted_on"] is not None:
        history.submit_invoice(values["submitted_on"], None)
    if values["agreed_amount"] == history.billed:
        history.accept_in_full(today)
    elif values["agreed_amount"] is not None:
        history.request_reduction(today, values["agreed_amount"])
        history.agree_reduction(today)
    elif values["status"] == InvoiceStatus.PENDING_REDUCTION:
        history.request_reduction(today, None)
    if not values["received_amount"]:
        return []
    cheque = {"id": new_id(target.moment), "recorded_at": target.moment, "imported": True}
    history.apply_cheque(today, cheque["id"], values["received_amount"])  # type: ignore[arg-type]
    paid = {
        "payer_id": values["payer_id"],
        "number": _cheque_number(row),
        "amount": values["received_amount"],
    }
    return [{**cheque, **paid, "cheque_date": today, "received_on": today}]


async def _write(target: Target, new: Sequence[Row], cases: Found) -> None:
    """Some histories are written while the next ones are built."""
    chunks, ahead = list(parts(new)), None

    def build(some: Sequence[Row]) -> asyncio.Future[Any]:
        return asyncio.ensure_future(asyncio.to_thread(_histories, target, some, cases))

    for place, (done, some) in enumerate(chunks, 1):
        histories, cheques = await (ahead or build(some))
        ahead = build(chunks[place][1]) if place < len(chunks) else None
        await write_histories(target, histories, cheques)
        target.progress("adding invoices", done, len(new))


async def _count_on(target: Target, new: Sequence[Row]) -> None:
    """New invoice numbers continue after the imported ones. The counter is locked until the transaction ends, so it comes last."""
    last: dict[int, int] = {}
    for place in (place_of(row.values["number"]) for row in new):
        if place:
            last[place[0]] = max(place[1], last.get(place[0], 0))
    await target.find(_COUNT_ON, list(last), list(last.values()))
