"""Transitions of invoices: the only code that writes the status of an invoice."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from db.locks import LOCK_INVOICES
from db.tables.base import listed
from db.write_batch import WriteBatch
from domain.billing.invoice_events import change_of, changes_of
from domain.billing.invoices import CLOSED_BALANCE, COVERED, REFUSING, Invoice, InvoiceStatus
from domain.billing.ledger.late_facts import LateFact
from domain.billing.lifecycle import apply
from domain.billing.outcomes import Actor, Outcome
from domain.billing.restated import is_backdated
from domain.billing.transitions import BY_NAME
from domain.errors import IllegalTransition, NotFound, StaleVersion
from domain.ids import new_id
from domain.normal_forms import code_form
from domain.reminders.reminders import ReminderStatus
from domain.warnings import late_fact
from resolvers.commands.documents import consume
from resolvers.commands.ledger_facts import facts_of, write_facts
from resolvers.commands.payers import check_payer
from resolvers.commands.reason_codes import check_reason_code
from resolvers.commands.unit_of_work import UnitOfWork

_FACTS = """select i.id, i.number, i.case_id, i.patient_id, i.payer_id, i.status, i.open_status, i.version, i.created_on,
    i.billed_amount, i.agreed_amount, i.received_amount, i.earlier_received_amount, i.contractual_amount, i.small_balance_amount,
    i.written_off_amount, i.recovered_amount, i.submitted_on, i.first_submitted_on, i.submission_method, i.agreed_on,
    i.fully_paid_on, i.paid_on, i.updated_at, i.floor_amount, i.target_amount, i.conditional_until, i.responsible_since, i.replaces_id,
    (select c.small_balance_tolerance from clinics c where c.clinic_id = i.clinic_id) as small_balance_tolerance,
    (select count(*) from invoice_lines l where l.clinic_id = i.clinic_id and l.invoice_id = i.id) as line_count,
    (select o.amount from reduction_offers o where o.clinic_id = i.clinic_id and o.invoice_id = i.id and o.status = 'open'
        order by o.round desc limit 1) as open_offer,
    (select coalesce(max(o.round), 0) from reduction_offers o where o.clinic_id = i.clinic_id and o.invoice_id = i.id) as rounds,
    (select max(o.round) from reduction_offers o where o.clinic_id = i.clinic_id and o.invoice_id = i.id and o.status = 'lapsed')
        as lapsed_round,
    (select coalesce(max(e.seq), 0) from invoice_events e where e.clinic_id = i.clinic_id and e.invoice_id = i.id) as events,
    exists (select from restated_states s where s.clinic_id = i.clinic_id and s.invoice_id = i.id and s.until_on is null)
        as is_restated,
    (select count(*) from reminders r where r.clinic_id = i.clinic_id and r.invoice_id = i.id and r.status = 'scheduled') as reminders,
    {more} where i.clinic_id = $1 and i.id = any($2) order by i.id"""
_ALL_FACTS = _FACTS.format(
    more="""c.status = 'open' as case_is_open, c.status <> 'open' as case_is_settled,
    c.status = 'open' and not exists (select 1 from invoices o where o.clinic_id = i.clinic_id and o.case_id = i.case_id
        and o.status not in """
    + listed(COVERED)
    + """) as case_is_covered
    from invoices i join cases c on c.clinic_id = i.clinic_id and c.id = i.case_id"""
)
# Facts that only a few guards need make up a third of the cost. Here they get values with which those guards fail: a
# transition that is allowed with them is allowed.
_FEW_FACTS = _FACTS.format(
    more=", ".join(f"{value} as {name}" for name, value in REFUSING.items()) + " from invoices i"
)
_LOOKED_UP = (
    *("line_count", "open_offer", "case_is_open", "case_is_settled", "case_is_covered"),
    "small_balance_tolerance",
)
_LINE = "select amount from invoice_lines where clinic_id = $1 and invoice_id = $2 and id = $3"
Row = Mapping[str, Any]
Before = Callable[[UnitOfWork, WriteBatch, Row], Awaitable[None]]


def invoice_of(row: Row) -> Invoice:
    """The facts of an invoice that the rules use, from its row."""
    return Invoice.of(row, facts=row.get("facts"), **{name: row[name] for name in _LOOKED_UP})


async def lock(
    work: UnitOfWork, ids: Iterable[UUID], facts: str = _ALL_FACTS, *, with_facts: bool = False
) -> dict[UUID, Row]:
    """The invoices with these ids, locked until the transaction ends; NotFound if one cannot be accessed.

    `with_facts` adds the facts behind their amounts as `facts`.
    """
    wanted = sorted(set(ids))
    if not work.locked.issuperset(wanted):
        await work.all(LOCK_INVOICES, wanted)
    rows = {row["id"]: row for row in await work.all(facts, wanted)}
    if len(rows) != len(wanted):
        raise NotFound("There is no such invoice", ("invoice_id",))
    if not with_facts:
        return rows
    known = await facts_of(work, wanted)
    return {identity: {**row, "facts": known[identity]} for identity, row in rows.items()}


def locked_first(inputs: Mapping[str, Any]) -> frozenset[UUID]:
    """The invoice that a transition may lock as its transaction begins.

    None if another lock always comes first: an idempotency key, or a document that is consumed.
    """
    is_first = inputs.get("idempotency_key") is None and inputs.get("document_id") is None
    return frozenset([inputs["invoice_id"]] if is_first else [])


async def transition(work: UnitOfWork, name: str, before: Before | None = None) -> UUID:
    """Apply one transition to one invoice, as the input says; `before` it, what belongs to it and only to it is added to the batch."""
    identity: UUID = work.inputs["invoice_id"]
    if work.inputs.get("document_id"):
        await consume(work)
    writes = work.writes()
    reads_facts = BY_NAME[name].reads_facts
    row = (await lock(work, [identity], _FEW_FACTS, with_facts=reads_facts))[identity]
    if work.inputs.get("payer_id"):
        await check_payer(work, work.inputs["payer_id"], row["patient_id"])
    if work.inputs.get("line_id"):
        line = await work.one(_LINE, identity, work.inputs["line_id"])
        if line is None:
            raise NotFound("The invoice has no such line", ("line_id",))
        work.inputs = {**work.inputs, "line_amount": line["amount"]}
    if work.inputs.get("reason_code"):
        await check_reason_code(work, code_form(work.inputs["reason_code"]), ("reason_code",))
    try:
        if before is not None:
            _outcome_of(work, name, row, work.inputs, invoice_of(row))
            await before(work, writes, row)
        move(work, writes, name, row, work.inputs)
    except IllegalTransition:
        row = (await lock(work, [identity], with_facts=reads_facts))[identity]
        move(work, writes, name, row, work.inputs)
    await writes.run(work.connection)
    return identity


def move(
    work: UnitOfWork,
    writes: WriteBatch,
    name: str,
    row: Row,
    inputs: Mapping[str, Any],
    actor: Actor | None = None,
    invoice: Invoice | None = None,
    **known: Any,
) -> InvoiceStatus:
    """Add the writes of a transition of a locked invoice to the batch; returns the new status, raises the rules' errors.

    `known` are columns that the caller changes besides those that the rules change; `actor` is who applies it, if not the user, and
    `invoice` what its guards ask about, if not the row.
    """
    outcome, end = _outcome_of(work, name, row, inputs, invoice or invoice_of(row), actor)
    if known:
        outcome = replace(outcome, values={**outcome.values, **known})
    return _write(work, writes, name, row, outcome, end, inputs)


def _outcome_of(
    work: UnitOfWork, name: str, row: Row, inputs: Mapping[str, Any], invoice: Invoice, actor: Actor | None = None
) -> tuple[Outcome, InvoiceStatus]:
    check_version(invoice, inputs)
    return apply(name, invoice, inputs, replace(actor or work.actor, moment=moment_of(work, row)))


def moment_of(work: UnitOfWork, row: Row) -> datetime:
    """When a change of a locked invoice is recorded: after every change before it, whichever request began first."""
    before: datetime = row["updated_at"]
    return max(work.moment, before + timedelta(microseconds=1))


def check_version(invoice: Invoice, inputs: Mapping[str, Any]) -> None:
    """Optimistic locking: raise StaleVersion if the record has been changed since it was read."""
    if inputs.get("version") not in (None, invoice.version):
        words = "The invoice has been changed since it was read"
        raise StaleVersion(words, ("version",), invoice.version)


def _write(
    work: UnitOfWork,
    writes: WriteBatch,
    name: str,
    row: Row,
    outcome: Outcome,
    end: InvoiceStatus,
    inputs: Mapping[str, Any],
) -> InvoiceStatus:
    changed = {column: value for column, value in outcome.values.items() if row[column] != value}
    if row["status"] != end:
        changed["status"] = end.value
    writes.update("invoices", {"id": row["id"]}, **changed, version=row["version"] + 1, updated_at=moment_of(work, row))
    if row["is_restated"] or is_backdated(row.get("facts"), outcome, work.today, row["created_on"]):
        work.restated.add(row["id"])
    if outcome.facts is not None:
        write_facts(work, writes, row["id"], row["facts"], outcome.facts)
    _write_offers(work, writes, row, outcome, inputs)
    for late in outcome.late:
        _name_late(work, writes, row, late)
    closes_reminders = "status" in changed and end in CLOSED_BALANCE and row["reminders"] > 0
    if closes_reminders:
        # Closed invoices need no reminders.
        waiting = {"invoice_id": row["id"], "status": ReminderStatus.SCHEDULED.value}
        writes.update("reminders", waiting, status=ReminderStatus.CANCELLED.value, closed_at=work.moment)
    for denial in (*([outcome.denial] if outcome.denial else []), *outcome.posted_denials):
        writes.insert("denials", **_record(work), invoice_id=row["id"], recorded_by=work.user_id, **denial)
    changes = changes_of(row, changed, inputs.get("reason"))
    changes += [change_of("open_reminders", row["reminders"], 0)] if closes_reminders else []
    # The history says what was sent.
    changes += [change_of("document", None, inputs["document_number"])] if inputs.get("document_number") else []
    record_event(work, writes, row, name, row["status"], end.value, changes)
    announce(work, row["id"], [*changed, "version", *(["reminders"] if closes_reminders else [])])
    steps = work.steps.setdefault(row["id"], {})
    for column, value in changed.items():
        steps[column] = (steps[column][0] if column in steps else row[column], value)
    return end


def _name_late(work: UnitOfWork, writes: WriteBatch, row: Row, late: LateFact) -> None:
    """Name a decision that what is recorded now would have prevented: to the user at once, and on the list of action items."""
    work.warnings.append(late_fact(late))
    known = {"fact": late.fact.value, "fact_on": late.fact_on, "decision": late.decision.value}
    of = {"invoice_id": row["id"], "seq": row["events"] + 1, "decided_on": late.decided_on}
    writes.insert("late_facts", **_record(work), **of, **known)


def _write_offers(work: UnitOfWork, writes: WriteBatch, row: Row, outcome: Outcome, inputs: Mapping[str, Any]) -> None:
    by_invoice = {"invoice_id": row["id"]}
    if outcome.open_offer:
        writes.update("reduction_offers", {**by_invoice, "status": "open"}, status=outcome.open_offer.value)
    if outcome.agreed_offer:
        writes.update("reduction_offers", {**by_invoice, "status": "accepted"}, status=outcome.agreed_offer.value)
    if outcome.lapsed_offer:
        lapsed = {**by_invoice, "round": row["lapsed_round"]}
        writes.update("reduction_offers", lapsed, status=outcome.lapsed_offer.value)
    if outcome.offer:
        made = {"made_by": work.user_id, "made_at": work.moment, "document_id": inputs.get("document_id")}
        writes.insert(
            "reduction_offers", **_record(work), **by_invoice, round=row["rounds"] + 1, **outcome.offer, **made
        )


def record_event(
    work: UnitOfWork,
    writes: WriteBatch,
    row: Row,
    name: str,
    start: str | None,
    end: str,
    changes: list[Mapping[str, Any]],
) -> None:
    """Add the event to the invoice's history."""
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


def announce(work: UnitOfWork, invoice_id: UUID, columns: Iterable[str]) -> None:
    """Let subscribers of every server process be notified of an invoice when the transaction commits."""
    work.changed.setdefault(invoice_id, set()).update(columns)


def _record(work: UnitOfWork) -> dict[str, Any]:
    return {"id": new_id(work.moment), "recorded_at": work.moment}
