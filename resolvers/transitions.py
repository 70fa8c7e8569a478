"""Decides how an invoice moves from one state to the next: the only door through which a status is written."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from db.locks import LOCK_INVOICES
from db.writing import Writes
from domain.errors import IllegalTransition, NotFound, StaleVersion
from domain.ids import new_id
from domain.invoices import CLOSED_BALANCE, GUARDS, REFUSING, Invoice, InvoiceStatus
from domain.outcomes import Outcome
from domain.reminders import ReminderStatus
from domain.transitions import BY_NAME, advance, legal_from
from resolvers.documents import consume
from resolvers.payers import check_payer
from resolvers.writing import Work

_FACTS = """select i.id, i.number, i.case_id, i.payer_id, i.status, i.version, i.created_on, i.billed_amount, i.agreed_amount,
    i.received_amount, i.written_off_amount, i.submitted_on, i.submission_method, i.agreed_on, i.fully_paid_on, i.paid_on,
    i.floor_amount, i.target_amount, i.conditional_until,
    (select count(*) from invoice_lines l where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as line_count,
    (select o.amount from reduction_offers o where o.clinic_id = i.clinic_id and o.invoice_id = i.id and o.status = 'open'
        order by o.round desc limit 1) as open_offer,
    (select coalesce(max(o.round), 0) from reduction_offers o where o.clinic_id = i.clinic_id and o.invoice_id = i.id) as rounds,
    (select coalesce(max(e.seq), 0) from invoice_events e where e.clinic_id = i.clinic_id and e.invoice_id = i.id) as events,
    (select count(*) from reminders r where r.clinic_id = i.clinic_id and r.invoice_id = i.id and r.status = 'scheduled') as reminders,
    {more} where i.clinic_id = $1 and i.id = any($2) order by i.id"""
_ALL_FACTS = _FACTS.format(
    more="""exists (select 1 from cheque_allocations a where a.clinic_id = i.clinic_id and a.invoice_id = i.id) as was_allocated,
    c.status = 'settled' as case_is_settled,
    c.status = 'open' and not exists (select 1 from invoices o where o.clinic_id = i.clinic_id and o.case_id = i.case_id
        and o.status not in ('cheque_received', 'void', 'written_off')) as case_is_covered
    from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id"""
)
# What only a few guards ask is a third of the cost. Here it is taken to be such that they refuse: whatever is allowed so, is.
_FEW_FACTS = _FACTS.format(
    more=", ".join(f"{value} as {name}" for name, value in REFUSING.items()) + " from invoices i"
)
Row = Mapping[str, Any]


def invoice_of(row: Row) -> Invoice:
    """What the rules know of an invoice, from its row."""
    return Invoice(
        id=row["id"],
        number=row["number"],
        case_id=row["case_id"],
        payer_id=row["payer_id"],
        status=InvoiceStatus(row["status"]),
        version=row["version"],
        created_on=row["created_on"],
        billed=row["billed_amount"],
        agreed=row["agreed_amount"],
        received=row["received_amount"],
        written_off=row["written_off_amount"],
        submitted_on=row["submitted_on"],
        floor=row["floor_amount"],
        conditional_until=row["conditional_until"],
        line_count=row["line_count"],
        was_allocated=row["was_allocated"],
        open_offer=row["open_offer"],
        case_is_settled=row["case_is_settled"],
        case_is_covered=row["case_is_covered"],
    )


async def lock(work: Work, ids: Iterable[UUID], facts: str = _ALL_FACTS) -> dict[UUID, Row]:
    """The invoices with these ids, locked until the transaction ends; NotFound when one is not in reach."""
    wanted = sorted(set(ids))
    if not work.locked.issuperset(wanted):
        await work.all(LOCK_INVOICES, wanted)
    rows = {row["id"]: row for row in await work.all(facts, wanted)}
    if len(rows) != len(wanted):
        raise NotFound("There is no such invoice", ("invoice_id",))
    return rows


def locked_first(given: Mapping[str, Any]) -> frozenset[UUID]:
    """The invoices that a transition of one may lock as its transaction begins.

    None where something else is locked first, by everybody: an idempotency key, or a document that is used up.
    """
    is_first = given.get("idempotency_key") is None and given.get("document_id") is None
    return frozenset([given["invoice_id"]] if is_first else [])


async def transition(work: Work, name: str) -> UUID:
    """One invoice through one transition, as the input says."""
    identity: UUID = work.given["invoice_id"]
    if work.given.get("document_id"):
        await consume(work)
    if work.given.get("payer_id"):
        await check_payer(work, work.given["payer_id"])
    writes = work.writes()
    row = (await lock(work, [identity], _FEW_FACTS))[identity]
    try:
        move(work, writes, name, row, work.given)
    except IllegalTransition:
        row = (await lock(work, [identity]))[identity]
        move(work, writes, name, row, work.given)
    await writes.run(work.connection)
    return identity


def move(work: Work, writes: Writes, name: str, row: Row, given: Mapping[str, Any], **known: Any) -> InvoiceStatus:
    """Gather what a transition writes of a locked invoice; the state that it is in then. Refuses what the rules refuse.

    `known` are columns that the caller knows to change besides those that the rules change.
    """
    invoice = invoice_of(row)
    check_version(invoice, given)
    _check_legal(work, name, invoice)
    outcome = BY_NAME[name].effect(invoice, given, work.actor)
    end = advance(invoice.status, name, _end(name, invoice, outcome), work.actor.role)
    if known:
        outcome = replace(outcome, values={**outcome.values, **known})
    return _write(work, writes, name, row, outcome, end, given)


def correct(work: Work, writes: Writes, name: str, row: Row, given: Mapping[str, Any]) -> None:
    """Gather what a transition of other invoices does to the ledger of one that keeps its state, such as a written-off one."""
    outcome = BY_NAME[name].effect(invoice_of(row), given, work.actor)
    _write(work, writes, name, row, outcome, InvoiceStatus(row["status"]), given)


def check_version(invoice: Invoice, given: Mapping[str, Any]) -> None:
    """Refuse a change of a record that somebody else has changed since it was read."""
    if given.get("version") not in (None, invoice.version):
        words = "Somebody else has changed this invoice"
        raise StaleVersion(words, ("version",), invoice.version)


def _check_legal(work: Work, name: str, invoice: Invoice) -> None:
    advance_is_possible = BY_NAME[name].starts(invoice.status, work.actor.role)
    blocked = [GUARDS[guard].words for guard in BY_NAME[name].guards if not GUARDS[guard].holds(invoice, work.today)]
    if advance_is_possible and not blocked:
        return
    legal = legal_now(invoice, work)
    words = "; ".join(blocked) if advance_is_possible else f"This is not possible while the invoice is {invoice.status}"
    raise IllegalTransition(words, ("invoice_id",), invoice.status, name, legal)


def legal_now(invoice: Invoice, work: Work) -> tuple[str, ...]:
    """The transitions that the viewer may do with the invoice as it is."""
    names = legal_from(invoice.status, work.actor.role)
    return tuple(
        name for name in names if all(GUARDS[guard].holds(invoice, work.today) for guard in BY_NAME[name].guards)
    )


def _end(name: str, invoice: Invoice, outcome: Outcome) -> InvoiceStatus:
    """Where the table leaves a choice, the ledger decides: covered in full, or not yet."""
    ends = BY_NAME[name].end
    if len(ends) == 1:
        return ends[0]
    received = outcome.values["received_amount"]
    return InvoiceStatus.CHEQUE_RECEIVED if received == invoice.owed else InvoiceStatus.PENDING_CHEQUE


def _write(
    work: Work, writes: Writes, name: str, row: Row, outcome: Outcome, end: InvoiceStatus, given: Mapping[str, Any]
) -> InvoiceStatus:
    changed = {column: value for column, value in outcome.values.items() if row[column] != value}
    if row["status"] != end:
        changed["status"] = end.value
    writes.update("invoices", {"id": row["id"]}, **changed, version=row["version"] + 1, updated_at=work.moment)
    _write_offers(work, writes, row, outcome, given)
    closes_reminders = "status" in changed and end in CLOSED_BALANCE and row["reminders"] > 0
    if closes_reminders:
        # Of what is closed nobody has to be reminded.
        waiting = {"invoice_id": row["id"], "status": ReminderStatus.SCHEDULED.value}
        writes.update("reminders", waiting, status=ReminderStatus.CANCELLED.value, closed_at=work.moment)
    if outcome.denial:
        writes.insert("denials", **_record(work), invoice_id=row["id"], recorded_by=work.user_id, **outcome.denial)
    changes = [change_of(column, row[column], value) for column, value in changed.items() if column != "status"]
    changes += [change_of("reason", None, given["reason"])] if (given.get("reason") or "").strip() else []
    changes += [change_of("open_reminders", row["reminders"], 0)] if closes_reminders else []
    record_event(work, writes, row, name, row["status"], end.value, changes)
    announce(work, writes, row["id"], [*changed, "version", *(["reminders"] if closes_reminders else [])])
    return end


def _write_offers(work: Work, writes: Writes, row: Row, outcome: Outcome, given: Mapping[str, Any]) -> None:
    by_invoice = {"invoice_id": row["id"]}
    if outcome.open_offer:
        writes.update("reduction_offers", {**by_invoice, "status": "open"}, status=outcome.open_offer.value)
    if outcome.agreed_offer:
        writes.update("reduction_offers", {**by_invoice, "status": "accepted"}, status=outcome.agreed_offer.value)
    if outcome.offer:
        made = {"made_by": work.user_id, "made_at": work.moment, "document_id": given.get("document_id")}
        writes.insert(
            "reduction_offers", **_record(work), **by_invoice, round=row["rounds"] + 1, **outcome.offer, **made
        )


def record_event(
    work: Work, writes: Writes, row: Row, name: str, start: str | None, end: str, changes: list[Mapping[str, Any]]
) -> None:
    """Gather the line of the invoice's history that says what happened."""
    writes.insert(
        "invoice_events",
        **_record(work),
        invoice_id=row["id"],
        seq=row["events"] + 1,
        at=work.moment,
        by_user_id=work.user_id,
        transition=name,
        from_status=start,
        to_status=end,
        changes=changes,
        request_id=work.request_id,
    )


def announce(work: Work, writes: Writes, invoice_id: UUID, columns: Iterable[str]) -> None:
    """Gather the notice that subscribers of every server process hear when the transaction is committed."""
    notice = {"clinic": str(work.clinic_id), "invoice": str(invoice_id), "columns": sorted(columns)}
    writes.call("pg_notify('invoice_changed', %s)", orjson.dumps(notice).decode())


def _record(work: Work) -> dict[str, Any]:
    return {"id": new_id(work.moment), "recorded_at": work.moment}


def change_of(column: str, before: Any, after: Any) -> Mapping[str, Any]:
    """A changed value as the history shows it: the field under its name in the API, both values as text."""
    first, *rest = column.split("_")
    name = first + "".join(word.capitalize() for word in rest)
    return {
        "field": name,
        "before": None if before is None else str(before),
        "after": None if after is None else str(after),
    }
