"""Importing an uploaded file: parsed in a child process, compared and written in one transaction with the user's rights, or as a dry run."""

import asyncio
import logging
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from uuid import UUID

from strawberry import Info

from domain.documents import LISTS
from domain.errors import DomainError, InvalidInput, NotFound
from domain.imports import ImportKind
from imports.checking import Checked, check_file
from imports.kinds import KINDS
from imports.report import Report
from imports.run_import import bring_in
from imports.target import Target
from permissions.actions import IMPORTS
from permissions.classes import guard
from permissions.viewers import Viewer
from resolvers.commands.documents import consume, find_own
from resolvers.commands.unit_of_work import UnitOfWork, run_command, values_of
from resolvers.context import RequestContext

logger = logging.getLogger("billing.imports")
_FILE = ("document_id",)


class _DryRunError(DomainError):
    """Rolls back a dry run."""


@dataclass(slots=True)
class Imported:
    """The result of an import: the report, if the file could be read, and the errors if nothing was written."""

    report: Report | None = None
    errors: tuple[DomainError, ...] = ()


async def import_records(info: Info, input_: Any) -> Imported:
    """Import a file, once per idempotency key; a dry run does the same and rolls back."""
    imported, began = Imported(), monotonic()
    try:
        inputs = values_of(input_)
        _check_kind(info.context.viewer, inputs["kind"])
        checked = await _read(info.context, inputs["document_id"], inputs["kind"])
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return Imported(errors=(refusal,))

    async def act(work: UnitOfWork) -> UUID:
        await consume(work, LISTS)
        target = Target(work.connection, work.clinic_id, work.moment, work.today, by=work.user_id)
        imported.report = await bring_in(target, checked)
        _refuse_bad(imported.report)
        if inputs["dry_run"]:
            raise _DryRunError("Dry run")
        identity: UUID = inputs["document_id"]
        return identity

    done = await run_command(info, "import_records", input_, act)
    if done.record is not None and imported.report is None:
        # A retry with the same idempotency key changes nothing.
        imported.report = Report(checked.kind.name, checked.read, unchanged=checked.read, written=True)
    elif imported.report is not None and done.record is None:
        imported.report = replace(imported.report, written=False)
    if imported.report is not None:
        words = "import of %s in clinic %s: %d rows, %s, in %.1f s"
        result = "a dry run" if inputs["dry_run"] else "written" if imported.report.written else "refused"
        known = (inputs["kind"].value, info.context.viewer.clinic_id, imported.report.rows, result)
        logger.info(words, *known, monotonic() - began)
    imported.errors = tuple(error for error in done.errors if not isinstance(error, _DryRunError))
    info.context.audit.is_refused = bool(imported.errors)
    return imported


def _refuse_bad(report: Report) -> None:
    if report.bad_rows:
        words = f"{report.bad_rows:,} of {report.rows:,} rows cannot be imported: nothing was written"
        raise InvalidInput(words, _FILE)


def _check_kind(viewer: Viewer, kind: ImportKind) -> None:
    """The second check, behind the role's schema, which does not contain the kinds that the role may not import."""
    if not guard(IMPORTS[kind]).admits(viewer):
        raise InvalidInput("There is no such kind of file", ("kind",))


async def _read(context: RequestContext, document_id: UUID, kind: ImportKind) -> Checked:
    """The parsed file; parsing runs in a thread so that the event loop is not blocked."""
    viewer = context.viewer
    assert viewer is not None
    assert context.store is not None
    async with context.database.entered(viewer) as connection:
        found = await find_own(connection, viewer.clinic_id, document_id, viewer.user_id)
    if found is None:
        raise NotFound("There is no such uploaded file", _FILE)
    if found["content_type"] not in LISTS:
        raise InvalidInput("This file is a scan; only CSV and XLSX files can be imported", _FILE)
    _, chunks = await context.store.open(found["blob_key"])
    data = b"".join([chunk async for chunk in chunks])
    return await asyncio.to_thread(check_file, KINDS[kind], data, found["content_type"])
