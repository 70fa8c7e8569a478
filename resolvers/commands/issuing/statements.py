"""The drafts of statements: a case as of a day, what a patient owes, and the affidavit that swears to a statement."""

from uuid import UUID

from domain.access.people import PayerKind
from domain.days import not_later
from domain.documents.bills import ItemisedStatement, PatientStatement
from domain.documents.kinds import DocumentKind
from domain.documents.letters import BillingAffidavit
from domain.errors import Conflict, InvalidInput
from domain.issuing.documents import AffiantCapacity, DocumentRecipient
from domain.texts import NAME, Text, optional_text, required_text
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, gather
from resolvers.commands.issued.wording import (
    Drafted,
    Wanted,
    case_of,
    drafted,
    figures_of,
    letterhead_of,
    paid_by,
    recipient_of,
    statement_invoice,
    totals_of,
)
from resolvers.commands.issued.writing import lock_standing
from resolvers.commands.unit_of_work import UnitOfWork


def case_id_of(work: UnitOfWork) -> UUID:
    """The case that the input names."""
    identity: UUID | None = work.inputs.get("case_id")
    if identity is None:
        raise InvalidInput("The case is required", ("case_id",))
    return identity


async def itemised_statement(work: UnitOfWork) -> Drafted:
    """All invoices of a case as of a day."""
    gathered = await _gathered(work)
    invoices = _some(gathered.invoices)
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)

    def contents(number: str) -> ItemisedStatement:
        return ItemisedStatement(
            *(letterhead_of(gathered), recipient, number, work.today, case_of(gathered), gathered.as_of),
            tuple(statement_invoice(gathered, one) for one in invoices),
            *totals_of(invoices),
            payments=paid_by(gathered, invoices),
            is_restated=gathered.as_of < work.today,
        )

    return await drafted(work, gathered, Wanted(recipient, contents, invoices, attorney_id), _lines_of(invoices))


async def patient_statement(work: UnitOfWork) -> Drafted:
    """The invoices of a case that the patient owes."""
    gathered = await _gathered(work)
    owed = tuple(one for one in gathered.invoices if one.payer["kind"] == PayerKind.PATIENT.value)
    invoices = _some(owed, "The patient owes no invoice of the case on this day")
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.PATIENT)

    def contents(number: str) -> PatientStatement:
        head = (letterhead_of(gathered), recipient, number, work.today, case_of(gathered))
        return PatientStatement(*head, tuple(map(figures_of, invoices)), *totals_of(invoices))

    return await drafted(work, gathered, Wanted(recipient, contents, invoices, attorney_id), len(invoices))


async def _gathered(work: UnitOfWork) -> Gathered:
    as_of = not_later(work.inputs.get("as_of") or work.today, work.today, "as_of")
    return await gather(work, case_id_of(work), as_of)


def _some(
    invoices: tuple[GatheredInvoice, ...], otherwise: str = "The case has no invoice on this day"
) -> tuple[GatheredInvoice, ...]:
    if not invoices:
        raise InvalidInput(otherwise, ("as_of",))
    return invoices


def _lines_of(invoices: tuple[GatheredInvoice, ...]) -> int:
    """How many lines a statement of these invoices has, headings and totals included."""
    return sum(len(one.lines) + 4 for one in invoices)


async def billing_affidavit(work: UnitOfWork) -> Drafted:
    """The affidavit that swears to an itemized statement (Texas Civil Practice and Remedies Code 18.001, 18.002)."""
    asked = work.inputs.get("affidavit")
    if asked is None:
        raise InvalidInput("Who swears to which statement is required", ("affidavit",))
    affiant = required_text(asked, "affiant", NAME)
    county = optional_text(asked, "county", Text(NAME.longest))
    statement = await lock_standing(work, asked["statement_id"], "statement_id")
    if statement["kind"] != DocumentKind.ITEMISED_STATEMENT.value:
        raise InvalidInput("An affidavit swears to an itemized statement", ("affidavit", "statement_id"))
    gathered = await gather(work, statement["case_id"], statement["as_of"])
    invoices, totals = gathered.invoices, totals_of(gathered.invoices)
    _, _, _, payable = totals
    if payable != statement["stated_amount"]:
        words = "The statement is no longer true: issue another one in its place first (supersedesId)"
        raise Conflict(words, ("affidavit", "statement_id"))
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)

    def contents(number: str) -> BillingAffidavit:
        return BillingAffidavit(
            *(letterhead_of(gathered), recipient, number, work.today, case_of(gathered), gathered.as_of),
            tuple(map(figures_of, invoices)),
            *totals,
            affiant=affiant,
            capacity=AffiantCapacity(asked["capacity"]).value,
            county=county or "",
            statement=statement["number"],
        )

    wanted = Wanted(recipient, contents, invoices, attorney_id)
    return await drafted(work, gathered, wanted, len(invoices), statement_id=statement["id"])
