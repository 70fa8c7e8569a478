"""Decides the life of an invoice: its states and the table of every legal transition between them."""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.people import Role


class InvoiceStatus(StrEnum):
    """Where an invoice is between its creation and its end; it is in exactly one state."""

    PENDING_INVOICE = "pending_invoice"
    PENDING_REDUCTION = "pending_reduction"
    PENDING_CHEQUE = "pending_cheque"
    CHEQUE_RECEIVED = "cheque_received"
    PAID = "paid"
    VOID = "void"
    WRITTEN_OFF = "written_off"


S = InvoiceStatus
OPEN = (S.PENDING_INVOICE, S.PENDING_REDUCTION, S.PENDING_CHEQUE)
CLOSED_BALANCE = (S.VOID, S.PAID, S.WRITTEN_OFF)
_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})
_WORKER: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of TRANSITIONS: from which states it starts, where it may end, what it needs and who may do it."""

    name: str
    start: tuple[InvoiceStatus, ...]
    end: tuple[InvoiceStatus, ...]
    requires: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    roles: frozenset[Role] = field(default=_STAFF)


TRANSITIONS = (
    Transition(
        "submit_invoice",
        (S.PENDING_INVOICE,),
        (S.PENDING_INVOICE,),
        ("submittedOn", "method"),
        ("has_lines", "billed", "not_submitted"),
    ),
    Transition("accept_in_full", (S.PENDING_INVOICE,), (S.PENDING_CHEQUE,), (), ("submitted",)),
    Transition("request_reduction", (S.PENDING_INVOICE,), (S.PENDING_REDUCTION,), ("amount",), ("submitted",)),
    Transition("counter_reduction", (S.PENDING_REDUCTION,), (S.PENDING_REDUCTION,), ("party", "amount")),
    Transition("agree_reduction", (S.PENDING_REDUCTION,), (S.PENDING_CHEQUE,), ("amount",)),
    Transition("decline_reduction", (S.PENDING_REDUCTION,), (S.PENDING_INVOICE,), ("reason",)),
    Transition("reopen_reduction", (S.PENDING_CHEQUE,), (S.PENDING_REDUCTION,), ("reason",), ("nothing_received",)),
    Transition(
        "record_denial",
        (S.PENDING_INVOICE, S.PENDING_REDUCTION),
        (S.PENDING_INVOICE,),
        ("deniedOn", "reasonCode"),
        ("submitted",),
    ),
    Transition(
        "record_cheque",
        (S.PENDING_CHEQUE,),
        (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE),
        ("payerId", "number", "amount", "chequeDate", "receivedOn", "documentId", "allocations"),
    ),
    Transition(
        "allocate_cheque", (S.PENDING_CHEQUE,), (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE), ("chequeId", "allocations")
    ),
    Transition(
        "return_cheque",
        (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE, S.PAID),
        (S.PENDING_CHEQUE,),
        ("chequeId", "returnedOn", "reason"),
    ),
    Transition("settle_case", (S.CHEQUE_RECEIVED,), (S.PAID,), ("caseId",), ("case_covered",)),
    Transition("reopen_case", (S.PAID,), (S.CHEQUE_RECEIVED,), ("caseId", "reason"), ("case_settled",), _ADMIN),
    Transition("change_payer", (S.PENDING_INVOICE,), (S.PENDING_INVOICE,), ("payerId", "reason")),
    Transition(
        "lapse_agreement",
        (S.PENDING_CHEQUE,),
        (S.PENDING_REDUCTION,),
        (),
        ("nothing_received", "conditional_day_passed"),
        _WORKER,
    ),
    Transition("void_invoice", (S.PENDING_INVOICE,), (S.VOID,), ("reason",), ("never_received",), _ADMIN),
    Transition(
        "write_off_invoice",
        (S.PENDING_INVOICE, S.PENDING_REDUCTION, S.PENDING_CHEQUE),
        (S.WRITTEN_OFF,),
        ("reason",),
        (),
        _ADMIN,
    ),
)

BY_NAME = {transition.name: transition for transition in TRANSITIONS}


class IllegalTransitionError(Exception):
    """A transition that the table does not allow from the current state; it names those that are legal now."""

    def __init__(self, status: InvoiceStatus, transition: str) -> None:
        self.status, self.transition, self.legal_now = status, transition, legal_from(status)
        super().__init__(
            f"{transition} is not possible while the invoice is {status}; possible now: {', '.join(self.legal_now)}"
        )


def legal_from(status: InvoiceStatus) -> tuple[str, ...]:
    """The names of the transitions that start in a state, in the order of the table."""
    return tuple(transition.name for transition in TRANSITIONS if status in transition.start)


def advance(status: InvoiceStatus, name: str, end: InvoiceStatus | None = None) -> InvoiceStatus:
    """The state that a transition leads to; `end` chooses where the table allows several. IllegalTransitionError otherwise."""
    transition = BY_NAME.get(name)
    chosen = end or (transition.end[0] if transition else status)
    if transition is None or status not in transition.start or chosen not in transition.end:
        raise IllegalTransitionError(status, name)
    return chosen
