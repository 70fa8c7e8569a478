"""The first state of an invoice's history, and the rows that record its changes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import Facts, Receipt
from domain.billing.ledger.late_facts import LateFact
from domain.pricing.pricing import PriceSource

ZERO = Decimal("0.00")
ONE = Decimal("1.0")


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One billed line with its price trace; amounts in US dollars to the cent, no rate if it equals the unit price."""

    code: str
    label: str
    units: int
    unit_price: Decimal
    amount: Decimal
    bilateral: bool = False
    source: PriceSource = PriceSource.BASE_PRICE
    rate: Decimal | None = None
    geographic_factor: Decimal = ONE
    bilateral_factor: Decimal = ONE
    override_reason: str | None = None
    schedule: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    # Whether it repeats a line of another invoice that is not void, or of the same one.
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class HistoryStart:
    """An invoice on its first day; `attorney_id` is the attorney who represents its case in the end (None: there is none)."""

    clinic_id: UUID
    number: str
    case_id: UUID
    patient_id: UUID
    payer_id: UUID
    created_on: date
    service_date: date
    lines: tuple[HistoryLine, ...]
    attorney_id: UUID | None = None
    physician_id: UUID | None = None
    facility_id: UUID | None = None
    encounter_id: UUID | None = None
    external_key: str | None = None
    floor_amount: Decimal | None = None
    target_amount: Decimal | None = None
    # The former attorney of the case, and the day of the change.
    former_attorney_id: UUID | None = None
    attorney_changed_on: date | None = None
    # The void invoice that it replaces.
    replaces_id: UUID | None = None


# The values on which reports depend: if one of them changes, the former state is kept, if it lasted for a day.
STAYS = ("case_id", "patient_id", "physician_id", "facility_id", "encounter_id", "created_on", "service_date")
STATE = (
    *STAYS,
    *(
        "payer_id",
        "attorney_id",
        "status",
        "submitted_on",
        "first_submitted_on",
        "agreed_on",
        "fully_paid_on",
        "paid_on",
    ),
    *("billed_amount", "agreed_amount", "received_amount", "written_off_amount", "responsible_since"),
    *("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount"),
)


_COMPUTED = ("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount")


def state_row(row: Mapping[str, Any], until: date) -> dict[str, Any]:
    """The row of invoice_states that keeps the state of an invoice until a day."""
    kept = {
        "clinic_id": row["clinic_id"],
        "invoice_id": row["id"],
        "known_from": row["known_from"],
        "known_until": until,
    }
    return {**kept, **{name: row[name] for name in STATE}}


def with_former(states: list[dict[str, Any]], start: HistoryStart) -> list[dict[str, Any]]:
    """The same states, with the former attorney as long as that attorney represented the case."""
    changed_on = start.attorney_changed_on
    if changed_on is None:
        return states
    found = []
    for state in states:
        if state["known_from"] < changed_on:
            then = min(changed_on, state["known_until"])
            found.append({**state, "known_until": then, "attorney_id": start.former_attorney_id})
        if state["known_until"] > changed_on:
            found.append({**state, "known_from": max(changed_on, state["known_from"])})
    return found


def first_row(start: HistoryStart, identity: UUID, billed: Decimal, moment: datetime) -> dict[str, Any]:
    """The row of invoices as it is on the first day."""
    return {
        "clinic_id": start.clinic_id,
        "id": identity,
        "number": start.number,
        "case_id": start.case_id,
        "patient_id": start.patient_id,
        "payer_id": start.payer_id,
        "physician_id": start.physician_id,
        "facility_id": start.facility_id,
        "encounter_id": start.encounter_id,
        "attorney_id": start.attorney_id,
        "status": InvoiceStatus.PENDING_INVOICE,
        "open_status": InvoiceStatus.PENDING_INVOICE,
        "version": 1,
        "created_on": start.created_on,
        "service_date": start.service_date,
        "submitted_on": None,
        "first_submitted_on": None,
        "submission_method": None,
        "agreed_on": None,
        "fully_paid_on": None,
        "paid_on": None,
        "billed_amount": billed,
        "agreed_amount": None,
        "received_amount": ZERO,
        "written_off_amount": ZERO,
        **dict.fromkeys(_COMPUTED, ZERO),
        "responsible_since": start.created_on,
        "floor_amount": start.floor_amount,
        "target_amount": start.target_amount,
        "conditional_until": None,
        "external_key": start.external_key,
        "replaces_id": start.replaces_id,
        "known_from": start.created_on,
        "updated_at": moment,
        "recorded_at": moment,
    }


def fact_rows(facts: Facts) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table of facts but receipts, without their keys."""
    tables: dict[str, Sequence[Any]] = {
        "responsibilities": facts.responsibilities,
        "agreements": facts.agreements,
        "invoice_adjustments": facts.adjustments,
        "write_offs": facts.write_offs,
    }
    return {table: [asdict(fact) for fact in rows] for table, rows in tables.items()}


def allocation_columns(receipt: Receipt) -> dict[str, Any]:
    """The columns of cheque_allocations that say what a receipt or its reversal is."""
    row = {"id": receipt.id, "amount": receipt.amount, "effective_on": receipt.effective_on}
    return row | {"reverses_id": receipt.reverses_id, "coverage_id": receipt.coverage_id}


def reversal_of(receipt: Receipt, identity: UUID, on: date, at: datetime) -> Receipt:
    """The equal and opposite receipt, which counts on a day and is recorded at a moment."""
    back = replace(receipt, id=identity, amount=-receipt.amount, reverses_id=receipt.id)
    return replace(back, effective_on=on, recorded_at=at)


def late_row(late: LateFact, seq: int) -> dict[str, Any]:
    """The columns of late_facts for a fact that the event with the number `seq` recorded."""
    known = {"fact": late.fact, "fact_on": late.fact_on, "decision": late.decision, "decided_on": late.decided_on}
    return {"seq": seq, **known}


def line_row(line: HistoryLine, position: int, by: UUID | None) -> dict[str, Any]:
    """The columns of invoice_lines that describe what a line bills; `by` confirmed it if it is repeated."""
    return {
        "position": position,
        "code": line.code,
        "label": line.label,
        "units": line.units,
        "bilateral": line.bilateral,
        "unit_price": line.unit_price,
        "amount": line.amount,
        "price_source": line.source,
        "price_rate": line.unit_price if line.rate is None else line.rate,
        "geographic_factor": line.geographic_factor,
        "bilateral_factor": line.bilateral_factor,
        "override_reason": line.override_reason,
        "price_schedule": line.schedule,
        "price_valid_from": line.valid_from,
        "price_valid_to": line.valid_to,
        "is_repeated": line.is_repeated,
        "repeat_confirmed_by": by if line.is_repeated else None,
    }


@lru_cache(maxsize=4096)
def noon_of(day: date) -> datetime:
    """Noon UTC of a day, which is a time of the same day in nearly every clinic."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
