"""The state machine of an invoice: applies the transitions of the table to the facts of an invoice."""

from domain.access.people import Role
from domain.billing.invoices import GUARDS, Invoice, InvoiceStatus
from domain.billing.outcomes import Actor, Inputs, Outcome
from domain.billing.transitions import BY_NAME, CORRECTIONS, legal_from
from domain.errors import IllegalTransition


def advance(
    status: InvoiceStatus, name: str, end: InvoiceStatus | None = None, role: Role | None = None
) -> InvoiceStatus:
    """The status after a transition; `end` selects one where the table allows several. IllegalTransition otherwise."""
    transition = BY_NAME.get(name)
    chosen = end or (transition.end[0] if transition else status)
    if transition is None or not transition.starts(status, role) or chosen not in transition.end:
        legal = legal_from(status, role)
        words = f"{name} is not possible while the invoice is {status}; possible now: {', '.join(legal) or 'nothing'}"
        raise IllegalTransition(words, (), status, name, legal)
    return chosen


def apply(name: str, invoice: Invoice, inputs: Inputs, actor: Actor) -> tuple[Outcome, InvoiceStatus]:
    """What a transition changes of an invoice, and its new status.

    IllegalTransition when the status, the role or a guard forbids it; InvalidInput for an input that its effect rejects.
    """
    effect = BY_NAME[name].effect
    if (name, invoice.status) in CORRECTIONS:
        return effect(invoice, inputs, actor), invoice.status
    _check_legal(name, invoice, actor)
    outcome = effect(invoice, inputs, actor)
    return outcome, advance(invoice.status, name, _end(name, invoice, outcome), actor.role)


def _check_legal(name: str, invoice: Invoice, actor: Actor) -> None:
    row = BY_NAME[name]
    is_possible = row.starts(invoice.status, actor.role)
    if is_possible and all(GUARDS[guard].holds(invoice, actor.today) for guard in row.guards):
        return
    blocked = [GUARDS[guard].words for guard in row.guards if not GUARDS[guard].holds(invoice, actor.today)]
    words = "; ".join(blocked) if is_possible else f"This is not possible while the invoice is {invoice.status}"
    raise IllegalTransition(words, ("invoice_id",), invoice.status, name, legal_now(invoice, actor))


def legal_now(invoice: Invoice, actor: Actor) -> tuple[str, ...]:
    """The transitions that the actor may apply to the invoice in its current status."""
    names = legal_from(invoice.status, actor.role)
    return tuple(
        name for name in names if all(GUARDS[guard].holds(invoice, actor.today) for guard in BY_NAME[name].guards)
    )


def _end(name: str, invoice: Invoice, outcome: Outcome) -> InvoiceStatus:
    """Where the table allows two results, the ledger determines which: covered in full, or not yet."""
    ends = BY_NAME[name].end
    if len(ends) == 1:
        return ends[0]
    received = outcome.values["received_amount"]
    return InvoiceStatus.CHEQUE_RECEIVED if received == invoice.owed else InvoiceStatus.PENDING_CHEQUE
