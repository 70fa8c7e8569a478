"""The outcome of each demo invoice: the scenarios from its submission to payment, write-off or an open balance."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from domain.billing.negotiation import Party, SubmissionMethod
from imports.demo.seeded_random import SeededRandom
from imports.history.invoice_history import InvoiceHistory

DAYS_TO_PAY = timedelta(days=45)
METHODS = tuple(SubmissionMethod)
DENIALS = (
    ("NO-COVERAGE", "Carrier says that the policy had ended"),
    ("MISSING-RECORDS", "Asks for the records of the visit"),
    ("NOT-RELATED", "Disputes that the treatment follows from the accident"),
    ("LATE", "Says that it came after the filing limit"),
    ("DUPLICATE", "Believes it was billed twice"),
)
REDUCTION_REASONS = (
    "The settlement is smaller than hoped",
    "Policy limits are nearly used up",
    "Several liens share one settlement",
    "Asks for the customary third off",
)
NOTES = (
    "Called the office; the adjuster is back on Monday.",
    "Paralegal says the demand letter went out last week.",
    "Don't go below the floor without asking Ada.",
    "Asked for the lien letter to be sent again by fax.",
    "Spoke with the firm: they wait for the other carrier.",
    "Left a voicemail. Third one this month.",
)
VOID_REASONS = ("Issued for the wrong case", "Same visit billed twice", "Wrong date of service")
WRITE_OFF_REASONS = ("The case was dropped", "The case was lost at trial", "Firm closed, patient not to be found")


@dataclass(frozen=True, slots=True)
class OutcomeProfile:
    """The outcome profile of a case: the probabilities, from 0 to 1, of what happens to its invoices."""

    weight: float
    unsent: float
    denied: float
    silent: float
    in_full: float
    agrees: float
    pays: float
    given_up: float


OUTCOME_PROFILES = (
    OutcomeProfile(0.62, unsent=0.00, denied=0.07, silent=0.03, in_full=0.35, agrees=0.97, pays=0.98, given_up=0.50),
    OutcomeProfile(0.28, unsent=0.08, denied=0.16, silent=0.35, in_full=0.20, agrees=0.60, pays=0.60, given_up=0.25),
    OutcomeProfile(0.10, unsent=0.05, denied=0.30, silent=0.45, in_full=0.05, agrees=0.35, pays=0.30, given_up=0.85),
)


def outcome_profile_of(random: SeededRandom) -> OutcomeProfile:
    """The random outcome profile of a case."""
    left = random.random()
    for profile in OUTCOME_PROFILES:
        left -= profile.weight
        if left < 0:
            return profile
    return OUTCOME_PROFILES[0]


class NotYetError(Exception):
    """The next event would be after today."""


@dataclass(frozen=True, slots=True)
class Acting:
    """The acting users of the demo clinic: an administrator for what only administrators may do, and billing staff."""

    admin: UUID
    billing: UUID


class Scenario:
    """One invoice from the day of its creation; events after `today` are left out."""

    def __init__(
        self, history: InvoiceHistory, profile: OutcomeProfile, random: SeededRandom, today: date, acting: Acting
    ) -> None:
        self.history, self.profile, self.random, self.today, self.acting = history, profile, random, today, acting
        self.day = history.last_day
        self.pay_by: date | None = None

    def build(self, other_payer: UUID) -> date | None:
        """Generate everything up to the agreement; returns the day of payment, None if there is none."""
        try:
            agreed = self._build(other_payer) if self.history.billed > 0 else self._close_empty()
        except NotYetError:
            agreed = False
        self._expire_offer()
        if not agreed:
            return None
        # A payer with a last day to pay waits for it.
        return self.random.after(self.pay_by, -7, 0) if self.pay_by else self.random.after(self.day, 8, 90)

    def _build(self, other_payer: UUID) -> bool:
        """Whether the payer will pay an agreed amount."""
        random, profile = self.random, self.profile
        if random.chance(0.02):
            self._void()
            return False
        if random.chance(profile.unsent):
            return False
        self._submit(0, 12)
        if random.chance(0.02):
            self._change_payer(other_payer)
        if random.chance(profile.denied) and not self._denied():
            return self._give_up()
        if random.chance(profile.silent) or not self._answer():
            return self._give_up()
        if random.chance(profile.pays):
            return True
        return self._lapse() if self.pay_by else self._give_up()

    def _close_empty(self) -> bool:
        """Nothing is charged, so that nothing will be paid."""
        self.history.apply(self._wait(1, 5), "close_empty", reason="Nothing is charged for the visit")
        return False

    def _wait(self, low: int, high: int) -> date:
        self.day = self.random.after(self.day, low, high)
        if self.day > self.today:
            raise NotYetError
        return self.day

    def _note(self, probability: float) -> None:
        if self.random.chance(probability):
            self.history.add_internal_note(self.day, self.random.one_of(NOTES))

    def _submit(self, low: int, high: int) -> None:
        self.history.submit_invoice(self._wait(low, high), self.random.one_of(METHODS))
        self._note(0.12)

    def _void(self) -> None:
        day = self._wait(1, 10)
        self.history.by = self.acting.admin
        self.history.void_invoice(day, self.random.one_of(VOID_REASONS))

    def _give_up(self) -> bool:
        """Write the invoice off after a long wait, or leave it as it is; nothing more will be paid either way."""
        if self.random.chance(self.profile.given_up):
            day = self._wait(150, 400)
            self._expire_offer()
            self.history.by = self.acting.admin
            self.history.write_off_invoice(day, self.random.one_of(WRITE_OFF_REASONS))
        return False

    def _change_payer(self, payer_id: UUID) -> None:
        if payer_id != self.history.row["payer_id"]:
            self.history.change_payer(self._wait(5, 30), payer_id, "Sent to the wrong payer at first")
            self._submit(0, 5)

    def _denied(self) -> bool:
        """A denial; returns whether the invoice was submitted again after it."""
        day = self._wait(10, 40)
        code, note = self.random.one_of(DENIALS)
        amount = self.history.billed if self.random.chance(0.6) else None
        self.history.record_denial(day, code, amount, note, self.random.after(day, 30, 90))
        self._note(0.3)
        if self.random.chance(0.7):
            self._submit(4, 30)
            return True
        return False

    def _answer(self) -> bool:
        """The payer's answer; returns whether an amount was agreed in the end."""
        if self.random.chance(self.profile.in_full) or self.history.billed < 50:
            self.history.accept_in_full(self._wait(7, 60))
            return True
        return self._negotiate()

    def _negotiate(self) -> bool:
        """Rounds of offers: the payer offers more, the clinic asks for less; returns whether they agreed."""
        history, random = self.history, self.random
        percent = random.between(35, 60)
        history.request_reduction(*self._next_offer(10, 70, percent), expires_on=self._expiry())
        asked = random.between(85, 97)
        for number in range(random.between(0, 4)):
            party = Party.PAYER if number % 2 else Party.CLINIC
            percent, asked = (percent + 4, asked) if number % 2 else (percent, asked - 6)
            day, amount, reason = self._next_offer(4, 21, percent if number % 2 else asked)
            history.counter_reduction(day, party, amount, reason, self._expiry())
            self._note(0.1)
        self._wait(3, 18)
        if random.chance(self.profile.agrees):
            return self._agree()
        return self._refuse() if random.chance(0.5) else False

    def _next_offer(self, low: int, high: int, percent: int) -> tuple[date, Decimal, str]:
        day = self._wait(low, high)
        self._expire_offer(day)
        return day, self.random.share(self.history.billed, percent, percent), self.random.one_of(REDUCTION_REASONS)

    def _expiry(self) -> date | None:
        return self.random.after(self.day, 14, 45) if self.random.chance(0.6) else None

    def _expire_offer(self, day: date | None = None) -> None:
        offer = self.history.open_offer
        if offer and offer["expires_on"] and offer["expires_on"] < (day or self.today):
            self.history.expire_offer()

    def _agree(self) -> bool:
        """An agreement, often with a last day to pay; some are reopened before anything is paid."""
        history, random = self.history, self.random
        amount = None if history.open_offer else random.share(history.billed, 60, 75)
        if random.chance(0.3):
            self.pay_by = self.day + DAYS_TO_PAY
            history.agree_reduction(self.day, amount, self.pay_by)
            return self._lapse() if random.chance(0.25) else True
        history.agree_reduction(self.day, amount)
        if random.chance(0.03):
            history.reopen_reduction(self._wait(4, 20), "The firm found another lien")
            self._agree_on_less()
        return True

    def _lapse(self) -> bool:
        """The last day to pay passes without a cheque; returns whether another agreement follows."""
        self._wait(DAYS_TO_PAY.days + 1, DAYS_TO_PAY.days + 1)
        self.history.lapse_agreement(self.day)
        self.pay_by = None
        if self.random.chance(0.5):
            self._agree_on_less()
            return True
        return False

    def _agree_on_less(self) -> None:
        history = self.history
        day, amount, reason = self._next_offer(3, 25, self.random.between(50, 60))
        history.counter_reduction(day, Party.PAYER, amount, reason)
        history.agree_reduction(self._wait(1, 15))

    def _refuse(self) -> bool:
        """The clinic declines a reduction; returns whether the payer then accepts the full amount."""
        self.history.decline_reduction(self.day, "Below what the clinic can take")
        if self.random.chance(0.5):
            self.history.accept_in_full(self._wait(7, 45))
            return True
        return False
