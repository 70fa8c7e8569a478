"""What the reader reads of a transaction set, and what it says about one that it cannot read, without the values of the file."""

from datetime import date
from decimal import Decimal

import pytest

from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import ProviderAdjustment, RemittedPayment
from imports.x12.child import read_in_process
from imports.x12.remittance_file import RemittanceFile
from tests.support.x12.raw_files import raw_file

SET = """
ST*835*0001
BPR*I*100*C*ACH************20260131
TRN*1*TRACE*1512345678
N1*PR*Acme Mutual
N1*PE*Harbor Injury Clinic*XX*1234567893
LX*1
CLP*INV-1*1*150*100*50*AM*P-1*11
CAS*CO*45*20
NM1*QC*1*Sample*Person
MOA***M1*N2
DTM*232*20260101
SVC*HC:X1001:25:LT*150*100**1
DTM*472*20260105
CAS*PR*1*30*2
REF*6R*11
LQ*HE*N3
SE*17*0001
"""
OTHER = SET.replace("*0001\n", "*0002\n").replace("*TRACE*", "*OTHER*")


def read(text: str) -> RemittanceFile:
    return read_in_process(raw_file(text))


def payment_of(text: str) -> RemittedPayment:
    found = read(text)
    assert found.problems == ()
    [payment] = found.payments
    return payment


def said(found: RemittanceFile) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_remark_codes_are_those_of_the_claim_and_of_its_lines() -> None:
    [claim] = payment_of(SET).claims
    assert claim.remark_codes == ("M1", "N2")
    assert claim.lines[0].remark_codes == ("N3",)
    inpatient = payment_of(SET.replace("MOA***M1*N2", "MIA*0****M5***************M6**M7"))
    assert inpatient.claims[0].remark_codes == ("M5", "M6", "M7")


@pytest.mark.parametrize(
    ("code", "method", "amount"),
    [
        ("ACH", PaymentMethod.ACH, "100"),
        ("BOP", PaymentMethod.ACH, "100"),
        ("CHK", PaymentMethod.PAPER, "100"),
        ("FWT", PaymentMethod.WIRE, "100"),
        ("NON", PaymentMethod.ACH, "0"),
    ],
)
def test_methods(code: str, method: PaymentMethod, amount: str) -> None:
    payment = payment_of(SET.replace("BPR*I*100*C*ACH", f"BPR*I*{amount}*C*{code}"))
    assert (payment.method, payment.amount) == (method, Decimal(amount))


def test_a_line_is_the_procedure_that_was_billed_where_the_payer_decided_on_another() -> None:
    [claim] = payment_of(SET.replace("*150*100**1\nDTM", "*150*100**3*HC:X2002:59*4\nDTM")).claims
    [line] = claim.lines
    assert (line.code, line.modifiers, line.units) == ("X2002", ("59",), Decimal(4))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("DTM*472*20260105", date(2026, 1, 5)),
        ("DTM*150*20260103\nDTM*151*20260105", date(2026, 1, 3)),
        ("DTM*472*20260105\nDTM*472*20260105", date(2026, 1, 5)),
        ("DTM*999*unread", None),
    ],
)
def test_the_day_of_service_is_that_of_the_line_or_the_first_of_several(days: str, expected: date | None) -> None:
    text = SET.replace("DTM*472*20260105", days)
    assert payment_of(text).claims[0].lines[0].service_on == expected


def test_six_triplets_stand_in_a_segment_and_absent_ones_are_skipped() -> None:
    triplets = "*".join(f"{number}*{number}*" for number in range(1, 7))
    text = SET.replace("CAS*CO*45*20", f"CAS*CO*{triplets}\nCAS*OA*45*1*****46*-2*1")
    [claim] = payment_of(text).claims
    assert [(one.reason_code, one.amount, one.quantity) for one in claim.adjustments] == [
        *((str(number), Decimal(number), None) for number in range(1, 7)),
        ("45", Decimal(1), None),
        ("46", Decimal(-2), Decimal(1)),
    ]


