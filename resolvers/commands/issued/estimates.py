"""The draft of a good-faith estimate (45 CFR 149.610) from a price quote; without what the rule asks for, it is called a quote."""

from functools import partial

from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput, NotFound
from domain.issuing.documents import DocumentRecipient
from domain.pricing.pricing import total
from domain.texts import NAME, Text, optional_text
from resolvers.commands.billing.pricing import Circumstances, price, wanted_lines
from resolvers.commands.issued.gathering import gather
from resolvers.commands.issued.statements import Drafted, case_id_of, recipient_of
from resolvers.commands.issued.wording import Listing, Page, dollars, missing_in, tin_of, whole
from resolvers.commands.issued.writing import Draft, newest_template
from resolvers.commands.unit_of_work import UnitOfWork

_K = DocumentKind
_PLACE = """select (select name from facilities where clinic_id = $1 and id = $2) as facility, p.name, p.npi
    from physicians p where p.clinic_id = $1 and p.id = $3"""
_COLUMNS = ("Code", "What", "Units", "Expected charge")
_NOTICES = (
    "There may be additional items or services that are recommended and not in this estimate. This is an estimate; the actual charges may "
    "differ. You have the right to dispute a bill that is substantially higher than this estimate: at least 400 dollars more for a "
    "provider. This estimate is not a contract, and does not oblige you to obtain these items or services here."
)
_QUOTE = "This is a quote of prices. It is not a good-faith estimate, because it lacks: {0}."


async def good_faith_estimate(work: UnitOfWork) -> Drafted:
    """The expected charges of a treatment, priced as an invoice would be."""
    asked = work.inputs.get("estimate")
    if asked is None:
        raise InvalidInput("What is to be priced is required", ("estimate",))
    gathered = await gather(work, case_id_of(work), work.today, [])
    if missing := missing_in(gathered):
        return None, missing
    place = await work.one(_PLACE, asked["facility_id"], asked["physician_id"])
    if place is None or place["facility"] is None:
        raise NotFound("There is no such physician or facility", ("estimate",))
    circumstances = Circumstances(asked["payer_id"], asked["facility_id"], asked["service_date"])
    lines = await price(work, wanted_lines(asked["lines"]), circumstances)
    diagnosis, tin = optional_text(asked, "diagnosis", Text(NAME.longest)), tin_of(gathered)
    needed = (("the diagnosis", diagnosis), ("the physician's NPI", place["npi"]), ("the clinic's TIN", tin))
    lacking = [words for words, value in needed if not value]
    title = "Quote" if lacking else "Good-faith estimate"
    recipient, _ = recipient_of(work, gathered, DocumentRecipient.PATIENT)
    template, texts = await newest_template(work, _K.GOOD_FAITH_ESTIMATE)
    amount = total(lines)
    values = {
        "service_day": str(asked["service_date"]),
        "amount": dollars(amount),
        "notices": _QUOTE.format(", ".join(lacking)) if lacking else _NOTICES,
    }
    known = (
        ("Diagnosis", diagnosis),
        ("Physician", place["name"]),
        ("NPI", place["npi"]),
        ("TIN", tin),
        ("Facility", place["facility"]),
    )
    rows = tuple((one.code, one.label, str(one.units), dollars(one.amount)) for one in lines)
    page = Page(
        *(_K.GOOD_FAITH_ESTIMATE, title, work.today, recipient, texts, values),
        about=tuple((label, value) for label, value in known if value),
        listings=(Listing("", _COLUMNS, rows, (("", "In all", "", dollars(amount)),)),),
    )
    draft = Draft(
        kind=_K.GOOD_FAITH_ESTIMATE,
        case_id=gathered.id,
        recipient=recipient[0],
        contents=partial(whole, gathered, page),
        as_of=work.today,
        stated_amount=amount,
        template_id=template,
        line_count=len(lines),
    )
    return draft, []
