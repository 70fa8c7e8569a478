"""Decides how tests import a file of a kind into the demo clinic, and what they look at of its report."""

import asyncio
from datetime import UTC, datetime

import asyncpg

from db.verifying import Breach, verify
from domain.clinics import clinic_day
from domain.documents import CSV
from domain.imports import ImportKind
from imports.bringing import bring_in
from imports.checking import check_file
from imports.kinds import KINDS
from imports.report import Report
from imports.target import Target
from server.addresses import Address

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"


def imported(address: Address, kind: ImportKind, text: str, *, undone: bool = False) -> Report:
    """What came of a file for the demo clinic; nothing of it stays when it is undone, or bad."""

    async def run() -> Report:
        connection = await asyncpg.connect(address.owner)
        try:
            [(clinic, zone)] = await connection.fetch(
                f"select clinic_id, time_zone from clinics where clinic_id = {CLINIC}"
            )
            checked = check_file(KINDS[kind], text.encode(), CSV)
            transaction, moment = connection.transaction(), datetime.now(UTC)
            await transaction.start()
            report = await bring_in(Target(connection, clinic, moment, clinic_day(moment, zone)), checked)
            await (transaction.rollback() if undone or report.bad_rows else transaction.commit())
            return report
        finally:
            await connection.close()

    return asyncio.run(run())


def broken(address: Address) -> tuple[Breach, ...]:
    """The laws that `billing verify` finds broken."""

    async def ask() -> tuple[Breach, ...]:
        connection = await asyncpg.connect(address.owner)
        try:
            return (await verify(connection)).breaches
        finally:
            await connection.close()

    return asyncio.run(ask())


def counts(report: Report) -> tuple[int, int, int, int]:
    """How many rows are new, changed, as they were, and bad."""
    return report.added, report.changed, report.unchanged, report.bad_rows


def told(report: Report) -> list[tuple[int, str | None, str | None, str]]:
    """What is wrong: line, column, value and reason of each bad cell."""
    return [(cell.line, cell.column, cell.value, cell.reason) for cell in report.bad_cells]
