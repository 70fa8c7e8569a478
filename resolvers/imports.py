"""Decides how a file that was sent is imported: read aside, compared and written in one transaction as who asks, or only tried."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from strawberry import Info

from domain.documents import LISTS
from domain.errors import InvalidInput, NotFound, Refusal
from domain.imports import ImportKind
from imports.bringing import bring_in
from imports.checking import Checked, check_file
from imports.kinds import KINDS
from imports.report import Report
from imports.target import Target
from permissions.actions import IMPORTS
from permissions.classes import guard
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from resolvers.documents import consume, find_own
from resolvers.writing import Work, run, values_of

_FILE = ("document_id",)


class _OnlyTried(Refusal):
    """What undoes a dry run."""


@dataclass(slots=True)
class Imported:
    """What came of an import: the report, where the file could be had, and why nothing was written."""

    report: Report | None = None
    errors: tuple[Refusal, ...] = ()


async def import_records(info: Info, said: Any) -> Imported:
    """Import a file, once per idempotency key; a dry run does the same and undoes it."""
    imported = Imported()
    try:
        given = values_of(said)
        _check_kind(info.context.viewer, given["kind"])
        checked = await _read(info.context, given["document_id"], given["kind"])
    except Refusal as refusal:
        info.context.trail.is_refused = True
        return Imported(errors=(refusal,))

    async def act(work: Work) -> UUID:
        await consume(work, LISTS)
        target = Target(work.connection, work.clinic_id, work.moment, work.today, by=work.user_id)
        imported.report = await bring_in(target, checked)
        _refuse_bad(imported.report)
        if given["dry_run"]:
            raise _OnlyTried("Only tried")
        identity: UUID = given["document_id"]
        return identity

    done = await run(info, "import_records", said, act)
    if done.record is not None and imported.report is None:
        # The same step was done before: now it changes nothing.
        imported.report = Report(checked.kind.name, checked.read, unchanged=checked.read, written=True)
    elif imported.report is not None and done.record is None:
        imported.report = replace(imported.report, written=False)
    imported.errors = tuple(error for error in done.errors if not isinstance(error, _OnlyTried))
    info.context.trail.is_refused = bool(imported.errors)
    return imported


def _refuse_bad(report: Report) -> None:
    if report.bad_rows:
        words = f"{report.bad_rows:,} of {report.rows:,} rows cannot be imported: nothing was written"
        raise InvalidInput(words, _FILE)


def _check_kind(viewer: Viewer, kind: ImportKind) -> None:
    """The second line behind the schema of the role, in which the kinds of others do not exist."""
    if not guard(IMPORTS[kind]).admits(viewer):
        raise InvalidInput("There is no such kind of file", ("kind",))


async def _read(context: RequestContext, document_id: UUID, kind: ImportKind) -> Checked:
    """The file, read in a thread of its own, so that nobody waits for it."""
    viewer = context.viewer
    assert viewer is not None
    assert context.store is not None
    async with context.database.entered(viewer) as connection:
        found = await find_own(connection, viewer.clinic_id, document_id, viewer.user_id)
    if found is None:
        raise NotFound("There is no such uploaded file", _FILE)
    if found["content_type"] not in LISTS:
        raise InvalidInput("This file is a scan; a file to import is CSV or XLSX", _FILE)
    _, chunks = await context.store.open(found["blob_key"])
    data = b"".join([chunk async for chunk in chunks])
    return await asyncio.to_thread(check_file, KINDS[kind], data, found["content_type"])
