"""The audit log's record of an operation: user, operation, records, fields and time, without any values."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

# The role of operations that no user requested, such as the lapse of a conditional agreement.
WORKER = "worker"
# The role of a sign-in with an e-mail that has no account, and the clinic of its event where none is meant: such an event is in no
# clinic's hash chain, and only the operator reads it.
ANONYMOUS = "anonymous"
NO_CLINIC = UUID(int=0)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One operation. `entities` are concatenated binary global ids: two letters for the type, then the UUID.

    `fields` are the coordinates of restricted fields that were read or written, `filters` those of the filters that selected
    the records; `row_count` is the number of records, where it was counted.
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
