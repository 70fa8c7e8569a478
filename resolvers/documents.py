"""Decides how a file is announced, kept once it has come, named by a step once, and dropped when no step names it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.documents import UNUSED_FOR, check_announced
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.links import LIFETIMES
from resolvers.writing import Work

_AWAITED = """select content_type, byte_size from documents
    where clinic_id = $1 and id = $2 and uploaded_by = $3 and stored_at is null and expires_at > $4"""
_KEEP = """update documents set stored_at = $4, sha256 = $5, blob_key = $6
    where clinic_id = $1 and id = $2 and uploaded_by = $3 and stored_at is null returning id"""
_FIND = """select file_name, content_type, sha256, blob_key from documents
    where clinic_id = $1 and id = $2 and stored_at is not null"""
_CONSUME = """update documents set consumed_at = $4 where clinic_id = $1 and id = $2 and uploaded_by = $3
    and stored_at is not null and consumed_at is null returning id"""
# What is not stored cannot be consumed: from here on nobody can name the file any more.
_GIVE_UP = (
    "update documents set stored_at = null where consumed_at is null and recorded_at < $1 and stored_at is not null"
)
_GIVEN_UP = (
    "select clinic_id, id from documents where consumed_at is null and stored_at is null and recorded_at < $1 limit $2"
)
_FORGET = "delete from documents where clinic_id = $1 and id = $2 and stored_at is null and consumed_at is null"
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


async def consume(work: Work) -> None:
    """Use up the document that the input names, so that no other step can name it; only who uploaded it may."""
    if await work.one(_CONSUME, work.given["document_id"], work.user_id, work.moment) is None:
        raise InvalidInput("There is no such uploaded document, or it was used already", ("document_id",))


async def drop_stale_uploads(
    connection: asyncpg.Connection, drop_folder: Callable[[str], Awaitable[None]], moment: datetime
) -> int:
    """Drop the files, half or whole, that no step has named for a day, and their announcements; how many there were.

    For the worker, on a connection that may change `documents` of every clinic and is in no transaction: what is given up is
    committed before its file goes, so that a step never names a file that is not there.
    """
    before = moment - UNUSED_FOR
    await connection.execute(_GIVE_UP, before)
    given_up = await connection.fetch(_GIVEN_UP, before, _DROPPED_AT_ONCE)
    for row in given_up:
        await drop_folder(folder_of(row["clinic_id"], row["id"]))
        await connection.execute(_FORGET, row["clinic_id"], row["id"])
    return len(given_up)
