"""The worked examples of remittances, as files: a limit that is used up, and a payment of which the payer keeps more than it pays."""

from decimal import Decimal

import pytest

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import (
    BrokenLaw,
    ProviderAdjustment,
    RemittanceLaw,
    RemittedAdjustment,
    RemittedPayment,
    broken_laws,
)
from imports.x12.child import read_in_process, read_remittances
from tests.support.x12.raw_files import raw_file

LIMIT_USED_UP = """
ST*835*0001
BPR*I*2800*C*ACH*CCP*01*021000021*DA*1234567*1512345678**01*011000015*DA*7654321*20260915
TRN*1*EFT20260915*1512345678
N1*PR*Acme Mutual*XV*12345
N3*1 Insurance Way
N4*Hartford*CT*061031234
PER*BL*Technical desk*EM*edi@payer.example
N1*PE*Harbor Injury Clinic*XX*1234567893
LX*1
CLP*INV-2026-000042*1*4251.04*2800*850.2*AM*PIP-7*11*1
NM1*QC*1*Sample*Person
SVC*HC:X1001*2712.32*2169.86**1
DTM*472*20260820
CAS*PR*2*542.46
REF*6R*1
SVC*HC:X1002*1538.72*630.14**2
DTM*472*20260820
CAS*PR*2*307.74
CAS*PI*119*600.84
REF*6R*2
SE*21*0001
"""

NEGATIVE = """
ST*835*0001
BPR*I*{paid}*C*CHK************20260915
TRN*1*70012*1512345678
N1*PR*Acme Mutual
N3*1 Insurance Way
N4*Hartford*CT*061031234
PER*BL*Technical desk*EM*edi@payer.example
N1*PE*Harbor Injury Clinic*XX*1234567893
LX*1
CLP*INV-1*22*-1120.5*-890.25**AM*A1
CAS*CO*45*-230.25
NM1*QC*1*Sample*Person
CLP*INV-2*1*500*380*120*AM*A2
CAS*PR*1*120
NM1*QC*1*Sample*Person
PLB*1234567893*20261231*FB:70009*-1000*WO:70003*52.06*L6*-30
SE*17*0001
"""


def read(text: str) -> RemittedPayment:
    """The one payment of a file, which both ways of reading give."""
    data = raw_file(text)
    found = read_in_process(data)
    assert found == read_remittances(data)
    assert (found.problems, found.problem_count) == ((), 0)
    [payment] = found.payments
    return payment


def test_a_limit_that_is_used_up() -> None:
    payment = read(LIMIT_USED_UP)
    assert broken_laws(payment) == []
    assert (payment.amount, payment.method) == (Decimal("2800.00"), PaymentMethod.ACH)
    assert (payment.trace, payment.payer_identifier) == ("EFT20260915", "1512345678")
    assert payment.paid_on.isoformat() == "2026-09-15"
    [claim] = payment.claims
    assert (claim.number, claim.status_code, claim.payer_number) == ("INV-2026-000042", "1", "PIP-7")
    assert (claim.charge, claim.paid, claim.patient_amount) == (Decimal("4251.04"), Decimal(2800), Decimal("850.20"))
    first, second = claim.lines
    assert [line.reference for line in claim.lines] == ["1", "2"]
    assert first.adjustments == (RemittedAdjustment(AdjustmentGroup.PR, "2", Decimal("542.46")),)
    assert second.adjustments == (
        RemittedAdjustment(AdjustmentGroup.PR, "2", Decimal("307.74")),
        RemittedAdjustment(AdjustmentGroup.PI, "119", Decimal("600.84")),
    )
    # What is left to be moved to somebody else.
    left = claim.patient_amount + second.adjustments[1].amount
    assert left == Decimal("1451.04")


def test_claims_below_zero_and_an_adjustment_of_the_provider_make_a_payment() -> None:
    payment = read(NEGATIVE.format(paid="467.69"))
    assert broken_laws(payment) == []
    assert payment.method is PaymentMethod.PAPER
    assert sum(claim.paid for claim in payment.claims) == Decimal("-510.25")
    assert payment.provider_adjustments == (
        ProviderAdjustment("FB", Decimal("-1000.00"), "70009"),
        ProviderAdjustment("WO", Decimal("52.06"), "70003"),
        ProviderAdjustment("L6", Decimal("-30.00"), None),
    )
    assert sum(one.amount for one in payment.provider_adjustments) == Decimal("-977.94")
    assert payment.amount == Decimal("467.69")


def test_a_stated_amount_that_is_not_what_the_claims_make_is_out_of_balance() -> None:
    [broken] = broken_laws(read(NEGATIVE.format(paid="5950.21")))
    assert broken == BrokenLaw(RemittanceLaw.PAYMENT, Decimal("5950.21"), Decimal("467.69"))


@pytest.mark.parametrize(
    ("change", "law", "stated", "computed", "place"),
    [
        # SVC02, with the claim's charge changed alike: only the line is wrong.
        (("1538.72*630.14", "1538.73*630.14"), "line", "1538.73", "1538.72", (1, 2)),
        (("*4251.04*2800*", "*4251.05*2800*"), "claim", "4251.05", "4251.04", (1, None)),
        (("BPR*I*2800*", "BPR*I*2800.01*"), "payment", "2800.01", "2800.00", (None, None)),
    ],
)
def test_each_law_that_is_broken_alone_is_told_with_its_figures(
    change: tuple[str, str], law: str, stated: str, computed: str, place: tuple[int | None, int | None]
) -> None:
    [broken] = broken_laws(read(LIMIT_USED_UP.replace(*change)))
    assert broken == BrokenLaw(RemittanceLaw(law), Decimal(stated), Decimal(computed), *place)