def test_six_pairs_stand_in_a_segment_of_provider_adjustments_and_several_segments_follow_each_other() -> None:
    pairs = "*".join(f"WO:A{number}*-{number}.5" for number in range(1, 7))
    text = SET.replace("SE*", f"PLB*1234567893*20261231*{pairs}\nPLB*1234567893*20261231*72*1*CS:A:B*2\nSE*")
    assert payment_of(text).provider_adjustments == (
        *(ProviderAdjustment("WO", Decimal(f"-{number}.50"), f"A{number}") for number in range(1, 7)),
        ProviderAdjustment("72", Decimal("1.00"), None),
        ProviderAdjustment("CS", Decimal("2.00"), "A:B"),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [("100", "100.00"), ("100.", "100.00"), ("-.5", "-0.50"), ("0100.10", "100.10"), ("-0", "0.00"), ("-0.00", "0.00")],
)
def test_amounts_are_exact_to_the_cent(text: str, value: str) -> None:
    found = payment_of(SET.replace("*1*150*100*50*", f"*1*150*{text}*50*")).claims[0].paid
    assert str(found) == value


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "Infinity", "1e5", "1E999999", "+5", "--5", "1,000.00", "12.345", "12345678901", "9" * 300, ".", "-"),
        *("0x10", "1 000", "\u0661\u0662", "1_000", "$5", "5.00CR"),
    ],
)
def test_what_is_no_amount_is_said_with_its_element_and_without_its_value(text: str) -> None:
    found = read(SET.replace("*1*150*100*50*", f"*1*150*{text}*50*"))
    assert found.payments == ()
    expected = "An amount such as 1234.56 is expected, with at most 10 digits before the point and 2 after it"
    assert said(found) == [f"segment 9, CLP04: {expected}"]
    assert found.problems[0].payment == 1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("CAS*CO*45*20", "CAS*CO*45*9999999999.99*1*46*-9999999979.99", "segment 9"),
        ("CAS*PR*1*30*2", "CAS*PR*1*9999999999.98", "segment 9"),
        ("SE*", "PLB*1*20261231*WO*9999999999.99*WO*-9999999999.99\nSE*", "segment 20"),
    ],
)
def test_amounts_that_add_up_to_more_than_is_recorded_as_one_are_said(old: str, new: str, place: str) -> None:
    assert said(read(SET.replace(old, new))) == [f"{place}: The amounts add up to more than 9,999,999,999.99"]


