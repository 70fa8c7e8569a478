"""The parts that documents of several kinds have: letterhead, recipient, providers, the case, and checks that amounts foot."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal("0.00")
Lines = tuple[str, ...]


class DoesNotFootError(ValueError):
    """The rows of a document do not add up to its totals: it is not drawn."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The clinic that issues a document, as its master data says it on that day; what is not known is empty."""

    name: str
    physical_address: Lines = ()
    remit_address: Lines = ()
    phone: str = ""
    fax: str = ""
    email: str = ""
    tin: str = ""
    npi: str = ""
    taxonomy: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a document is addressed: the name, and the printed lines of the address."""

    name: str
    address: Lines = ()


@dataclass(frozen=True, slots=True)
class Facility:
    """Where a patient was treated."""

    name: str
    address: Lines = ()
    npi: str = ""
    place_of_service: str = ""


@dataclass(frozen=True, slots=True)
class Physician:
    """Who treated a patient."""

    name: str
    npi: str = ""
    taxonomy: str = ""
    licence_number: str = ""
    licence_state: str = ""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The case that a document is about; `reference` is the number under which the recipient knows it."""

    number: str
    patient: str
    born_on: date | None = None
    injured_on: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A billed service."""

    service_on: date
    code: str
    description: str
    charge: Decimal
    units: int = 1
    modifiers: Lines = ()


@dataclass(frozen=True, slots=True)
class InvoiceFigures:
    """An invoice as a row of a statement: billed = paid + adjusted + payable."""

    number: str
    service_on: date
    billed: Decimal
    paid: Decimal
    adjusted: Decimal
    payable: Decimal

    def __post_init__(self) -> None:
        must_equal(f"The figures of invoice {self.number}", self.billed, (self.paid, self.adjusted, self.payable))


@dataclass(frozen=True, slots=True)
class PayerAmount:
    """What one payer has paid."""

    payer: str
    amount: Decimal


def must_equal(what: str, total: Decimal, parts: Iterable[Decimal]) -> None:
    """Refuse a total that is not exactly the sum of its parts."""
    found = sum(parts, ZERO)
    if found != total:
        raise DoesNotFootError(f"{what} do not foot: {found} is not {total}")


def must_foot(rows: Iterable[InvoiceFigures], totals: tuple[Decimal, Decimal, Decimal, Decimal]) -> None:
    """Refuse totals (billed, paid, adjusted, payable) that are not the sums of the rows."""
    columns = zip(*((row.billed, row.paid, row.adjusted, row.payable) for row in rows), strict=True)
    sums = list(columns) or [(), (), (), ()]
    for what, total, parts in zip(("billed", "paid", "adjusted", "payable"), totals, sums, strict=True):
        must_equal(f"The amounts {what}", total, parts)
