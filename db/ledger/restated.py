"""Stores the restated states of invoices, fills those that are missing, and finds those that do not follow from the facts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from db.ledger.facts import FACTS, facts_from
from db.tables import restated_states as table
from domain.billing.invoices import InvoiceStatus
from domain.billing.restated import RestatedState, Step, restated_states

Row = Any
_BATCH = 1_000
_STEPS = "select * from invoice_steps($1, $2)"
_RESTATE = "select restate_invoice($1, $2, $3::text::json)"
_ENTER = "select set_config('app.clinic_id', $1, true)"
_INSTANT = timedelta(microseconds=1)

# A fact whose day is not the clinic's day on which it was recorded; what counts before the invoice counts from its creation.
_FACT_DAYS = """select clinic_id, invoice_id, from_on as day, recorded_at from responsibilities where number > 1
    union all select clinic_id, invoice_id, agreed_on, recorded_at from agreements
    union all select clinic_id, invoice_id, ended_on, ended_at from agreements where ended_on is not null
    union all select clinic_id, invoice_id, effective_on, recorded_at from cheque_allocations
    union all select clinic_id, invoice_id, effective_on, recorded_at from invoice_adjustments
    union all select clinic_id, invoice_id, written_off_on, recorded_at from write_offs
    union all select clinic_id, invoice_id, denied_on, recorded_at from denials where cheque_id is null
    union all select e.clinic_id, e.invoice_id, x.after::date, e.at from invoice_events e,
        json_to_recordset(e.changes) x (field text, after text)
        where e.transition = 'submit_invoice' and x.field = 'submittedOn'
    union all select clinic_id, invoice_id, 'infinity', at from invoice_events where transition = 'revive_agreement'"""
_BACKDATED = f"""select distinct i.clinic_id, i.id from ({_FACT_DAYS}) f
    join invoices i on (i.clinic_id, i.id) = (f.clinic_id, f.invoice_id) join clinics c on c.clinic_id = f.clinic_id
    where greatest(f.day, i.created_on) <> (f.recorded_at at time zone c.time_zone)::date"""
MISSING = f"""select b.clinic_id, b.id from ({_BACKDATED}) b where not exists (select from restated_states r
    where (r.clinic_id, r.invoice_id) = (b.clinic_id, b.id))"""
_COMPARED = [
    column.name
    for column in table.c
    if column.name not in ("clinic_id", "invoice_id", "from_on", "until_on") and column.computed is None
]
# The columns of a state that are computed; the others are those of the invoice.
_OF_INVOICE = ("case_id", "patient_id", "physician_id", "facility_id", "encounter_id", "created_on", "service_date")
_COMPUTED = ["from_on", "until_on", *(name for name in _COMPARED if name not in _OF_INVOICE)]
_STORED = ", ".join(f"r.{name}" for name in _COMPARED)
_PRESENT = ", ".join(f"i.{name}" for name in _COMPARED)
BROKEN = f"""select i.clinic_id, i.id from invoices i join (select *, lag(until_on) over w as before,
        lead(from_on) over w as next, row_number() over w as place
        from restated_states window w as (partition by clinic_id, invoice_id order by from_on)) r
        on (r.clinic_id, r.invoice_id) = (i.clinic_id, i.id)
    where r.until_on is distinct from r.next or r.place = 1 and r.from_on <> i.created_on
        or r.next is null and ({_STORED}) is distinct from ({_PRESENT})"""


async def states_of(
    connection: asyncpg.Connection, clinic_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, list[RestatedState]]:
    """The restated states of invoices of the transaction's clinic, as they follow from the facts that are stored now."""
    steps: dict[UUID, list[Step]] = {}
    for row in await connection.fetch(_STEPS, clinic_id, ids):
        steps.setdefault(row["invoice_id"], []).append(_step(row, steps.get(row["invoice_id"])))
    rows: Any = await connection.fetch(FACTS, clinic_id, ids)
    return {row["id"]: restated_states(facts_from(row), steps.get(row["id"], []), row["created_on"]) for row in rows}


def _step(row: Row, earlier: Sequence[Step] | None) -> Step:
    # Each change of an invoice is recorded after the one before it, whichever request began first.
    at: datetime = max(row["at"], earlier[-1].at + _INSTANT) if earlier else row["at"]
    before = None if row["from_status"] is None else InvoiceStatus(row["from_status"])
    return Step(
        row["transition"],
        row["day"],
        at,
        before,
        InvoiceStatus(row["to_status"]),
        submitted_on=row["submitted_on"],
        billed=row["billed"],
        denied_on=row["denied_on"],
        is_moved=row["from_status"] != row["to_status"] or bool(row["has_submission"]),
    )


def row_of(state: RestatedState) -> dict[str, Any]:
    """The columns of restated_states that a state has."""
    return {"from_on": state.from_on, "until_on": state.until_on, **state.values}


async def restate(connection: asyncpg.Connection, clinic_id: UUID, ids: Iterable[UUID]) -> None:
    """Store the restated states of invoices anew, in the transaction that changes them."""
    found = await states_of(connection, clinic_id, sorted(ids))
    await connection.executemany(_RESTATE, [(clinic_id, one, _json(states)) for one, states in sorted(found.items())])


def _json(states: Iterable[RestatedState]) -> str:
    return orjson.dumps([row_of(state) for state in states], default=_text).decode()


def _text(value: Any) -> str:
    assert isinstance(value, Decimal), "a state has ids, days, texts and amounts"
    return str(value)


async def fill_missing(connection: asyncpg.Connection) -> int:
    """Store the states of all invoices that need them and have none, or others; returns their number. On the owner's connection."""
    filled = 0
    for query in (MISSING, BROKEN):
        wanted = await connection.fetch(f"select distinct clinic_id, id from ({query}) w order by 1, 2")
        for clinic_id, ids in _batches(wanted):
            async with connection.transaction():
                await connection.execute(_ENTER, str(clinic_id))
                await restate(connection, clinic_id, ids)
            filled += len(ids)
    return filled


def _batches(wanted: Sequence[Row]) -> Iterator[tuple[UUID, list[UUID]]]:
    for clinic_id in sorted({row["clinic_id"] for row in wanted}):
        ids = [row["id"] for row in wanted if row["clinic_id"] == clinic_id]
        for first in range(0, len(ids), _BATCH):
            yield clinic_id, ids[first : first + _BATCH]


async def find_deviating(connection: asyncpg.Connection) -> list[UUID]:
    """The invoices whose stored states are not those that follow from their facts. In a transaction of the owner."""
    found = list[UUID]()
    wanted = await connection.fetch("select distinct clinic_id, invoice_id as id from restated_states order by 1, 2")
    columns = ", ".join(("invoice_id", *_COMPUTED))
    query = f"select {columns} from restated_states where clinic_id = $1 and invoice_id = any($2) order by from_on"
    for clinic_id, ids in _batches(wanted):
        stored: dict[UUID, list[dict[str, Any]]] = {}
        await connection.execute(_ENTER, str(clinic_id))
        for row in await connection.fetch(query, clinic_id, ids):
            stored.setdefault(row["invoice_id"], []).append({name: row[name] for name in _COMPUTED})
        for one, states in (await states_of(connection, clinic_id, ids)).items():
            if [row_of(state) for state in states] != stored[one]:
                found.append(one)
    return found
