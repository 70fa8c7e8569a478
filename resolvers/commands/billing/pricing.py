"""Finding the prices of an invoice or a quote in one statement: exams, codes of the master list, rates of fee schedules."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from db.merged_records import group
from domain.billing.transition import WantedLine
from domain.errors import NotFound
from domain.normal_forms import code_form
from domain.pricing.pricing import (
    ONE,
    SCHEDULES,
    BilateralPolicy,
    CodePrice,
    Place,
    PricedLine,
    PriceSource,
    Rate,
    SelectionRule,
    price_lines,
)
from domain.treatment.exams import Exam, MainExam
from resolvers.commands.unit_of_work import UnitOfWork

# Exams with their main exams; `ids` is the parameter with the ids.
EXAMS = """select e.id, e.code, e.active and main.active as is_active, main.id as main_id, main.name, main.selection_rule as rule,
        exists (select from exam_types part where part.clinic_id = $1 and part.parent_id = main.id and part.active) as has_parts
    from exam_types e join exam_types main on main.clinic_id = $1 and main.id = coalesce(e.parent_id, e.id)
    where e.clinic_id = $1 and e.id = any({ids}::uuid[])"""
_VALID = "valid_from <= $3 and (valid_to is null or valid_to > $3)"
# The parameters are the clinic, codes, the service date, the payer, the facility and exams: everything that a price
# depends on, in one statement.
PRICES = f"""with chosen as materialized ({EXAMS.format(ids="$6")}),
    wanted as materialized (
        select unnest($2::text[]) collate "C" as code union select code from chosen where code is not null),
    schedules as materialized (
        select id, name, valid_from, valid_to, payer_id is not null as of_payer, facility_id is not null as of_facility
        from fee_schedules where clinic_id = $1 and {_VALID}
            and (payer_id = any({group("payer", "$4::uuid")}) or payer_id is null) and (facility_id = $5::uuid or facility_id is null))
    select json_build_object(
        'payer', exists (select from payers where clinic_id = $1 and id = $4),
        'factor', (select geographic_factor::text from facilities where clinic_id = $1 and id = $5),
        'exams', (select coalesce(json_agg(chosen), '[]') from chosen),
        'codes', (select coalesce(json_agg(c), '[]') from (
            select code, label, base_price::text as price, bilateral_policy as policy, valid_from, valid_to
            from cpt_codes where clinic_id = $1 and code in (select code from wanted) and active and {_VALID}) c),
        'rates', (select coalesce(json_agg(r), '[]') from (
            select rate.code, rate.rate::text as price, s.name, s.valid_from, s.valid_to, s.of_payer, s.of_facility
            from schedules s join fee_schedule_rates rate on rate.clinic_id = $1 and rate.fee_schedule_id = s.id
            where rate.code in (select code from wanted)) r))"""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What prices depend on besides the lines: the payer, the facility and the service date."""

    payer_id: UUID
    facility_id: UUID | None
    on: date

    def values(self, clinic_id: UUID, lines: Sequence[WantedLine], exams: Sequence[UUID] = ()) -> list[Any]:
        """The parameters of PRICES."""
        codes = list({code for line in lines for code in (line.code, code_form(line.code))})
        return [clinic_id, codes, self.on, self.payer_id, self.facility_id, list(exams)]


@dataclass(frozen=True, slots=True)
class Prices:
    """The result of PRICES; NotFound if the payer or the facility does not exist."""

    found: Mapping[str, Any]
    exams: Mapping[UUID, Exam] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "exams", exams_of(self.found["exams"]))

    def apply(self, lines: Sequence[WantedLine], places: Sequence[Place] = ()) -> list[PricedLine]:
        """The lines with their prices; InvalidInput names a line that cannot be billed."""
        rates: dict[str, dict[PriceSource, Rate]] = defaultdict(dict)
        for row in self.found["rates"]:
            rates[row["code"]][SCHEDULES[row["of_payer"], row["of_facility"]]] = _rate(row, row["name"])
        codes = {row["code"]: _code(row, rates[row["code"]]) for row in self.found["codes"]}
        factor = self.found["factor"]
        # A code of an earlier release may have another spelling than its normal form, and another price than the code of that form.
        lines = [line if line.code in codes else replace(line, code=code_form(line.code)) for line in lines]
        return price_lines(lines, codes, ONE if factor is None else Decimal(factor), places)


def read_prices(found: bytes | None, circumstances: Circumstances) -> Prices:
    """The decoded result of PRICES; NotFound if the payer or the facility does not exist."""
    assert found is not None
    prices = Prices(orjson.loads(found))
    check_parties(prices.found, circumstances)
    return prices


def check_parties(found: Mapping[str, Any], circumstances: Circumstances) -> None:
    """Raise NotFound if the payer or the facility does not exist."""
    if not found["payer"]:
        raise NotFound("There is no such payer", ("payer_id",))
    if circumstances.facility_id is not None and found["factor"] is None:
        raise NotFound("There is no such facility", ("facility_id",))


async def price(
    work: UnitOfWork, lines: Sequence[WantedLine], circumstances: Circumstances, places: Sequence[Place] = ()
) -> list[PricedLine]:
    """The priced lines, read within the transaction that writes them."""
    values = circumstances.values(work.clinic_id, lines)
    found = await work.connection.fetchval(PRICES, *values)
    return read_prices(found, circumstances).apply(lines, places)


def wanted_lines(lines: Sequence[Mapping[str, Any]]) -> list[WantedLine]:
    """The explicit lines of an input."""
    return [WantedLine(**line) for line in lines]


def exams_of(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, Exam]:
    """The exams found by EXAMS, by id."""
    return {exam.id: exam for exam in map(_exam, rows)}


def _exam(row: Mapping[str, Any]) -> Exam:
    main = MainExam(_uuid(row["main_id"]), row["name"], SelectionRule(row["rule"]), row["has_parts"])
    return Exam(_uuid(row["id"]), row["code"], row["is_active"], main)


def _uuid(value: str | UUID) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _code(row: Mapping[str, Any], rates: Mapping[PriceSource, Rate]) -> CodePrice:
    return CodePrice(row["code"], row["label"], _rate(row), BilateralPolicy(row["policy"]), rates)


def _rate(row: Mapping[str, Any], schedule: str | None = None) -> Rate:
    begins, ends = row["valid_from"], row["valid_to"]
    return Rate(Decimal(row["price"]), date.fromisoformat(begins), date.fromisoformat(ends) if ends else None, schedule)
