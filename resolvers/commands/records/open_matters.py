"""What is still open of a payer, a patient or a firm, which keeps it from being retired: counts, sums, and the steps that help."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db.merged_records import group, surviving
from db.tables.base import listed
from domain.billing.coverages import PAYING
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.money import format_money
from domain.errors import Conflict
from resolvers.commands.next_steps import next_step
from resolvers.commands.unit_of_work import UnitOfWork

# Kind → the conditions by which its payers, invoices and coverages are found; its id is bound as $2.
_OF_PAYERS = {"invoices": "payer_id in (select id from own)", "coverages": "payer_id in (select id from own)"}
_PATIENTS = group("patient", "$2")
_OF: dict[str, Mapping[str, str]] = {
    "payer": {"payers": f"id = any({group('payer', '$2')})", **_OF_PAYERS},
    "firm": {
        "payers": f"{surviving('payer', 'payers.id')} in (select f.id from payers f where f.clinic_id = $1 and f.firm_id = $2)",
        **_OF_PAYERS,
    },
    "patient": {
        "payers": f"patient_id = any({_PATIENTS})",
        "invoices": f"patient_id = any({_PATIENTS})",
        "coverages": f"case_id in (select id from cases where clinic_id = $1 and patient_id = any({_PATIENTS}))",
    },
}
_OPEN = f"""with own as materialized (select id from payers where clinic_id = $1 and {{payers}}),
    owed as materialized (select status, balance from invoices where clinic_id = $1 and {{invoices}} and status in {listed(OPEN)}),
    paid as materialized (select {surviving("payer", "payer_id")} as payer_id, amount, unapplied_amount,
            held_from is not null and released_at is null and returned_on is null as is_held
        from cheques where clinic_id = $1 and payer_id in (select id from own)),
    left_over as (select sum(unapplied_amount) as amount from paid group by payer_id)
select (select count(*) from owed where balance > 0) as owed_count, (select coalesce(sum(balance), 0.00) from owed) as owed,
    (select count(*) from owed where status = '{InvoiceStatus.PENDING_REDUCTION}') as negotiated_count,
    (select count(*) from paid where unapplied_amount > 0) as unapplied_count,
    (select coalesce(sum(amount), 0.00) from left_over where amount > 0) as unapplied,
    (select coalesce(-sum(amount), 0.00) from left_over where amount < 0) as overdrawn,
    (select count(*) from paid where is_held) as held_count, (select coalesce(sum(amount), 0.00) from paid where is_held) as held,
    (select count(*) from coverages v join cases c on c.clinic_id = v.clinic_id and c.id = v.case_id
        where v.clinic_id = $1 and v.{{coverages}} and v.status in {listed(PAYING)} and c.status = 'open') as coverage_count"""
_WHOSE = {"payer": "it owes", "firm": "its payers owe", "patient": "there are open"}


async def open_matters(work: UnitOfWork, kind: str, identity: UUID) -> list[str]:
    """What is open of a payer, firm or patient, in words; empty where nothing is. The caller has locked the record."""
    found = await work.one(_OPEN.format_map(_OF[kind]), identity)
    told = [
        (found["owed_count"], f"{_WHOSE[kind]} {_sum(found, 'owed')} on {found['owed_count']:,} invoices ({_OWED})"),
        (found["negotiated_count"], f"{found['negotiated_count']:,} reductions are negotiated ({_NEGOTIATED})"),
        (
            found["unapplied"],
            f"{_sum(found, 'unapplied')} of {found['unapplied_count']:,} payments is not applied ({_UNAPPLIED})",
        ),
        (
            found["overdrawn"],
            f"{_sum(found, 'overdrawn')} was refunded, or taken back, of payments that were returned later ({_OVERDRAWN})",
        ),
        (found["held_count"], f"{found['held_count']:,} cheques of {_sum(found, 'held')} are held ({_HELD})"),
        (found["coverage_count"], f"{found['coverage_count']:,} coverages of open cases are in force ({_COVERED})"),
    ]
    return [words for count, words in told if count]


async def check_nothing_open(work: UnitOfWork, kind: str, identity: UUID, field: str) -> None:
    """Conflict if something is open of a payer or patient, which says what is, and which steps close it."""
    found = await open_matters(work, kind, identity)
    if found:
        raise Conflict(f"This {kind} cannot be retired: {'; '.join(found)}", (field,))


_OWED = "transferBalance, or payment; changePayer of what was never submitted"
_NEGOTIATED = "agreeReduction or declineReduction"
_UNAPPLIED = f"allocateCheque, or {next_step('refund_cheque')}"
_OVERDRAWN = "leave as much of another payment unapplied: recordCheque"
_HELD = f"{next_step('deposit_cheques')}, or returnCheque"
_COVERED = next_step("close_coverage")


def _sum(found: Mapping[str, Any], name: str) -> str:
    return format_money(found[name])
