"""The drafts of letters that close a case: the payoff letter, and the notice and the release of a lien."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from domain.access.people import Role
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.documents.kinds import DocumentKind
from domain.errors import Conflict, InvalidInput
from domain.issuing.documents import DocumentRecipient
from domain.issuing.liens import lien_rule
from domain.warnings import ChangeWarning, WarningCode
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, gather, unapplied_of, unbilled_visits
from resolvers.commands.issued.statements import Drafted, case_id_of, recipient_of
from resolvers.commands.issued.wording import Listing, Page, dollars, missing_in, sum_of, whole
from resolvers.commands.issued.writing import Draft, newest_template
from resolvers.commands.unit_of_work import UnitOfWork

_K = DocumentKind
_OPEN = frozenset(status.value for status in OPEN)
_SETTLED = (InvoiceStatus.PAID.value, InvoiceStatus.CHEQUE_RECEIVED.value)
_COLUMNS = ("Invoice", "Day of service", "Billed", "Payable")
# Invoices that are paid with cheques which the bank has not cleared; money by other ways is cleared as it comes.
_UNCLEARED = """select distinct a.invoice_id from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    where a.clinic_id = $1 and a.invoice_id = any($2) and a.amount > 0 and c.method = 'paper' and c.cleared_on is null
        and c.returned_on is null and c.corrected_at is null"""


def _listing(invoices: tuple[GatheredInvoice, ...]) -> Listing:
    rows = tuple(
        (one.row["number"], str(one.row["service_date"]), dollars(one.figures.billed), dollars(one.figures.balance))
        for one in invoices
    )
    billed, balance = (sum_of(getattr(one.figures, name) for one in invoices) for name in ("billed", "balance"))
    return Listing("", _COLUMNS, rows, (("In all", "", dollars(billed), dollars(balance)),))


async def payoff_letter(work: UnitOfWork) -> Drafted:
    """The sum of the balances of the open invoices of a case, good through a day."""
    inputs, good_through = work.inputs, work.inputs.get("good_through")
    if good_through is None or good_through < work.today:
        raise InvalidInput("The last day on which the letter holds is required, today or later", ("good_through",))
    gathered = await gather(work, case_id_of(work), work.today)
    if missing := missing_in(gathered):
        return None, missing
    unbilled = await unbilled_visits(work, gathered.id)
    if unbilled:
        words = f"{unbilled} visits of the case are not billed, and not in the letter"
        work.warnings.append(ChangeWarning(WarningCode.UNBILLED_VISITS, words, ("case_id",)))
    invoices = tuple(one for one in gathered.invoices if one.row["status"] in _OPEN)
    total, unapplied = sum_of(one.figures.balance for one in invoices), await unapplied_of(work, gathered)
    stated = total - unapplied if inputs.get("nets_unapplied") else total
    beside = (
        (
            "Unapplied money, taken off" if inputs.get("nets_unapplied") else "Unapplied money, not taken off",
            dollars(unapplied),
        ),
    )
    values = {"amount": dollars(stated), "good_through": str(good_through), "unapplied": dollars(unapplied)}
    about = (("Payoff", dollars(stated)), ("Good through", str(good_through)), *(beside if unapplied else ()))
    draft = await _letter(work, gathered, Wanted(_K.PAYOFF_LETTER, "Payoff letter", invoices, values, about))
    return (
        Draft(
            **draft,
            good_through=good_through,
            stated_amount=stated,
            is_final=bool(inputs.get("is_final")),
        ),
        [],
    )


async def _letter(work: UnitOfWork, gathered: Gathered, wanted: "Wanted") -> dict[str, Any]:
    """What the draft of a letter has in common with those of other letters."""
    recipient, attorney_id = recipient_of(work, gathered, DocumentRecipient.ATTORNEY)
    template, texts = await newest_template(work, wanted.kind)
    page = Page(
        *(wanted.kind, wanted.title, work.today, recipient, texts, wanted.values),
        about=wanted.about,
        listings=(_listing(wanted.invoices),),
    )
    return {
        "kind": wanted.kind,
        "case_id": gathered.id,
        "recipient": recipient[0],
        "contents": partial(whole, gathered, page),
        "as_of": work.today,
        "invoices": [(one.id, one.figures.balance) for one in wanted.invoices],
        "attorney_id": attorney_id,
        "template_id": template,
        "line_count": len(wanted.invoices),
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """A letter: its kind and title, the invoices that it names, and what it says of them."""

    kind: DocumentKind
    title: str
    invoices: tuple[GatheredInvoice, ...]
    values: dict[str, str]
    about: tuple[tuple[str, str], ...]


async def lien_notice(work: UnitOfWork) -> Drafted:
    """The notice of a lien for what is open of a case, by the rules of a state."""
    rule = lien_rule(work.inputs.get("state"))
    gathered = await gather(work, case_id_of(work), work.today)
    if missing := missing_in(gathered):
        return None, missing
    invoices = tuple(one for one in gathered.invoices if one.row["status"] in _OPEN)
    total = sum_of(one.figures.balance for one in invoices)
    values = {"amount": dollars(total), "rule": f"{rule.notice} ({rule.source})"}
    about = (("State", rule.state), ("Amount", dollars(total)))
    draft = await _letter(work, gathered, Wanted(_K.LIEN_NOTICE, "Notice of lien", invoices, values, about))
    return Draft(**draft, stated_amount=total, state=rule.state), []


async def lien_release(work: UnitOfWork) -> Drafted:
    """The release of a lien, once each invoice that it names is paid with cleared money, written off or void."""
    rule = lien_rule(work.inputs.get("state"))
    gathered = await gather(work, case_id_of(work), work.today, work.inputs.get("invoice_ids"))
    if missing := missing_in(gathered):
        return None, missing
    await _check_settled(work, gathered)
    values = {"amount": dollars(sum_of(())), "rule": f"{rule.release} ({rule.source})"}
    wanted = Wanted(_K.LIEN_RELEASE, "Release of lien", gathered.invoices, values, (("State", rule.state),))
    draft = await _letter(work, gathered, wanted)
    return Draft(**draft, state=rule.state), []


async def _check_settled(work: UnitOfWork, gathered: Gathered) -> None:
    if not gathered.invoices:
        raise InvalidInput("The release names no invoice", ("invoice_ids",))
    uncleared = {row["invoice_id"] for row in await work.all(_UNCLEARED, [one.id for one in gathered.invoices])}
    waiting = [
        one.row["number"]
        for one in gathered.invoices
        if one.row["status"] != InvoiceStatus.WRITTEN_OFF.value
        and (one.row["status"] not in _SETTLED or one.id in uncleared)
    ]
    if not waiting:
        return
    if not work.inputs.get("is_confirmed"):
        words = (
            f"These invoices are not paid with cleared money: {', '.join(waiting)}. An administrator may confirm that they are settled "
            "(isConfirmed)"
        )
        raise Conflict(words, ("invoice_ids",))
    if work.actor.role is not Role.ADMIN:
        raise Conflict("Only an administrator confirms that invoices are settled", ("is_confirmed",))
