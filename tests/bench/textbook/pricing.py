"""Decides how the textbook answers what is asked of the code list and of what a line's price came from."""

from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, same
from tests.bench.textbook.models import CptCode
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records import Records


async def _fits(records: Records, code: Any, wanted: Args) -> bool:
    if wanted.get("activeOnly") and not code.active:
        return False
    return "code" not in wanted or code.code.startswith(wanted["code"])


def _sorting(records: Records, args: Args) -> Sorting:
    return Sorting("CptCode.DEFAULT", lambda code: code.code, str)


async def _code(records: Records, line: Any, args: Args) -> Any:
    return line.code


async def _source(records: Records, line: Any, args: Args) -> str:
    source: str = line.price_source
    return source.upper()


async def _rate(records: Records, line: Any, args: Args) -> Any:
    return line.price_rate


PRICING_FIELDS: Fields = {
    "Query.cptCodes": listing(CptCode, _fits, _sorting),
    "InvoiceLine.cptCode": _code,
    "InvoiceLine.priceTrace": same(),
    "PriceTrace.source": _source,
    "PriceTrace.rate": _rate,
}
