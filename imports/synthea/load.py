"""Imports a Synthea CSV export as a clinic's invoices: in one transaction, once only, verified by control totals."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from domain.ids import new_id
from imports.default_reminders import default_reminders
from imports.history.batch import Batch
from imports.synthea.bills import Bill, bills_of
from imports.synthea.csv_rows import ZERO, BrokenRowError
from imports.synthea.exceptions import mark_exceptions
from imports.synthea.files import TRANSACTIONS, Progress, SyntheaFolder, read_folder
from imports.synthea.invoices import write_invoices
from imports.synthea.records import Target, keep_records
from imports.synthea.summary import ControlTotals, ControlTotalsError, ImportSummary


async def import_synthea(
    connection: asyncpg.Connection,
    folder: Path,
    *,
    clinic: str,
    clinic_name: str | None = None,
    attorneys: int = 5,
    open_since: date | None = None,
    today: date,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import a folder of Synthea's CSV files into the clinic with the short name `clinic`, which is created if missing.

    The records of an earlier import stay as they are. Payments of claims served since `open_since` are left out.
    `today` is
    the clinic's calendar day, after which no service may be dated. `progress` is called with the phase, the number of
    finished items and their total. The connection must be the owner's. BrokenRowError for an invalid row,
    ControlTotalsError if the written totals differ from the files; either way nothing is written.
    """
    if attorneys < 0:
        raise ValueError("The number of attorneys must be 0 or more")
    say = progress or (lambda what, done, total: None)
    async with connection.transaction():
        clinic_id, time_zone, made = await _keep_clinic(connection, clinic, clinic_name or clinic)
        target = Target(connection, clinic_id, today)
        target.count("clinics", int(made), int(not made))
        if made:
            await _add_reminders(connection, clinic_id)
        read = read_folder(folder, time_zone, today, say)
        bills = bills_of(read, open_since, today)
        new = await _new_bills(target, read, bills)
        records = await keep_records(target, read, bills, attorneys)
        await write_invoices(target, new, records, say)
        await _prove(target, new)
        if new:
            await mark_exceptions(connection, clinic_id)
            # The planner needs statistics before the first query, and autovacuum would not have run yet.
            await connection.execute("analyze")
        return await _summary(target, read, bills)


async def _keep_clinic(connection: asyncpg.Connection, short_name: str, name: str) -> tuple[UUID, str, bool]:
    """The clinic's id and time zone, and whether it was created now; its row is locked, so that imports take turns.

    The lock mode does not block the clinic's other work, which only refers to the row.
    """
    insert = "insert into clinics (clinic_id, short_name, name) values ($1, $2, $3) on conflict (short_name) do nothing"
    done = await connection.execute(insert, new_id(), short_name, name)
    query = "select clinic_id, time_zone from clinics where short_name = $1 for no key update"
    row = await connection.fetchrow(query, short_name)
    assert row is not None
    return row["clinic_id"], row["time_zone"], done.endswith(" 1")


async def _add_reminders(connection: asyncpg.Connection, clinic_id: UUID) -> None:
    batch, moment = Batch(), datetime.now(UTC)
    for table, row in default_reminders(
        lambda: {"clinic_id": clinic_id, "id": new_id(), "recorded_at": moment}, lead_id=None
    ):
        batch.extend(table, (row,))
    await batch.load(connection)


async def _new_bills(target: Target, folder: SyntheaFolder, bills: Sequence[Bill]) -> list[Bill]:
    """The bills that are not invoices yet; BrokenRowError if their encounters were billed in the other way before."""
    by_claim = folder.claims is not None
    query = """select exists (select from invoices join encounters on encounters.clinic_id = invoices.clinic_id
        and encounters.id = invoices.encounter_id where invoices.clinic_id = $1
        and encounters.external_key = any($2::text[])
        and (invoices.external_key = encounters.external_key) = $3)"""
    if await target.connection.fetchval(query, target.clinic_id, list(folder.encounters), by_claim):
        before = "without" if by_claim else "with"
        raise BrokenRowError(
            TRANSACTIONS, 0, None, f"these encounters were imported {before} it before: it would bill twice"
        )
    found = await target.find("invoices", "external_key", (bill.key for bill in bills))
    target.count("invoices", len(bills) - len(found), len(found))
    return [bill for bill in bills if bill.key not in found]


async def _prove(target: Target, new: Sequence[Bill]) -> None:
    in_files, in_clinic = _in_files(new), await _in_clinic(target, new)
    if in_files != in_clinic:
        raise ControlTotalsError(f"The control totals differ: the files have {in_files}, the database has {in_clinic}")


async def _summary(target: Target, folder: SyntheaFolder, bills: Sequence[Bill]) -> ImportSummary:
    return ImportSummary(
        rows_read=dict(folder.rows_read),
        created=dict(target.created),
        already_there=dict(target.already_there),
        in_files=_in_files(bills),
        in_clinic=await _in_clinic(target, bills),
        unapplied=sum((bill.paid - bill.received for bill in bills), ZERO),
        left_out=sum((bill.left_out for bill in bills), ZERO),
    )


def _in_files(bills: Sequence[Bill]) -> ControlTotals:
    billed = sum((bill.billed for bill in bills), ZERO)
    return ControlTotals(len(bills), billed, sum((bill.received for bill in bills), ZERO))


async def _in_clinic(target: Target, bills: Sequence[Bill]) -> ControlTotals:
    query = """select count(*), coalesce(sum(billed_amount), 0), coalesce(sum(received_amount), 0)
        from invoices where clinic_id = $1 and external_key = any($2::text[])"""
    row = await target.connection.fetchrow(query, target.clinic_id, [bill.key for bill in bills])
    assert row is not None
    return ControlTotals(*row)
