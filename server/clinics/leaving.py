"""Writes everything of a clinic into a folder: its tables as CSV, its stored files, the audit trail, and a manifest with hashes."""

import json
import mimetypes
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from db.audit.events import record
from db.global_ids import TAGS
from domain.audit import WORKER, AuditEvent
from domain.ids import new_id
from exports.leaving.contents import FILES_LEFT_OUT, LEFT_OUT, LEFT_OUT_COLUMNS, STORED_FILES, StoredFiles
from exports.leaving.folders import MANIFEST, HashedFile, Sums, WrittenFile, new_folder
from exports.leaving.tables import rows_of, written_tables
from server.accounts import AccountError
from server.database_urls import DatabaseUrls
from storage.blobs import BlobStore, MissingBlobError

_FORMAT = 1
_CLINIC = "select clinic_id, short_name, name, time_zone from clinics where short_name = $1"
# How many rows of files are read at once.
_AT_ONCE = 500
_HOW_TO_READ = (
    "CSV in UTF-8 with a header, one file a table, in the order of its key. An empty cell is null, an empty text is two quotation marks. "
    "A text that a spreadsheet could take for a formula begins with an apostrophe more. Bytes are hexadecimal. "
    "Files of documents are named by the ids in tables/documents.csv."
)

Tell = Callable[[str], None]


@dataclass(slots=True)
class Left:
    """What was written: rows by table, files, bytes, and what the storage did not have or had changed."""

    rows: dict[str, int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0
    sums_sha256: str = ""


async def leave(address: DatabaseUrls, store: BlobStore, short_name: str, folder: Path, tell: Tell) -> Left:
    """Write a clinic into a new folder, from one snapshot; AccountError for an unknown clinic, FolderError for the folder.

    Nothing of the clinic is changed but its audit log, which records that it was written.
    """
    connection = await asyncpg.connect(address.owner)
    try:
        clinic = await connection.fetchrow(_CLINIC, short_name)
        if clinic is None:
            raise AccountError(f"There is no clinic {short_name}: `billing clinic list` lists them")
        new_folder(folder)
        await record(connection, [_event(clinic)])
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _write(connection, store, clinic, folder, tell)
    finally:
        await connection.close()


def _event(clinic: asyncpg.Record) -> AuditEvent:
    moment, clinic_id = datetime.now(UTC), clinic["clinic_id"]
    entity = TAGS["Clinic"].encode() + clinic_id.bytes
    return AuditEvent(new_id(moment), clinic_id, None, WORKER, "leaveClinic", moment, "", entity)


async def _write(
    connection: asyncpg.Connection, store: BlobStore, clinic: asyncpg.Record, folder: Path, tell: Tell
) -> Left:
    left, sums = Left(), Sums(folder)
    for kind in STORED_FILES.values():
        tell(f"files of {kind.folder}")
        async for file in _stored(connection, store, clinic, kind, folder, left):
            sums.add(file)
    # Few files, whose hashes wait for the manifest, which is before them in the list.
    tables = [await _table(connection, clinic, table, folder, left, tell) for table in written_tables()]
    sums.add(_manifest(clinic, folder, left))
    for file in tables:
        sums.add(file)
    left.files, left.size, left.sums_sha256 = sums.files, sums.size, sums.finish()
    return left


async def _table(
    connection: asyncpg.Connection, clinic: asyncpg.Record, table: Any, folder: Path, left: Left, tell: Tell
) -> WrittenFile:
    tell(table.name)
    with HashedFile(folder, f"tables/{table.name}.csv") as file:

        async def write(chunk: bytes) -> None:
            file.write(chunk)

        query = rows_of(table, clinic["clinic_id"])
        done = await connection.copy_from_query(query, output=write, format="csv", header=True)
    left.rows[table.name] = int(done.split()[-1])
    return file.written()


async def _stored(
    connection: asyncpg.Connection,
    store: BlobStore,
    clinic: asyncpg.Record,
    kind: StoredFiles,
    folder: Path,
    left: Left,
) -> AsyncIterator[WrittenFile]:
    left.stored[kind.folder] = 0
    async for row in connection.cursor(kind.find, clinic["clinic_id"], prefetch=_AT_ONCE):
        path = f"{kind.folder}/{row['id']}{mimetypes.guess_extension(row['content_type']) or ''}"
        try:
            _, chunks = await store.open(row["blob_key"])
        except MissingBlobError:
            left.broken.append(f"{path}: the storage has no such file")
            continue
        with HashedFile(folder, path) as file:
            async for chunk in chunks:
                file.write(chunk)
        written = file.written()
        if row["sha256"] is not None and row["sha256"].hex() != written.sha256:
            left.broken.append(f"{path}: the storage has another file than the one that was uploaded")
        left.stored[kind.folder] += 1
        yield written


def _manifest(clinic: asyncpg.Record, folder: Path, left: Left) -> WrittenFile:
    content = {
        "format": _FORMAT,
        "written_at": datetime.now(UTC).isoformat(),
        "clinic": {name: str(clinic[name]) for name in ("clinic_id", "short_name", "name", "time_zone")},
        "how_to_read": _HOW_TO_READ,
        "rows": left.rows,
        "stored_files": left.stored,
        "broken_files": left.broken,
        "left_out": {
            "tables": dict(LEFT_OUT),
            "columns": {table: dict(columns) for table, columns in LEFT_OUT_COLUMNS.items()},
            "files": dict(FILES_LEFT_OUT),
        },
    }
    with HashedFile(folder, MANIFEST) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")
    return file.written()
