"""Decides what becomes of a demo invoice until its payer pays, gives up or keeps everybody waiting."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from domain.negotiation import Party, SubmissionMethod
from imports.demo_dice import Dice
from imports.story import InvoiceStory

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
class Fate:
    """How the invoices of a case tend to go: probabilities from 0 to 1."""

    weight: float
    unsent: float
    denied: float
    silent: float
    in_full: float
    agrees: float
    pays: float
    given_up: float


FATES = (
    Fate(0.62, unsent=0.00, denied=0.07, silent=0.03, in_full=0.35, agrees=0.97, pays=0.98, given_up=0.50),
    Fate(0.28, unsent=0.08, denied=0.16, silent=0.35, in_full=0.20, agrees=0.60, pays=0.60, given_up=0.25),
    Fate(0.10, unsent=0.05, denied=0.30, silent=0.45, in_full=0.05, agrees=0.35, pays=0.30, given_up=0.85),
)


def fate_of(dice: Dice) -> Fate:
    """How a case will go."""
    left = dice.random()
    for fate in FATES:
        left -= fate.weight
        if left < 0:
            return fate
    return FATES[0]


class NotYetError(Exception):
    """The next thing would happen after today."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts in the demo clinic: what only an admin may do, and everything else."""

    admin: UUID
    billing: UUID


