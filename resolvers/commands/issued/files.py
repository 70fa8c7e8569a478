"""Draws the files of issued documents from their frozen contents: within the call that issues them, or by the worker."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol
from uuid import UUID, uuid4

import asyncpg
import orjson

from db.pools import Database
from documents.drawing import Drawer, Drawn
from domain.documents.contents import Contents, kind_of
from domain.documents.frozen import contents_of
from domain.issuing.documents import MOST_ATTEMPTS, DocumentStatus
from permissions.viewers import Viewer

_BEGIN = """update issued_documents set attempts = attempts + 1
    where clinic_id = $1 and id = $2 and file_status = 'queued' and attempts < $3 returning contents, template_id,
        (select logo from clinics where clinic_id = $1) as logo"""
_GIVE_UP = """update issued_documents set file_status = 'failed'
    where clinic_id = $1 and id = $2 and file_status = 'queued' and attempts >= $3"""
_READY = """update issued_documents set file_status = 'ready', sha256 = $3, blob_key = $4, byte_size = $5, page_count = $6
    where clinic_id = $1 and id = $2 and file_status = 'queued' returning id"""
_TEXTS = "select texts from document_templates where clinic_id = $1 and id = $2"
_FIND = """select number, kind, case_id, content_type, sha256, blob_key, status,
        exists (select from issued_documents n where n.clinic_id = d.clinic_id and n.supersedes_id = d.id) as is_superseded
    from issued_documents d where d.clinic_id = $1 and d.id = $2 and d.file_status = 'ready'"""
_ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "image/tiff": "tiff"}


class Store(Protocol):
    """The blob storage that drawing needs."""

    async def put(self, key: str, file: IO[bytes]) -> None:
        """Store a file atomically, read from its current position to its end."""

    async def drop(self, key: str) -> None:
        """Delete a file that exists."""


@dataclass(frozen=True, slots=True)
class Press:
    """What drawing depends on: the database, the blob store, and the drawer."""

    database: Database
    store: Store
    drawer: Drawer


def folder_of(clinic_id: UUID, identity: UUID) -> str:
    """The folder of one document in the blob store, shared by all attempts to draw it."""
    return f"issued/{clinic_id}/{identity}"


async def draw_file(press: Press, clinic_id: UUID, identity: UUID) -> int:
    """Draw and store the file of a document that has none yet; returns its number of pages, 0 when there was nothing to do.

    Safe to run in several processes at once: the same contents give the same bytes, and the first one that is stored stays.
    """
    async with press.database.working(clinic_id) as connection:
        row = await connection.fetchrow(_BEGIN, clinic_id, identity, MOST_ATTEMPTS)
        if row is None:
            await connection.execute(_GIVE_UP, clinic_id, identity, MOST_ATTEMPTS)
            return 0
        texts = await _texts_of(connection, clinic_id, row["template_id"])
    drawn = await draw(press.drawer, contents_of(row["contents"].encode()), texts, logo=row["logo"])
    key = f"{folder_of(clinic_id, identity)}/{uuid4().hex}"
    await press.store.put(key, io.BytesIO(drawn.pdf))
    digest = bytes.fromhex(drawn.sha256)
    async with press.database.working(clinic_id) as connection:
        values = (clinic_id, identity, digest, key, len(drawn.pdf), drawn.pages)
        is_first = await connection.fetchval(_READY, *values) is not None
    if not is_first:
        await press.store.drop(key)
        return 0
    pages: int = drawn.pages
    return pages


async def draw(
    drawer: Drawer, contents: Contents, texts: Mapping[str, str], *, logo: bytes | None, is_preview: bool = False
) -> Drawn:
    """The document of some contents; drawing blocks, so that a thread waits for it."""
    kind = kind_of(contents)
    return await asyncio.to_thread(drawer.draw, kind, contents, texts=texts or None, is_preview=is_preview, logo=logo)


async def _texts_of(connection: asyncpg.Connection, clinic_id: UUID, template_id: UUID | None) -> dict[str, str]:
    """The texts of a version of the clinic's texts, by name; none for those of the program."""
    if template_id is None:
        return {}
    found = await connection.fetchval(_TEXTS, clinic_id, template_id)
    return {one["name"]: one["text"] for one in orjson.loads(found)}


async def find_file(connection: asyncpg.Connection, viewer: Viewer, identity: UUID) -> asyncpg.Record | None:
    """A document with a file that the viewer reaches; None if there is none."""
    return await connection.fetchrow(_FIND, viewer.clinic_id, identity)


def file_name_of(found: Any) -> str:
    """The name under which a file is saved: its number, and that the document no longer stands if it does not."""
    ending = _ENDINGS[found["content_type"]]
    if found["status"] == DocumentStatus.WITHDRAWN.value:
        return f"WITHDRAWN {found['number']}.{ending}"
    return f"SUPERSEDED {found['number']}.{ending}" if found["is_superseded"] else f"{found['number']}.{ending}"