MISSING = "This element is missing"
TOO_LONG = "At most {} characters are expected"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("ST*835", "ST*837", "segment 3, ST01: A remittance is a transaction set 835"),
        ("BPR*I*100*", "BPR*I**", f"segment 4, BPR02: {MISSING}"),
        ("BPR*I*100*", "BPR*I*-100*", "segment 4, BPR02: The amount of a payment must not be below 0"),
        ("*100*C*ACH", "*100*X*ACH", "segment 4, BPR03: C is expected, or D"),
        ("*100*C*ACH", "*100*C*ZZZ", "segment 4, BPR04: A method is one of ACH, BOP, CHK, FWT, NON"),
        ("*100*C*ACH", "*100*C*NON", "segment 4, BPR02: A payment that moves no money (NON) has an amount of 0"),
        ("*20260131\nTRN", "*20260231\nTRN", "segment 4, BPR16: A day such as 20260131 is expected"),
        ("*20260131\nTRN", "*260131\nTRN", "segment 4, BPR16: A day such as 20260131 is expected"),
        ("*20260131\nTRN", "\nTRN", f"segment 4, BPR16: {MISSING}"),
        ("*TRACE*", f"*{'T' * 51}*", f"segment 5, TRN02: {TOO_LONG.format(50)}"),
        ("*TRACE*", "**", f"segment 5, TRN02: {MISSING}"),
        ("*TRACE*", "*A\u0000B*", "segment 5, TRN02: This element has characters that no text has"),
        ("TRN*1*TRACE*1512345678\n", "", "segment 18: The set has no TRN"),
        ("N1*PR", "CUR*PR*CAD\nN1*PR", "segment 6, CUR02: Amounts are expected in US dollars (USD)"),
        ("N1*PR*Acme Mutual\n", "", "segment 6: The payer (N1*PR) and then the payee (N1*PE) are expected, each once"),
        ("CLP*INV-1*", "CLP**", f"segment 9, CLP01: {MISSING}"),
        ("*P-1*", f"*{'P' * 51}*", f"segment 9, CLP07: {TOO_LONG.format(50)}"),
        ("CAS*CO*45", "CAS*CR*45", "segment 10, CAS01: A group is one of CO, PR, OA, PI"),
        ("CAS*CO*45*20", "CAS*CO", f"segment 10, CAS02: {MISSING}"),
        ("CAS*CO*45*20", "CAS*CO*45", f"segment 10, CAS03: {MISSING}"),
        ("CAS*CO*45*20", "CAS*CO**20", f"segment 10, CAS02: {MISSING}"),
        ("CAS*CO*45*20", f"CAS*CO*45*20{'*' * 17}1", "segment 10: At most 19 elements are expected"),
        (
            "CAS*PR*1*30*2",
            "CAS*PR*1*30*x",
            "segment 16, CAS04: A quantity such as 1.5 is expected, with at most 8 digits",
        ),
        ("SVC*HC:X1001:25:LT", "SVC*X1001", "segment 14, SVC01: A qualifier and a code are expected"),
        ("SVC*HC:X1001:25:LT", "SVC*", f"segment 14, SVC01: {MISSING}"),
        ("DTM*472*20260105", "DTM*472*20261305", "segment 15, DTM02: A day such as 20260131 is expected"),
        (
            "REF*6R*11",
            "REF*6R*11\nREF*6R*12",
            "segment 18, REF02: The line has another line item control number already",
        ),
        ("SE*", "PLB*1*20261231\nSE*", f"segment 19, PLB03: {MISSING}"),
        ("SE*", "PLB*1*20261231*WO:1\nSE*", f"segment 19, PLB04: {MISSING}"),
    ],
)
def test_an_element_that_cannot_be_read_is_said_and_the_other_sets_are_read(old: str, new: str, problem: str) -> None:
    assert old in SET
    found = read_in_process(raw_file(SET.replace(old, new, 1), OTHER))
    assert [payment.trace for payment in found.payments] == ["OTHER"]
    assert [payment.place for payment in found.payments] == [2]
    assert said(found)[0].startswith(problem)
    assert {one.payment for one in found.problems} == {1}


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ("BPR*I*1*C*ACH", "LX*1"),
        ("TRN*1*X*1", "CLP*"),
        ("CLP*INV-9*1*1*1", "N1*PR"),
        ("CAS*CO*45*1", "LX*1"),
        ("SVC*HC:X1*1*1", "CLP*"),
        ("LQ*HE*N1", "SVC*"),
        ("NM1*QC*1", "LQ*"),
        ("N1*PR*Acme", "LX*1"),
        ("PLB*1*20261231*WO*1", "N1*PE"),
        ("MOA***M1", "REF*6R"),
    ],
)
def test_a_segment_at_a_wrong_place_is_a_problem_of_its_set_alone(segment: str, place: str) -> None:
    found = read_in_process(raw_file(SET.replace(place, f"{segment}\n{place}", 1), OTHER))
    assert [payment.trace for payment in found.payments] == ["OTHER"]
    [problem] = found.problems
    name = segment.split("*", 1)[0]
    assert problem.payment == 1
    assert name in problem.reason or "N1*PR" in problem.reason


def test_a_claim_after_provider_adjustments_is_at_a_wrong_place() -> None:
    text = SET.replace("SE*", "PLB*1*20261231*WO*1\nCLP*INV-2*1*1*1\nSE*")
    assert said(read(text)) == ["segment 20: A segment CLP must not stand here"]


def test_segments_that_are_not_known_are_skipped() -> None:
    assert payment_of(SET.replace("LX*1", "ZZ9*whatever\nLX*1").replace("LQ*", "K3*more\nLQ*")) == payment_of(SET)


def test_several_problems_of_a_set_are_told_together() -> None:
    text = SET.replace("*150*100*50*", "*x*y*50*").replace("CAS*CO*45*20", "CAS*CO*45*z").replace("*20260105", "*1")
    elements = [problem.element for problem in read(text).problems]
    assert elements == ["CLP03", "CAS03", "DTM02"]


def test_a_debit_and_a_test_are_no_money() -> None:
    [problem] = read(SET.replace("*100*C*", "*100*D*")).problems
    assert (problem.element, problem.payment) == ("BPR03", 1)
    assert "by hand" in problem.reason
    [tested] = read_in_process(raw_file(SET).replace(b"*0*P*:", b"*0*T*:")).problems
    assert (tested.segment, tested.element, tested.payment) == (1, "ISA15", 1)


def test_no_problem_quotes_the_file() -> None:
    hidden = SET.replace("*1*150*", "*1*Secretname*").replace("CAS*CO*45*20", "CAS*Secretname*45*20")
    hidden = hidden.replace("REF*6R*11", "REF*6R*11\nREF*6R*Secretname").replace("TRACE", f"Secretname{'x' * 60}")
    found = read(hidden)
    assert len(found.problems) == 4
    assert "Secretname" not in repr(found)
