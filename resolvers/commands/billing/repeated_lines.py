"""Finds the lines of an invoice that repeat lines of other invoices that are not void; they are billed only if that is confirmed.

What a coverage that forbids balance billing leaves is not billed to somebody else so, either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from db.ledger.facts import FORBIDS_BALANCE_BILLING
from db.merged_records import group, surviving
from domain.billing.coverages import BalanceBilling, check_balance_billing
from domain.billing.invoice_events import Change, change_of
from domain.billing.opening_balances import CODE as OPENING
from domain.errors import InvalidInput
from domain.pricing.pricing import Place, PricedLine
from domain.texts import REMARK, optional_text
from domain.treatment.repeated_lines import refuse_repeats, repeats_of
from resolvers.commands.unit_of_work import UnitOfWork

# Commands that bill a patient's treatment take turns, so that two of them do not bill the same at once.
_IN_TURN = f"select 1 from patients where clinic_id = $1 and id = {surviving('patient', '$2')} for no key update"
_BILLED = f"""select l.code, l.bilateral, min(i.number) as number from invoices i
    join invoice_lines l on l.clinic_id = i.clinic_id and l.invoice_id = i.id
    where i.clinic_id = $1 and i.patient_id = any({group("patient", "$2")}) and i.service_date = $3
        and i.physician_id is not distinct from $4::uuid
        and i.id <> $5 and i.status <> 'void' and l.code = any($6) group by 1, 2"""


# The first invoice of another payer that bills one of the lines, where one of the two payers owes under a coverage that forbids balance
# billing. What replaced invoices billed counts, too: the payer has been asked for it.
_BILLED_TO_ANOTHER = f"""select i.number from invoices i
    where i.clinic_id = $1 and i.patient_id = any({group("patient", "$2")}) and i.service_date = $3
        and i.physician_id is not distinct from $4::uuid
        and i.id <> $5 and i.case_id = $8 and i.payer_id <> all({group("payer", "$7")})
        and (i.status <> 'void' or i.first_submitted_on is not null and exists (
            select from invoices n where n.clinic_id = i.clinic_id and n.replaces_id = i.id and n.id <> $5))
        and exists (select from invoice_lines l where l.clinic_id = i.clinic_id and l.invoice_id = i.id and l.code = any($6))
        and ({FORBIDS_BALANCE_BILLING} or exists (select from coverages o where o.clinic_id = i.clinic_id and o.case_id = $8
            and o.payer_id = any({group("payer", "$7")}) and o.balance_billing = '{BalanceBilling.FORBIDDEN}'))
    order by i.number limit 1"""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What an invoice bills, and to whom: the patient, the day of service and the physician, the payer and the case."""

    patient_id: UUID
    service_date: date
    physician_id: UUID | None
    payer_id: UUID
    case_id: UUID


async def confirmed_repeats(
    work: UnitOfWork, invoice: UUID, treatment: Treatment, lines: Sequence[PricedLine], places: Sequence[Place]
) -> frozenset[int]:
    """The positions, from 0, of the lines that repeat others; Conflict where the input does not confirm them."""
    await work.one(_IN_TURN, treatment.patient_id)
    of = (treatment.patient_id, treatment.service_date, treatment.physician_id)
    rows = await work.all(_BILLED, *of, invoice, [line.code for line in lines])
    repeats = repeats_of(lines, {(row["code"], row["bilateral"]): row["number"] for row in rows})
    if not work.inputs.get("confirm_duplicate"):
        refuse_repeats(lines, repeats, places)
    return frozenset(repeat.position for repeat in repeats)


async def check_second_bill(
    work: UnitOfWork, invoice: UUID, treatment: Treatment, lines: Sequence[PricedLine]
) -> list[Change]:
    """Refuse to bill to somebody else what a coverage does not let be billed so, unless an administrator says why: that is a change."""
    of = (treatment.patient_id, treatment.service_date, treatment.physician_id, invoice)
    codes = [line.code for line in lines if line.code != OPENING]
    found = await work.one(_BILLED_TO_ANOTHER, *of, codes, treatment.payer_id, treatment.case_id)
    if found is None:
        return []
    reason = optional_text(work.inputs, "duplicate_reason", REMARK) or work.inputs.get("reason")
    try:
        check_balance_billing(BalanceBilling.FORBIDDEN, None, work.actor.role, reason)
    except InvalidInput as refusal:
        by = f"Invoice {found['number']} bills the same treatment to another payer"
        path = ("duplicate_reason" if refusal.path else "lines",)
        raise InvalidInput(f"{by}. {refusal.message}", path) from refusal
    return [change_of("duplicate_reason", None, reason)]
