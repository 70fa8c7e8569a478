"""The parts of contents that all kinds of documents share: letterhead, recipient, tables of charges, and the clinic's texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.billing.money import format_money
from domain.documents.contents import Contents, Letterhead, Listing
from domain.documents.kinds import DocumentKind
from domain.documents.texts import filled
from domain.issuing.documents import DocumentRecipient
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice

Row = Mapping[str, Any]
COLUMNS = ("Day", "What", "Units", "Charge", "Credit")


def dollars(amount: Decimal) -> str:
    """An amount as documents state it, such as $1,234.50; a negative one with its sign in front."""
    text = format_money(abs(amount))
    whole, cents = text.split(".")
    return f"{'-' if amount < 0 else ''}${int(whole):,}.{cents}"


def letterhead_of(gathered: Gathered) -> Letterhead:
    """The clinic as its documents name it."""
    clinic = gathered.clinic
    phone = [f"Phone {clinic['phone']}"] if clinic["phone"] else []
    return Letterhead(clinic["name"], (*lines_of(clinic["address"]), *phone))


def missing_in(gathered: Gathered) -> list[str]:
    """The master data that every document needs and the clinic does not have, each with where to mend it."""
    return [] if lines_of(gathered.clinic["address"]) else ["the clinic's address (updateClinic)"]


def tin_of(gathered: Gathered) -> str | None:
    """The clinic's tax number; None while it has none."""
    tin: str | None = gathered.clinic.get("tin")
    return tin


def lines_of(text: str | None) -> tuple[str, ...]:
    """The lines of an address."""
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def patient_name(gathered: Gathered) -> str:
    """The patient's name."""
    return f"{gathered.patient['first_name']} {gathered.patient['last_name']}"


def addressed_to(gathered: Gathered, recipient: DocumentRecipient, payer: Row | None = None) -> tuple[str, ...]:
    """The name and the address of a recipient."""
    if recipient is DocumentRecipient.ATTORNEY and gathered.attorney:
        attorney = gathered.attorney
        return (attorney["name"], *([attorney["firm"]] if attorney["firm"] else []), *lines_of(attorney["address"]))
    if recipient is DocumentRecipient.PAYER and payer:
        return (payer["name"], *lines_of(payer["address"]))
    return (patient_name(gathered), *lines_of(gathered.patient["address"]))


def about_case(gathered: Gathered) -> tuple[tuple[str, str], ...]:
    """What the head of every document says about the case."""
    patient = gathered.patient
    born = (("Date of birth", str(patient["birth_date"])),) if patient["birth_date"] else ()
    case = (("Case", gathered.row["number"]), ("Date of injury", str(gathered.row["date_of_injury"])))
    return (("Patient", patient_name(gathered)), *born, *case)


def listing_of(gathered: Gathered, invoice: GatheredInvoice) -> Listing:
    """The charges, payments and adjustments of an invoice, with totals that foot."""
    row, figures = invoice.row, invoice.figures
    day = str(row["service_date"])
    charges = [
        (day, f"{one['code']} {one['label']}", str(one["units"]), dollars(Decimal(one["amount"])), "")
        for one in invoice.lines
    ]
    paid = [
        (str(one.on), f"Payment of {gathered.payers[one.payer_id]}", "", "", dollars(one.amount))
        for one in figures.payments
    ]
    adjusted = [(str(one.on), one.words, "", "", dollars(one.amount)) for one in figures.adjustments]
    treated = [name["name"] for name in (invoice.physician, invoice.facility) if name]
    heading = " · ".join([f"Invoice {row['number']}", *treated])
    return Listing(heading, COLUMNS, (*charges, *paid, *adjusted), totals_of([invoice]))


def totals_of(invoices: Sequence[GatheredInvoice]) -> tuple[tuple[str, ...], ...]:
    """Billed, paid, adjusted and payable; billed less paid less adjusted is payable."""
    figures = [one.figures for one in invoices]
    billed, paid = sum_of(one.billed for one in figures), sum_of(one.paid for one in figures)
    adjusted, balance = sum_of(one.adjusted for one in figures), sum_of(one.balance for one in figures)
    assert billed - paid - adjusted == balance, "the totals of a document do not foot"
    rows = (("Billed", billed, True), ("Paid", paid, False), ("Adjusted", adjusted, False), ("Payable", balance, True))
    return tuple(
        ("", words, "", *((dollars(amount), "") if is_charge else ("", dollars(amount))))
        for words, amount, is_charge in rows
    )


def sum_of(amounts: Any) -> Decimal:
    """The sum of amounts, in US dollars."""
    return sum(amounts, Decimal("0.00"))


@dataclass(frozen=True, slots=True)
class Page:
    """What a document says besides the clinic and the case: to whom, the clinic's texts with the values of their variables, and tables."""

    kind: DocumentKind
    title: str
    day: date
    recipient: tuple[str, ...]
    texts: Mapping[str, str]
    values: Mapping[str, str]
    about: tuple[tuple[str, str], ...] = ()
    listings: tuple[Listing, ...] = ()
    blanks: tuple[str, ...] = ()


def whole(gathered: Gathered, page: Page, number: str) -> Contents:
    """The contents of a document under a number, with the clinic's texts filled in."""
    letterhead = letterhead_of(gathered)
    known = {
        "clinic": letterhead.name,
        "patient": patient_name(gathered),
        "case": gathered.row["number"],
        "injury_day": str(gathered.row["date_of_injury"]),
        "recipient": page.recipient[0],
        **page.values,
    }
    words = filled(page.kind, page.texts, known)
    head = (*about_case(gathered), *page.about)
    return Contents(
        *(page.kind, page.title, number, str(page.day), letterhead, page.recipient, head),
        opening=words["opening"],
        listings=page.listings,
        closing=words["closing"],
        blanks=page.blanks,
    )
