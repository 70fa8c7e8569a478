"""Commands of coverages: adding one to a case, changing, verifying and closing it; each change is in the coverage's history."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.global_ids import make_id
from db.merged_records import group, surviving
from db.tables.base import listed
from db.write_batch import WriteBatch
from domain.access.people import PayerKind
from domain.api_names import enum_name
from domain.billing.coverages import (
    ENUMS,
    LAST_PRIORITY,
    NAMES,
    ZERO,
    CoverageAction,
    CoverageKind,
    CoverageStatus,
    check_payer_kind,
    check_release,
    closing_of,
    columns_of,
    completed,
    forbids_no_longer,
    verification_of,
)
from domain.billing.invoice_events import Change, change_of
from domain.billing.invoices import OPEN
from domain.errors import Conflict, NotFound, StaleVersion
from domain.ids import new_id
from domain.texts import REASON, Text, optional_text
from domain.warnings import limit_below_receipts, receipts_without_coverage
from resolvers.commands.billing.cases import lock_case
from resolvers.commands.documents import consume
from resolvers.commands.payers import are_one_payer, check_payer
from resolvers.commands.transitions import announce
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_COLUMNS = """payer_id, kind, priority, policy_number, claim_number, insured_name, insured_relationship, adjuster_name, adjuster_phone,
    adjuster_email, effective_from, effective_to, limit_amount, deductible_amount, pays_percent, other_payments_amount,
    other_payments_on, file_within_days, balance_billing, status, exhausted_on, closed_on, closing_reason, letter_id,
    closing_letter_id, verified_by, verified_at, version"""
# Changes of a coverage wait for each other, and payments under it, which only refer to it, do not wait.
_COVERAGE = f"select id, case_id, {_COLUMNS} from coverages where clinic_id = $1 and id = $2 for no key update"
_EVENTS = "select coalesce(max(seq), 0) from coverage_events where clinic_id = $1 and coverage_id = $2"
_LAST = "select coalesce(max(priority), 0) from coverages where clinic_id = $1 and case_id = $2 and status <> 'closed'"
_RECEIVED = (
    "select coalesce(sum(amount), 0), count(*) from cheque_allocations where clinic_id = $1 and coverage_id = $2"
)
_UNNAMED = f"""select coalesce(sum(a.amount), 0) from cheque_allocations a
    join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
    where a.clinic_id = $1 and a.coverage_id is null and c.payer_id = any({group("payer", "$2")}) and i.case_id = $3"""
_OWED = f"""select id from invoices where clinic_id = $1 and case_id = $2 and status in {listed(OPEN)}
    and {surviving("payer", "payer_id")} in (select {surviving("payer", "p.id")} from unnest($3::uuid[]) p (id))"""
_IS_BILLED = f"""select from invoices where clinic_id = $1 and case_id = $2 and payer_id = any({group("payer", "$3")})
    and status <> 'void' limit 1"""
_PATIENT = "select patient_id from cases where clinic_id = $1 and id = $2"
_KIND_OF_PAYER = "select kind from payers where clinic_id = $1 and id = $2 for key share"
_REFERENCES = {"payer_id": "Payer", "letter_id": "Upload", "closing_letter_id": "Upload"}
# What an event of the history says itself: who did it, and when.
_OF_EVENT = ("verified_by", "verified_at")
_OPTIONAL_REASON = Text(REASON.longest, lines=True)


async def add(work: UnitOfWork) -> UUID:
    """Add a coverage to a case; it is the last one by default, and unverified."""
    # In a new coverage, null is the same as an omitted field.
    given = {name: value for name, value in work.inputs.items() if value is not None}
    columns = completed({}, columns_of(given), work.today)
    columns |= await _letter(work, "letter_id")
    case = await lock_case(work, work.inputs["case_id"])
    await _check_payer(work, columns, case["id"])
    if columns.get("priority") is None:
        columns["priority"] = min((await work.one(_LAST, case["id"]))[0] + 1, LAST_PRIORITY)
    identity, writes = new_id(work.moment), work.writes()
    status = CoverageStatus.UNVERIFIED.value
    of = {"id": identity, "case_id": case["id"], "recorded_at": work.moment, "status": status}
    writes.insert("coverages", **of, **columns)
    told = {name: value for name, value in columns.items() if value is not None}
    _record(work, writes, identity, 1, CoverageAction.ADDED, _changes({}, told))
    await _announce(work, writes, case["id"], columns["payer_id"])
    await writes.run(work.connection)
    unnamed = (await work.one(_UNNAMED, columns["payer_id"], case["id"]))[0]
    if unnamed > 0:
        work.warnings.append(receipts_without_coverage(unnamed))
    return identity


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of a coverage; payments that are recorded stay as they are."""
    # Documents are locked first, by all commands.
    letter = await _letter(work, "letter_id")
    row = await _locked(work)
    changed = completed(row, columns_of(work.inputs), work.today)
    if "payer_id" in changed and await are_one_payer(work, changed["payer_id"], row["payer_id"]):
        del changed["payer_id"]
    received, payments = await work.one(_RECEIVED, row["id"])
    if changed.get("payer_id", row["payer_id"]) != row["payer_id"] and payments:
        words = (
            "Payments of the payer are recorded under this coverage: close it, and add a coverage of the other payer"
        )
        raise Conflict(words, ("payer_id",))
    if {"payer_id", "kind"} & set(changed):
        await _check_payer(
            work, {**row, **changed}, row["case_id"], is_new=changed.get("payer_id", row["payer_id"]) != row["payer_id"]
        )
    changed |= letter
    reason = optional_text(work.inputs, "reason", _OPTIONAL_REASON)
    if forbids_no_longer(row, changed) and await work.one(_IS_BILLED, row["case_id"], row["payer_id"]) is not None:
        check_release(work.actor.role, reason)
    await _change(work, row, changed, CoverageAction.UPDATED, reason)
    _warn_of_limit(work, {**row, **changed}, received)
    identity: UUID = row["id"]
    return identity


