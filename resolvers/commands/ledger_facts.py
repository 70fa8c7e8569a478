"""Reads the facts behind the amounts of invoices, and writes those that a transition adds or changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from db.write_batch import WriteBatch
from domain.billing.ledger.facts import (
    Adjustment,
    AdjustmentKind,
    Agreement,
    AgreementEnd,
    AgreementKind,
    Facts,
    Receipt,
    Responsibility,
    ResponsibilityReason,
    WriteOff,
)
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]


def _rows(table: str, columns: str, order: str = "number", join: str = "") -> str:
    return f"""(select coalesce(json_agg(f order by f.{order}), '[]') from (select {columns} from {table} t {join}
        where t.clinic_id = i.clinic_id and t.invoice_id = i.id) f)"""


_AGREEMENT = "number, kind, amount::text, agreed_on, recorded_at, conditional_until, ended_on, ended_at, ended_by"
_RECEIPT = """t.id, c.payer_id, t.amount::text, t.effective_on, t.recorded_at, t.reverses_id, t.coverage_id,
    coalesce(p.patient_id = i.patient_id, false) as is_patient"""
_PAYER = """join cheques c on c.clinic_id = t.clinic_id and c.id = t.cheque_id
    join payers p on p.clinic_id = c.clinic_id and p.id = c.payer_id"""
_SELECTED = f"""select i.id, i.billed_amount, i.payer_id, i.created_on, i.recorded_at,
    {_rows("responsibilities", "number, payer_id, from_on, recorded_at, reason, coverage_id")} as responsibilities,
    {_rows("agreements", _AGREEMENT)} as agreements,
    {_rows("cheque_allocations", _RECEIPT, "id", _PAYER)} as receipts,
    {_rows("invoice_adjustments", "number, kind, amount::text, effective_on, recorded_at")} as adjustments,
    {_rows("write_offs", "number, written_off_on, recorded_at, reversed_on")} as write_offs,
    {{forbids}} as forbids_balance_billing from invoices i where i.clinic_id = $1 and i.id = any($2)"""
# The coverage under which the present payer owes or, where the responsibility names none, any of this payer in the case.
_FORBIDS = """exists (select from coverages v left join lateral (select r.coverage_id from responsibilities r
        where r.clinic_id = i.clinic_id and r.invoice_id = i.id order by r.number desc limit 1) last on true
    where v.clinic_id = i.clinic_id and v.case_id = i.case_id and v.balance_billing = 'forbidden'
        and (v.id = last.coverage_id or last.coverage_id is null and v.payer_id = i.payer_id))"""
_FACTS = _SELECTED.format(forbids=_FORBIDS)
# The worker moves no balance, and cannot read coverages.
_FACTS_FOR_THE_WORKER = _SELECTED.format(forbids="false")
# How the texts of JSON become values, by the name of the column.
_DAYS = frozenset(
    {"from_on", "agreed_on", "conditional_until", "ended_on", "effective_on", "written_off_on", "reversed_on"}
)
_MOMENTS = frozenset({"recorded_at", "ended_at"})
_IDS = frozenset({"id", "payer_id", "coverage_id", "reverses_id"})
_ENUMS: dict[str, Callable[[str], Any]] = {
    "reason": ResponsibilityReason,
    "ended_by": AgreementEnd,
    "kind": lambda kind: AdjustmentKind(kind) if kind in list(AdjustmentKind) else AgreementKind(kind),
}


async def facts_of(work: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, Facts]:
    """The facts of each of these invoices, which have to be locked."""
    query = _FACTS_FOR_THE_WORKER if work.actor.role is None else _FACTS
    return {row["id"]: _facts(row) for row in await work.all(query, sorted(ids))}


def _facts(row: Row) -> Facts:
    owed = [Responsibility(**one) for one in _values(row["responsibilities"])]
    if not owed:
        # Created by a server of the release before while the database had been migrated already.
        owed = [Responsibility(1, row["payer_id"], row["created_on"], row["recorded_at"])]
    return Facts(
        row["billed_amount"],
        tuple(owed),
        tuple(Agreement(**one) for one in _values(row["agreements"])),
        tuple(Receipt(**one) for one in _values(row["receipts"])),
        tuple(Adjustment(**one) for one in _values(row["adjustments"])),
        tuple(WriteOff(**one) for one in _values(row["write_offs"])),
        row["forbids_balance_billing"],
    )


def _values(text: str) -> list[dict[str, Any]]:
    return [{name: _value(name, value) for name, value in one.items()} for one in orjson.loads(text)]


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DAYS:
        return date.fromisoformat(value)
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    if name in _IDS:
        return UUID(value)
    if name == "amount":
        return Decimal(value)
    return _ENUMS[name](value) if name in _ENUMS else value


def write_facts(work: UnitOfWork, writes: WriteBatch, invoice_id: UUID, before: Facts, after: Facts) -> None:
    """Add the facts that are new, and those that ended, to the batch; receipts are written with their cheque."""
    decided = {"decided_by": work.user_id}
    for table, old, new, more in (
        ("responsibilities", before.responsibilities, after.responsibilities, decided | _beside(work)),
        ("agreements", before.agreements, after.agreements, {}),
        ("invoice_adjustments", before.adjustments, after.adjustments, decided),
        ("write_offs", before.write_offs, after.write_offs, decided),
    ):
        known = {one.number: one for one in old}
        for fact in new:
            columns = {name: value for name, value in asdict(fact).items() if name != "number"}
            key = {"invoice_id": invoice_id, "number": fact.number}
            if fact.number not in known:
                writes.insert(table, id=new_id(work.moment), **key, **columns, **more)
            elif known[fact.number] != fact:
                ended = {name: value for name, value in columns.items() if getattr(known[fact.number], name) != value}
                writes.update(table, key, **ended)


def _beside(work: UnitOfWork) -> dict[str, Any]:
    """What is recorded with a responsibility, and changes no amount."""
    return {"note": work.inputs.get("note"), "document_id": work.inputs.get("document_id")}
