"""Writes complete X12 005010X221A1 835 files from payments, independently of the reader."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, islice
from typing import TypeVar

from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import RemittedAdjustment, RemittedClaim, RemittedLine, RemittedPayment

_METHODS = {PaymentMethod.PAPER: "CHK", PaymentMethod.ACH: "ACH", PaymentMethod.WIRE: "FWT"}
_ON, _AT = date(2026, 2, 1), "1200"
_VERSION = "005010X221A1"
Segment = list[str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Style:
    """How a file separates its elements, components, repetitions and segments, what follows each segment, and its encoding."""

    element: str = "*"
    component: str = ":"
    repetition: str = "^"
    segment: str = "~"
    line_break: str = ""
    encoding: str = "utf-8"
    # An amount of 850.20 is 850.2 in X12; some payers write both places.
    both_places: bool = False


PLAIN = Style()


def written(*payments: RemittedPayment, style: Style = PLAIN) -> bytes:
    """A file of one interchange with one group of these payments."""
    return file_of([[list(payments)]], style)


def file_of(interchanges: Sequence[Sequence[Sequence[RemittedPayment]]], style: Style = PLAIN) -> bytes:
    """A file of interchanges of groups of payments."""
    segments = [
        segment for place, groups in enumerate(interchanges, 1) for segment in _interchange(place, groups, style)
    ]
    return as_bytes(segments, style)


def as_bytes(segments: Iterable[Segment], style: Style = PLAIN) -> bytes:
    """Segments as a file; their elements are written as they are, without absent ones at the end."""
    text = "".join(style.element.join(_trimmed(segment)) + style.segment + style.line_break for segment in segments)
    return text.encode(style.encoding)


def segments_of(payment: RemittedPayment, style: Style = PLAIN) -> list[Segment]:
    """The segments of a transaction set from ST to SE."""
    number = f"{payment.place:04d}"
    found = [["ST", "835", number], *_header(payment, style), *_claims(payment, style), *_footer(payment, style)]
    return [*found, ["SE", str(len(found) + 1), number]]


def _interchange(place: int, groups: Sequence[Sequence[RemittedPayment]], style: Style) -> Iterator[Segment]:
    number = f"{place:09d}"
    sender, receiver = "PAYERS".ljust(15), "CLINIC".ljust(15)
    nothing = " " * 10
    beginning = ["ISA", "00", nothing, "00", nothing, "ZZ", sender, "ZZ", receiver]
    yield [*beginning, f"{_ON:%y%m%d}", _AT, style.repetition, "00501", number, "0", "P", style.component]
    for group, payments in enumerate(groups, 1):
        yield ["GS", "HP", "PAYERS", "CLINIC", f"{_ON:%Y%m%d}", _AT, str(group), "X", _VERSION]
        for payment in payments:
            yield from segments_of(payment, style)
        yield ["GE", str(len(payments)), str(group)]
    yield ["IEA", str(len(groups)), number]


def _header(payment: RemittedPayment, style: Style) -> Iterator[Segment]:
    method = _METHODS[payment.method]
    amount, day = _amount(payment.amount, style), f"{payment.paid_on:%Y%m%d}"
    if payment.method is PaymentMethod.PAPER:
        yield ["BPR", "I", amount, "C", method, *[""] * 11, day]
    elif not payment.amount:
        yield ["BPR", "H", "0", "C", "NON", *[""] * 11, day]
    else:
        payer = ["01", "021000021", "DA", "1234567", payment.payer_identifier or "1999999999"]
        form = "CCP" if method == "ACH" else ""
        yield ["BPR", "I", amount, "C", method, form, *payer, "", "01", "011000015", "DA", "7654321", day]
    yield ["TRN", "1", payment.trace, payment.payer_identifier or ""]
    yield ["DTM", "405", day]
    yield ["N1", "PR", payment.payer_name or "", "XV", "12345"]
    yield ["N3", "1 Insurance Way"]
    yield ["N4", "Hartford", "CT", "061031234"]
    yield ["REF", "2U", "54321"]
    yield ["PER", "CX", "Claims", "TE", "8005550100", "EX", "12"]
    yield ["PER", "BL", "Technical desk", "EM", "edi@payer.example"]
    yield ["N1", "PE", "Harbor Injury Clinic", "XX", "1234567893"]
    yield ["N3", "2 Harbor Street", "Suite 3"]
    yield ["N4", "Miami", "FL", "331011234"]
    yield ["REF", "TJ", "123456789"]


def _claims(payment: RemittedPayment, style: Style) -> Iterator[Segment]:
    if payment.claims:
        yield ["LX", "1"]
    for claim in payment.claims:
        yield from _claim(claim, style)


def _claim(claim: RemittedClaim, style: Style) -> Iterator[Segment]:
    amounts = [_amount(claim.charge, style), _amount(claim.paid, style)]
    patient = _amount(claim.patient_amount, style) if claim.patient_amount else ""
    yield ["CLP", claim.number, claim.status_code, *amounts, patient, "AM", claim.payer_number or "", "11", "1"]
    yield from _adjustments(claim.adjustments, style)
    yield ["NM1", "QC", "1", "Sample", "Person", "Q", "", "", "MI", "MEMBER1"]
    yield ["NM1", "82", "2", "Harbor Injury Clinic", *[""] * 4, "XX", "1234567893"]
    for codes in _batched(claim.remark_codes, 5):
        yield ["MOA", "", "", *codes]
    yield ["REF", "1L", "GROUP7"]
    yield ["DTM", "232", "20260102"]
    yield ["DTM", "050", "20260115"]
    yield ["PER", "CX", "Claims", "TE", "8005550100"]
    yield ["AMT", "AU", _amount(abs(claim.charge), style)]
    yield ["QTY", "CA", "1"]
    for line in claim.lines:
        yield from _line(line, style)


def _line(line: RemittedLine, style: Style) -> Iterator[Segment]:
    procedure = style.component.join(["HC", line.code, *line.modifiers])
    units = "" if line.units is None else _amount(line.units, PLAIN)
    yield ["SVC", procedure, _amount(line.charge, style), _amount(line.paid, style), "", units]
    if line.service_on:
        yield ["DTM", "472", f"{line.service_on:%Y%m%d}"]
    yield from _adjustments(line.adjustments, style)
    if line.reference:
        yield ["REF", "6R", line.reference]
    yield ["AMT", "B6", _amount(abs(line.charge), style)]
    yield from (["LQ", "HE", code] for code in line.remark_codes)


def _adjustments(adjustments: Iterable[RemittedAdjustment], style: Style) -> Iterator[Segment]:
    """Up to six adjustments of a group in a row are one segment."""
    for group, members in groupby(adjustments, lambda one: one.group):
        for six in _batched(members, 6):
            triplets = [[one.reason_code, _amount(one.amount, style), _quantity(one)] for one in six]
            yield ["CAS", group.value.upper(), *(element for triplet in triplets for element in triplet)]


def _footer(payment: RemittedPayment, style: Style) -> Iterator[Segment]:
    for six in _batched(payment.provider_adjustments, 6):
        pairs = [
            (f"{one.code}{style.component}{one.reference}" if one.reference else one.code, _amount(one.amount, style))
            for one in six
        ]
        yield ["PLB", "1234567893", f"{payment.paid_on.year}1231", *(element for pair in pairs for element in pair)]


def _batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


def _quantity(adjustment: RemittedAdjustment) -> str:
    return "" if adjustment.quantity is None else _amount(adjustment.quantity, PLAIN)


def _amount(amount: Decimal, style: Style) -> str:
    if style.both_places:
        return f"{amount:.2f}"
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _trimmed(segment: Segment) -> Segment:
    while segment[-1] == "":
        segment = segment[:-1]
    return segment
