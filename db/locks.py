"""Decides how invoices are locked: in the order of their ids, so that two mutations over many wait for each other and never forever."""

from collections.abc import Iterable
from uuid import UUID

# Facts are read by a statement of their own that begins when the lock is held: one statement would see the other tables as
# they were before it waited for the lock.
LOCK_INVOICES = "select id from invoices where clinic_id = $1 and id = any($2) order by id for update"


def locking(clinic_id: UUID, invoices: Iterable[UUID]) -> str:
    """The end of a simple query that locks invoices of a clinic; ids that are UUIDs can be spelled out."""
    return f"; select lock_invoices('{clinic_id}', '{{{','.join(map(str, sorted(invoices)))}}}')"
