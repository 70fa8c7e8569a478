"""Decides how a file is announced, kept once it has come, named by a step once, and dropped when no step names it."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from db.pools import Database
from domain.documents import SCANS, UNUSED_FOR, check_announced
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.links import LIFETIMES
from resolvers.context import Clock
from resolvers.writing import Work

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
# What is not stored cannot be consumed: from here on nobody can name the file any more.
_GIVE_UP = f"update documents set stored_at = null where {_STALE} and stored_at is not null"
_GIVEN_UP = f"select id from documents where {_STALE} and stored_at is null order by id limit $3"
_FORGET = "delete from documents where clinic_id = $1 and id = any($2) and stored_at is null and consumed_at is null"
_DROPPED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that has come: where it is, and the SHA-256 of what came."""

    blob_key: str
    sha256: bytes


def folder_of(clinic_id: UUID, identity: UUID) -> str:
    """Where in the store everything of one file is, whichever attempt brought it."""
    return f"documents/{clinic_id}/{identity}"


async def announce(work: Work) -> UUID:
    """A file that will be sent; until then only its address is good for anything."""
    given, identity = work.given, new_id(work.moment)
    said = {"file_name": given["file_name"], "content_type": given["content_type"], "byte_size": given["byte_size"]}
    check_announced(**said)
    writes = work.writes()
    expires_at = work.moment + LIFETIMES["uploads"]
    writes.insert(
        "documents", id=identity, recorded_at=work.moment, uploaded_by=work.user_id, expires_at=expires_at, **said
    )
    await writes.run(work.connection)
    return identity


async def find_awaited(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID, moment: datetime
) -> asyncpg.Record | None:
    """What the user announced of a file that has not come yet (content_type, byte_size); None when none is awaited."""
    return await connection.fetchrow(_AWAITED, clinic_id, identity, user_id, moment)


async def keep(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID, moment: datetime, kept: Kept
) -> bool:
    """Write down that an awaited file has come; False when another attempt was faster."""
    values = (clinic_id, identity, user_id, moment, kept.sha256, kept.blob_key)
    return await connection.fetchval(_KEEP, *values) is not None


async def find_kept(connection: asyncpg.Connection, clinic_id: UUID, identity: UUID) -> asyncpg.Record | None:
    """A file that has come (file_name, content_type, sha256, blob_key); None when there is none in reach."""
    return await connection.fetchrow(_FIND, clinic_id, identity)


async def find_own(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, user_id: UUID
) -> asyncpg.Record | None:
    """A file that has come from a user (content_type, blob_key); None when that user has sent no such file."""
    return await connection.fetchrow(_FIND_OWN, clinic_id, identity, user_id)


async def consume(work: Work, kinds: Collection[str] = SCANS) -> None:
    """Use up the document that the input names, so that no other step can name it; only who uploaded it may."""
    if await work.one(_CONSUME, work.given["document_id"], work.user_id, work.moment, list(kinds)) is None:
        raise InvalidInput("There is no such uploaded document, or it was used already", ("document_id",))


async def drop_stale_uploads(database: Database, clock: Clock, drop_folder: Callable[[str], Awaitable[None]]) -> int:
    """Drop the files, half or whole, that no step has named for a day, and their announcements; how many there were.

    A job of the worker, safe to run by many at once. What is given up is committed before its file goes: no step can name a
    file that is not there, and a worker that is killed in between leaves it to the next one.
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
