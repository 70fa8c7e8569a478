"""The parts of contents that all kinds of documents share: letterhead, recipient, case, providers, and the figures of invoices."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.documents.bills import StatementInvoice, StatementLine
from domain.documents.checks import missing_in
from domain.documents.contents import Contents, amount_of, kind_of
from domain.documents.parts import (
    ZERO,
    CaseFacts,
    Facility,
    InvoiceFigures,
    Letterhead,
    PayerAmount,
    Physician,
    Recipient,
    ServiceLine,
)
from domain.errors import InvalidInput
from domain.issuing.documents import DocumentRecipient
from domain.records.addresses import printed_lines
from domain.records.identifiers import printed_tin
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice
from resolvers.commands.issued.writing import NO_NUMBER, Draft, newest_template
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
# The draft of a document; None with what it needs and does not have, each with where to mend it.
Drafted = tuple[Draft | None, list[str]]


def lines_of(text: str | None) -> tuple[str, ...]:
    """The lines of an address."""
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def address_of(row: Row, prefix: str = "address") -> tuple[str, ...]:
    """The lines of an address: of its parts or, where none is known, of the text that was typed."""
    return printed_lines(row, prefix) or lines_of(row.get("address"))


def letterhead_of(gathered: Gathered) -> Letterhead:
    """The clinic as its documents name it."""
    clinic = gathered.clinic
    known = {name: clinic[name] or "" for name in ("phone", "fax", "email", "npi", "taxonomy")}
    known["tin"] = printed_tin(clinic["tin"]) if clinic["tin"] else ""
    name = clinic["legal_name"] or clinic["name"]
    return Letterhead(name, address_of(clinic, "physical"), printed_lines(clinic, "remit"), **known)


def case_of(gathered: Gathered) -> CaseFacts:
    """The case that a document is about."""
    born, row = gathered.patient["birth_date"], gathered.row
    return CaseFacts(row["number"], patient_name(gathered), born and date.fromisoformat(born), row["date_of_injury"])


def patient_name(gathered: Gathered) -> str:
    """The patient's name."""
    return f"{gathered.patient['first_name']} {gathered.patient['last_name']}"


def facility_of(row: Row | None) -> Facility | None:
    """Where a patient was treated."""
    if row is None:
        return None
    return Facility(row["name"], printed_lines(row, "address"), row["npi"] or "", row["place_of_service"] or "")


def physician_of(row: Row | None) -> Physician | None:
    """Who treated a patient."""
    names = ("npi", "taxonomy", "licence_number", "licence_state")
    return Physician(row["name"], *(row[name] or "" for name in names)) if row else None


def recipient_of(work: UnitOfWork, gathered: Gathered, default: DocumentRecipient) -> tuple[Recipient, UUID | None]:
    """The recipient that the input asks for, and the attorney if it is the attorney of the case."""
    wanted = DocumentRecipient(work.inputs.get("recipient") or default)
    if wanted is DocumentRecipient.ATTORNEY and gathered.attorney is None:
        if work.inputs.get("recipient") is not None:
            raise InvalidInput("No attorney represents the case", ("recipient",))
        wanted = DocumentRecipient.PATIENT
    if wanted is DocumentRecipient.ATTORNEY and gathered.attorney:
        attorney = gathered.attorney
        firm = (attorney["firm"],) if attorney["firm"] else ()
        return Recipient(attorney["name"], (*firm, *address_of(attorney))), UUID(attorney["id"])
    if wanted is DocumentRecipient.PAYER:
        if not gathered.invoices:
            raise InvalidInput("The case has no payer yet", ("recipient",))
        return payer_of(gathered.invoices[-1]), None
    return Recipient(patient_name(gathered), address_of(gathered.patient)), None


def payer_of(invoice: GatheredInvoice) -> Recipient:
    """The payer of an invoice as a recipient."""
    return Recipient(invoice.payer["name"], address_of(invoice.payer))