class Plot:
    """One invoice from the day of its creation; whatever would come after `today` has not happened."""

    def __init__(self, story: InvoiceStory, fate: Fate, dice: Dice, today: date, acting: Acting) -> None:
        self.story, self.fate, self.dice, self.today, self.acting = story, fate, dice, today, acting
        self.day = story.last_day
        self.pay_by: date | None = None

    def tell(self, other_payer: UUID) -> date | None:
        """Tell everything up to the agreement; the day on which the payer pays, None when that is not in sight."""
        try:
            agreed = self._tell(other_payer)
        except NotYetError:
            agreed = False
        self._expire_offer()
        if not agreed:
            return None
        # Who has a last day to pay waits for it.
        return self.dice.after(self.pay_by, -7, 0) if self.pay_by else self.dice.after(self.day, 8, 90)

    def _tell(self, other_payer: UUID) -> bool:
        """Whether the payer will pay something that was agreed."""
        dice, fate = self.dice, self.fate
        if dice.chance(0.02):
            self._void()
            return False
        if dice.chance(fate.unsent):
            return False
        self._submit(0, 12)
        if dice.chance(0.02):
            self._change_payer(other_payer)
        if dice.chance(fate.denied) and not self._denied():
            return self._give_up()
        if dice.chance(fate.silent) or not self._answer():
            return self._give_up()
        if dice.chance(fate.pays):
            return True
        return self._lapse() if self.pay_by else self._give_up()

    def _wait(self, low: int, high: int) -> date:
        self.day = self.dice.after(self.day, low, high)
        if self.day > self.today:
            raise NotYetError
        return self.day

    def _note(self, probability: float) -> None:
        if self.dice.chance(probability):
            self.story.add_internal_note(self.day, self.dice.one_of(NOTES))

    def _submit(self, low: int, high: int) -> None:
        self.story.submit_invoice(self._wait(low, high), self.dice.one_of(METHODS))
        self._note(0.12)

    def _void(self) -> None:
        day = self._wait(1, 10)
        self.story.by = self.acting.admin
        self.story.void_invoice(day, self.dice.one_of(VOID_REASONS))

    def _give_up(self) -> bool:
        """Write the invoice off after a long wait, or leave it as it is; nothing more will be paid either way."""
        if self.dice.chance(self.fate.given_up):
            day = self._wait(150, 400)
            self._expire_offer()
            self.story.by = self.acting.admin
            self.story.write_off_invoice(day, self.dice.one_of(WRITE_OFF_REASONS))
        return False

    def _change_payer(self, payer_id: UUID) -> None:
        if payer_id != self.story.row["payer_id"]:
            self.story.change_payer(self._wait(5, 30), payer_id, "Sent to the wrong payer at first")
            self._submit(0, 5)

    def _denied(self) -> bool:
        """A denial; whether the invoice was submitted again after it."""
        day = self._wait(10, 40)
        code, note = self.dice.one_of(DENIALS)
        amount = self.story.billed if self.dice.chance(0.6) else None
        self.story.record_denial(day, code, amount, note, self.dice.after(day, 30, 90))
        self._note(0.3)
        if self.dice.chance(0.7):
            self._submit(4, 30)
            return True
        return False

    def _answer(self) -> bool:
        """What the payer answers; whether an amount was agreed in the end."""
        if self.dice.chance(self.fate.in_full) or self.story.billed < 50:
            self.story.accept_in_full(self._wait(7, 60))
            return True
        return self._negotiate()

    def _negotiate(self) -> bool:
        """Rounds of offers: the payer comes up, the clinic comes down; whether they met."""
        story, dice = self.story, self.dice
        percent = dice.between(35, 60)
        story.request_reduction(*self._next_offer(10, 70, percent), expires_on=self._expiry())
        asked = dice.between(85, 97)
        for number in range(dice.between(0, 4)):
            party = Party.PAYER if number % 2 else Party.CLINIC
            percent, asked = (percent + 4, asked) if number % 2 else (percent, asked - 6)
            day, amount, reason = self._next_offer(4, 21, percent if number % 2 else asked)
            story.counter_reduction(day, party, amount, reason, self._expiry())
            self._note(0.1)
        self._wait(3, 18)
        if dice.chance(self.fate.agrees):
            return self._agree()
        return self._refuse() if dice.chance(0.5) else False

    def _next_offer(self, low: int, high: int, percent: int) -> tuple[date, Decimal, str]:
        day = self._wait(low, high)
        self._expire_offer(day)
        return day, self.dice.share(self.story.billed, percent, percent), self.dice.one_of(REDUCTION_REASONS)

    def _expiry(self) -> date | None:
        return self.dice.after(self.day, 14, 45) if self.dice.chance(0.6) else None

    def _expire_offer(self, day: date | None = None) -> None:
        offer = self.story.open_offer
        if offer and offer["expires_on"] and offer["expires_on"] < (day or self.today):
            self.story.expire_offer()

    def _agree(self) -> bool:
        """An agreement, often with a last day to pay; some are undone again before anything is paid."""
        story, dice = self.story, self.dice
        amount = None if story.open_offer else dice.share(story.billed, 60, 75)
        if dice.chance(0.3):
            self.pay_by = self.day + DAYS_TO_PAY
            story.agree_reduction(self.day, amount, self.pay_by)
            return self._lapse() if dice.chance(0.25) else True
        story.agree_reduction(self.day, amount)
        if dice.chance(0.03):
            story.reopen_reduction(self._wait(4, 20), "The firm found another lien")
            self._agree_on_less()
        return True

    def _lapse(self) -> bool:
        """The "pay by" day passes without a cheque; whether another agreement follows."""
        self._wait(DAYS_TO_PAY.days + 1, DAYS_TO_PAY.days + 1)
        self.story.lapse_agreement(self.day)
        self.pay_by = None
        if self.dice.chance(0.5):
            self._agree_on_less()
            return True
        return False

    def _agree_on_less(self) -> None:
        story = self.story
        day, amount, reason = self._next_offer(3, 25, self.dice.between(50, 60))
        story.counter_reduction(day, Party.PAYER, amount, reason)
        story.agree_reduction(self._wait(1, 15))

    def _refuse(self) -> bool:
        """The clinic takes nothing less; whether the payer then accepts the whole amount."""
        self.story.decline_reduction(self.day, "Below what the clinic can take")
        if self.dice.chance(0.5):
            self.story.accept_in_full(self._wait(7, 45))
            return True
        return False
