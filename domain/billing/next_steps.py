"""Which step helps where a transition is not possible: the way from each status to what a biller needs, and the words of refusals."""

from collections import deque
from enum import StrEnum

from domain.access.people import Role
from domain.api_names import camel
from domain.billing.invoices import Guard, Invoice, InvoiceStatus
from domain.billing.money import format_money
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS


class Need(StrEnum):
    """What happens to an invoice and asks for a step."""

    PAYMENT_WRONG = "a payment was typed wrong"
    TYPED_WRONG = "something else was typed wrong"
    MONEY_LATE = "money comes late"
    PAYER_CHANGES = "the payer changes"
    PAYS_LESS = "the same payer pays less"
    NOTHING_MORE = "nothing more will come"


# The transitions that meet a need, in the order in which they are looked for.
MEETS: dict[Need, tuple[str, ...]] = {
    Need.PAYMENT_WRONG: ("correct_cheque", "move_allocation"),
    Need.TYPED_WRONG: (
        *("replace_invoice", "reverse_write_off", "reopen_case", "reopen_reduction", "correct_cheque"),
        *("void_invoice", "decline_reduction"),
    ),
    Need.MONEY_LATE: ("record_cheque", "allocate_cheque"),
    Need.PAYER_CHANGES: ("transfer_balance", "change_payer"),
    Need.PAYS_LESS: ("request_reduction", "agree_reduction", "reopen_reduction"),
    Need.NOTHING_MORE: ("write_off_invoice", "close_small_balance", "settle_case", "close_case", "close_empty"),
}
# Transitions of one purpose: where one is not possible, another one of its row may be.
_ALTERNATIVES = (
    MEETS[Need.PAYER_CHANGES],
    ("request_reduction", "counter_reduction", "agree_reduction", "decline_reduction", "reopen_reduction"),
    ("write_off_invoice", "close_small_balance", "close_empty"),
    ("replace_invoice", "void_invoice"),
)
# Steps that are no transitions, with their captions and whether only an administrator may make them.
_OTHER_STEPS = {
    "create_invoice": ("Create another invoice", False),
    "replace_invoice_lines": ("Change the lines", False),
    "refund_cheque": ("Refund", True),
}
# The transitions that undo what stands in the way.
_UNDO = ("reopen_case", "reverse_write_off", "reopen_reduction", "decline_reduction")
_OTHERWISE = {
    **{(InvoiceStatus.VOID, need): "nothing is owed: create another invoice (`create_invoice`)" for need in Need},
    (InvoiceStatus.PAID, Need.NOTHING_MORE): "nothing: it is closed",
    (InvoiceStatus.WRITTEN_OFF, Need.NOTHING_MORE): "`close_case`, once nothing else of its case is open",
    (InvoiceStatus.WRITTEN_OFF, Need.PAYS_LESS): "`reverse_write_off`, then as in the status before",
}


def way_to(status: InvoiceStatus, names: tuple[str, ...]) -> tuple[str, ...]:
    """The fewest transitions of staff that lead from a status to one of these, that one included; none if there is no way."""
    waiting, seen = deque([(status, tuple[str, ...]())]), {status}
    while waiting:
        at, path = waiting.popleft()
        possible = [row for row in TRANSITIONS if row.roles and row.starts(at, Role.ADMIN)]
        for name in names:
            if any(row.name == name for row in possible):
                return (*path, name)
        for row in possible:
            for end in row.ends(at) if row.name in _UNDO else ():
                if end not in seen:
                    seen.add(end)
                    waiting.append((end, (*path, row.name)))
    return ()


def first_step(status: InvoiceStatus, name: str) -> Transition | None:
    """The transition that comes before one that is not possible in a status; None if there is no way to it."""
    path = way_to(status, (name,))
    return next((row for row in TRANSITIONS if row.name == path[0]), None) if len(path) > 1 else None


def instead(status: InvoiceStatus, name: str) -> str | None:
    """The name of the transition that serves the purpose of one that is not possible in a status; None if there is none."""
    alike = next((names for names in _ALTERNATIVES if name in names), ())
    possible = {row.name for row in TRANSITIONS if row.starts(status, Role.ADMIN)}
    return next((other for other in alike if other in possible), None)


def named(name: str, status: InvoiceStatus | None = None) -> str:
    """A step as refusals name it: its caption, its mutation, and that only an administrator may make it (from a status, if one is given)."""
    row = next((row for row in TRANSITIONS if row.name == name), None)
    label, by_admin = _OTHER_STEPS[name] if row is None else (row.label, _is_of_admin(row, status))
    return f"{label} ({camel(name)}{', by an administrator' if by_admin else ''})"


def _is_of_admin(row: Transition, status: InvoiceStatus | None) -> bool:
    return Role.BILLING not in row.roles if status is None else not row.starts(status, Role.BILLING)


def refusal(guard: Guard) -> str:
    """The message of a guard that is not met, with the steps that help; {} stands for its amount, if it has one."""
    steps = " or ".join(named(name) for name in guard.steps)
    return f"{guard.words}; {guard.way}: {steps}" if steps else guard.words


def refusal_of(guard: Guard, invoice: Invoice) -> str:
    """The message of a guard that an invoice does not meet."""
    words = refusal(guard)
    return words if guard.amount is None else words.format(format_money(getattr(invoice, guard.amount)))


def step_for(status: InvoiceStatus, need: Need) -> str:
    """The steps that meet a need in a status, for the page of the life cycle."""
    path = way_to(status, MEETS[need])
    otherwise = _OTHERWISE.get((status, need))
    return otherwise or ", then ".join(f"`{name}`" for name in path)
