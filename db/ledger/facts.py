"""Reads the facts behind the amounts of invoices from their tables."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from db.merged_records import are_one
from domain.billing.coverages import AdjustmentGroup
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


def _rows(table: str, columns: str, order: str = "number", join: str = "", only: str = "") -> str:
    return f"""(select coalesce(json_agg(f order by f.{order}), '[]') from (select {columns} from {table} t {join}
        where t.clinic_id = i.clinic_id and t.invoice_id = i.id {only}) f)"""


_AGREEMENT = "number, kind, amount::text, agreed_on, recorded_at, conditional_until, ended_on, ended_at, ended_by"
# Of a contractual adjustment, what decides what can be taken back of it.
_ADJUSTMENT = """number, kind, amount::text, effective_on, recorded_at, adjustment_group, reason_code, line_id, cheque_id,
    undoes_number"""
_RECEIPT = f"""t.id, c.payer_id, t.amount::text, t.effective_on, coalesce(t.ordered_at, t.recorded_at) as recorded_at,
    t.reverses_id, t.coverage_id,
    coalesce({are_one("patient", "p.patient_id", "i.patient_id")}, false) as is_patient"""
_PAYER = """join cheques c on c.clinic_id = t.clinic_id and c.id = t.cheque_id
    join payers p on p.clinic_id = c.clinic_id and p.id = c.payer_id"""
# Which payers of the invoice are merged into which; most clinics have merged none.
_MERGED = """(select coalesce(json_object_agg(l.id, l.survivor_id), '{{}}') from merged_payers l where l.clinic_id = i.clinic_id
        and l.group_ids && array(select r.payer_id from responsibilities r where r.clinic_id = i.clinic_id and r.invoice_id = i.id))"""
# What a payment that was typed wrong paid, and what was moved, counts as never received, with its reversal.
_STANDS = """and c.corrected_at is null and t.reversal_kind is distinct from 'moved' and not exists (
    select from cheque_allocations m where m.clinic_id = t.clinic_id and m.invoice_id = t.invoice_id and m.reverses_id = t.id
        and m.reversal_kind = 'moved')"""
_SELECTED = f"""select i.id, i.billed_amount, i.payer_id, i.created_on, i.recorded_at,
    {_rows("responsibilities", "number, payer_id, from_on, recorded_at, reason, coverage_id")} as responsibilities,
    {_rows("agreements", _AGREEMENT)} as agreements,
    {_rows("cheque_allocations", _RECEIPT, "id", _PAYER, _STANDS)} as receipts,
    {_rows("invoice_adjustments", _ADJUSTMENT)} as adjustments,
    {_rows("write_offs", "number, written_off_on, recorded_at, reversed_on")} as write_offs,
    {_MERGED} as merged, {{forbids}} as forbids_balance_billing, {{remitted}} as patient_amount
    from invoices i where i.clinic_id = $1 and i.id = any($2)"""
# The coverage under which the present payer owes and those of this payer under which money came or, where the responsibility names
# none, any of this payer in the case.
FORBIDS_BALANCE_BILLING = f"""exists (select from coverages v left join lateral (select r.coverage_id from responsibilities r
        where r.clinic_id = i.clinic_id and r.invoice_id = i.id order by r.number desc limit 1) last on true
    where v.clinic_id = i.clinic_id and v.case_id = i.case_id and v.balance_billing = 'forbidden'
        and (v.id = last.coverage_id or {are_one("payer", "v.payer_id", "i.payer_id")} and (last.coverage_id is null or exists (
            select from cheque_allocations a where a.clinic_id = i.clinic_id and a.invoice_id = i.id and a.coverage_id = v.id))))"""
# What the patient is responsible for by the last remittance of the present payer that was posted; null where that took a claim back.
_REMITTED = f"""(select case when c.status = 'matched' then c.responsible_amount end from remittance_claims c
    join remittance_payments p on p.clinic_id = c.clinic_id and p.id = c.payment_id
    where c.clinic_id = i.clinic_id and c.invoice_id = i.id and c.posted_at is not null and {are_one("payer", "p.payer_id", "i.payer_id")}
    order by c.id desc limit 1)"""
# The facts of invoices of a clinic, without and with what a coverage forbids and a remittance says.
FACTS = _SELECTED.format(forbids="false", remitted="null::numeric")
FACTS_AND_COVERAGES = _SELECTED.format(forbids=FORBIDS_BALANCE_BILLING, remitted=_REMITTED)
# How the texts of JSON become values, by the name of the column.
_DAYS = frozenset(
    {"from_on", "agreed_on", "conditional_until", "ended_on", "effective_on", "written_off_on", "reversed_on"}
)
_MOMENTS = frozenset({"recorded_at", "ended_at"})
_IDS = frozenset({"id", "payer_id", "coverage_id", "reverses_id", "line_id", "cheque_id"})
_ENUMS: dict[str, Callable[[str], Any]] = {
    "reason": ResponsibilityReason,
    "ended_by": AgreementEnd,
    "adjustment_group": AdjustmentGroup,
    "kind": lambda kind: AdjustmentKind(kind) if kind in list(AdjustmentKind) else AgreementKind(kind),
}


def facts_from(row: Row) -> Facts:
    """The facts in a row of FACTS."""
    owed = [Responsibility(**one) for one in _values(row["responsibilities"])]
    if not owed:
        # Created by a server of the release before while the database had been migrated already.
        owed = [Responsibility(1, row["payer_id"], row["created_on"], row["recorded_at"])]
    adjustments = [Adjustment(**one) for one in _values(row["adjustments"])]
    undone = {number for one in adjustments if one.undoes_number for number in (one.number, one.undoes_number)}
    return Facts(
        row["billed_amount"],
        tuple(owed),
        tuple(Agreement(**one) for one in _values(row["agreements"])),
        tuple(Receipt(**one) for one in _values(row["receipts"])),
        tuple(one for one in adjustments if one.number not in undone),
        tuple(WriteOff(**one) for one in _values(row["write_offs"])),
        row["forbids_balance_billing"],
        tuple(one for one in adjustments if one.number in undone),
        row["patient_amount"],
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
