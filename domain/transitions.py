"""Decides the life of an invoice: the table of every legal transition, which is the whole truth about it."""

from dataclasses import dataclass

from domain import outcomes
from domain.errors import IllegalTransition
from domain.invoices import InvoiceStatus
from domain.outcomes import Effect
from domain.people import Role

S = InvoiceStatus
_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})
_WORKER: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of TRANSITIONS: where it starts, where it may end, what it does, needs and requires, and who may do it.

    `requires` names the inputs that must be given. `admin_start` are states from which only an admin may start it.
    """

    name: str
    start: tuple[InvoiceStatus, ...]
    end: tuple[InvoiceStatus, ...]
    effect: Effect
    requires: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    roles: frozenset[Role] = _STAFF
    admin_start: tuple[InvoiceStatus, ...] = ()

    def starts(self, status: InvoiceStatus, role: Role | None) -> bool:
        """Whether somebody may start it from a state (None: the worker, who may everything)."""
        if role is None:
            return status in (*self.start, *self.admin_start)
        return role in self.roles and (status in self.start or (role is Role.ADMIN and status in self.admin_start))


_PENDING, _REDUCING, _AWAITING = (S.PENDING_INVOICE,), (S.PENDING_REDUCTION,), (S.PENDING_CHEQUE,)
_PAYING = (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE)
_CHEQUE = ("payerId", "number", "amount", "chequeDate", "receivedOn", "documentId", "allocations")

TRANSITIONS = (
    Transition(
        "submit_invoice",
        _PENDING,
        _PENDING,
        outcomes.submit,
        ("submittedOn", "method"),
        ("has_lines", "billed", "not_submitted"),
    ),
    Transition("accept_in_full", _PENDING, _AWAITING, outcomes.accept_in_full, (), ("submitted",)),
    Transition("request_reduction", _PENDING, _REDUCING, outcomes.request_reduction, ("amount",), ("submitted",)),
    Transition("counter_reduction", _REDUCING, _REDUCING, outcomes.counter_reduction, ("party", "amount")),
    Transition("agree_reduction", _REDUCING, _AWAITING, outcomes.agree_reduction),
    Transition("decline_reduction", _REDUCING, _PENDING, outcomes.decline_reduction, ("reason",)),
    Transition("reopen_reduction", _AWAITING, _REDUCING, outcomes.reopen_reduction, ("reason",), ("nothing_received",)),
    Transition(
        "record_denial",
        (*_PENDING, *_REDUCING),
        _PENDING,
        outcomes.record_denial,
        ("deniedOn", "reasonCode"),
        ("submitted",),
    ),
    Transition("record_cheque", _AWAITING, _PAYING, outcomes.allocate, _CHEQUE),
    Transition("allocate_cheque", _AWAITING, _PAYING, outcomes.allocate, ("chequeId", "allocations")),
    Transition(
        "return_cheque",
        _PAYING,
        _AWAITING,
        outcomes.take_back,
        ("chequeId", "returnedOn", "reason"),
        ("something_received",),
        admin_start=(S.PAID,),
    ),
    Transition("settle_case", (S.CHEQUE_RECEIVED,), (S.PAID,), outcomes.settle, ("caseId",), ("case_covered",)),
    Transition(
        "reopen_case",
        (S.PAID,),
        (S.CHEQUE_RECEIVED,),
        outcomes.reopen_case,
        ("caseId", "reason"),
        ("case_settled",),
        _ADMIN,
    ),
    Transition("change_payer", _PENDING, _PENDING, outcomes.change_payer, ("payerId", "reason")),
    Transition(
        "lapse_agreement",
        _AWAITING,
        _REDUCING,
        outcomes.lapse_agreement,
        guards=("nothing_received", "condition_passed"),
        roles=_WORKER,
    ),
    Transition("void_invoice", _PENDING, (S.VOID,), outcomes.void, ("reason",), ("never_received",), _ADMIN),
    Transition(
        "write_off_invoice",
        (*_PENDING, *_REDUCING, *_AWAITING),
        (S.WRITTEN_OFF,),
        outcomes.write_off,
        ("reason",),
        roles=_ADMIN,
    ),
)
BY_NAME = {transition.name: transition for transition in TRANSITIONS}
# A cheque that comes back may have paid a part of an invoice that is written off since: its ledger is corrected, its state stays.
CORRECTIONS = (("return_cheque", S.WRITTEN_OFF),)


def legal_from(status: InvoiceStatus, role: Role | None = None) -> tuple[str, ...]:
    """The names of the transitions that start in a state, in the order of the table; with a role, those that it may do."""
    return tuple(row.name for row in TRANSITIONS if row.starts(status, role))


def legal_pairs() -> frozenset[tuple[InvoiceStatus, InvoiceStatus]]:
    """Every change of state that some transition makes: what the database's own guard allows."""
    return frozenset(
        (start, end)
        for row in TRANSITIONS
        for start in (*row.start, *row.admin_start)
        for end in row.end
        if start != end
    )


def legal_steps() -> frozenset[tuple[str, InvoiceStatus, InvoiceStatus]]:
    """Every (transition, from, to) that a history may hold, corrections of a closed invoice's ledger included."""
    moves = {
        (row.name, start, end) for row in TRANSITIONS for start in (*row.start, *row.admin_start) for end in row.end
    }
    return frozenset(moves | {(name, status, status) for name, status in CORRECTIONS})


def advance(
    status: InvoiceStatus, name: str, end: InvoiceStatus | None = None, role: Role | None = None
) -> InvoiceStatus:
    """The state that a transition leads to; `end` chooses where the table allows several. IllegalTransition otherwise."""
    transition = BY_NAME.get(name)
    chosen = end or (transition.end[0] if transition else status)
    if transition is None or not transition.starts(status, role) or chosen not in transition.end:
        legal = legal_from(status, role)
        words = f"{name} is not possible while the invoice is {status}; possible now: {', '.join(legal) or 'nothing'}"
        raise IllegalTransition(words, (), status, name, legal)
    return chosen
