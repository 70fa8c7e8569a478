"""Price quotes: the computation that prices an invoice, with its price traces, without saving anything."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLResolveInfo
from strawberry import Info

from db.global_ids import TAGS
from db.merged_records import surviving
from domain.access.people import Role
from domain.billing.money import format_money
from domain.billing.transition import WantedLine
from domain.errors import InvalidInput
from domain.pricing.pricing import PricedLine, total
from domain.treatment.exams import SelectedExam, check_selection, lines_of
from permissions.viewers import Viewer
from resolvers.commands.billing.pricing import PRICES, Circumstances, Prices, check_parties, read_prices
from resolvers.commands.computed import answer_computed, read_computed
from resolvers.commands.inputs import identity_of, storable_text
from resolvers.compiler.answers import Readers
from resolvers.context import RequestContext

# A physician gets the total only: payer and facility have to be accessible, the components of the prices do not.
_IN_REACH = f"""select json_build_object('payer', exists (select from payers where clinic_id = $1 and id = {surviving("payer", "$2::uuid")}),
    'factor', (select '1' from facilities where clinic_id = $1 and id = $3))"""


def _money(name: str) -> Any:
    read = attrgetter(name)
    return lambda line: format_money(read(line))


def _text(name: str) -> Any:
    read = attrgetter(name)
    return lambda line: str(read(line))


_READERS: Readers = {
    "QuotedLine": {
        **{name: attrgetter(name) for name in ("code", "label", "units", "bilateral")},
        "unitPrice": _money("unit_price"),
        "amount": _money("amount"),
        "trace": lambda line: line,
    },
    "PriceTrace": {
        "source": lambda line: line.price_source.name,
        "rate": _money("price_rate"),
        "geographicFactor": _text("geographic_factor"),
        "bilateralFactor": _text("bilateral_factor"),
        "overrideReason": attrgetter("override_reason"),
        "schedule": attrgetter("price_schedule"),
        "validFrom": attrgetter("price_valid_from"),
        "validTo": attrgetter("price_valid_to"),
    },
}


async def read(info: Info) -> orjson.Fragment:
    """The requested quote, or the errors, as encoded JSON."""
    return await read_computed(info, answer)


async def answer(info: GraphQLResolveInfo[RequestContext], arguments: Mapping[str, Any]) -> orjson.Fragment:
    """The same for calls directly from graphql-core."""
    return await answer_computed(info, "quote", _quoted, arguments["input"], _READERS)


async def _quoted(context: RequestContext, input_: Mapping[str, Any]) -> dict[str, Any]:
    lines = await _priced(context, input_)
    return {"lines": lines, "total": format_money(total(lines))}


async def _priced(context: RequestContext, input_: Mapping[str, Any]) -> list[PricedLine]:
    viewer = context.viewer
    assert viewer is not None
    facility = input_.get("facilityId")
    circumstances = Circumstances(
        identity_of(input_["payerId"], ("payer_id",)),
        None if facility is None else identity_of(facility, ("facility_id",)),
        input_["serviceDate"],
    )
    lines, exams = _lines(input_.get("lines") or []), _exams(input_.get("examLines") or [])
    if input_.get("lines") is None and input_.get("examLines") is None:
        raise InvalidInput("Lines or exams to price are required", ("lines",))
    prices = await _find(context, viewer, circumstances, lines, [exam.exam_type_id for exam in exams])
    context.audit.read((), (), TAGS["Payer"].encode() + circumstances.payer_id.bytes)
    check_selection(exams, prices.exams, "exam_lines")
    of_exams, places = lines_of(exams, prices.exams, "exam_lines")
    return prices.apply([*lines, *of_exams], [*(("lines", str(place)) for place in range(len(lines))), *places])


async def _find(
    context: RequestContext, viewer: Viewer, circumstances: Circumstances, lines: list[WantedLine], exams: list[UUID]
) -> Prices:
    values = circumstances.values(viewer.clinic_id, lines, exams)
    if viewer.role is not Role.PHYSICIAN:
        row = await context.database.read(viewer, PRICES, values)
        return read_prices(row[0] if row else None, circumstances)
    reached = [viewer.clinic_id, circumstances.payer_id, circumstances.facility_id]
    found = await context.database.read(viewer, _IN_REACH, reached)
    assert found is not None
    check_parties(orjson.loads(found[0]), circumstances)
    return read_prices(await context.database.price(viewer, PRICES, values), circumstances)


def _lines(input_: Sequence[Mapping[str, Any]]) -> list[WantedLine]:
    return [
        WantedLine(
            storable_text(line["code"], ("lines", str(place), "code")),
            line["units"],
            line["bilateral"],
            line.get("overridePrice"),
            line.get("overrideReason"),
        )
        for place, line in enumerate(input_)
    ]


def _exams(input_: Sequence[Mapping[str, Any]]) -> list[SelectedExam]:
    return [
        SelectedExam(
            identity_of(exam["examTypeId"], ("exam_lines", str(place), "exam_type_id")),
            exam["bilateral"],
            exam["units"],
        )
        for place, exam in enumerate(input_)
    ]
