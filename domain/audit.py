"""Decides what the audit trail keeps of an operation: who, what, about which records, through which fields, when; no values."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# Who does what nobody asked for, such as letting an agreement lapse.
WORKER = "worker"


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One operation. `entities` are global ids in their bytes, one after the other: two letters for the type, then the UUID.

    `fields` are the coordinates that not everybody sees and that were read or written, `filters` those by which records were
    chosen; `row_count` is how many there were, where they were counted.
    """

    id: UUID
    clinic_id: UUID
    user_id: UUID | None
    role: str
    operation: str
    at: datetime
    request_id: str
    entities: bytes = b""
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    row_count: int | None = None
