"""Uploaded documents: announcing an upload, storing it, using it once in a mutation, and deleting unused files."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.pools import Database
from domain.access.signed_urls import LIFETIMES
from domain.clock import Clock
from domain.documents.uploads import SCANS, UNUSED_FOR, check_announced
from domain.errors import InvalidInput, NotFound
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork
from resolvers.context import RequestContext

_AWAITED = """select content_type, byte_size from documents
    where clinic_id = $1 and id = $2 and uploaded_by = $3 and stored_at is null and expires_at > $4"""
_KEEP = """update documents set stored_at = $4, sha256 = $5, blob_key = $6
    where clinic_id = $1 and id = $2 and uploaded_by = $3 and stored_at is null returning id"""
_FIND = """select file_name, content_type, sha256, blob_key from documents
    where clinic_id = $1 and id = $2 and stored_at is not null"""
_FIND_OWN = """select content_type, blob_key from documents
    where clinic_id = $1 and id = $2 and uploaded_by = $3 and stored_at is not null"""
_CONSUME = """update documents set consumed_at = $4 where clinic_id = $1 and id = $2 and uploaded_by = $3
    and stored_at is not null and consumed_at is null and content_type = any($5) returning id"""
_STALE = "clinic_id = $1 and consumed_at is null and recorded_at < $2"
# A file that is not stored cannot be consumed: from here on no mutation can use it.
_GIVE_UP = f"update documents set stored_at = null where {_STALE} and stored_at is not null"
_GIVEN_UP = f"select id from documents where {_STALE} and stored_at is null order by id limit $3"
_FORGET = "delete from documents where clinic_id = $1 and id = any($2) and stored_at is null and consumed_at is null"
_DROPPED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored upload: its key in the blob store and its SHA-256."""

    blob_key: str
    sha256: bytes


def folder_of(clinic_id: UUID, identity: UUID) -> str:
    """The prefix in the blob store under which all upload attempts of one file are stored."""
    return f"documents/{clinic_id}/{identity}"


async def announce(work: UnitOfWork) -> UUID:
    """Announce an upload; until the file is sent, only its signed URL can be used."""
    inputs, identity = work.inputs, new_id(work.moment)
    announced = {
        "file_name": inputs["file_name"],
        "content_type": inputs["content_type"],
        "byte_size": inputs["byte_size"],
    }
    check_announced(**announced)
    writes = work.writes()
    expires_at = work.moment + LIFETIMES["uploads"]
    writes.insert(
        "documents", id=identity, recorded_at=work.moment, uploaded_by=work.user_id, expires_at=expires_at, **announced
    )
    await writes.run(work.connection)
    return identity


async def find_awaited(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID, moment: datetime
) -> asyncpg.Record | None:
    """The announced file that is still awaited (content_type, byte_size); None if there is none."""
    return await connection.fetchrow(_AWAITED, clinic_id, identity, user_id, moment)


async def keep(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID, moment: datetime, kept: Kept
) -> bool:
    """Record that an awaited file is stored; False if another attempt was faster."""
    values = (clinic_id, identity, user_id, moment, kept.sha256, kept.blob_key)
    return await connection.fetchval(_KEEP, *values) is not None


async def find_kept(connection: asyncpg.Connection, clinic_id: UUID, identity: UUID) -> asyncpg.Record | None:
    """A stored file (file_name, content_type, sha256, blob_key); None if it cannot be accessed."""
    return await connection.fetchrow(_FIND, clinic_id, identity)


async def read_own(
    context: RequestContext, identity: UUID, types: Collection[str], refusal: str, path: tuple[str, ...]
) -> tuple[bytes, str]:
    """The content and the type of a file that the viewer has uploaded; `refusal` is said of one that has none of these types."""
    viewer = context.viewer
    assert viewer is not None
    assert context.store is not None
    async with context.database.entered(viewer) as connection:
        found = await find_own(connection, viewer.clinic_id, identity, viewer.user_id)
    if found is None:
        raise NotFound("There is no such uploaded file", path)
    if found["content_type"] not in types:
        raise InvalidInput(refusal, path)
    _, chunks = await context.store.open(found["blob_key"])
    return b"".join([chunk async for chunk in chunks]), found["content_type"]


async def find_own(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID
) -> asyncpg.Record | None:
    """A stored file of the user (content_type, blob_key); None if the user has sent no such file."""
    return await connection.fetchrow(_FIND_OWN, clinic_id, identity, user_id)


async def consume(work: UnitOfWork, kinds: Collection[str] = SCANS) -> None:
    """Consume the document that the input refers to, so that no other mutation can use it; only the user who uploaded it may."""
    if await work.one(_CONSUME, work.inputs["document_id"], work.user_id, work.moment, list(kinds)) is None:
        raise InvalidInput("There is no such uploaded document, or it has already been used", ("document_id",))


async def drop_stale_uploads(database: Database, clock: Clock, drop_folder: Callable[[str], Awaitable[None]]) -> int:
    """Delete the files (also partial ones) that no mutation has used for a day, with their rows; returns their number.

    A job of the worker, safe to run concurrently. The row is released in a committed transaction before its file is
    deleted: no
    mutation can use a file that is missing, and if a worker is killed in between, the next run deletes the file.
    """
    dropped, before = 0, clock() - UNUSED_FOR
    for clinic_id, *_ in await database.clinics():
        async with database.working(clinic_id) as connection:
            await connection.execute(_GIVE_UP, clinic_id, before)
        async with database.working(clinic_id) as connection:
            given_up = [row["id"] for row in await connection.fetch(_GIVEN_UP, clinic_id, before, _DROPPED_AT_ONCE)]
        for identity in given_up:
            await drop_folder(folder_of(clinic_id, identity))
        async with database.working(clinic_id) as connection:
            await connection.execute(_FORGET, clinic_id, given_up)
        dropped += len(given_up)
    return dropped