def service_lines(invoice: GatheredInvoice) -> tuple[ServiceLine, ...]:
    """The lines of an invoice."""
    day = invoice.row["service_date"]
    return tuple(
        ServiceLine(
            day, one["code"], service_of(one["label"], bilateral=one["bilateral"]), Decimal(one["amount"]), one["units"]
        )
        for one in invoice.lines
    )


def service_of(label: str, *, bilateral: bool) -> str:
    """A service as documents write it."""
    return f"{label}, both sides" if bilateral else label


def figures_of(invoice: GatheredInvoice) -> InvoiceFigures:
    """The figures of an invoice: billed less paid less adjusted is payable."""
    row, one = invoice.row, invoice.figures
    return InvoiceFigures(row["number"], row["service_date"], one.billed, one.paid, one.adjusted, one.balance)


def totals_of(invoices: Iterable[GatheredInvoice]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Billed, paid, adjusted and payable of some invoices."""
    rows = [figures_of(one) for one in invoices]
    billed, paid = total_of(one.billed for one in rows), total_of(one.paid for one in rows)
    return billed, paid, total_of(one.adjusted for one in rows), total_of(one.payable for one in rows)


def total_of(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of amounts, in US dollars."""
    return sum(amounts, ZERO)


def paid_by(gathered: Gathered, invoices: Iterable[GatheredInvoice]) -> tuple[PayerAmount, ...]:
    """What each payer has paid, by name."""
    sums: dict[str, Decimal] = {}
    for payment in (found for one in invoices for found in one.figures.payments):
        name = gathered.payers[payment.payer_id]
        sums[name] = sums.get(name, ZERO) + payment.amount
    return tuple(PayerAmount(name, amount) for name, amount in sorted(sums.items()) if amount)


def statement_invoice(gathered: Gathered, invoice: GatheredInvoice) -> StatementInvoice:
    """An invoice of a statement: payments and adjustments fill its lines one after the other, and the last takes what is left."""
    left = list(paid_by(gathered, [invoice]))
    adjusted, lines, charged = invoice.figures.adjusted, list[StatementLine](), service_lines(invoice)
    for place, line in enumerate(charged):
        is_last = place == len(charged) - 1
        room, parts = line.charge, list[PayerAmount]()
        taken = adjusted if is_last else max(min(adjusted, room), ZERO)
        adjusted, room = adjusted - taken, room - taken
        for number, one in enumerate(left):
            part = one.amount if is_last else max(min(one.amount, room), ZERO)
            left[number], room = PayerAmount(one.payer, one.amount - part), room - part
            parts += [PayerAmount(one.payer, part)] if part else []
        balance = line.charge - taken - total_of(one.amount for one in parts)
        known = {"payments": tuple(parts), "adjusted": taken, "units": line.units}
        lines.append(StatementLine(line.service_on, line.code, line.description, line.charge, balance, **known))  # type: ignore[arg-type]
    return StatementInvoice(figures_of(invoice), tuple(lines))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that is about to be drafted: to whom, what it says under a number, and the invoices that it names."""

    recipient: Recipient
    contents: Callable[[str], Contents]
    invoices: Sequence[GatheredInvoice]
    attorney_id: UUID | None = None


async def drafted(work: UnitOfWork, gathered: Gathered, wanted: Wanted, line_count: int, **more: Any) -> Drafted:
    """The draft of a document, unless it needs data that is not known."""
    shown = wanted.contents(NO_NUMBER)
    kind = kind_of(shown)
    missing = [f"{one.message} ({one.mutation})" for one in missing_in(kind, shown)]
    if missing:
        return None, missing
    template_id, texts = await newest_template(work, kind)
    draft = Draft(
        kind=kind,
        case_id=gathered.id,
        recipient=wanted.recipient.name,
        contents=wanted.contents,
        invoices=[(one.id, one.figures.balance) for one in wanted.invoices],
        attorney_id=wanted.attorney_id,
        stated_amount=amount_of(shown),
        template_id=template_id,
        texts=texts,
        line_count=line_count,
        **{"as_of": gathered.as_of, **more},
    )
    return draft, []
