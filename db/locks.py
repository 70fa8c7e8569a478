"""Row locks on invoices and payments, taken in the order of their ids, so that concurrent mutations cannot deadlock."""

from collections.abc import Iterable
from uuid import UUID

# Facts are read by a separate statement after the lock is held: a single statement would see the other tables in the snapshot
# from before it waited for the lock.
LOCK_INVOICES = "select id from invoices where clinic_id = $1 and id = any($2) order by id for update"
LOCK_PAYMENTS = "select id from cheques where clinic_id = $1 and id = any($2) order by id for no key update"
# The advisory lock of merges, of the clinic $1: a merge and its undoing hold it alone, what depends on the merges that stand shares it.
MERGES_KEY = "hashtextextended('merges ' || $1::uuid::text, 0)"


def locking(clinic_id: UUID, invoices: Iterable[UUID]) -> str:
    """The end of a simple query that locks invoices of a clinic; UUIDs are safe to write into the SQL text."""
    return f"; select lock_invoices('{clinic_id}', '{{{','.join(map(str, sorted(invoices)))}}}')"
