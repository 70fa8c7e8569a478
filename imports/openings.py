"""Decides what becomes of open invoices that a clinic brings along: an opening balance each, and a cheque for what was received."""

import asyncio
from collections.abc import Mapping, Sequence
from random import SystemRandom
from typing import Any
from uuid import UUID

from domain.ids import new_id
from domain.invoices import InvoiceStatus
from domain.openings import CODE, LABEL, place_of
from domain.people import searchable
from domain.pricing import PriceSource
from imports.checking import Checked, Row
from imports.rows import parts
from imports.story_rows import StoryLine, StoryStart
from imports.story_writing import ImportedStory, write_stories
from imports.target import Target

Found = Mapping[Any, Mapping[str, Any]]

_RANDOM = SystemRandom()
# Nobody settles a case, or gives it to somebody else, while invoices come to it.
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
    """Compare the invoices with those that are known, and write the new ones; nothing when a single row is bad."""
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
        if name is not None and searchable(name) != searchable(f"{case['first_name']} {case['last_name']}"):
            checked.refuse(row, "patient_name", "The patient of this case is somebody else", name)
        if before is not None:
            _check_known(checked, row, before)
        elif case["status"] != "open":
            checked.refuse(row, "case_id", "This case is settled; an administrator can open it again")
        row.is_new = before is None


def _check_known(checked: Checked, row: Row, before: Mapping[str, Any]) -> None:
    """An invoice that is known says the same; only a cheque may go without its number."""
    for name in before.keys():  # noqa: SIM118 (a record of the driver iterates over its values)
        said = row.values[name]
        if name in checked.said and said != before[name] and not (name == "cheque_number" and said is None):
            checked.refuse(row, name, "The invoice of this number says otherwise", said)


def _check_cheques(checked: Checked, new: Sequence[Row], used: set[tuple[UUID, str]]) -> None:
    """A cheque is one invoice's, and no other of its payer has its number."""
    lines: dict[tuple[UUID, str], int] = {}
    for row in new:
        if row.values["received_amount"]:
            cheque = (row.values["payer_id"], _cheque_number(row))
            if cheque in used:
                checked.refuse(row, "cheque_number", "A cheque of this payer has this number already", cheque[1])
            elif lines.setdefault(cheque, row.line) != row.line:
                reason = f"Line {lines[cheque]} has this cheque: each invoice names one of its own, or none"
                checked.refuse(row, "cheque_number", reason, cheque[1])


def _cheque_number(row: Row) -> str:
    return row.values["cheque_number"] or f"{CODE} {row.values['number']}"


def _told(target: Target, rows: Sequence[Row], cases: Found) -> tuple[list[ImportedStory], list[dict[str, Any]]]:
    """The stories of invoices, and their cheques."""
    stories, cheques = list[ImportedStory](), list[dict[str, Any]]()
    for row in rows:
        start = _start(target, row.values, cases[row.values["case_id"]])
        story = ImportedStory(start, _RANDOM, target.moment, target.by)
        stories.append(story)
        cheques += _tell(target, story, row)
    return stories, cheques


def _start(target: Target, values: Mapping[str, Any], case: Mapping[str, Any]) -> StoryStart:
    billed = values["billed_amount"]
    line = StoryLine(CODE, LABEL, 1, billed, billed, source=PriceSource.OVERRIDE, override_reason=LABEL)
    names = ("number", "case_id", "payer_id", "physician_id", "facility_id", "created_on", "service_date")
    said = {name: values[name] for name in names} | {name: case[name] for name in ("patient_id", "attorney_id")}
    return StoryStart(target.clinic_id, lines=(line,), external_key=values["number"], **said)


def _tell(target: Target, story: ImportedStory, row: Row) -> list[dict[str, Any]]:
    """What has happened to an invoice, and the cheque that paid it. What the file does not date, happened by today."""
    said, today = row.values, target.today
    if said["submitted_on"] is not None:
        story.submit_invoice(said["submitted_on"], None)
    if said["agreed_amount"] == story.billed:
        story.accept_in_full(today)
    elif said["agreed_amount"] is not None:
        story.request_reduction(today, said["agreed_amount"])
        story.agree_reduction(today)
    elif said["status"] == InvoiceStatus.PENDING_REDUCTION:
        story.request_reduction(today, None)
    if not said["received_amount"]:
        return []
    cheque = {"id": new_id(target.moment), "recorded_at": target.moment, "imported": True}
    story.apply_cheque(today, cheque["id"], said["received_amount"])  # type: ignore[arg-type]
    paid = {"payer_id": said["payer_id"], "number": _cheque_number(row), "amount": said["received_amount"]}
    return [{**cheque, **paid, "cheque_date": today, "received_on": today}]


async def _write(target: Target, new: Sequence[Row], cases: Found) -> None:
    """Some stories are written while the next are told."""
    chunks, ahead = list(parts(new)), None

    def tell(some: Sequence[Row]) -> asyncio.Future[Any]:
        return asyncio.ensure_future(asyncio.to_thread(_told, target, some, cases))

    for place, (done, some) in enumerate(chunks, 1):
        stories, cheques = await (ahead or tell(some))
        ahead = tell(chunks[place][1]) if place < len(chunks) else None
        await write_stories(target, stories, cheques)
        target.progress("adding invoices", done, len(new))


async def _count_on(target: Target, new: Sequence[Row]) -> None:
    """Numbers are given from here on behind those that came along. The counter is locked until the transaction ends, so it comes last."""
    last: dict[int, int] = {}
    for place in (place_of(row.values["number"]) for row in new):
        if place:
            last[place[0]] = max(place[1], last.get(place[0], 0))
    await target.find(_COUNT_ON, list(last), list(last.values()))
