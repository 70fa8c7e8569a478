"""The drafts of statements: a case as of a day, what a patient owes, and the affidavit that swears to a statement."""

from functools import partial
from uuid import UUID

from domain.access.people import PayerKind
from domain.days import not_later
from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput
from domain.issuing.documents import AffiantCapacity, DocumentRecipient
from domain.texts import NAME, Text, optional_text, required_text
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, gather
from resolvers.commands.issued.wording import (
    COLUMNS,
    Listing,
    Page,
    addressed_to,
    dollars,
    listing_of,
    missing_in,
    sum_of,
    totals_of,
    whole,
)
from resolvers.commands.issued.writing import Draft, lock_standing, newest_template
from resolvers.commands.unit_of_work import UnitOfWork

_K = DocumentKind
_CAPACITIES = {
    AffiantCapacity.PROVIDER: "the person who provided the services",
    AffiantCapacity.CUSTODIAN: "the custodian of the records of the charges",
}
Drafted = tuple[Draft | None, list[str]]


def case_id_of(work: UnitOfWork) -> UUID:
    """The case that the input names."""
    identity: UUID | None = work.inputs.get("case_id")
    if identity is None:
        raise InvalidInput("The case is required", ("case_id",))
    return identity


def recipient_of(
    work: UnitOfWork, gathered: Gathered, default: DocumentRecipient
) -> tuple[tuple[str, ...], UUID | None]:
    """The lines of the recipient, and the attorney if it is the attorney of the case."""
    wanted = DocumentRecipient(work.inputs.get("recipient") or default)
    if wanted is DocumentRecipient.ATTORNEY and gathered.attorney is None:
        if work.inputs.get("recipient") is not None:
            raise InvalidInput("No attorney represents the case", ("recipient",))
        wanted = DocumentRecipient.PATIENT
    payer = gathered.invoices[-1].payer if gathered.invoices else None
    if wanted is DocumentRecipient.PAYER and payer is None:
        raise InvalidInput("The case has no payer yet", ("recipient",))
    is_attorney = wanted is DocumentRecipient.ATTORNEY and gathered.attorney is not None
    attorney_id = UUID(gathered.attorney["id"]) if is_attorney and gathered.attorney else None
    return addressed_to(gathered, wanted, payer), attorney_id


async def itemised_statement(work: UnitOfWork) -> Drafted:
    """All invoices of a case as of a day."""
    return await _statement(work, _K.ITEMISED_STATEMENT, "Itemised statement", DocumentRecipient.ATTORNEY)


async def patient_statement(work: UnitOfWork) -> Drafted:
    """The invoices of a case that the patient owes."""
    return await _statement(work, _K.PATIENT_STATEMENT, "Statement of account", DocumentRecipient.PATIENT)


async def _statement(work: UnitOfWork, kind: DocumentKind, title: str, default: DocumentRecipient) -> Drafted:
    as_of = not_later(work.inputs.get("as_of") or work.today, work.today, "as_of")
    gathered = await gather(work, case_id_of(work), as_of)
    if missing := missing_in(gathered):
        return None, missing
    invoices = gathered.invoices
    if kind is _K.PATIENT_STATEMENT:
        invoices = tuple(one for one in invoices if one.payer["kind"] == PayerKind.PATIENT.value)
    if not invoices:
        raise InvalidInput("There is no invoice to state on this day", ("as_of",))
    recipient, attorney_id = recipient_of(work, gathered, default)
    template, texts = await newest_template(work, kind)
    payable = sum_of(one.figures.balance for one in invoices)
    values = {"as_of": str(as_of), "amount": dollars(payable)}
    page = Page(
        *(kind, title, work.today, recipient, texts, values),
        about=(("As of", str(as_of)), ("Payable", dollars(payable))),
        listings=listings_of(gathered, invoices),
    )
    draft = Draft(
        kind=kind,
        case_id=gathered.id,
        recipient=recipient[0],
        contents=partial(whole, gathered, page),
        as_of=as_of,
        invoices=[(one.id, one.figures.balance) for one in invoices],
        attorney_id=attorney_id,
        stated_amount=payable,
        template_id=template,
        line_count=_lines_of(invoices),
    )
    return draft, []


def listings_of(gathered: Gathered, invoices: tuple[GatheredInvoice, ...]) -> tuple[Listing, ...]:
    """A table for each invoice, and one of the totals of all."""
    each = tuple(listing_of(gathered, one) for one in invoices)
    return (*each, Listing("In all", COLUMNS, (), totals_of(invoices)))


def _lines_of(invoices: tuple[GatheredInvoice, ...]) -> int:
    """How many lines a document of these invoices has, headings and totals included."""
    return sum(len(one.lines) + len(one.figures.payments) + len(one.figures.adjustments) + 6 for one in invoices)


async def billing_affidavit(work: UnitOfWork) -> Drafted:
    """The affidavit that swears to an itemised statement (Texas Civil Practice and Remedies Code 18.001, 18.002)."""
    asked = work.inputs.get("affidavit")
    if asked is None:
        raise InvalidInput("Who swears to which statement is required", ("affidavit",))
    affiant = required_text(asked, "affiant", NAME)
    county = optional_text(asked, "county", Text(NAME.longest))
    statement = await lock_standing(work, asked["statement_id"], "statement_id")
    if statement["kind"] != _K.ITEMISED_STATEMENT.value:
        raise InvalidInput("An affidavit swears to an itemised statement", ("affidavit", "statement_id"))
    gathered = await gather(work, statement["case_id"], statement["as_of"])
    if missing := missing_in(gathered):
        return None, missing
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)
    template, texts = await newest_template(work, _K.BILLING_AFFIDAVIT)
    stated = statement["stated_amount"]
    capacity = _CAPACITIES[AffiantCapacity(asked["capacity"])]
    values = {"affiant": affiant, "capacity": capacity, "statement": statement["number"], "amount": dollars(stated)}
    named = (("Statement", statement["number"]), ("As of", str(statement["as_of"])), ("Payable", dollars(stated)))
    page = Page(
        *(
            _K.BILLING_AFFIDAVIT,
            "Affidavit concerning cost and necessity of services",
            work.today,
            recipient,
            texts,
            values,
        ),
        about=(("Affiant", affiant), *([("County", county)] if county else []), *named),
        listings=(Listing("As of the statement", COLUMNS, (), totals_of(gathered.invoices)),),
        blanks=("Signature of the affiant", "Sworn to and subscribed before me on", "Notary public"),
    )
    draft = Draft(
        kind=_K.BILLING_AFFIDAVIT,
        case_id=gathered.id,
        recipient=recipient[0],
        contents=partial(whole, gathered, page),
        as_of=statement["as_of"],
        invoices=[(one.id, one.figures.balance) for one in gathered.invoices],
        attorney_id=attorney_id,
        stated_amount=stated,
        statement_id=statement["id"],
        template_id=template,
    )
    return draft, []
