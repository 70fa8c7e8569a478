"""A transaction set 835: its segments in their places become a payment, or the problems for which there is none."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import ClassVar

from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import ProviderAdjustment, RemittedClaim, RemittedPayment
from imports.x12.elements import Segment, SegmentError
from imports.x12.loops import (
    TOO_MUCH,
    ClaimParts,
    LineParts,
    adjustments_of,
    claim_of,
    exceeds,
    line_of,
    provider_adjustments_of,
    remarks_of,
)
from imports.x12.places import PLACES, Place
from imports.x12.quota import MOST_LINES_OF_CLAIM, Quota
from imports.x12.remittance_file import RemittanceProblem

# By the payer's bank, or no money at all: neither is more than a reference.
_METHODS = {
    "ACH": PaymentMethod.ACH,
    "BOP": PaymentMethod.ACH,
    "CHK": PaymentMethod.PAPER,
    "FWT": PaymentMethod.WIRE,
    "NON": PaymentMethod.ACH,
}
_TRACE, _PAYER, _NAME = 50, 30, 60
# How many elements may be wrong in a set before the rest of it is not read.
_MOST_PROBLEMS = 20
_DEBIT = (
    "The payment is a debit, which the clinic itself has to collect (D): record it by hand when it has been received"
)
_NO_MONEY = "A payment that moves no money (NON) has an amount of 0"
_NEGATIVE = "The amount of a payment must not be below 0"
_OTHER_CURRENCY = "Amounts are expected in US dollars (USD)"


class TransactionSet:
    """A transaction set that is being read, segment by segment; `place` counts from 1 within the file."""

    def __init__(self, place: int, number: int, control_number: str, quota: Quota) -> None:
        self.place, self.first, self.control_number = place, number, control_number
        self.problems = list[RemittanceProblem]()
        self._quota, self._at, self._is_skipped = quota, Place.BEGINNING, False
        self._amount, self._method, self._paid_on = Decimal(0), PaymentMethod.ACH, date.min
        self._trace: str | None = None
        self._payer: str | None = None
        self._payer_name: str | None = None
        self._claims, self._adjustments = list[RemittedClaim](), list[ProviderAdjustment]()
        self._claim: ClaimParts | None = None
        self._line: LineParts | None = None

    def read(self, segment: Segment) -> None:
        """The next segment; what is wrong with it is a problem of this set alone."""
        places = PLACES.get(segment.name)
        if self._is_skipped or (places is None and _is_name(segment.name)):
            return
        if places is None:
            self._skip(segment, "The name of a segment is expected")
        elif self._at not in places:
            self._skip(segment, f"A segment {segment.name} must not stand here")
        elif handler := self._HANDLERS.get(segment.name):
            try:
                handler(self, segment)
            except SegmentError as error:
                self.refuse(error)

    def refuse(self, error: SegmentError) -> None:
        """Note a problem, for which the set has no payment."""
        self.problems.append(RemittanceProblem(error.segment, error.element, error.reason, self.place))
        if len(self.problems) >= _MOST_PROBLEMS:
            self._is_skipped = True

    def made(self, end: Segment) -> RemittedPayment | None:
        """The payment, after the last segment; None for a set with problems."""
        self._end_claim()
        if not self.problems and self._at in (Place.BEGINNING, Place.HEADER, Place.PAYER):
            self.refuse(end.error("The set ends before it has said who pays what to whom (BPR, TRN, N1*PR, N1*PE)"))
        if not self.problems and self._trace is None:
            self.refuse(end.error("The set has no TRN"))
        paid = (claim.paid for claim in self._claims)
        if exceeds((*paid, *(one.amount for one in self._adjustments))):
            self.refuse(end.error(TOO_MUCH))
        if self.problems:
            return None
        return RemittedPayment(
            self.place,
            amount=self._amount,
            method=self._method,
            paid_on=self._paid_on,
            trace=self._trace or "",
            payer_identifier=self._payer,
            payer_name=self._payer_name,
            claims=tuple(self._claims),
            provider_adjustments=tuple(self._adjustments),
        )

    def _skip(self, segment: Segment, reason: str) -> None:
        self.refuse(segment.error(reason))
        self._is_skipped = True

    def _read_payment(self, segment: Segment) -> None:
        self._at = Place.HEADER
        self._amount = segment.amount(2)
        if self._amount < 0:
            raise segment.error(_NEGATIVE, 2)
        direction, method = segment.code(3), segment.code(4)
        if direction != "C":
            raise segment.error(_DEBIT if direction == "D" else "C is expected, or D", 3)
        if method not in _METHODS:
            raise segment.error(f"A method is one of {', '.join(_METHODS)}", 4)
        if method == "NON" and self._amount:
            raise segment.error(_NO_MONEY, 2)
        self._method, self._paid_on = _METHODS[method], segment.day(16)

    def _read_trace(self, segment: Segment) -> None:
        if self._trace is not None:
            raise segment.error("The set has another TRN already")
        self._trace, self._payer = segment.needed(2, _TRACE), segment.text(3, _PAYER)

    def _read_currency(self, segment: Segment) -> None:
        if segment.code(2) != "USD":
            raise segment.error(_OTHER_CURRENCY, 2)

    def _read_party(self, segment: Segment) -> None:
        who = segment.code(1)
        if who == "PR" and self._at is Place.HEADER:
            self._at = Place.PAYER
            self._payer_name = " ".join(segment.at(2).split())[:_NAME] or None
            if self._payer_name and not self._payer_name.isprintable():
                raise segment.error("This element has characters that no text has", 2)
        elif who == "PE" and self._at is Place.PAYER:
            self._at = Place.PAYEE
        elif who in ("PR", "PE"):
            self._skip(segment, "The payer (N1*PR) and then the payee (N1*PE) are expected, each once")

    def _read_heading(self, segment: Segment) -> None:
        self._end_claim()
        self._at = Place.HEADING

    def _read_claim(self, segment: Segment) -> None:
        self._end_claim()
        self._at = Place.CLAIM
        self._quota.use("claims", segment.number)
        self._claim = claim_of(segment, len(self._claims) + 1)

    def _read_line(self, segment: Segment) -> None:
        self._end_line()
        self._at = Place.LINE
        self._quota.use("lines", segment.number)
        # The lines of a claim that cannot be read are read for what is wrong with them, too.
        place = len(self._claim.lines) + 1 if self._claim else 1
        if place > MOST_LINES_OF_CLAIM:
            raise segment.error(f"A claim has at most {MOST_LINES_OF_CLAIM} lines")
        self._line = line_of(segment, place)

    def _read_adjustments(self, segment: Segment) -> None:
        found, parts = adjustments_of(segment), self._parts()
        self._quota.use("adjustments and remark codes", segment.number, len(found))
        if parts:
            parts.adjustments += found

    def _read_provider_adjustments(self, segment: Segment) -> None:
        self._end_claim()
        self._at = Place.SUMMARY
        found = provider_adjustments_of(segment)
        self._quota.use("adjustments and remark codes", segment.number, len(found))
        self._adjustments += found

    def _read_remarks(self, segment: Segment) -> None:
        found = remarks_of(segment)
        self._quota.use("adjustments and remark codes", segment.number, len(found))
        if self._claim:
            self._claim.remark_codes += found

    def _read_remark(self, segment: Segment) -> None:
        self._quota.use("adjustments and remark codes", segment.number)
        if self._line:
            self._line.read_remark(segment)

    def _read_day(self, segment: Segment) -> None:
        if self._line:
            self._line.read_day(segment)

    def _read_reference(self, segment: Segment) -> None:
        if self._line:
            self._line.read_reference(segment)

    def _parts(self) -> ClaimParts | LineParts | None:
        """What adjustments belong to; None where its first segment has a problem."""
        return self._line if self._at is Place.LINE else self._claim

    def _end_line(self) -> None:
        if self._line and self._claim:
            self._claim.lines.append(self._line.made())
        self._line = None

    def _end_claim(self) -> None:
        self._end_line()
        ended, self._claim = self._claim, None
        if ended:
            try:
                self._claims.append(ended.made())
            except SegmentError as error:
                self.refuse(error)

    # What each segment says; the others have their places, and say nothing that is read.
    _HANDLERS: ClassVar[dict[str, Callable[["TransactionSet", Segment], None]]] = {
        "BPR": _read_payment,
        "TRN": _read_trace,
        "CUR": _read_currency,
        "N1": _read_party,
        "LX": _read_heading,
        "CLP": _read_claim,
        "SVC": _read_line,
        "CAS": _read_adjustments,
        "PLB": _read_provider_adjustments,
        "MIA": _read_remarks,
        "MOA": _read_remarks,
        "LQ": _read_remark,
        "DTM": _read_day,
        "REF": _read_reference,
    }


def _is_name(name: str) -> bool:
    return name.isascii() and name.isalnum() and len(name) in (2, 3) and name[0].isalpha()
