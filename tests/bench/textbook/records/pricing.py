"""The resolvers of the textbook for codes, exams and fee schedules, and for the trace of a line's price."""

from datetime import date
from typing import Any
from uuid import UUID

from db.global_ids import read_id
from tests.bench.textbook.fields import Args, Fields, Resolver, listing, one, same
from tests.bench.textbook.models import CptCode, ExamType, Facility, FeeSchedule, FeeScheduleRate, Payer, ReasonCode
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records


async def _fits(records: Records, code: Any, wanted: Args) -> bool:
    if wanted.get("activeOnly") and not code.active:
        return False
    if "validOn" in wanted:
        day = date.fromisoformat(wanted["validOn"])
        if day < code.valid_from or (code.valid_to is not None and day >= code.valid_to):
            return False
    return "code" not in wanted or code.code.startswith(wanted["code"])


def _sorting(records: Records, args: Args) -> Sorting:
    return Sorting("CptCode.DEFAULT", lambda code: code.code, str)


def _by_code(records: Records, args: Args) -> Sorting:
    return Sorting("ReasonCode.DEFAULT", lambda code: code.code, str)


async def _code(records: Records, line: Any, args: Args) -> Any:
    return line.code


def _line(column: str) -> Resolver:
    async def resolve(records: Records, line: Any, args: Args) -> Any:
        return getattr(line, column)

    return resolve


async def _source(records: Records, line: Any, args: Args) -> str:
    source: str = line.price_source
    return source.upper()


def _kept(exams: list[Any], args: Args) -> list[Any]:
    """Exams in their order; retired ones only on request."""
    kept = [exam for exam in exams if exam.active or not args.get("activeOnly")]
    return sorted(kept, key=lambda exam: (exam.position, exam.id))


async def _main_exams(records: Records, source: Any, args: Args) -> list[Any]:
    return _kept([exam for exam in await records.all(ExamType) if exam.parent_id is None], args)


async def _sub_exams(records: Records, exam: Any, args: Args) -> list[Any]:
    return _kept(await records.many(ExamType, "parent_id", exam.id), args)


async def _schedules(records: Records, source: Any, args: Args) -> list[Any]:
    found = await records.all(FeeSchedule)
    if args.get("payerId") is not None:
        payer = _payer(args["payerId"])
        found = [schedule for schedule in found if schedule.payer_id == payer and payer is not None]
    return sorted(found, key=lambda schedule: (schedule.valid_from, schedule.id), reverse=True)


def _payer(text: str) -> UUID | None:
    named = read_id(text)
    return named[1] if named is not None and named[0] == "Payer" else None


async def _rates(records: Records, schedule: Any, args: Args) -> Any:
    def by_code(records: Records, args: Args) -> Sorting:
        return Sorting("FeeScheduleRate.DEFAULT", lambda rate: rate.code, str)

    pages = listing(FeeScheduleRate, _has_code, by_code, "fee_schedule_id")
    return await pages(records, schedule, {**args, "filter": {"code": args.get("code")}})


async def _has_code(records: Records, rate: Any, wanted: Args) -> bool:
    return "code" not in wanted or rate.code.startswith(wanted["code"])


PRICING_FIELDS: Fields = {
    "Query.cptCodes": listing(CptCode, _fits, _sorting),
    "Query.reasonCodes": listing(ReasonCode, _fits, _by_code),
    "Query.examTypes": _main_exams,
    "Query.feeSchedules": _schedules,
    "ExamType.parent": one(ExamType, "parent_id"),
    "ExamType.subExams": _sub_exams,
    "FeeSchedule.payer": one(Payer, "payer_id"),
    "FeeSchedule.facility": one(Facility, "facility_id"),
    "FeeSchedule.rates": _rates,
    "InvoiceLine.cptCode": _code,
    "InvoiceLine.priceTrace": same(),
    "PriceTrace.source": _source,
    "PriceTrace.rate": _line("price_rate"),
    "PriceTrace.schedule": _line("price_schedule"),
    "PriceTrace.validFrom": _line("price_valid_from"),
    "PriceTrace.validTo": _line("price_valid_to"),
}
