"""Decides how tests import a file of a kind into the demo clinic, and what they look at of its report."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from domain.documents import CSV
from domain.imports import ImportKind
from imports.checking import check_file
from imports.kinds import KINDS
from imports.records import Target, bring_in
from imports.report import Report
from server.addresses import Address

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"


def imported(address: Address, kind: ImportKind, text: str, *, undone: bool = False) -> Report:
    """What came of a file for the demo clinic; nothing of it stays when it is undone, or bad."""

    async def run() -> Report:
        connection = await asyncpg.connect(address.owner)
        try:
            clinic: UUID = await connection.fetchval(f"select {CLINIC}")
            checked = check_file(KINDS[kind], text.encode(), CSV)
            transaction = connection.transaction()
            await transaction.start()
            report = await bring_in(Target(connection, clinic, datetime.now(UTC)), checked)
            await (transaction.rollback() if undone or report.bad_rows else transaction.commit())
            return report
        finally:
            await connection.close()

    return asyncio.run(run())


def counts(report: Report) -> tuple[int, int, int, int]:
    """How many rows are new, changed, as they were, and bad."""
    return report.added, report.changed, report.unchanged, report.bad_rows


def told(report: Report) -> list[tuple[int, str | None, str | None, str]]:
    """What is wrong: line, column, value and reason of each bad cell."""
    return [(cell.line, cell.column, cell.value, cell.reason) for cell in report.bad_cells]
