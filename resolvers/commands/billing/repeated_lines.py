"""Finds the lines of an invoice that repeat lines of other invoices that are not void; they are billed only if that is confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from db.merged_records import group, surviving
from domain.pricing.pricing import Place, PricedLine
from domain.treatment.repeated_lines import refuse_repeats, repeats_of
from resolvers.commands.unit_of_work import UnitOfWork

# Commands that bill a patient's treatment take turns, so that two of them do not bill the same at once.
_IN_TURN = f"select 1 from patients where clinic_id = $1 and id = {surviving('patient', '$2')} for no key update"
_BILLED = f"""select l.code, l.bilateral, min(i.number) as number from invoices i
    join invoice_lines l on l.clinic_id = i.clinic_id and l.invoice_id = i.id
    where i.clinic_id = $1 and i.patient_id = any({group("patient", "$2")}) and i.service_date = $3 and i.physician_id is not distinct from $4::uuid
        and i.id <> $5 and i.status <> 'void' and l.code = any($6) group by 1, 2"""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What an invoice bills: the patient, the day of service and the physician."""

    patient_id: UUID
    service_date: date
    physician_id: UUID | None


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
