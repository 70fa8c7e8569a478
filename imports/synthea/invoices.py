"""The numbers of imported invoices, their parties and encounters, and the settlement of their cases."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from domain.billing.invoices import InvoiceStatus
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import HistoryStart
from imports.synthea.bills import Bill, history_of, lines_of
from imports.synthea.csv_rows import BrokenRowError
from imports.synthea.files import Progress
from imports.synthea.records import Records, Target, settle_cases

_ROWS_AT_ONCE = 50_000
_PREFIX = "select invoice_number_prefix from clinics where clinic_id = $1"
_CLOSED = {InvoiceStatus.CHEQUE_RECEIVED, InvoiceStatus.WRITTEN_OFF}


async def write_invoices(target: Target, bills: Sequence[Bill], records: Records, progress: Progress) -> None:
    """The invoices of the bills, patient by patient, because a case settles with all of its invoices or not at all."""
    numbers = await _numbers(target, bills)
    settled_on: dict[UUID, date] = {}
    done = 0
    for patient_id, theirs in _by_patient(bills).items():
        case = records.cases[patient_id]
        if case.status == "settled":
            raise BrokenRowError(
                theirs[0].file, theirs[0].line, None, "is of a settled case, which has to be reopened first"
            )
        histories = [
            history_of(bill, _start(target, bill, numbers[bill.key], records), target.batch) for bill in theirs
        ]
        if case.new and _is_covered(histories):
            settled_on[case.id] = _settle(histories)
        for history in histories:
            history.write(target.batch)
        done += len(histories)
        await _flush(target, at_least=_ROWS_AT_ONCE)
        progress("writing invoices", done, len(bills))
    await _flush(target, at_least=1)
    await settle_cases(target, settled_on)


async def _numbers(target: Target, bills: Sequence[Bill]) -> dict[str, str]:
    """The number of each bill's invoice by the bill's key: in the order of the bills, per year of creation, without gaps."""
    next_numbers = {
        year: await _reserve(target, year, count) for year, count in Counter(bill.day.year for bill in bills).items()
    }
    prefix = await target.connection.fetchval(_PREFIX, target.clinic_id)
    return {bill.key: f"{prefix}-{bill.day.year:04d}-{next(next_numbers[bill.day.year]):06d}" for bill in bills}


async def _reserve(target: Target, year: int, count: int) -> Iterator[int]:
    query = """insert into invoice_counters as counter (clinic_id, year, last_number) values ($1, $2, $3)
        on conflict (clinic_id, year) do update set last_number = counter.last_number + excluded.last_number
        returning last_number"""
    last: int = await target.connection.fetchval(query, target.clinic_id, year, count)
    return iter(range(last - count + 1, last + 1))


def _start(target: Target, bill: Bill, number: str, records: Records) -> HistoryStart:
    case = records.cases[bill.patient_id]
    payer_id = records.payers[bill.payer_id] if bill.payer_id else records.patient_payers[bill.patient_id]
    return HistoryStart(
        clinic_id=target.clinic_id,
        number=number,
        case_id=case.id,
        patient_id=records.patients[bill.patient_id],
        payer_id=payer_id,
        created_on=bill.day,
        service_date=bill.day,
        lines=lines_of(bill),
        attorney_id=case.attorney_id,
        physician_id=records.physicians[bill.provider_id] if bill.provider_id else None,
        facility_id=records.facilities[bill.organization_id] if bill.organization_id else None,
        encounter_id=_billed_now(bill, records),
        external_key=bill.key,
    )


def _billed_now(bill: Bill, records: Records) -> UUID | None:
    """The encounter of a claim; None if there is none, or an earlier claim bills it already."""
    encounter_id = records.encounters[bill.encounter_id] if bill.encounter_id else None
    if encounter_id is None or encounter_id in records.billed:
        return None
    records.billed.add(encounter_id)
    return encounter_id


def _by_patient(bills: Sequence[Bill]) -> Mapping[str, list[Bill]]:
    theirs: dict[str, list[Bill]] = {}
    for bill in bills:
        theirs.setdefault(bill.patient_id, []).append(bill)
    return theirs


def _is_covered(histories: Sequence[InvoiceHistory]) -> bool:
    """The guard of settle_case: every invoice of the case is closed, and at least one of them by cheques."""
    statuses = {history.status for history in histories}
    return statuses <= _CLOSED and InvoiceStatus.CHEQUE_RECEIVED in statuses


def _settle(histories: Sequence[InvoiceHistory]) -> date:
    """Settle the case on the day on which the last of its invoices was closed; returns that day."""
    on = max(history.last_day for history in histories)
    for history in histories:
        if history.status is InvoiceStatus.CHEQUE_RECEIVED:
            history.settle_case(on)
    return on


async def _flush(target: Target, at_least: int) -> None:
    """Write the collected rows, so that a large export does not have to fit into memory twice."""
    if sum(map(len, target.batch.rows.values())) >= at_least:
        target.count("cheques", len(target.batch.rows.get("cheques", ())), 0)
        await target.batch.load(target.connection)
