"""The drafts of letters that close a case: the payoff letter, and the notice and the release of a lien."""

from datetime import date

from domain.access.people import Role
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.documents.letters import LienNotice, LienRelease, OpenInvoice, PayoffLetter, ReleasedInvoice
from domain.errors import Conflict, InvalidInput, NotFound
from domain.issuing.documents import DocumentRecipient
from domain.issuing.liens import lien_rule
from domain.warnings import ChangeWarning, WarningCode
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, gather, unapplied_of, unbilled_visits
from resolvers.commands.issued.wording import Drafted, Wanted, case_of, drafted, letterhead_of, recipient_of, total_of
from resolvers.commands.issuing.statements import case_id_of
from resolvers.commands.unit_of_work import UnitOfWork

_OPEN = frozenset(status.value for status in OPEN)
_SETTLED = (InvoiceStatus.PAID.value, InvoiceStatus.CHEQUE_RECEIVED.value)
# Invoices that are paid with cheques which the bank has not cleared; money by other ways is cleared as it comes.
_UNCLEARED = """select distinct a.invoice_id from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    where a.clinic_id = $1 and a.invoice_id = any($2) and a.amount > 0 and c.method = 'paper' and c.cleared_on is null
        and c.returned_on is null and c.corrected_at is null"""


def _open_invoices(gathered: Gathered) -> tuple[GatheredInvoice, ...]:
    return tuple(one for one in gathered.invoices if one.row["status"] in _OPEN)


def _open_invoice(one: GatheredInvoice) -> OpenInvoice:
    is_negotiated = any(adjustment.words == "Agreed reduction" for adjustment in one.figures.adjustments)
    amounts = (one.figures.balance, one.figures.billed)
    return OpenInvoice(one.row["number"], one.row["service_date"], *amounts, is_negotiated=is_negotiated)


async def payoff_letter(work: UnitOfWork) -> Drafted:
    """The sum of the balances of the open invoices of a case, good through a day."""
    good_through = _last_day(work)
    gathered = await gather(work, case_id_of(work), work.today)
    unbilled = await unbilled_visits(work, gathered.id)
    if unbilled:
        words = f"{unbilled} visits of the case are not billed, and not in the letter"
        work.warnings.append(ChangeWarning(WarningCode.UNBILLED_VISITS, words, ("case_id",)))
    invoices, is_netted = _open_invoices(gathered), bool(work.inputs.get("nets_unapplied"))
    total = total_of(one.figures.balance for one in invoices)
    unapplied, is_final = await unapplied_of(work, gathered), bool(work.inputs.get("is_final"))
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)

    def contents(number: str) -> PayoffLetter:
        return PayoffLetter(
            *(letterhead_of(gathered), recipient, number, work.today, case_of(gathered), good_through),
            tuple(map(_open_invoice, invoices)),
            total=total,
            payable=total - unapplied if is_netted else total,
            unapplied=unapplied,
            is_netted=is_netted,
            is_final=is_final,
            unbilled_visits=unbilled,
        )

    wanted = Wanted(recipient, contents, invoices, attorney_id)
    return await drafted(work, gathered, wanted, len(invoices), good_through=good_through, is_final=is_final)


def _last_day(work: UnitOfWork) -> date:
    good_through: date | None = work.inputs.get("good_through")
    if good_through is None or good_through < work.today:
        raise InvalidInput("A payoff letter needs the last day on which it holds, today or later", ("good_through",))
    return good_through


async def lien_notice(work: UnitOfWork) -> Drafted:
    """The notice of a lien for what is open of a case, by the rules of a state."""
    rules = lien_rule(work.inputs.get("state"))
    gathered = await gather(work, case_id_of(work), work.today)
    invoices = _open_invoices(gathered)
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)

    def contents(number: str) -> LienNotice:
        head = (letterhead_of(gathered), recipient, number, work.today, case_of(gathered), rules.state)
        amount = total_of(one.figures.balance for one in invoices)
        return LienNotice(*head, tuple(map(_open_invoice, invoices)), amount, rules=rules.printed)

    wanted = Wanted(recipient, contents, invoices, attorney_id)
    return await drafted(work, gathered, wanted, len(invoices), state=rules.state)


async def lien_release(work: UnitOfWork) -> Drafted:
    """The release of a lien, once each invoice that it names is paid with cleared money or written off; void ones are not named."""
    rules = lien_rule(work.inputs.get("state"))
    gathered = await gather(work, case_id_of(work), work.today, work.inputs.get("invoice_ids"))
    invoices = gathered.invoices
    if not {one.id for one in invoices}.issuperset(work.inputs.get("invoice_ids") or ()):
        raise NotFound("One of these invoices is not an invoice of the case, or is void", ("invoice_ids",))
    await _check_settled(work, gathered)
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)

    def contents(number: str) -> LienRelease:
        head = (letterhead_of(gathered), recipient, number, work.today, case_of(gathered), rules.state)
        return LienRelease(*head, tuple(map(_released, invoices)), total_of(one.figures.billed for one in invoices))

    wanted = Wanted(recipient, contents, invoices, attorney_id)
    return await drafted(work, gathered, wanted, len(invoices), state=rules.state)


def _released(one: GatheredInvoice) -> ReleasedInvoice:
    is_written_off = one.row["status"] == InvoiceStatus.WRITTEN_OFF.value
    settled_as = "written off" if is_written_off else "paid" if one.row["status"] in _SETTLED else "settled"
    return ReleasedInvoice(one.row["number"], one.row["service_date"], one.figures.billed, settled_as)


async def _check_settled(work: UnitOfWork, gathered: Gathered) -> None:
    if not gathered.invoices:
        raise InvalidInput("The case has no invoice that a release could name", ("invoice_ids",))
    uncleared = {row["invoice_id"] for row in await work.all(_UNCLEARED, [one.id for one in gathered.invoices])}
    waiting = [
        one.row["number"]
        for one in gathered.invoices
        if one.row["status"] != InvoiceStatus.WRITTEN_OFF.value
        and (one.row["status"] not in _SETTLED or one.id in uncleared)
    ]
    if not waiting:
        return
    if not work.inputs.get("confirm_settled"):
        words = (
            f"These invoices are not paid with cleared money: {', '.join(waiting)}. An administrator can confirm that they are settled "
            "(confirmSettled)"
        )
        raise Conflict(words, ("invoice_ids",))
    if work.actor.role is not Role.ADMIN:
        raise Conflict("Only an administrator can confirm that invoices are settled", ("confirm_settled",))
