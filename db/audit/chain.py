"""The hash chain of the audit log: it extends the chain, and verifies it to detect tampering.

The hash of a link is sha256(hash of the previous link || bytes of its event); the first link follows 32 zero bytes. The bytes
of an event are, concatenated: the UUIDs of clinic, event and user (16 zero bytes where there is no user); the moment in
microseconds since 1970 as 8 bytes, and the row count as 8 bytes (-1 where nothing was counted), both big-endian; role, operation,
fields and filters (each joined by one space) and the request id, each as its length in 4 bytes and its text in UTF-8; the entities.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg

BEFORE_THE_FIRST = bytes(32)
_AT_ONCE = 1_000


def _text(value: str) -> str:
    return f"int4send(octet_length(convert_to({value}, 'UTF8'))) || convert_to({value}, 'UTF8')"


_TEXTS = ("e.role", "e.operation", "array_to_string(e.fields, ' ')", "array_to_string(e.filters, ' ')", "e.request_id")
# Timestamps are whole microseconds, PostgreSQL's own resolution, and exact as a numeric.
EVENT_BYTES = " || ".join(
    (
        "uuid_send(e.clinic_id) || uuid_send(e.id) || coalesce(uuid_send(e.user_id), decode(repeat('00', 16), 'hex'))",
        "int8send((extract(epoch from e.at) * 1000000)::bigint) || int8send(coalesce(e.row_count, -1))",
        *map(_text, _TEXTS),
        "e.entities",
    )
)
# An advisory lock: one transaction at a time extends a clinic's chain.
_ALONE = "select pg_try_advisory_xact_lock(hashtextextended('audit ' || $1::uuid::text, 0))"
_LAST = "select seq, hash from audit_chain where clinic_id = $1 order by seq desc limit 1"
# Events that were written together are chained together.
_BATCHES = f"""select id, event_ids from (select id, event_ids, sum(cardinality(event_ids)) over (order by id)
        - cardinality(event_ids) as before from audit_pending where clinic_id = $1) p where before < {_AT_ONCE}"""
# An event that was written again, because the acknowledgement of the first write was lost, is pending twice and is chained once.
_WAITING = f"""select e.id, {EVENT_BYTES} as bytes from audit_events e where e.clinic_id = $1 and e.id = any($2)
    and not exists (select from audit_chain c where (c.clinic_id, c.event_id) = (e.clinic_id, e.id)) order by e.id"""
_SUBJECTS = """array(select distinct encode(substring(e.entities from place for 16), 'hex')::uuid
    from generate_series(3, length(e.entities), 18) place)"""
_EXTEND = f"""insert into audit_chain (clinic_id, seq, event_id, hash, subjects)
    select $1, l.seq, l.event_id, l.hash, {_SUBJECTS} from unnest($2::bigint[], $3::uuid[], $4::bytea[]) l (seq, event_id, hash)
    join audit_events e on e.clinic_id = $1 and e.id = l.event_id"""
# A pending row whose event is missing, though both were written together, is kept as evidence for the verification.
_LOST = """select p.id, i.event_id from audit_pending p, unnest(p.event_ids) i (event_id) where p.clinic_id = $1
    and not exists (select from audit_events e where (e.clinic_id, e.id) = (p.clinic_id, i.event_id))"""
_CHAINED = (
    f"""delete from audit_pending where clinic_id = $1 and id = any($2) and id not in (select id from ({_LOST}) l)"""
)


async def extend(connection: asyncpg.Connection, clinic_id: UUID) -> int:
    """Chain a clinic's pending events in the caller's transaction, about a thousand at most; returns how many were chained.

    Returns without chaining anything while another transaction holds the lock.
    """
    if not await connection.fetchval(_ALONE, clinic_id):
        return 0
    batches = await connection.fetch(_BATCHES, clinic_id)
    waiting = await connection.fetch(_WAITING, clinic_id, [name for batch in batches for name in batch["event_ids"]])
    last = await connection.fetchrow(_LAST, clinic_id)
    seq, link = (last["seq"], last["hash"]) if last else (0, BEFORE_THE_FIRST)
    links = []
    for row in waiting:
        link = hashlib.sha256(link + row["bytes"]).digest()
        links.append(link)
    ids = [row["id"] for row in waiting]
    if ids:
        await connection.execute(_EXTEND, clinic_id, list(range(seq + 1, seq + 1 + len(ids))), ids, links)
    if batches:
        await connection.execute(_CHAINED, clinic_id, [batch["id"] for batch in batches])
    return len(ids)


@dataclass(frozen=True, slots=True)
class Break:
    """The first break of a clinic's chain: the number of the link, the event, and what is wrong."""

    seq: int | None
    event_id: UUID | None
    what: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The result of verifying a clinic's chain: its length, last hash, number of pending events, and the first break."""

    clinic_id: UUID
    length: int
    head: bytes
    waiting: int
    broken: Break | None = None


