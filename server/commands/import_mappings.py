"""Mappings on the command line: read from a file or by the name of a saved one, written as a file, and previews as text."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import orjson

from domain.errors import InvalidInput
from domain.imports import CellFormat, ImportKind
from domain.normal_forms import normal_key
from imports.cells import ignored
from imports.mapping.mappings import ChosenMapping, ImportMapping, as_json, check_decided, mapping_of
from imports.previews.previews import Preview

_SAVED = "select name, mapping::text as mapping from import_mappings where clinic_id = $1 and kind = $2"
_LARGEST = 1024 * 1024
# In upper or lower case: a mapping file has them in lower case, the API in upper case.
_ANSWERS = tuple(form.name for form in CellFormat if form is not CellFormat.UNDECIDED)


def answers_of(kind: ImportKind, given: Iterable[str]) -> dict[str, CellFormat]:
    """The formats of columns from options such as birth_date=MONTH_DAY_YEAR."""
    answers = dict[str, CellFormat]()
    for text in given:
        column, _, name = text.partition("=")
        if name.upper() not in _ANSWERS:
            words = f"{text}: give a column and its format, such as birth_date=MONTH_DAY_YEAR; formats are "
            raise click.ClickException(words + ", ".join(_ANSWERS))
        answers[column] = CellFormat[name.upper()]
    return answers


def is_file(named: str) -> bool:
    """Whether a mapping is named by its file; otherwise it is the name of a saved one."""
    return named.endswith(".json")


def mapping_in_file(kind: ImportKind, path: Path, data: bytes, answers: Mapping[str, CellFormat]) -> ChosenMapping:
    """The mapping of a file; its formats were chosen for the file to import if it names that file's SHA-256."""
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise click.ClickException(f"There is no file {path}, or it is larger than 1 MiB")
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from None
    said = found if isinstance(found, dict) else {}
    if said.pop("kind", kind.value) != kind.value:
        raise click.ClickException(f"{path} is a mapping of another kind of file")
    is_of_file = said.pop("file_sha256", None) == hashlib.sha256(data).hexdigest()
    return _chosen(kind, found, answers, is_saved=not is_of_file)


async def saved_mapping(
    connection: asyncpg.Connection, clinic_id: UUID, kind: ImportKind, name: str, answers: Mapping[str, CellFormat]
) -> ChosenMapping:
    """A saved mapping of the clinic."""
    rows = await connection.fetch(_SAVED, clinic_id, kind)
    found = next((row["mapping"] for row in rows if normal_key(row["name"]) == normal_key(name)), None)
    if found is None:
        raise click.ClickException(
            f"The clinic has no mapping {name} of {kind.value}; a mapping in a file ends with .json"
        )
    return _chosen(kind, orjson.loads(found), answers, is_saved=True)


def _chosen(kind: ImportKind, found: Any, answers: Mapping[str, CellFormat], *, is_saved: bool) -> ChosenMapping:
    try:
        return ChosenMapping(mapping_of(kind, found), is_saved, answers)
    except InvalidInput as error:
        raise click.ClickException(f"The mapping is wrong: {'.'.join(error.path)}: {error.message}") from None


def decided(chosen: ChosenMapping, kind: ImportKind) -> ImportMapping:
    """The mapping with the given formats, all of which are decided."""
    try:
        mapping = chosen.for_file(kind)
        check_decided(mapping)
    except InvalidInput as error:
        raise click.ClickException(error.message) from None
    return mapping


def mapping_file(preview: Preview) -> str:
    """The mapping of a preview as a file for --map."""
    content = {"kind": preview.checked.kind.name, "file_sha256": preview.sha256.hex(), **as_json(preview.mapping)}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


def preview_text(preview: Preview) -> str:
    """A preview for a terminal."""
    return "\n".join(_lines(preview))


def _lines(preview: Preview) -> Iterable[str]:
    shape, mapping = preview.shape, preview.mapping
    read = {"encoding": shape.encoding, "delimiter": shape.delimiter and repr(shape.delimiter), "sheet": shape.sheet}
    yield f"SHA-256 {preview.sha256.hex()}"
    yield ", ".join(
        [f"header in line {mapping.header_row}", *(f"{name} {said}" for name, said in read.items() if said)]
    )
    for column in mapping.columns:
        source = " + ".join(map(str, column.sources)) or f"always {column.constant}"
        values = "".join(f", {pair.source} is {pair.value}" for pair in column.values)
        yield f"{column.column} <- {source} ({column.format.name}{values})"
    if preview.missing:
        yield f"missing: {', '.join(preview.missing)}"
    if preview.other_columns:
        said = "ignored" if mapping.ignores_other_columns else "not mapped; set ignores_other_columns to ignore them"
        yield f"{said}: {', '.join(preview.other_columns)}"
    if preview.skipped.rows:
        yield f"{preview.skipped.rows:,} rows are not records: lines {', '.join(map(str, preview.skipped.lines))} …"
    unread = {column.name for column in preview.checked.kind.columns if column.read is ignored}
    for row in preview.rows:
        yield f"line {row.line}: " + "; ".join(
            f"{cell.column} {cell.value or f'? ({cell.cell})'}"
            for cell in row.cells
            if cell.cell and cell.column not in unread
        )
    if seen := [column.column for column in mapping.columns if column.column in unread]:
        yield f"not read, because it follows from the other columns: {', '.join(seen)}"
    yield f"{preview.checked.read:,} rows"
    for total in preview.totals:
        yield f"total of {total.column}: {total.total:,} in {total.values:,} rows"
    for question in preview.questions:
        choices = [form.name for form in question.formats] or list(question.values)
        example = f" such as {question.example}" if question.example else ""
        yield f"To answer: {question.column}: {question.reason}{example}: {', '.join(choices)}"