async def verify(work: UnitOfWork) -> UUID:
    """The payer has confirmed a coverage."""
    row = await _locked(work)
    reason = optional_text(work.inputs, "reason", _OPTIONAL_REASON)
    changed = verification_of(row, {"reason": reason})
    changed |= {"verified_by": work.user_id, "verified_at": work.moment}
    await _change(work, row, changed, CoverageAction.VERIFIED, reason)
    identity: UUID = row["id"]
    return identity


async def close(work: UnitOfWork) -> UUID:
    """A coverage is exhausted, refused or closed."""
    letter = await _letter(work, "closing_letter_id")
    row = await _locked(work)
    await _change(work, row, {**closing_of(row, work.inputs, work.today), **letter}, CoverageAction.CLOSED)
    identity: UUID = row["id"]
    return identity


async def _locked(work: UnitOfWork) -> Row:
    row: Row | None = await work.one(_COVERAGE, work.inputs["coverage_id"])
    if row is None:
        raise NotFound("There is no such coverage", ("coverage_id",))
    if work.inputs.get("version") not in (None, row["version"]):
        raise StaleVersion("The coverage has been changed since it was read", ("version",), row["version"])
    return dict(row)


async def _check_payer(work: UnitOfWork, columns: Row, case_id: UUID, *, is_new: bool = True) -> None:
    if is_new:
        await check_payer(work, columns["payer_id"], (await work.one(_PATIENT, case_id))[0])
    kind = (await work.one(_KIND_OF_PAYER, columns["payer_id"]))[0]
    check_payer_kind(CoverageKind(columns["kind"]), PayerKind(kind))


async def _letter(work: UnitOfWork, column: str) -> dict[str, Any]:
    """The column of an uploaded letter, if the input has one; null takes the letter away from the coverage."""
    if "document_id" not in work.inputs:
        return {}
    if work.inputs["document_id"] is not None:
        await consume(work)
    return {column: work.inputs["document_id"]}


async def _change(
    work: UnitOfWork, row: Row, values: Mapping[str, Any], action: CoverageAction, reason: str | None = None
) -> None:
    """Write the changed columns, the next version and the event; a change that changes nothing is none."""
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return
    writes = work.writes()
    writes.update("coverages", {"id": row["id"]}, **changed, version=row["version"] + 1)
    seq = (await work.one(_EVENTS, row["id"]))[0] + 1
    _record(work, writes, row["id"], seq, action, _changes(row, changed, reason))
    await _announce(work, writes, row["case_id"], row["payer_id"], changed.get("payer_id"))
    await writes.run(work.connection)


def _changes(before: Row, changed: Mapping[str, Any], reason: str | None = None) -> list[Change]:
    """The changed values of an event, with names and values as in the API."""
    found = [
        change_of(NAMES.get(name, name), _published(name, before.get(name)), _published(name, value))
        for name, value in changed.items()
        if name not in _OF_EVENT
    ]
    return [*found, change_of("reason", None, reason)] if reason else found


def _record(
    work: UnitOfWork, writes: WriteBatch, coverage: UUID, seq: int, action: CoverageAction, changes: list[Change]
) -> None:
    """Add an event to the coverage's history."""
    event = {"coverage_id": coverage, "seq": seq, "at": work.moment, "by_user_id": work.user_id}
    event |= {"action": action.value, "changes": changes, "request_id": work.request_id}
    writes.insert("coverage_events", id=new_id(work.moment), recorded_at=work.moment, **event)


async def _announce(work: UnitOfWork, writes: WriteBatch, case: UUID, *payers: UUID | None) -> None:
    """Announce the open invoices of the payers: what is expected of them, and the action items about them, have changed."""
    for invoice in await work.all(_OWED, case, [payer for payer in payers if payer]):
        announce(work, invoice["id"], ["coverages"])


def _published(column: str, value: Any) -> Any:
    """A stored value as the API writes it: ids of records, and names of enum values."""
    if value is None:
        return None
    if column in _REFERENCES:
        return make_id(_REFERENCES[column], value)
    return enum_name(value) if column in ENUMS else value


def _warn_of_limit(work: UnitOfWork, row: Row, received: Decimal) -> None:
    if row["limit_amount"] is None or not {"limit", "other_payments"} & set(work.inputs):
        return
    missing = received + (row["other_payments_amount"] or ZERO) - row["limit_amount"]
    if missing > 0:
        work.warnings.append(limit_below_receipts(missing))