_LINKS = f"""select c.seq, c.event_id, c.hash, e.id, {EVENT_BYTES} as bytes from audit_chain c
    left join audit_events e on (e.clinic_id, e.id) = (c.clinic_id, c.event_id)
    where c.clinic_id = $1 order by c.seq"""
_UNCHAINED = """select e.id from audit_events e
    where e.clinic_id = $1 and not exists (select from audit_chain c where (c.clinic_id, c.event_id) = (e.clinic_id, e.id))
    and e.id not in (select unnest(p.event_ids) from audit_pending p where p.clinic_id = $1) order by e.id limit 1"""
_COUNT_WAITING = """select count(distinct w) from audit_pending p, unnest(p.event_ids) w where p.clinic_id = $1
    and not exists (select from audit_chain c where (c.clinic_id, c.event_id) = (p.clinic_id, w))"""


async def verify(connection: asyncpg.Connection, clinic_id: UUID, expected: tuple[int, bytes] | None = None) -> Chain:
    """Verify a clinic's chain in one snapshot, on the owner's connection; `expected` is a link that was recorded elsewhere."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        length, link, broken = 0, BEFORE_THE_FIRST, None
        held: asyncpg.Record | None = None
        async for row in _links(connection, clinic_id):
            broken = _judged(row, held["hash"] if held else BEFORE_THE_FIRST, length) or _noted(row, expected)
            if broken:
                break
            length, link, held = row["seq"], row["hash"], row
        if broken is None and expected and expected[0] > length:
            broken = Break(length + 1, None, f"missing: the chain ends here, and should have {expected[0]:,} links")
        unchained = await connection.fetchval(_UNCHAINED, clinic_id) if broken is None else None
        if unchained:
            broken = Break(None, unchained, "inserted: the event is neither in the chain nor pending")
        lost = await connection.fetchrow(_LOST, clinic_id) if broken is None else None
        if lost:
            broken = Break(None, lost["event_id"], "missing: the event is pending for the chain, but does not exist")
        return Chain(clinic_id, length, link, await connection.fetchval(_COUNT_WAITING, clinic_id), broken)


async def _links(connection: asyncpg.Connection, clinic_id: UUID) -> AsyncIterator[asyncpg.Record]:
    async for row in connection.cursor(_LINKS, clinic_id, prefetch=_AT_ONCE):
        yield row


def _judged(row: asyncpg.Record, before: bytes, length: int) -> Break | None:
    """What is wrong with a link, given the hash and the number of the previous one."""
    if row["seq"] != length + 1:
        return Break(length + 1, None, f"missing: the next link is number {row['seq']:,}")
    if row["id"] is None:
        return Break(row["seq"], row["event_id"], "missing: the event of the link does not exist")
    if hashlib.sha256(before + row["bytes"]).digest() != row["hash"]:
        return Break(row["seq"], row["event_id"], "changed: event, order or hash differ from what was chained")
    return None


def _noted(row: asyncpg.Record, expected: tuple[int, bytes] | None) -> Break | None:
    if expected and expected[0] == row["seq"] and expected[1] != row["hash"]:
        return Break(row["seq"], row["event_id"], "changed: the hash is not the expected one")
    return None
