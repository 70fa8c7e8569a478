"""The draft of a good-faith estimate (45 CFR 149.610) from a price quote; without what the rule asks for, it is called a quote."""

from domain.documents.bills import GoodFaithEstimate
from domain.documents.parts import ServiceLine
from domain.documents.texts import ESTIMATE_NOTICES
from domain.errors import InvalidInput, NotFound
from domain.issuing.documents import DocumentRecipient
from domain.pricing.pricing import total
from domain.records.addresses import columns_of
from domain.texts import NAME, Text, optional_text
from resolvers.commands.billing.pricing import Circumstances, price, wanted_lines
from resolvers.commands.issued.gathering import gather
from resolvers.commands.issued.wording import (
    Drafted,
    Wanted,
    case_of,
    drafted,
    facility_of,
    letterhead_of,
    physician_of,
    recipient_of,
    service_of,
)
from resolvers.commands.issuing.statements import case_id_of
from resolvers.commands.unit_of_work import UnitOfWork

_FACILITY = f"select name, npi, place_of_service, {', '.join(columns_of('address'))} from facilities where clinic_id = $1 and id = $2"
_PHYSICIAN = (
    "select name, npi, taxonomy, licence_number, licence_state from physicians where clinic_id = $1 and id = $2"
)


async def good_faith_estimate(work: UnitOfWork) -> Drafted:
    """The expected charges of a treatment, priced as an invoice would be."""
    asked = work.inputs.get("estimate")
    if asked is None:
        raise InvalidInput("What is to be priced is required", ("estimate",))
    gathered = await gather(work, case_id_of(work), work.today, [])
    facility = await work.one(_FACILITY, asked["facility_id"])
    physician = await work.one(_PHYSICIAN, asked["physician_id"])
    if facility is None or physician is None:
        raise NotFound("There is no such physician or facility", ("estimate",))
    day = asked["service_date"]
    circumstances = Circumstances(asked["payer_id"], asked["facility_id"], day)
    lines = await price(work, wanted_lines(asked["lines"]), circumstances)
    diagnosis = optional_text(asked, "diagnosis", Text(NAME.longest))
    recipient, _ = recipient_of(work, gathered, DocumentRecipient.PATIENT)
    case = case_of(gathered)

    def contents(number: str) -> GoodFaithEstimate:
        return GoodFaithEstimate(
            *(letterhead_of(gathered), recipient, number, work.today, case.patient),
            tuple(
                ServiceLine(day, one.code, service_of(one.label, bilateral=one.bilateral), one.amount, one.units)
                for one in lines
            ),
            total(lines),
            expected_on=day,
            diagnoses=(diagnosis,) if diagnosis else (),
            notices=ESTIMATE_NOTICES,
            born_on=case.born_on,
            facility=facility_of(facility),
            physician=physician_of(physician),
        )

    return await drafted(work, gathered, Wanted(recipient, contents, []), len(lines))
