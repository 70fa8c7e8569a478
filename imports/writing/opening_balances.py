"""Opening balances: imports the open invoices of a clinic's accounts receivable, with the cheques for the amounts received."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import SystemRandom
from typing import Any
from uuid import UUID

from db.merged_records import surviving
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import InvoiceStatus
from domain.billing.money import LARGEST
from domain.billing.opening_balances import CODE, LABEL
from domain.days import INJURY_TREATMENT
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.normal_forms import code_form, normal_key
from domain.payments.cheques import PaymentMethod
from domain.pricing.pricing import PriceSource
from domain.records.invoice_numbers import check_imported, place_of
from imports.checking import Checked, Row
from imports.history.rows import ZERO, HistoryLine, HistoryStart
from imports.history.write import ImportedHistory, write_histories
from imports.rows import parts
from imports.target import Target

Found = Mapping[Any, Mapping[str, Any]]
_Cheque = tuple[UUID, str]
# Payer and number → the cheque, and the line where it occurs first.
Cheques = dict[_Cheque, dict[str, Any]]

_RANDOM = SystemRandom()
# The case cannot be settled or reassigned while invoices are added to it.
_CASES = """select c.id, c.status, c.patient_id, c.attorney_id, c.date_of_injury, p.first_name || ' ' || p.last_name as name,
    array(select o.first_name || ' ' || o.last_name from patients o where o.clinic_id = c.clinic_id and (
        o.id = coalesce(p.merged_into_id, p.id) or o.merged_into_id = coalesce(p.merged_into_id, p.id))) as names from cases c
    join patients p on p.clinic_id = c.clinic_id and p.id = c.patient_id
    where c.clinic_id = $1 and c.id in (select unnest($2::uuid[])) order by c.id for no key update of c"""
_KNOWN = f"""select i.number, i.case_id, i.billed_amount, i.status, {surviving("payer", "i.payer_id")} as payer_id,
        i.physician_id, i.facility_id, i.created_on,
        i.service_date, i.submitted_on, i.contractual_amount, i.agreed_amount, i.received_amount, i.written_off_amount, i.paid_on,
        (select c.number from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
            where a.clinic_id = i.clinic_id and a.invoice_id = i.id and c.document_id is null limit 1) as cheque_number
    from invoices i where i.clinic_id = $1 and i.number in (select unnest($2::text[]))"""
# A number that is not in its normal form has a small letter, or a character that is not ASCII.
_NOT_IN_CAPITALS = "select number from invoices where clinic_id = $1 and number ~ '[^ -`{-~]'"
_CHEQUES = f"""select {surviving("payer", "payer_id")} as payer_id, number_key as number from cheques
    where clinic_id = $1 and number_key in (select unnest($2::text[])) and method = 'paper' and returned_on is null"""
_PREFIX = "select invoice_number_prefix from clinics where clinic_id = $1"
_COUNT_ON = """insert into invoice_counters as kept (clinic_id, year, last_number)
    select $1, n.year, n.place from unnest($2::integer[], $3::integer[]) n (year, place)
    on conflict (clinic_id, year) do update set last_number = greatest(kept.last_number, excluded.last_number)"""


async def write_openings(target: Target, checked: Checked) -> None:
    """Compare the invoices with the existing ones, and write the new ones; nothing if a single row is bad."""
    [clinic] = await target.find(_PREFIX)
    prefix: str = clinic["invoice_number_prefix"]
    _check_numbers(checked, prefix)
    await _refuse_other_spellings(target, checked)
    rows = checked.rows
    cases = {row["id"]: row for row in await target.find_among(_CASES, {row.values["case_id"] for row in rows})}
    known = {row["number"]: row for row in await target.find_among(_KNOWN, [row.values["number"] for row in rows])}
    await asyncio.to_thread(_compare, checked, cases, known)
    new = [row for row in rows if row.is_new]
    used = await target.find_among(_CHEQUES, {_cheque(row)[1] for row in new if row.values["received_amount"]})
    await asyncio.to_thread(_check_cheques, checked, new, {(row["payer_id"], row["number"]) for row in used})
    if checked.problems.lines:
        return
    await _write(target, new, cases, _cheques(target, new))
    await _count_on(target, new, prefix)


def _check_numbers(checked: Checked, prefix: str) -> None:
    for row in checked.rows:
        number = row.values["number"]
        try:
            check_imported(number, prefix, row.values["created_on"].year)
        except InvalidInput as error:
            checked.refuse(row, "number", error.message, number)
    checked.rows = checked.without_bad()


async def _refuse_other_spellings(target: Target, checked: Checked) -> None:
    """Refuse the rows whose invoice exists under a number as an earlier release spelled it: it would be billed twice."""
    found = [row["number"] for row in await target.find(_NOT_IN_CAPITALS)]
    kept = {code_form(number) for number in found if code_form(number) != number}
    for row in checked.rows if kept else ():
        if row.values["number"] in kept:
            checked.refuse(
                row, "number", "An existing invoice has this number in another spelling", row.values["number"]
            )
    checked.rows = checked.without_bad()


def _compare(checked: Checked, cases: Found, known: Found) -> None:
    for row in checked.rows:
        case, before = cases[row.values["case_id"]], known.get(row.values["number"])
        name = row.values["patient_name"]
        # Of a merged patient the file may have the name of either record.
        names = set(map(normal_key, (case["name"], *case["names"])))
        if name is not None and normal_key(name) not in names:
            checked.refuse(row, "patient_name", "This case belongs to another patient", name)
        if before is not None:
            _check_known(checked, row, before)
        elif case["status"] != "open":
            checked.refuse(row, "case_id", "This case is settled; an administrator can reopen it")
        elif not INJURY_TREATMENT.holds(case["date_of_injury"], row.values["service_date"]):
            words = f"{INJURY_TREATMENT.message} of the case, {case['date_of_injury']}"
            checked.refuse(row, "service_date", words, row.values["service_date"])
        row.is_new = before is None


def _check_known(checked: Checked, row: Row, before: Mapping[str, Any]) -> None:
    """An existing invoice has the same values; only the cheque number may be missing."""
    for name in before.keys():  # noqa: SIM118 (a record of the driver iterates over its values)
        value = row.values[name]
        is_left_out = name == "cheque_number" and value is None
        if name in checked.present_columns and value != before[name] and not is_left_out:
            checked.refuse(row, name, "The existing invoice of this number has another value", value)


def _check_cheques(checked: Checked, new: Sequence[Row], used: set[_Cheque]) -> None:
    """A new cheque is unknown, and pays several invoices only if each of their rows names it."""
    first, totals = dict[_Cheque, Row](), dict[_Cheque, Decimal]()
    for row in new:
        if not row.values["received_amount"]:
            continue
        cheque = _cheque(row)
        before = first.setdefault(cheque, row)
        totals[cheque] = totals.get(cheque, ZERO) + row.values["received_amount"]
        if cheque in used:
            checked.refuse(row, "cheque_number", "A cheque of this payer already has this number", cheque[1])
        elif before is not row and not (row.values["cheque_number"] and before.values["cheque_number"]):
            reason = (
                f"Line {before.line} has the same cheque: a cheque for several invoices is named in each of their rows"
            )
            checked.refuse(row, "cheque_number", reason, cheque[1])
        elif totals[cheque] > LARGEST:
            checked.refuse(row, "received_amount", f"The rows of a cheque are at most {LARGEST:,} together", cheque[1])


def _cheque(row: Row) -> _Cheque:
    """What identifies the cheque of a row: its payer and its number."""
    return row.values["payer_id"], row.values["cheque_number"] or f"{CODE} {row.values['number']}"


def _cheques(target: Target, new: Sequence[Row]) -> Cheques:
    """The cheques of the new invoices: one for all rows that name it, with the sum of what they received, dated today."""
    cheques: Cheques = {}
    for row in new:
        received = row.values["received_amount"]
        if not received:
            continue
        payer, number = cheque = _cheque(row)
        if cheque in cheques:
            cheques[cheque]["amount"] += received
            continue
        made = {"id": new_id(target.moment), "recorded_at": target.moment, "imported": True, "first_line": row.line}
        paid = {"payer_id": payer, "number": number, "number_key": number, "amount": received}
        paid |= {"method": PaymentMethod.PAPER}
        cheques[cheque] = {**made, **paid, "cheque_date": target.today, "received_on": target.today}
    return cheques


def _histories(
    target: Target, rows: Sequence[Row], cases: Found, cheques: Cheques
) -> tuple[list[ImportedHistory], list[dict[str, Any]]]:
    """The histories of invoices, and the cheques that occur first in them, which are written before they pay."""
    histories, new_cheques = list[ImportedHistory](), list[dict[str, Any]]()
    for row in rows:
        start = _start(target, row.values, cases[row.values["case_id"]])
        history = ImportedHistory(start, _RANDOM, target.moment, target.by)
        histories.append(history)
        cheque = cheques[_cheque(row)] if row.values["received_amount"] else None
        _record(target, history, row, cheque)
        if cheque and cheque["first_line"] == row.line:
            new_cheques.append({name: value for name, value in cheque.items() if name != "first_line"})
    return histories, new_cheques


def _start(target: Target, values: Mapping[str, Any], case: Mapping[str, Any]) -> HistoryStart:
    billed = values["billed_amount"]
    line = HistoryLine(CODE, LABEL, 1, billed, billed, source=PriceSource.OVERRIDE, override_reason=LABEL)
    names = ("number", "case_id", "payer_id", "physician_id", "facility_id", "created_on", "service_date")
    values = {name: values[name] for name in names} | {name: case[name] for name in ("patient_id", "attorney_id")}
    return HistoryStart(target.clinic_id, lines=(line,), external_key=values["number"], **values)


def _record(target: Target, history: ImportedHistory, row: Row, cheque: Mapping[str, Any] | None) -> None:
    """Record the history of an invoice. Events without a date in the file are dated today."""
    values, today = row.values, target.today
    if values["submitted_on"] is not None:
        history.submit_invoice(values["submitted_on"], None)
    contractual = values["contractual_amount"]
    if contractual:
        history.apply(
            today, "record_adjustment", group=AdjustmentGroup.CO, reason_code=CODE, amount=contractual, note=LABEL
        )
    if values["agreed_amount"] == history.billed - contractual:
        history.accept_in_full(today)
    elif values["agreed_amount"] is not None:
        history.request_reduction(today, values["agreed_amount"])
        history.agree_reduction(today)
    elif values["status"] == InvoiceStatus.PENDING_REDUCTION:
        history.request_reduction(today, None)
    if cheque:
        history.apply_cheque(today, cheque["id"], values["received_amount"])


async def _write(target: Target, new: Sequence[Row], cases: Found, cheques: Cheques) -> None:
    """Some histories are written while the next ones are built."""
    chunks, ahead = list(parts(new)), None

    def build(some: Sequence[Row]) -> asyncio.Future[Any]:
        return asyncio.ensure_future(asyncio.to_thread(_histories, target, some, cases, cheques))

    for place, (done, some) in enumerate(chunks, 1):
        histories, received = await (ahead or build(some))
        ahead = build(chunks[place][1]) if place < len(chunks) else None
        await write_histories(target, histories, received)
        target.progress("adding invoices", done, len(new))


async def _count_on(target: Target, new: Sequence[Row], prefix: str) -> None:
    """New invoice numbers continue after the imported ones. The counter is locked until the transaction ends, so it comes last."""
    last: dict[int, int] = {}
    for place in (place_of(row.values["number"], prefix) for row in new):
        if place:
            last[place[0]] = max(place[1], last.get(place[0], 0))
    await target.find(_COUNT_ON, list(last), list(last.values()))
