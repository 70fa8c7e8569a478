"""Decides how a case is opened, changes its attorney, is settled as a whole and opened again."""

from uuid import UUID

from db.writing import Writes
from domain.errors import Conflict, IllegalTransition, NotFound
from domain.invoices import InvoiceStatus
from domain.outcomes import reason_of
from domain.transitions import legal_from
from resolvers.transitions import Row, lock, move
from resolvers.writing import Work

_CASE = "select id, number, patient_id, attorney_id, status, version, opened_on from cases where clinic_id = $1 and id = $2 for update"
_INVOICES = "select id from invoices where clinic_id = $1 and case_id = $2"
_CLOSED = (InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF)


async def lock_case(work: Work, identity: UUID) -> Row:
    """A case, locked until the transaction ends, so that no invoice joins it meanwhile; NotFound when it is not in reach."""
    row: Row | None = await work.one(_CASE, identity)
    if row is None:
        raise NotFound("There is no such case", ("case_id",))
    return row


async def lock_invoices(work: Work, case: UUID) -> dict[UUID, Row]:
    """Every invoice of a case, locked."""
    return await lock(work, [row["id"] for row in await work.all(_INVOICES, case)])


async def settle(work: Work) -> UUID:
    """Close a case whose invoices are all covered, void or written off."""
    case = await lock_case(work, work.given["case_id"])
    if case["status"] == "settled":
        raise Conflict("The case is settled already", ("case_id",))
    rows = await lock_invoices(work, case["id"])
    covered = [row for row in rows.values() if row["status"] == InvoiceStatus.CHEQUE_RECEIVED]
    for row in rows.values():
        if row["status"] not in (*_CLOSED, InvoiceStatus.CHEQUE_RECEIVED):
            _refuse(work, row)
    if not covered:
        raise Conflict("No invoice of the case is covered by cheques", ("case_id",))
    writes = work.writes()
    for row in covered:
        move(work, writes, "settle_case", row, work.given)
    writes.update("cases", {"id": case["id"]}, status="settled", settled_on=work.today, version=case["version"] + 1)
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def _refuse(work: Work, row: Row) -> None:
    words = (
        f"Invoice {row['number']} is {row['status']}: every invoice of the case must be covered, void or written off"
    )
    status = InvoiceStatus(row["status"])
    raise IllegalTransition(words, ("case_id",), status, "settle_case", legal_from(status, work.actor.role))


async def open_again(work: Work) -> UUID:
    """Open a settled case: its paid invoices are as they were before it was settled."""
    reason_of(work.given)
    case = await lock_case(work, work.given["case_id"])
    if case["status"] != "settled":
        raise Conflict("The case is not settled", ("case_id",))
    writes = work.writes()
    for row in (await lock_invoices(work, case["id"])).values():
        if row["status"] == InvoiceStatus.PAID:
            move(work, writes, "reopen_case", row, work.given)
    reopen(writes, case["id"])
    await writes.run(work.connection)
    identity: UUID = case["id"]
    return identity


def reopen(writes: Writes, case: UUID) -> None:
    """Gather that a case is open again."""
    writes.update("cases", {"id": case}, status="open", settled_on=None)
