"""The states that an invoice can have, found by applying steps in memory, each with the shortest history that leads to it."""

from collections import deque
from collections.abc import Callable, Hashable
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from domain.billing.invoices import COVERED, InvoiceStatus
from domain.billing.ledger.amounts import standing
from domain.billing.ledger.facts import AgreementEnd, ResponsibilityReason
from domain.errors import DomainError
from tests.domain.billing.books import FIRM, INSURER, REASON, Books

S = InvoiceStatus
CENT, SMALL = Decimal("0.01"), Decimal("0.50")


class State(NamedTuple):
    """What decides which step helps: the status, and whether the other facts are so."""

    status: S
    empty: bool
    submitted: bool
    agreed: bool
    received: bool
    small_balance: bool
    written_off: bool
    later_round: bool
    closed_case: bool

    def __str__(self) -> str:
        return "-".join([self.status.value, *(name for name in self._fields[1:] if getattr(self, name))])


@dataclass(frozen=True)
class Trial:
    """The books of an invoice that is alone in its case, and whether the case is open."""

    books: Books
    is_open: bool = True

    @property
    def state(self) -> State:
        """The state after all steps so far."""
        facts, invoice = self.books.facts, self.books.invoice
        rounds = [one for one in facts.agreements if one.ended_by in (AgreementEnd.REOPENED, AgreementEnd.DENIED)]
        return State(
            invoice.status,
            empty=invoice.billed == 0,
            submitted=invoice.submitted_on is not None,
            agreed=invoice.agreed is not None,
            received=invoice.received > 0,
            small_balance=invoice.small_balance > 0,
            written_off=facts.write_off is not None,
            later_round=len(facts.responsibilities) + len(rounds) > 1,
            closed_case=not self.is_open,
        )


def half(amount: Decimal) -> Decimal:
    """About half of an amount, which is less than the whole."""
    return (amount / 2).quantize(CENT)


def _pay(amount: Callable[[Books], Decimal]) -> Callable[[Books], object]:
    return lambda books: books.receive(0, amount(books), books.invoice.payer_id)


def _transfer(books: Books) -> object:
    to = FIRM if books.invoice.payer_id == INSURER else INSURER
    return books.transfer(0, to, reason=ResponsibilityReason.OTHER, note="As it is")


def _request(books: Books) -> object:
    return books.step(0, "request_reduction", amount=offer(books.invoice.round_received, books.invoice.open_part))


def offer(received: Decimal, open_part: Decimal) -> Decimal:
    """An amount between what the payer has paid and what is open."""
    return received + half(open_part - received)


def _step(name: str) -> Callable[[Books], object]:
    return lambda books: books.step(0, name, **REASON)


STEPS: dict[str, Callable[[Books], object]] = {
    "submit_invoice": lambda books: books.submit(0),
    "accept_in_full": _step("accept_in_full"),
    "request_reduction": _request,
    "agree_reduction": _step("agree_reduction"),
    "decline_reduction": _step("decline_reduction"),
    "reopen_reduction": _step("reopen_reduction"),
    "record_denial": lambda books: books.step(0, "record_denial", denied_on=books.invoice.created_on, reason_code="X1"),
    "pay half": _pay(lambda books: half(books.invoice.balance)),
    "pay all": _pay(lambda books: books.invoice.balance),
    "pay all but a small balance": _pay(lambda books: books.invoice.balance - SMALL),
    "recover half": _pay(lambda books: half(books.invoice.written_off)),
    "recover all": _pay(lambda books: books.invoice.written_off),
    "return the last payment": lambda books: books.take_back(0, standing(books.facts)[-1]),
    "transfer_balance": _transfer,
    "change_payer": lambda books: books.step(0, "change_payer", payer_id=FIRM, **REASON),
    "void_invoice": _step("void_invoice"),
    "write_off_invoice": _step("write_off_invoice"),
    "reverse_write_off": _step("reverse_write_off"),
    "close_small_balance": _step("close_small_balance"),
    "close_empty": _step("close_empty"),
    "settle_case": _step("settle_case"),
    "close_case": _step("close_case"),
    "reopen_case": _step("reopen_case"),
}


def taken(trial: Trial, name: str) -> Trial | None:
    """The trial after a step; None where it is refused."""
    books, status, is_open = copy(trial.books), trial.books.status, trial.is_open
    books.applied = copy(books.applied)
    books.invoice = replace(
        books.invoice,
        case_is_open=is_open,
        case_is_settled=not is_open,
        case_is_covered=is_open and status in COVERED,
    )
    is_of_case_alone = name == "close_case" and is_open and status in (S.VOID, S.WRITTEN_OFF)
    is_of_case_alone |= name == "reopen_case" and not is_open and status is not S.PAID
    try:
        if not is_of_case_alone:
            STEPS[name](books)
    except (DomainError, IndexError):
        return None
    ends = {"settle_case": False, "close_case": False, "reopen_case": True}
    returned = status is S.PAID and books.status is not S.PAID
    return Trial(books, ends.get(name, is_open or returned))


def reachable(longest: int = 12) -> dict[State, tuple[str, ...]]:
    """Each state that an invoice of 1000.00 or of 0.00 can have, with the price and the steps that lead to it."""
    found = dict[State, tuple[str, ...]]()
    waiting = deque[tuple[Trial, tuple[str, ...]]]((Trial(Books(price)), (price,)) for price in ("1000.00", "0.00"))
    seen = set[Hashable]()
    while waiting:
        trial, path = waiting.popleft()
        invoice = trial.books.invoice
        # Besides the state: what decides which steps are possible later.
        rounds, reduction = min(len(trial.books.facts.responsibilities), 2), invoice.unpaid - invoice.balance
        key = (trial.state, invoice.open_status, rounds, invoice.has_small_balance, reduction > 0)
        if key in seen:
            continue
        seen.add(key)
        found.setdefault(trial.state, path)
        if len(path) <= longest:
            after = ((taken(trial, name), (*path, name)) for name in STEPS)
            waiting.extend((one, steps) for one, steps in after if one is not None)
    return found
