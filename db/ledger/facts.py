"""Reads the facts behind the amounts of invoices from their tables."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from db.merged_records import are_one
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

Row = Mapping[str, Any]


def _rows(table: str, columns: str, order: str = "number", join: str = "") -> str:
    return f"""(select coalesce(json_agg(f order by f.{order}), '[]') from (select {columns} from {table} t {join}
        where t.clinic_id = i.clinic_id and t.invoice_id = i.id) f)"""


_AGREEMENT = "number, kind, amount::text, agreed_on, recorded_at, conditional_until, ended_on, ended_at, ended_by"
_RECEIPT = f"""t.id, c.payer_id, t.amount::text, t.effective_on, t.recorded_at, t.reverses_id, t.coverage_id,
    coalesce({are_one("patient", "p.patient_id", "i.patient_id")}, false) as is_patient"""
_PAYER = """join cheques c on c.clinic_id = t.clinic_id and c.id = t.cheque_id
    join payers p on p.clinic_id = c.clinic_id and p.id = c.payer_id"""
# Which payers of the invoice are merged into which; most clinics have merged none.
_MERGED = """(select coalesce(json_object_agg(l.id, l.survivor_id), '{{}}') from merged_payers l where l.clinic_id = i.clinic_id
        and l.group_ids && array(select r.payer_id from responsibilities r where r.clinic_id = i.clinic_id and r.invoice_id = i.id))"""
_SELECTED = f"""select i.id, i.billed_amount, i.payer_id, i.created_on, i.recorded_at,
    {_rows("responsibilities", "number, payer_id, from_on, recorded_at, reason, coverage_id")} as responsibilities,
    {_rows("agreements", _AGREEMENT)} as agreements,
    {_rows("cheque_allocations", _RECEIPT, "id", _PAYER)} as receipts,
    {_rows("invoice_adjustments", "number, kind, amount::text, effective_on, recorded_at")} as adjustments,
    {_rows("write_offs", "number, written_off_on, recorded_at, reversed_on")} as write_offs,
    {_MERGED} as merged, {{forbids}} as forbids_balance_billing from invoices i where i.clinic_id = $1 and i.id = any($2)"""
# The coverage under which the present payer owes and those of this payer under which money came or, where the responsibility names
# none, any of this payer in the case.
_FORBIDS = f"""exists (select from coverages v left join lateral (select r.coverage_id from responsibilities r
        where r.clinic_id = i.clinic_id and r.invoice_id = i.id order by r.number desc limit 1) last on true
    where v.clinic_id = i.clinic_id and v.case_id = i.case_id and v.balance_billing = 'forbidden'
        and (v.id = last.coverage_id or {are_one("payer", "v.payer_id", "i.payer_id")} and (last.coverage_id is null or exists (
            select from cheque_allocations a where a.clinic_id = i.clinic_id and a.invoice_id = i.id and a.coverage_id = v.id))))"""
# The facts of invoices of a clinic, without and with what a coverage forbids.
FACTS = _SELECTED.format(forbids="false")
FACTS_AND_COVERAGES = _SELECTED.format(forbids=_FORBIDS)
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


def facts_from(row: Row) -> Facts:
    """The facts in a row of FACTS."""
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
        {UUID(one): UUID(into) for one, into in orjson.loads(row["merged"]).items()},
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
