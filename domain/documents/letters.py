"""What stands in the letters about a case: payoff letter, lien notice, lien release and billing affidavit."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.documents.parts import (
    ZERO,
    CaseFacts,
    DoesNotFootError,
    InvoiceFigures,
    Letterhead,
    Lines,
    Physician,
    Recipient,
    must_equal,
    must_foot,
)


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice of a letter, and the amount of it that the recipient owes; `is_negotiated` when that amount was agreed."""

    number: str
    service_on: date
    amount: Decimal
    billed: Decimal
    is_negotiated: bool = False


@dataclass(frozen=True, slots=True)
class PayoffLetter:
    """What closes a case, good through a day: payable = total, less the unapplied money only if `is_netted`."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    good_through: date
    invoices: tuple[OpenInvoice, ...]
    total: Decimal
    payable: Decimal
    unapplied: Decimal = ZERO
    is_netted: bool = False
    is_final: bool = False
    unbilled_visits: int = 0

    def __post_init__(self) -> None:
        must_equal("The balances", self.total, (one.amount for one in self.invoices))
        must_equal("The payoff", self.payable, (self.total, -self.unapplied if self.is_netted else ZERO))


@dataclass(frozen=True, slots=True)
class LienRule:
    """A rule of the state about the lien: its label, its words, where it stands, and when that was last reviewed."""

    label: str
    text: str
    source: str
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class LienNotice:
    """A notice that the clinic claims a lien on the recovery of a case."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    state: str
    invoices: tuple[OpenInvoice, ...]
    amount: Decimal
    liable_parties: Lines = ()
    rules: tuple[LienRule, ...] = ()

    def __post_init__(self) -> None:
        must_equal("The amounts of the lien", self.amount, (one.amount for one in self.invoices))


@dataclass(frozen=True, slots=True)
class ReleasedInvoice:
    """An invoice that a lien no longer secures; `settled_as` says why: paid, written off, waived or void."""

    number: str
    service_on: date
    billed: Decimal
    settled_as: str


@dataclass(frozen=True, slots=True)
class LienRelease:
    """The release of a lien; `notice_number` and `notice_on` name the notice that it releases."""

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    state: str
    invoices: tuple[ReleasedInvoice, ...]
    billed: Decimal
    notice_number: str = ""
    notice_on: date | None = None

    def __post_init__(self) -> None:
        must_equal("The released invoices", self.billed, (one.billed for one in self.invoices))
        if not self.invoices:
            raise DoesNotFootError("A release names at least one invoice")


@dataclass(frozen=True, slots=True)
class BillingAffidavit:
    """An affidavit about the cost of services (Texas CPRC 18.001, 18.002), as of a day; unknown facts are left blank to fill in.

    `capacity` is "provider" or "custodian"; `statement` is the number of the statement to which it swears.
    """

    letterhead: Letterhead
    recipient: Recipient
    number: str
    issued_on: date
    case: CaseFacts
    as_of: date
    invoices: tuple[InvoiceFigures, ...]
    billed: Decimal
    paid: Decimal
    adjusted: Decimal
    payable: Decimal
    affiant: str = ""
    capacity: str = "custodian"
    state: str = "Texas"
    county: str = ""
    executed_on: date | None = None
    served_on: date | None = None
    notary: str = ""
    statement: str = ""
    physician: Physician | None = None

    def __post_init__(self) -> None:
        must_foot(self.invoices, (self.billed, self.paid, self.adjusted, self.payable))
