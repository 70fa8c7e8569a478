"""Decides how a price is quoted before anything is saved: by the computation that prices an invoice, told with its reasons."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLResolveInfo, get_named_type
from strawberry import Info

from db.identity import TAGS
from db.views.base import camel
from domain.errors import InvalidInput, Refusal
from domain.exams import SelectedExam, check_selection, lines_of
from domain.money import format_money
from domain.people import Role
from domain.pricing import PricedLine, WantedLine, total
from permissions.viewers import Viewer
from resolvers.answers import Answerer, Readers
from resolvers.context import RequestContext
from resolvers.pricing import PRICES, Circumstances, Prices, check_parties, read_prices
from resolvers.reading import selection_of
from resolvers.writing import identity_of, storable_text

# A physician is told the total alone: payer and facility have to be in reach, and what the prices are made of is not.
_IN_REACH = """select json_build_object('payer', exists (select from payers where clinic_id = $1 and id = $2),
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
    """The quote that is asked for, or why there is none, as JSON that is encoded already."""
    raw = info._raw_info
    selector, asked = selection_of(raw)
    return await answer(raw, selector.arguments(asked))


async def answer(info: GraphQLResolveInfo[RequestContext], arguments: Mapping[str, Any]) -> orjson.Fragment:
    """The same, straight from graphql-core."""
    value: dict[str, Any]
    try:
        lines = await _priced(info.context, arguments["input"])
        value = {"quote": {"lines": lines, "total": format_money(total(lines))}, "errors": []}
    except Refusal as refusal:
        info.context.trail.is_refused = True
        value = {"quote": None, "errors": [_told(refusal)]}
    selector, asked = selection_of(info)
    answered = Answerer(selector, _READERS).answer(get_named_type(info.return_type), asked, value)
    return orjson.Fragment(orjson.dumps(answered))


def _told(refusal: Refusal) -> dict[str, Any]:
    path = ["input", *map(camel, refusal.path)]
    return {"__typename": type(refusal).__name__, "message": refusal.message, "code": refusal.code.name, "path": path}


async def _priced(context: RequestContext, said: Mapping[str, Any]) -> list[PricedLine]:
    viewer = context.viewer
    assert viewer is not None
    facility = said.get("facilityId")
    circumstances = Circumstances(
        identity_of(said["payerId"], ("payer_id",)),
        None if facility is None else identity_of(facility, ("facility_id",)),
        said["serviceDate"],
    )
    lines, exams = _lines(said.get("lines") or []), _exams(said.get("examLines") or [])
    if said.get("lines") is None and said.get("examLines") is None:
        raise InvalidInput("Say what is to be priced: lines, or exams", ("lines",))
    prices = await _find(context, viewer, circumstances, lines, [exam.exam_type_id for exam in exams])
    context.trail.read((), (), TAGS["Payer"].encode() + circumstances.payer_id.bytes)
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


def _lines(said: Sequence[Mapping[str, Any]]) -> list[WantedLine]:
    return [
        WantedLine(
            storable_text(line["code"], ("lines", str(place), "code")),
            line["units"],
            line["bilateral"],
            line.get("overridePrice"),
            line.get("overrideReason"),
        )
        for place, line in enumerate(said)
    ]


def _exams(said: Sequence[Mapping[str, Any]]) -> list[SelectedExam]:
    return [
        SelectedExam(
            identity_of(exam["examTypeId"], ("exam_lines", str(place), "exam_type_id")),
            exam["bilateral"],
            exam["units"],
        )
        for place, exam in enumerate(said)
    ]
