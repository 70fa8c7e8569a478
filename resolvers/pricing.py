"""Decides which prices are found for the lines of an invoice: codes of the master list and rates of fee schedules."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.errors import NotFound
from domain.pricing import (
    ONE,
    SCHEDULES,
    BilateralPolicy,
    CodePrice,
    PricedLine,
    PriceSource,
    WantedLine,
    price_lines,
)
from resolvers.writing import Work

_CODES = """select code, label, base_price, bilateral_policy from cpt_codes
    where clinic_id = $1 and code = any($2) and active and valid_from <= $3 and (valid_to is null or valid_to > $3)
    order by valid_from"""
_RATES = """select r.code, s.payer_id is not null as of_payer, s.facility_id is not null as of_facility, r.rate
    from fee_schedules s join fee_schedule_rates r on r.clinic_id = s.clinic_id and r.fee_schedule_id = s.id
    where s.clinic_id = $1 and r.code = any($2) and s.valid_from <= $3 and (s.valid_to is null or s.valid_to > $3)
        and (s.payer_id = $4 or s.payer_id is null) and (s.facility_id = $5 or s.facility_id is null)
    order by s.valid_from"""
_FACTOR = "select geographic_factor from facilities where clinic_id = $1 and id = $2"


async def price(
    work: Work, lines: Sequence[Mapping[str, Any]], payer_id: UUID, facility_id: UUID | None, on: date
) -> list[PricedLine]:
    """The lines of an input, priced as on a service date for who pays and where it was; NotFound for a foreign facility."""
    wanted = [WantedLine(**line) for line in lines]
    factor = await _factor(work, facility_id)
    names = sorted({line.code for line in wanted})
    rates: dict[str, dict[PriceSource, Decimal]] = defaultdict(dict)
    for row in await work.all(_RATES, names, on, payer_id, facility_id):
        rates[row["code"]][SCHEDULES[row["of_payer"], row["of_facility"]]] = row["rate"]
    codes = {row["code"]: _code(row, rates[row["code"]]) for row in await work.all(_CODES, names, on)}
    return price_lines(wanted, codes, factor)


async def _factor(work: Work, facility_id: UUID | None) -> Decimal:
    if facility_id is None:
        return ONE
    row = await work.one(_FACTOR, facility_id)
    if row is None:
        raise NotFound("There is no such facility", ("facility_id",))
    factor: Decimal = row["geographic_factor"]
    return factor


def _code(row: Mapping[str, Any], rates: Mapping[PriceSource, Decimal]) -> CodePrice:
    return CodePrice(row["code"], row["label"], row["base_price"], BilateralPolicy(row["bilateral_policy"]), rates)
