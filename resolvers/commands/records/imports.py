"""Imports and previews of files: parsed in a child process, compared and written in one transaction with the user's rights, or rolled back."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

from strawberry import Info

from domain.documents.uploads import LISTS
from domain.errors import DomainError, InvalidInput
from domain.imports import CellFormat, ImportKind
from imports.checking import Checked, check_file
from imports.kinds.known import KINDS
from imports.mapping.mappings import ChosenMapping, check_decided, read_options
from imports.previews.previews import Preview, PreviewRequest, open_questions, preview_file
from imports.report import Report
from imports.run_import import bring_in
from imports.sheets import ReadOptions
from imports.target import Target
from resolvers.commands.documents import consume, read_own
from resolvers.commands.inputs import read_inputs
from resolvers.commands.records.import_mappings import check_kind, get_mapping, mapping_from
from resolvers.commands.unit_of_work import UnitOfWork, run_command
from resolvers.context import RequestContext

logger = logging.getLogger("billing.imports")
_FILE = ("document_id",)
_SHA256 = ("file_sha256",)


class _DryRunError(DomainError):
    """Rolls back a dry run."""


class _File(NamedTuple):
    """An uploaded file."""

    data: bytes
    content_type: str


@dataclass(slots=True)
class Imported:
    """The result of an import: the report, if the file could be read, and the errors if nothing was written."""

    report: Report | None = None
    errors: tuple[DomainError, ...] = ()


@dataclass(slots=True)
class Previewed:
    """The result of a preview, or the errors if there is none."""

    preview: Preview | None = None
    errors: tuple[DomainError, ...] = ()


async def import_records(info: Info, input_: Any) -> Imported:
    """Import a file, once per idempotency key; a dry run does the same and rolls back."""
    imported, began = Imported(), monotonic()
    try:
        inputs = read_inputs(input_, info.context.today)
        check_kind(info.context.viewer.role, inputs["kind"])
        checked = await _checked(info.context, inputs)
    except DomainError as refusal:
        info.context.audit.is_refused = True
        return Imported(errors=(refusal,))

    async def act(work: UnitOfWork) -> UUID:
        await consume(work, LISTS)
        imported.report = await bring_in(_target(work), checked)
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
    imported.errors = _errors_of(done.errors)
    info.context.audit.is_refused = bool(imported.errors)
    return imported


async def preview_import(info: Info, input_: Any) -> Previewed:
    """Preview the import of a file; if nothing is left to answer, with the report of a dry run."""
    context, previewed = info.context, Previewed()
    context.audit.add_operation(info.field_name)
    try:
        inputs = read_inputs(input_, info.context.today)
        check_kind(context.viewer.role, inputs["kind"])
        request = await _preview_request(context, inputs)
        file = await _load(context, inputs["document_id"])
        made = await asyncio.to_thread(preview_file, KINDS[inputs["kind"]], file.data, file.content_type, request)
    except DomainError as refusal:
        context.audit.is_refused = True
        return Previewed(errors=(refusal,))
    if made.is_complete:

        async def act(work: UnitOfWork) -> UUID:
            made.report = replace(await bring_in(_target(work), made.checked), written=False)
            raise _DryRunError("Preview")

        done = await run_command(info, "import_preview", input_, act)
        previewed.errors = _errors_of(done.errors)
    context.audit.is_refused = bool(previewed.errors)
    previewed.preview = None if previewed.errors else made
    return previewed


def _target(work: UnitOfWork) -> Target:
    return Target(work.connection, work.clinic_id, work.moment, work.today, by=work.user_id)


def _errors_of(errors: tuple[DomainError, ...]) -> tuple[DomainError, ...]:
    return tuple(error for error in errors if not isinstance(error, _DryRunError))


def _refuse_bad(report: Report) -> None:
    if report.bad_rows:
        raise InvalidInput(f"{report.refusal}: nothing was written", _FILE)


async def _checked(context: RequestContext, inputs: Mapping[str, Any]) -> Checked:
    """The parsed file; parsing runs in a thread so that the event loop is not blocked."""
    kind: ImportKind = inputs["kind"]
    chosen = await _chosen(context, kind, inputs)
    if chosen is None and inputs.get("column_formats"):
        raise InvalidInput(
            "Formats of columns need a mapping: a file without one has those of the template", ("column_formats",)
        )
    mapping = chosen.for_file(kind) if chosen else None
    if mapping:
        check_decided(mapping)
    file = await _load(context, inputs["document_id"])
    _check_sha256(file.data, inputs.get("file_sha256"), is_needed=chosen is not None)
    checked = await asyncio.to_thread(check_file, KINDS[kind], file.data, file.content_type, mapping=mapping)
    for question in open_questions(checked, chosen):
        words = f"{question.column}: {question.reason}, such as “{question.example}”: say which of them this file has"
        raise InvalidInput(words, ("column_formats",))
    return checked


async def _chosen(context: RequestContext, kind: ImportKind, inputs: Mapping[str, Any]) -> ChosenMapping | None:
    """The mapping of an input, or the saved one that it names."""
    given, named, answers = inputs.get("mapping"), inputs.get("mapping_id"), _answers(inputs)
    if given is not None and named is not None:
        raise InvalidInput("Give a mapping or the id of a saved one, not both", ("mapping_id",))
    if given is not None:
        return ChosenMapping(mapping_from(kind, given), answers=answers)
    if named is None:
        return None
    viewer = context.viewer
    assert viewer is not None
    async with context.database.entered(viewer) as connection:
        saved = await get_mapping(connection, viewer.clinic_id, named, kind)
    return ChosenMapping(saved.mapping, is_saved=True, answers=answers)


def _answers(inputs: Mapping[str, Any]) -> dict[str, CellFormat]:
    return {answer["column"]: answer["format"] for answer in inputs.get("column_formats") or ()}


async def _preview_request(context: RequestContext, inputs: Mapping[str, Any]) -> PreviewRequest:
    chosen = await _chosen(context, inputs["kind"], inputs)
    options = read_options(inputs)
    if chosen and options != ReadOptions():
        raise InvalidInput("With a mapping, encoding, delimiter and sheet are given in the mapping", ("mapping",))
    return PreviewRequest(chosen, _answers(inputs), options)


def _check_sha256(data: bytes, named: str | None, *, is_needed: bool) -> None:
    """The file is the one that was previewed."""
    if named is None and is_needed:
        raise InvalidInput("With a mapping, the SHA-256 of the previewed file is needed", _SHA256)
    if named is not None and named.lower() != hashlib.sha256(data).hexdigest():
        raise InvalidInput("This is not the file that was previewed: preview this one", _SHA256)


async def _load(context: RequestContext, document_id: UUID) -> _File:
    """An uploaded list of the viewer; NotFound if there is none."""
    words = "This file is a scan; only CSV and XLSX files can be imported"
    return _File(*await read_own(context, document_id, LISTS, words, _FILE))
