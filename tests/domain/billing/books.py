"""The books of one invoice in memory, whose amounts are computed from its facts after each transition."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.effects.corrections import Corrected
from domain.billing.invoices import COVERED, Invoice, InvoiceStatus
from domain.billing.ledger.amounts import Ledger, effective_day, is_in_present_round, ledger_of
from domain.billing.ledger.conditions import lapsed_agreement
from domain.billing.ledger.facts import ZERO, Facts, Receipt, Responsibility, ResponsibilityReason
from domain.billing.ledger.late_facts import LateFact
from domain.billing.lifecycle import amounts_of, apply, legal_now
from domain.billing.negotiation import OfferStatus, SubmissionMethod
from domain.billing.outcomes import Actor, Outcome
from domain.billing.restated import Step, is_backdated
from domain.errors import DomainError, InvalidInput
from tests.domain.test_transitions import CREATED_ON, INVOICE

INSURER, FIRM, PATIENT, PIP, MEDPAY, LETTER = (UUID(int=number) for number in (3, 4, 5, 6, 7, 8))
REASON: Mapping[str, Any] = {"reason": "As it was decided"}


def day(number: int) -> date:
    """The day that is `number` days after the creation of the invoice."""
    return CREATED_ON + timedelta(days=number)


class Books:
    """The books of one invoice, to whose facts transitions are applied one after the other, each at a moment of its own."""

    def __init__(self, billed: str = "1000.00") -> None:
        begin = self.moment(0, 0)
        self.facts = Facts(Decimal(billed), (Responsibility(1, INSURER, day(0), begin),))
        self.invoice = replace(INVOICE, billed=Decimal(billed), floor=None, case_is_open=True, facts=self.facts)
        self.steps, self.applied = 0, Counter[str]()
        # What the server stores besides: the history, the state at the end of each day with a step, and whether a step was backdated.
        self.history, self.states, self.is_backdated = list[Step](), dict[date, dict[str, Any]](), False
        self._keep_state(0)
        self.late: tuple[LateFact, ...] = ()
        # When the rows of each receipt or reversal were recorded, by the moment that orders them; the days of the returns.
        self.recorded = defaultdict[datetime, set[datetime]](set)
        self.returned_on = dict[UUID, date]()

    def moment(self, on: int, place: int) -> datetime:
        """The moment of a step of a day."""
        return datetime.combine(day(on), time(12), UTC) + timedelta(seconds=place)

    @property
    def ledger(self) -> Ledger:
        """The amounts that follow from the facts."""
        return ledger_of(self.facts)

    @property
    def status(self) -> InvoiceStatus:
        """The present status of the invoice."""
        return self.invoice.status

    @property
    def amounts(self) -> str:
        """Open part, agreed, received, written off and balance."""
        ledger = self.ledger
        shown = (ledger.open_part, ledger.agreed, ledger.received, ledger.written_off, ledger.balance)
        return " ".join("-" if amount is None else f"{amount:.2f}" for amount in shown)

    def step(self, on: int, name: str, role: Role | None = Role.ADMIN, **inputs: Any) -> Outcome:
        """Apply a transition on a day; the errors of `apply` leave everything as it was."""
        actor = Actor(role, day(on), self.moment(on, self.steps + 1))
        outcome, end = apply(name, self.invoice, inputs, actor)
        before, was_submitted_on = self.invoice.status, self.invoice.submitted_on
        self.is_backdated |= is_backdated(self.facts, outcome, day(on), CREATED_ON)
        self.steps, self.facts, self.late = self.steps + 1, outcome.facts or self.facts, tuple(outcome.late)
        self.applied[name] += 1
        is_open = {"settle_case": False, "close_case": False}.get(name, end is not InvoiceStatus.PAID)
        offer = self.invoice.open_offer if outcome.open_offer is None else None
        if outcome.offer and outcome.offer["status"] == OfferStatus.OPEN:
            offer = outcome.offer["amount"]
        row = self._row() | dict(outcome.values) | {"status": end}
        row["first_submitted_on"] = row["first_submitted_on"] or row["submitted_on"]
        known = {"open_offer": offer, "line_count": 2, "facts": self.facts, "small_balance_tolerance": Decimal("1.00")}
        case = {"case_is_open": is_open, "case_is_settled": not is_open, "case_is_covered": is_open and end in COVERED}
        self.invoice = Invoice.of(row, **known, **case)
        is_moved = (before, was_submitted_on) != (end, self.invoice.submitted_on)
        submitted_on = outcome.values.get("submitted_on")
        known_as = (name, day(on), actor.moment, before, end)
        self.history.append(Step(*known_as, submitted_on=submitted_on, denied_on=outcome.denied_on, is_moved=is_moved))
        self._keep_state(on)
        return outcome

    def _keep_state(self, on: int) -> None:
        invoice, ledger, owed_by = self.invoice, self.ledger, self.facts.responsibilities[-1]
        amounts = {column: value for column, value in amounts_of(ledger).items() if column != "conditional_until"}
        days = {"submitted_on": invoice.submitted_on, "first_submitted_on": invoice.first_submitted_on}
        owed = {"payer_id": owed_by.payer_id, "responsible_since": owed_by.from_on, "billed_amount": invoice.billed}
        self.states[day(on)] = {
            **amounts,
            **days,
            **owed,
            "status": invoice.status,
            "paid_on": invoice.paid_on if invoice.status is InvoiceStatus.PAID else None,
        }

    def state_on(self, on: date) -> dict[str, Any]:
        """The columns at the end of a day, as they were known then."""
        return self.states[max(one for one in self.states if one <= on)]

    def _row(self) -> dict[str, Any]:
        names = {
            **{name: f"{name}_amount" for name in ("billed", "agreed", "received", "written_off", "earlier_received")},
            **{name: f"{name}_amount" for name in ("contractual", "small_balance", "recovered", "floor", "target")},
        }
        row = {names.get(name, name): getattr(self.invoice, name) for name in Invoice.__dataclass_fields__}
        return {**row, "replaces_id": self.invoice.id if self.invoice.is_replacement else None}

    def receive(
        self, on: int, amount: str | Decimal, payer: UUID = INSURER, received: int | None = None, **more: Any
    ) -> Receipt:
        """Record a payment with what the command does before: an agreement lapses, or is revived by money received in time."""
        received_on = day(on if received is None else received)
        counts_on = effective_day(received_on, self.invoice.created_on)
        more = {"is_patient": payer == PATIENT, **more}
        moment, identity = self.moment(on, self.steps + 1), more.pop("id", UUID(int=1000 + self.steps))
        receipt = Receipt(identity, payer, Decimal(amount), counts_on, moment, **more)
        if not (receipt.is_patient or self.facts.is_responsible(payer)):
            raise InvalidInput("Never responsible", ("invoice_id",))
        before = (self.invoice, self.facts, self.steps, len(self.history), dict(self.states), self.is_backdated)
        try:
            self._bring_up_to_date(on, receipt)
            receipt = replace(receipt, recorded_at=self.moment(on, self.steps + 1))
            self.step(on, "record_cheque", receipt=receipt)
            self.recorded[receipt.recorded_at].add(receipt.recorded_at)
        except DomainError:
            self.invoice, self.facts, self.steps, known, self.states, self.is_backdated = before
            del self.history[known:]
            raise
        return receipt

    def _bring_up_to_date(self, on: int, receipt: Receipt) -> None:
        lapsed, until = lapsed_agreement(self.facts), self.invoice.conditional_until
        if until is not None and receipt.effective_on > until:
            if "lapse_agreement" in legal_now(self.invoice, Actor(None, day(on), self.moment(on, 0))):
                self.step(on, "lapse_agreement", None)
        elif lapsed is not None and self.status is InvoiceStatus.PENDING_REDUCTION and self.invoice.open_offer is None:
            is_in_time = lapsed.conditional_until is not None and receipt.effective_on <= lapsed.conditional_until
            if is_in_time and is_in_present_round(self.facts, receipt):
                self.step(on, "revive_agreement", None)

    def pass_nights(self, until: int) -> None:
        """Let an agreement lapse as the worker does, in the first night after its day in which nothing stands that was paid in time."""
        limit = self.invoice.conditional_until
        if limit is None:
            return
        first = max(limit - CREATED_ON, max(self.states) - CREATED_ON).days + 1
        for on in range(first, until + 1):
            if "lapse_agreement" in legal_now(self.invoice, Actor(None, day(on), self.moment(on, 0))):
                self.step(on, "lapse_agreement", None)
                return

    def is_kept_by_money(self, on: int) -> bool:
        """Whether the last day of a conditional agreement has passed, so that money that was received in time keeps it."""
        return self.invoice.conditional_until is not None and self.invoice.conditional_until < day(on)

    def take_back(self, on: int, receipt: Receipt, returned: int | None = None) -> None:
        """Record that a payment was returned."""
        returned_on = max(day(on if returned is None else returned), receipt.effective_on)
        moment, identity = self.moment(on, self.steps + 1), UUID(int=1000 + self.steps)
        reversal = replace(receipt, id=identity, amount=-receipt.amount, reverses_id=receipt.id)
        reversal = replace(reversal, effective_on=returned_on, recorded_at=moment)
        self.step(on, "return_cheque", reversals=[reversal], reason="Not covered")
        self.recorded[moment].add(moment)
        self.returned_on[receipt.id] = day(on if returned is None else returned)

    def correct(self, on: int, receipt: Receipt, received: int | None = None, **right: Any) -> Receipt:
        """Correct what was typed wrong of a payment: `right` are the fields of what is right, among them its new id.

        Its return, if there was one, goes along. An amount of 0 is that of a payment of another invoice.
        """
        at = self.moment(on, self.steps + 1)
        wrong = [one for one in self.facts.receipts if receipt.id in (one.id, one.reverses_id)]
        effective_on = receipt.effective_on if received is None else effective_day(day(received), CREATED_ON)
        more = {
            "is_patient": right.get("payer_id", receipt.payer_id) == PATIENT,
            "id": UUID(int=10_000 + 2 * self.steps),
        }
        new = replace(receipt, **{**more, "effective_on": effective_on, **right})
        if not (new.is_patient or self.facts.is_responsible(new.payer_id)):
            raise InvalidInput("Never responsible", ("invoice_id",))
        back = [
            replace(
                new,
                id=UUID(int=new.id.int + 1),
                amount=-new.amount,
                reverses_id=new.id,
                effective_on=max(self.returned_on.get(receipt.id, CREATED_ON), new.effective_on),
                recorded_at=one.recorded_at,
            )
            for one in wrong
            if one.reverses_id is not None
        ]
        moments = {moment for one in wrong for moment in self.recorded[one.recorded_at]}
        rows = ([new], back) if new.amount > 0 else ([], [])
        changed = Corrected(frozenset(one.id for one in wrong), frozenset(moments), *rows)
        self.step(on, "correct_cheque", corrected=changed, **REASON)
        for one in (new, *back):
            self.recorded[one.recorded_at].add(at)
        if receipt.id in self.returned_on:
            self.returned_on[new.id] = self.returned_on[receipt.id]
        return new

    def add_corrected(self, on: int, receipt: Receipt, returns: Sequence[Receipt] = ()) -> None:
        """What was typed for another invoice is a payment of this one, with its return; the moments are those at which it was typed."""
        self.step(on, "correct_cheque", corrected=Corrected(receipts=[receipt], reversals=returns), **REASON)
        for one in (receipt, *returns):
            self.recorded[one.recorded_at].add(self.history[-1].at)

    def submit(self, on: int) -> None:
        """Submit the invoice to the present payer."""
        self.step(on, "submit_invoice", submitted_on=day(on), method=SubmissionMethod.FAX)

    def agree(self, on: int, amount: str, until: int | None = None) -> None:
        """Negotiate an amount and agree on it."""
        if self.status is InvoiceStatus.PENDING_INVOICE:
            self.step(on, "request_reduction", amount=Decimal(amount))
        limit = None if until is None else day(until)
        self.step(on, "agree_reduction", amount=Decimal(amount), conditional_until=limit)

    def transfer(self, on: int, payer: UUID = FIRM, **more: Any) -> Outcome:
        """Make another payer responsible, whose predecessor's limit is used up."""
        exhausted = {"reason": ResponsibilityReason.EXHAUSTED, "document_id": LETTER}
        return self.step(on, "transfer_balance", payer_id=payer, **{**exhausted, **more})


def sent(billed: str = "1000.00") -> Books:
    """An invoice that was submitted to the insurer on its second day."""
    books = Books(billed)
    books.submit(1)
    return books


def agreed(amount: str = "800.00", until: int | None = None) -> Books:
    """An invoice of 1,000.00 on whose amount the insurer agreed on the third day."""
    books = sent()
    books.agree(2, amount, until)
    return books


def covered() -> Books:
    """An invoice whose agreed amount the insurer has paid."""
    books = agreed()
    books.receive(3, "800.00")
    return books


def written_off() -> Books:
    """An invoice of which 300.00 were paid, and 500.00 written off."""
    books = agreed()
    books.receive(3, "300.00")
    books.step(4, "write_off_invoice", **REASON)
    return books


def reduction_of(ledger: Ledger) -> Decimal:
    """What was granted and is not owed."""
    return ZERO if ledger.agreed is None else ledger.open_part - ledger.agreed
