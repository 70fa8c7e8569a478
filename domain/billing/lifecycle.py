"""The state machine of an invoice: applies the transitions of the table to the facts of an invoice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.access.people import Role
from domain.api_names import enum_name
from domain.billing.invoices import GUARDS, OPEN, Invoice, InvoiceStatus
from domain.billing.ledger.amounts import Ledger, ledger_of
from domain.billing.next_steps import first_step, instead, named, refusal_of
from domain.billing.outcomes import Actor, Inputs, Outcome
from domain.billing.transitions import BY_NAME, legal_from
from domain.errors import IllegalTransition


def advance(
    status: InvoiceStatus, name: str, end: InvoiceStatus | None = None, role: Role | None = None
) -> InvoiceStatus:
    """The status after a transition; `end` selects one where the table allows several. IllegalTransition otherwise."""
    transition = BY_NAME.get(name)
    ends = transition.ends(status) if transition else ()
    chosen = end or (ends[0] if ends else status)
    if transition is None or not transition.starts(status, role) or chosen not in ends:
        legal = legal_from(status, role)
        words = f"{name} is not possible while the invoice is {enum_name(status)}; possible now: {', '.join(legal) or 'nothing'}"
        raise IllegalTransition(words, (), status, name, legal)
    return chosen


def apply(name: str, invoice: Invoice, inputs: Inputs, actor: Actor) -> tuple[Outcome, InvoiceStatus]:
    """What a transition changes of an invoice, and its new status.

    IllegalTransition when the status, the role or a guard forbids it; InvalidInput for an input that its effect rejects.
    """
    _check_legal(name, invoice, actor)
    outcome = BY_NAME[name].effect(invoice, inputs, actor)
    end = None
    if outcome.facts is not None:
        ledger = ledger_of(outcome.facts)
        open_status = outcome.open_status or invoice.open_status
        end = outcome.end or status_of(ledger, open_status, _is_paid(invoice, outcome, ledger))
        is_reopened = invoice.paid_on is not None and end is not InvoiceStatus.PAID
        opened = {"paid_on": None} if is_reopened else {}
        outcome = replace(outcome, values={**outcome.values, **amounts_of(ledger), **opened})
    if outcome.open_status is not None:
        outcome = replace(outcome, values={**outcome.values, "open_status": outcome.open_status.value})
    return outcome, advance(invoice.status, name, end, actor.role)


def _is_paid(invoice: Invoice, outcome: Outcome, ledger: Ledger) -> bool:
    """Whether the invoice stays closed with its case: a return that leaves nothing due changes nothing of that."""
    return invoice.status is InvoiceStatus.PAID and ledger.balance == 0


def status_of(ledger: Ledger, open_status: InvoiceStatus, is_paid: bool) -> InvoiceStatus:
    """The status that follows from the amounts of an invoice that is not void."""
    if ledger.written_off > 0:
        return InvoiceStatus.WRITTEN_OFF
    if ledger.balance > 0 or (ledger.agreed is None and ledger.received == 0):
        return open_status
    return InvoiceStatus.PAID if is_paid else InvoiceStatus.CHEQUE_RECEIVED


def amounts_of(ledger: Ledger) -> Mapping[str, Any]:
    """The columns of the invoice that are computed from its facts."""
    return {
        "agreed_amount": ledger.agreed,
        "agreed_on": ledger.agreed_on,
        "conditional_until": ledger.conditional_until,
        "received_amount": ledger.received,
        "earlier_received_amount": ledger.earlier_received,
        "contractual_amount": ledger.contractual,
        "small_balance_amount": ledger.small_balance,
        "written_off_amount": ledger.written_off,
        "recovered_amount": ledger.recovered,
        "fully_paid_on": ledger.fully_paid_on,
    }


def _check_legal(name: str, invoice: Invoice, actor: Actor) -> None:
    row = BY_NAME[name]
    is_possible, guards = row.starts(invoice.status, actor.role), row.guards_for(actor.role)
    blocked = [refusal_of(GUARDS[guard], invoice) for guard in guards if not GUARDS[guard].holds(invoice, actor.today)]
    if is_possible and not blocked:
        return
    words = ". ".join(blocked) if is_possible else _way(name, invoice.status, actor.role)
    raise IllegalTransition(words, ("invoice_id",), invoice.status, name, legal_now(invoice, actor))


def _way(name: str, status: InvoiceStatus, role: Role | None) -> str:
    """Why a transition is not possible in a status, and which one helps: another of its purpose, or one that comes first."""
    words, first, other = (
        f"This is not possible while the invoice is {enum_name(status)}",
        first_step(status, name),
        instead(status, name),
    )
    if BY_NAME[name].starts(status, Role.ADMIN) and role is not Role.ADMIN:
        return f"{words}; ask an administrator for: {named(name)}"
    if status is InvoiceStatus.VOID:
        return f"{words}; instead: {named('create_invoice')}"
    if other is not None:
        return f"{words}; instead: {named(other, status)}"
    if first is None or (name == "submit_invoice" and status in OPEN):
        # What is agreed upon or negotiated is not ended for a submission.
        return words
    return f"{words}; first: {named(first.name, status)}"


def legal_now(invoice: Invoice, actor: Actor) -> tuple[str, ...]:
    """The transitions that the actor may apply to the invoice in its current status."""
    names = legal_from(invoice.status, actor.role)
    return tuple(
        name
        for name in names
        if all(GUARDS[guard].holds(invoice, actor.today) for guard in BY_NAME[name].guards_for(actor.role))
    )
