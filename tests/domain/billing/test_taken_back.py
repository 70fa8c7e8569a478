"""What a later payment took back, and what is restored of it, leaves the invoice as if it had been typed right, whatever else was decided."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.billing.effects.corrections import Corrected
from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.errors import DomainError
from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.books import INSURER, REASON, Books, agreed, day, sent
from tests.domain.billing.test_restated import restated
from tests.domain.test_transitions import CREATED_ON
from tests.support.api.recorded_histories import BILLED, Act, random_plan

_KEY = 10**6
# A step, with the day on which it is recorded, and what it does to the books.
Step = tuple[int, str, Callable[[Books], None]]


def taken(books: Books, on: int, receipt: Receipt, happened: int | None = None) -> Receipt:
    """Let a later payment take a receipt back; returns the reversal."""
    back = _opposite(books, on, receipt, happened)
    books.step(on, "post_remittance", adjustments=[], receipt=None, denials=[], reversals=[back], **REASON)
    books.recorded[back.recorded_at].add(back.recorded_at)
    return back


def returned(books: Books, on: int, *receipts: Receipt, happened: int | None = None) -> list[Receipt]:
    """Record that a payment was returned: the reversals of some receipts, or of what was taken back of them."""
    before = books.invoice
    found = [
        replace(_opposite(books, on, one, happened), id=UUID(int=90_000 + 10 * books.steps + at))
        for at, one in enumerate(receipts)
    ]
    # What was taken back is not received, and can be restored.
    lowered = -sum(one.amount for one in receipts if one.reverses_id is not None)
    books.invoice = replace(before, received=before.received + lowered)
    try:
        books.step(on, "return_cheque", reversals=found, **REASON)
    except DomainError:
        books.invoice = before
        raise
    for one in found:
        books.recorded[one.recorded_at].add(one.recorded_at)
    return found


def _opposite(books: Books, on: int, receipt: Receipt, happened: int | None) -> Receipt:
    moment, identity = books.moment(on, books.steps + 1), UUID(int=80_000 + books.steps)
    counts_on = max(day(on if happened is None else happened), receipt.effective_on)
    known = replace(receipt, id=identity, amount=-receipt.amount, reverses_id=receipt.id, recorded_at=moment)
    return replace(known, effective_on=counts_on)


def corrected(books: Books, on: int, receipt: Receipt, right: Receipt) -> None:
    """Correct a receipt: another one takes its place, with all that was reversed of it."""
    at, roots = books.moment(on, books.steps + 1), books.facts.roots
    wrong = [one for one in books.facts.receipts if roots[one.id] == receipt.id]
    names = {one.id: right.id if one.id == receipt.id else UUID(int=one.id.int + 10**7) for one in wrong}
    back = [
        replace(
            one,
            id=names[one.id],
            reverses_id=names[one.reverses_id],
            effective_on=max(one.effective_on, right.effective_on),
        )
        for one in wrong
        if one.reverses_id is not None
    ]
    moments = {moment for one in wrong for moment in books.recorded[one.recorded_at]}
    change = Corrected(frozenset(names), frozenset(moments), [right], back)
    books.step(on, "correct_cheque", corrected=change, **REASON)
    for one in (right, *back):
        books.recorded[one.recorded_at].add(at)


@dataclass
class History:
    """A random plan, in which a payment is taken back, and one of the two is returned; the steps that are accepted when typed right."""

    seed: int
    books: Books = field(default_factory=lambda: Books(BILLED))
    steps: list[Step] = field(default_factory=list)
    # The earlier payment, what was taken back of it, and of the reversals the last ones, by the books.
    known: dict[int, list[Receipt]] = field(default_factory=dict)
    place: int = 0

    def plan(self) -> Act | None:
        """Try all steps; returns that of the payment that is taken back, None where it was not."""
        random = SeededRandom(self.seed)
        _, plan = random_plan(self.seed, 26)
        gone = {act.values["cheque"] for act in plan if act.name == "return_cheque"}
        paid = [act for act in plan if act.name == "record_cheque" and act.key not in gone]
        if not paid:
            return None
        chosen = random.choice(paid[: len(paid) // 2 + 1])
        later = [act.on for act in plan if act.on > chosen.on] or [chosen.on]
        days = sorted(random.choice(later) for _ in range(3))
        found: list[Step] = [(act.on, act.name, self._step(act, chosen)) for act in plan]
        extra = ["take", random.choice(["restore", "both"]), random.choice(["take", "both"])]
        for on, name in zip(days, extra, strict=True):
            found.append((on, name, self._extra(name, on, random.randint(chosen.on, on))))
        for step in sorted(found, key=lambda one: one[0]):
            self.books.pass_nights(step[0])
            if _is_done(self.books, step):
                self.place = len(self.steps) if step[1] == "chosen" else self.place
                self.steps.append(step)
        names = [name for _, name, _ in self.steps]
        self.place = next((at for at, (_, _, do) in enumerate(self.steps) if getattr(do, "is_chosen", False)), -1)
        return chosen if self.place >= 0 and "take" in names else None

    def _step(self, act: Act, chosen: Act) -> Callable[[Books], None]:
        def do(books: Books) -> None:
            act.do(books, act.on)
            if act is chosen:
                self.known[id(books)] = [books.facts.receipts[-1]]

        do.is_chosen = act is chosen  # type: ignore[attr-defined]
        return do

    def _extra(self, name: str, on: int, happened: int) -> Callable[[Books], None]:
        def do(books: Books) -> None:
            rows = self.known.get(id(books))
            if rows is None or len(rows) > 2:
                raise DomainError("Nothing to take back")
            roots = books.facts.roots
            mine = [one for one in books.facts.receipts if roots[one.id] == roots[rows[0].id]]
            gone = {one.reverses_id for one in mine}
            [earlier] = [one for one in mine if one.reverses_id is None]
            stands = [one for one in mine if one.amount < 0 and one.id not in gone]
            if name == "take" and not stands:
                taken(books, on, earlier, happened)
            elif name == "restore" and stands:
                returned(books, on, stands[0], happened=happened)
            elif name == "both" and stands:
                returned(
                    books, on, earlier, stands[0], happened=max(happened, (stands[0].effective_on - CREATED_ON).days)
                )
                self.known[id(books)] = [rows[0]] * 3
            else:
                raise DomainError("Nothing to do")

        return do


def _is_done(books: Books, step: Step) -> bool:
    before = dict(books.__dict__)
    kept = list(books.history), dict(books.states)
    try:
        step[2](books)
    except DomainError:
        books.__dict__.update(before)
        books.history, books.states = kept
        return False
    return True


def check(seed: int, done: Counter[str]) -> None:
    """Compare a random history with the same one in which the payment that was taken back is typed wrong and corrected later."""
    random, history = SeededRandom(seed), History(seed)
    chosen = history.plan()
    if chosen is None:
        return
    wrong = Books(BILLED)
    last = max(on for on, _, _ in history.steps) + 20
    until, is_corrected = random.randint(history.place, len(history.steps)), False
    mistake = random.choice([0, -1, 1, 2])
    happened = chosen.happened or 0

    def correct(on: int) -> None:
        nonlocal is_corrected
        roots = wrong.facts.roots
        old = history.known[id(wrong)][0]
        [old] = [one for one in wrong.facts.receipts if one.reverses_id is None and roots[one.id] == old.id]
        right = replace(old, id=UUID(int=5 * _KEY), effective_on=effective_day(day(happened), CREATED_ON))
        corrected(wrong, on, old, right)
        history.known[id(wrong)] = [right, *history.known[id(wrong)][1:]]
        is_corrected = True

    for place, (on, _, do) in enumerate(history.steps):
        wrong.pass_nights(on)
        try:
            if place == until + 1 and place > history.place:
                correct(on)
            if place == history.place:
                typed = max(0, min(on, happened + mistake))
                values = (chosen.values["amount"], chosen.values["payer"], typed)
                history.known[id(wrong)] = [wrong.receive(on, *values, id=UUID(int=_KEY + chosen.key))]
            else:
                do(wrong)
        except DomainError:
            done["refused"] += 1
            return
    for books in (wrong, history.books):
        books.pass_nights(last)
    if not is_corrected:
        correct(last)
    done["compared"] += 1
    for _, name, _ in history.steps:
        done[name] += name in ("take", "restore", "both")
    right = history.books
    assert (wrong.ledger, wrong.status) == (right.ledger, right.status), seed
    assert restated(wrong) == restated(right), seed


@pytest.mark.parametrize("histories", [range(300), pytest.param(range(300, 6_000), marks=pytest.mark.prove)])
def test_what_was_taken_back_of_a_corrected_payment_counts_as_if_it_had_been_typed_right(histories: range) -> None:
    done = Counter[str]()
    for seed in histories:
        check(seed, done)
    assert done["compared"] > len(histories) / 8, done
    assert min(done["take"], done["restore"], done["both"]) > len(histories) / 40, done


def test_what_is_restored_is_received_again_and_taken_back_again() -> None:
    books = agreed("800.00")
    first = books.receive(3, "800.00")
    assert (books.status.value, books.ledger.fully_paid_on) == ("cheque_received", day(3))
    back = taken(books, 5, first)
    assert (books.status.value, books.ledger.balance) == ("pending_cheque", Decimal(800))
    returned(books, 8, back)
    assert (books.status.value, books.ledger.fully_paid_on) == ("cheque_received", day(8))
    again = taken(books, 9, first)
    # The earlier payment is returned, too, and the invoice does not change.
    before = books.amounts
    returned(books, 10, first, again)
    assert books.amounts == before
    assert [str(state.values["received_amount"]) for state in restated(books)][-1] == "0.00"


def test_what_others_have_paid_meanwhile_is_not_received_twice() -> None:
    books = sent()
    back = taken(books, 5, books.receive(3, "700.00"))
    books.receive(6, "400.00", INSURER)
    with pytest.raises(DomainError, match=r"\$100.00 more than is left"):
        returned(books, 8, back)
    assert books.ledger.balance == Decimal(600)


def test_a_conditional_agreement_that_money_kept_lapses_when_it_is_taken_back() -> None:
    books = agreed("800.00", until=6)
    first = books.receive(5, "300.00")
    back = taken(books, 9, first)
    books.pass_nights(12)
    assert books.status.value == "pending_reduction"
    returned(books, 13, back)
    # The lapse was decided by what was known, and stands; the money counts.
    assert (books.status.value, books.ledger.received) == ("pending_reduction", Decimal(300))
