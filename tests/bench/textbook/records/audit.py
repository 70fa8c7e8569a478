"""The resolvers of the textbook for the audit log."""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from db.global_ids import TAGS, read_id
from db.tables import audit_chain
from tests.bench.textbook.fields import Args, Fields, listing, one
from tests.bench.textbook.models import AuditEvent, Case, Cheque, ChequeAllocation, Encounter, Invoice, Payer, User
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records

_TYPES = {tag.encode(): name for name, tag in TAGS.items()}
_NAME_BYTES = 18


def _names(event: Any) -> list[bytes]:
    return [event.entities[place : place + _NAME_BYTES] for place in range(0, len(event.entities), _NAME_BYTES)]


async def _entities(records: Records, event: Any, args: Args) -> list[dict[str, str]]:
    return [{"type": _TYPES[name[:2]], "id": base64.urlsafe_b64encode(name).decode()} for name in _names(event)]


async def _role(records: Records, event: Any, args: Args) -> str:
    role: str = event.role
    return role.upper()


async def _is_chained(records: Records, event: Any, args: Args) -> bool:
    return await records.occurs(audit_chain.c.event_id, event.id)


async def _of_patient(records: Records, patient: UUID) -> set[UUID]:
    """Every record that leads to a patient, under any of the ids that are one."""
    found = set(records.merged.group(patient))
    for model in (Case, Encounter, Invoice):
        found |= {row.id for row in await records.many(model, "patient_id", patient)}
    for identity in records.merged.group(patient):
        # Also those of the patient's payers that were merged.
        found |= {row.id for row in await records.own(Payer, "patient_id", identity)}
    for invoice in await records.many(Invoice, "patient_id", patient):
        for paid in await records.many(ChequeAllocation, "invoice_id", invoice.id):
            cheque: Any = await records.one(Cheque, paid.cheque_id)
            found |= {cheque.id, cheque.document_id}
    return found - {None}


async def _about(records: Records, event: Any, ids: set[UUID]) -> bool:
    named = {UUID(bytes=name[2:]) for name in _names(event)}
    return bool(named & ids) and await _is_chained(records, event, {})


def _meant(text: str, type_name: str) -> UUID | None:
    found = read_id(text)
    return found[1] if found and found[0] == type_name else None


async def _fits(records: Records, event: Any, wanted: Args) -> bool:
    plain = (
        "userId" not in wanted or event.user_id == (_meant(wanted["userId"], "User") or False),
        "field" not in wanted or wanted["field"] in event.fields,
        "operation" not in wanted or wanted["operation"] in event.operation.split(" "),
        "atFrom" not in wanted or event.at >= datetime.fromisoformat(wanted["atFrom"]),
        "atTo" not in wanted or event.at < datetime.fromisoformat(wanted["atTo"]),
    )
    if not all(plain):
        return False
    if "patientId" in wanted:
        patient = _meant(wanted["patientId"], "Patient")
        if patient is None or not await _about(records, event, await _of_patient(records, patient)):
            return False
    found = read_id(wanted.get("entityId") or "")
    return found is None or await _about(records, event, records.merged.group(found[1]))


def _sorting(records: Records, args: Args) -> Sorting:
    return Sorting("AuditEvent.DEFAULT", lambda event: event.at, datetime, descending=True)


AUDIT_FIELDS: Fields = {
    "Query.auditTrail": listing(AuditEvent, _fits, _sorting),
    "AuditEvent.entities": _entities,
    "AuditEvent.role": _role,
    "AuditEvent.by": one(User, "user_id"),
    "AuditEvent.chained": _is_chained,
}
