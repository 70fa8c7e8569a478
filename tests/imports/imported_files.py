"""Imports a file of a given kind into the demo clinic and summarises its report for tests."""

from datetime import UTC, datetime

import asyncpg

from db.verify import Breach, verify
from domain.clinics import clinic_day
from domain.documents.uploads import CSV
from domain.imports import ImportKind
from imports.checking import check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.mapping.mappings import ImportMapping
from imports.report import Report
from imports.run_import import bring_in
from imports.target import Target
from server.database_urls import DatabaseUrls
from tests.support.owner_connection import ask

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"


def imported(
    address: DatabaseUrls, kind: ImportKind, text: str, *, dry_run: bool = False, mapping: ImportMapping | None = None
) -> Report:
    """Import a file into the demo clinic and return the report; a dry run or a file with bad rows is rolled back."""

    async def run(connection: asyncpg.Connection) -> Report:
        [(clinic, zone)] = await connection.fetch(
            f"select clinic_id, time_zone from clinics where clinic_id = {CLINIC}"
        )
        checked = check_file(KINDS[kind], text.encode(), CSV, read=read_in_process, mapping=mapping)
        transaction, moment = connection.transaction(), datetime.now(UTC)
        await transaction.start()
        report = await bring_in(Target(connection, clinic, moment, clinic_day(moment, zone)), checked)
        await (transaction.rollback() if dry_run or report.bad_rows else transaction.commit())
        return report

    report: Report = ask(address.owner, run)
    return report


def broken(address: DatabaseUrls) -> tuple[Breach, ...]:
    """The breaches that `billing verify` finds."""
    found: tuple[Breach, ...] = ask(address.owner, verify).breaches
    return found


def counts(report: Report) -> tuple[int, int, int, int]:
    """The numbers of added, changed, unchanged and bad rows."""
    return report.added, report.changed, report.unchanged, report.bad_rows


def bad_cells(report: Report) -> list[tuple[int, str | None, str | None, str]]:
    """Line, column, value and reason of each bad cell."""
    return [(cell.line, cell.column, cell.value, cell.reason) for cell in report.bad_cells]
