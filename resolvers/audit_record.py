"""The audit log of a request: which of its work becomes an audit event; no response is sent if the event cannot be stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from db.audit.entity_ids import COUNTED
from domain.audit import AuditEvent
from domain.ids import new_id
from permissions.viewers import Viewer

# Appended to the operations of an event if one of them was rejected.
REFUSED = "refused"
_NAME_BYTES, _COUNT_AT = 18, 10


@dataclass(slots=True)
class AuditRecord:
    """What one operation has done so far, for its audit event."""

    operations: list[str] = field(default_factory=list)
    # The mutation whose event is already written, and whose payload may still be read.
    written: str = ""
    is_refused: bool = False
    entities: list[bytes] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    # Whether no record can occur twice in `entities`.
    is_distinct: bool = False
    row_count: int | None = None

    def add_operation(self, operation: str) -> None:
        """A root field or a mutation by its name; one whose event is already written is not recorded again."""
        if operation != self.written and operation not in self.operations:
            self.operations.append(operation)

    def add_read_after_write(self) -> None:
        """The payload of a mutation is read after its transaction."""
        if self.written and self.written not in self.operations:
            self.operations.append(self.written)

    def read(
        self, fields: tuple[str, ...], filters: tuple[str, ...], names: bytes | None, *, is_distinct: bool = False
    ) -> None:
        """The reads of a statement: fields, filters (both sorted), and the ids that came with the response."""
        self.fields = _merged(self.fields, fields)
        self.filters = _merged(self.filters, filters)
        if names:
            self.is_distinct = is_distinct and not self.entities
            self.entities.append(names)

    def add_reads(self, other: "AuditRecord") -> None:
        """What a transaction read that was rolled back."""
        self.entities += other.entities
        self.is_distinct = False
        self.fields = _merged(self.fields, other.fields)
        self.filters = _merged(self.filters, other.filters)

    def add_written(self, entities: Iterable[bytes], fields: Iterable[str]) -> None:
        """The writes of a mutation."""
        self.entities += entities
        self.is_distinct = False
        self.fields = _merged(self.fields, tuple(sorted(set(fields))))

    def event(self, viewer: Viewer, moment: datetime, request_id: str) -> AuditEvent:
        """The event; the recorder is empty afterwards."""
        names = self._names()
        found = AuditEvent(
            id=new_id(moment),
            clinic_id=viewer.clinic_id,
            user_id=viewer.user_id,
            role=viewer.role.value,
            # Root fields end in any order.
            operation=" ".join([*sorted(self.operations), *([REFUSED] if self.is_refused else [])]),
            at=moment,
            request_id=request_id,
            entities=names,
            fields=self.fields,
            filters=self.filters,
            row_count=self.row_count,
        )
        self.operations, self.entities, self.fields, self.filters, self.row_count = [], [], (), (), None
        self.is_refused = False
        return found

    def _names(self) -> bytes:
        """Each record once; counts are added up."""
        whole = b"".join(self.entities)
        if self.is_distinct or (len(whole) <= _NAME_BYTES and not whole.startswith(COUNTED)):
            return whole
        pieces = dict.fromkeys([whole[place : place + _NAME_BYTES] for place in range(0, len(whole), _NAME_BYTES)])
        if COUNTED in whole:
            counted = [name for name in pieces if name.startswith(COUNTED)]
            self.row_count = sum(int.from_bytes(name[_COUNT_AT:]) for name in counted) if counted else None
            for name in counted:
                del pieces[name]
        return b"".join(pieces)


def _merged(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Both together, in order; most operations have only one of them."""
    if not some or some == others:
        return others
    return tuple(sorted({*some, *others})) if others else some
