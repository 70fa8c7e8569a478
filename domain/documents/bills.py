"""What stands in the documents that bill: invoice, itemized statement, patient statement and good-faith estimate."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.documents.parts import (
    ZERO,
    CaseFacts,
    Facility,
    InvoiceFigures,
    Letterhead,
    Lines,
    PayerAmount,
    Physician,
    Recipient,
    ServiceLine,
    must_equal,
    must_foot,
)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice: charged = paid + adjusted + payable. `number` is that of the document, `invoice` that of the invoice."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    lines: tuple[ServiceLine, ...]
    charged: Decimal
    payable: Decimal
    paid: Decimal = ZERO
    adjusted: Decimal = ZERO
    due_on: date | None = None
    facility: Facility | None = None
    physician: Physician | None = None
    invoice: str = ""

    def __post_init__(self) -> None:
        must_equal("The lines", self.charged, (line.charge for line in self.lines))
        must_equal("The figures", self.charged, (self.paid, self.adjusted, self.payable))


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A billed service with what was paid and adjusted on it: charge = sum of payments + adjusted + balance."""

    service_on: date
    code: str
    description: str
    charge: Decimal
    balance: Decimal
    payments: tuple[PayerAmount, ...] = ()
    adjusted: Decimal = ZERO
    units: int = 1
    modifiers: Lines = ()

    @property
    def paid(self) -> Decimal:
        """What all payers have paid on this line."""
        return sum((payment.amount for payment in self.payments), ZERO)

    def __post_init__(self) -> None:
        must_equal(f"The figures of {self.code}", self.charge, (self.paid, self.adjusted, self.balance))


@dataclass(frozen=True, slots=True)
class StatementInvoice:
    """An invoice of an itemized statement: its lines, and its figures, to which they foot."""

    figures: InvoiceFigures
    lines: tuple[StatementLine, ...]

    def __post_init__(self) -> None:
        what, one = f"of invoice {self.figures.number}", self.figures
        must_equal(f"The charges {what}", one.billed, (line.charge for line in self.lines))
        must_equal(f"The payments {what}", one.paid, (line.paid for line in self.lines))
        must_equal(f"The adjustments {what}", one.adjusted, (line.adjusted for line in self.lines))
        must_equal(f"The balances {what}", one.payable, (line.balance for line in self.lines))


@dataclass(frozen=True, slots=True)
class ItemisedStatement:
    """All billed services of a case as of a day; `is_restated` when the day is in the past.

    `payments` says what each payer has paid; its sum is `paid`.
    """

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    as_of: date
    invoices: tuple[StatementInvoice, ...]
    billed: Decimal
    paid: Decimal
    adjusted: Decimal
    payable: Decimal
    payments: tuple[PayerAmount, ...] = ()
    is_restated: bool = False
    facility: Facility | None = None
    physician: Physician | None = None

    def __post_init__(self) -> None:
        must_foot((one.figures for one in self.invoices), (self.billed, self.paid, self.adjusted, self.payable))
        must_equal("The payments by payer", self.paid, (payment.amount for payment in self.payments))
        sums: dict[str, Decimal] = {}
        for payment in (found for one in self.invoices for line in one.lines for found in line.payments):
            sums[payment.payer] = sums.get(payment.payer, ZERO) + payment.amount
        for payment in self.payments:
            must_equal(f"The payments of {payment.payer}", payment.amount, (sums.pop(payment.payer, ZERO),))
        must_equal("The payments of payers that are not named", ZERO, sums.values())


@dataclass(frozen=True, slots=True)
class PatientStatement:
    """What a patient himself has to pay: his part of each invoice."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    invoices: tuple[InvoiceFigures, ...]
    billed: Decimal
    paid: Decimal
    adjusted: Decimal
    payable: Decimal
    due_on: date | None = None

    def __post_init__(self) -> None:
        must_foot(self.invoices, (self.billed, self.paid, self.adjusted, self.payable))


@dataclass(frozen=True, slots=True)
class GoodFaithEstimate:
    """The expected charges of planned services (45 CFR 149.610); without what the rule names it is called a quote."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    patient: str
    lines: tuple[ServiceLine, ...]
    total: Decimal
    expected_on: date | None = None
    diagnoses: Lines = ()
    notices: Lines = ()
    born_on: date | None = None
    facility: Facility | None = None
    physician: Physician | None = None

    def __post_init__(self) -> None:
        must_equal("The lines", self.total, (line.charge for line in self.lines))

    @property
    def is_quote(self) -> bool:
        """Whether something that 45 CFR 149.610 names is missing: diagnosis, NPI, TIN or the notices."""
        npi = self.letterhead.npi or (self.physician.npi if self.physician else "")
        return not (self.diagnoses and npi and self.letterhead.tin and self.notices)
