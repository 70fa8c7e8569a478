"""The segments of claims and their lines: what each says, and the records that are made of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from domain.billing.coverages import AdjustmentGroup
from domain.remittances.remittance import ProviderAdjustment, RemittedAdjustment, RemittedClaim, RemittedLine
from imports.x12.elements import Segment

_TRIPLETS = range(2, 20, 3)
_PAIRS = range(3, 15, 2)
_GROUPS = {group.value.upper(): group for group in AdjustmentGroup}
_ZERO, _LARGEST = Decimal("0.00"), Decimal("9999999999.99")
TOO_MUCH = f"The amounts add up to more than {_LARGEST:,}"
# The longest values of X12, and of a procedure with its qualifier, modifiers and description.
_NUMBER, _REASON, _REMARK, _REFERENCE, _PROCEDURE, _COMPOSITE = 38, 5, 30, 50, 48, 200
_MODIFIERS = slice(0, 4)
# Service day; the first of several.
_TREATED_ON, _FIRST_TREATED_ON = "472", "150"
_REMARKS_OF_INPATIENTS, _REMARKS = (5, 20, 21, 22, 23), (3, 4, 5, 6, 7)


@dataclass(slots=True)
class ClaimParts:
    """A claim that is being read: its CLP, and what follows it."""

    segment: Segment
    claim: RemittedClaim
    adjustments: list[RemittedAdjustment] = field(default_factory=list)
    remark_codes: list[str] = field(default_factory=list)
    lines: list[RemittedLine] = field(default_factory=list)

    def made(self) -> RemittedClaim:
        """The claim, with all its parts; SegmentError where its amounts add up to more than a column of the database holds."""
        parts = tuple(self.adjustments), tuple(self.remark_codes), tuple(self.lines)
        made = replace(self.claim, adjustments=parts[0], remark_codes=parts[1], lines=parts[2])
        if exceeds(one.amount for one in made.all_adjustments):
            raise self.segment.error(TOO_MUCH)
        return made


@dataclass(slots=True)
class LineParts:
    """A line that is being read: its SVC, and what follows it."""

    line: RemittedLine
    adjustments: list[RemittedAdjustment] = field(default_factory=list)
    remark_codes: list[str] = field(default_factory=list)
    days: dict[str, date] = field(default_factory=dict)
    reference: str | None = None

    def made(self) -> RemittedLine:
        """The line, with all its parts."""
        return replace(
            self.line,
            adjustments=tuple(self.adjustments),
            remark_codes=tuple(self.remark_codes),
            service_on=self.days.get(_TREATED_ON) or self.days.get(_FIRST_TREATED_ON),
            reference=self.reference,
        )

    def read_day(self, segment: Segment) -> None:
        """DTM of a line; SegmentError where it has another day already."""
        what = segment.code(1)
        if what in (_TREATED_ON, _FIRST_TREATED_ON):
            day = segment.day(2)
            if self.days.setdefault(what, day) != day:
                raise segment.error("The line has another service day already", 2)

    def read_reference(self, segment: Segment) -> None:
        """REF of a line; SegmentError where it has another number of ours already."""
        if segment.code(1) == "6R":
            found = segment.needed(2, _REFERENCE)
            if self.reference not in (None, found):
                raise segment.error("The line has another line item control number already", 2)
            self.reference = found

    def read_remark(self, segment: Segment) -> None:
        """LQ of a line: a remark code."""
        if segment.code(1) == "HE":
            self.remark_codes.append(segment.code(2, _REMARK))


def exceeds(amounts: Iterable[Decimal]) -> bool:
    """Whether amounts, each without its sign, add up to more than is recorded as one amount."""
    return sum(map(abs, amounts), _ZERO) > _LARGEST


def claim_of(segment: Segment, place: int) -> ClaimParts:
    """The claim of a CLP."""
    return ClaimParts(
        segment,
        RemittedClaim(
            place,
            number=segment.needed(1, _NUMBER),
            status_code=segment.code(2, 2),
            charge=segment.amount(3),
            paid=segment.amount(4),
            patient_amount=segment.amount(5) if segment.at(5) else _ZERO,
            payer_number=segment.text(7, _REFERENCE),
        ),
    )


def line_of(segment: Segment, place: int) -> LineParts:
    """The line of an SVC: the procedure that was billed, which is the original one (SVC06) where the payer decided on another."""
    billed = 6 if segment.at(6) else 1
    _, code, modifiers = _procedure(segment, 1), *_procedure(segment, billed)
    units = segment.quantity(7) if billed != 1 and segment.at(7) else segment.quantity(5)
    return LineParts(
        RemittedLine(
            place, code=code, charge=segment.amount(2), paid=segment.amount(3), modifiers=modifiers, units=units
        )
    )


def _procedure(segment: Segment, index: int) -> tuple[str, tuple[str, ...]]:
    """The code and the modifiers of a composite of a procedure."""
    if not segment.at(index):
        raise segment.error("This element is missing", index)
    qualifier, code, *others = [*segment.components(index, _COMPOSITE), ""]
    if not qualifier or not 0 < len(code) <= _PROCEDURE or not segment.at(index).isascii():
        reason = "A qualifier and a code are expected, with the separator of components between them"
        raise segment.error(reason, index)
    return code.upper(), tuple(part.upper() for part in others[_MODIFIERS] if part)


def adjustments_of(segment: Segment) -> list[RemittedAdjustment]:
    """The adjustments of a CAS: up to six triplets of reason, amount and quantity."""
    group = _GROUPS.get(segment.code(1, 2))
    if group is None:
        raise segment.error(f"A group is one of {', '.join(_GROUPS)}", 1)
    _check_length(segment, _TRIPLETS.stop - 1)
    found = [
        RemittedAdjustment(group, segment.code(index, _REASON), segment.amount(index + 1), segment.quantity(index + 2))
        for index in range(_TRIPLETS.start, len(segment.elements), _TRIPLETS.step)
        if any(map(segment.at, range(index, index + 3)))
    ]
    if not found:
        raise segment.error("This element is missing", 2)
    return found


def provider_adjustments_of(segment: Segment) -> list[ProviderAdjustment]:
    """The adjustments of a PLB: up to six pairs of a code, with a reference, and an amount."""
    _check_length(segment, _PAIRS.stop - 1)
    found = list[ProviderAdjustment]()
    for index in _PAIRS:
        if not (segment.at(index) or segment.at(index + 1)):
            continue
        code, *others = segment.components(index, _REFERENCE + _REASON)
        if not 0 < len(code) <= _REASON or not code.isascii():
            raise segment.error("A code is expected, and after the separator of components a reference", index)
        reference = segment.component.join(others).strip(segment.component)
        found.append(ProviderAdjustment(code.upper(), segment.amount(index + 1), reference or None))
    if not found:
        raise segment.error("This element is missing", 3)
    return found


def remarks_of(segment: Segment) -> list[str]:
    """The remark codes of an MIA or MOA."""
    places = _REMARKS_OF_INPATIENTS if segment.name == "MIA" else _REMARKS
    return [segment.code(index, _REMARK) for index in places if segment.at(index)]


def _check_length(segment: Segment, most: int) -> None:
    if len(segment.elements) > most + 1 and any(map(segment.at, range(most + 1, len(segment.elements)))):
        raise segment.error(f"At most {most} elements are expected")
