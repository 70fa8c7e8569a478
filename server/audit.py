"""The work of `billing audit`: verifies the hash chains of the audit log, and reports disclosures of a patient's records."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import asyncpg

from db.audit.chain import Chain, verify
from db.global_ids import make_id, read_id
from exports.disclosures import Disclosure, write_disclosures

_CLINICS = "select clinic_id, short_name from clinics where $1::text is null or short_name = $1 order by short_name"
_HASH_BYTES = 32
_NUMBER = re.compile(r"[0-9]{1,18}")
# The same records as the filter of the API by patient; the chain names them by their UUIDs.
_DISCLOSED = """with billed as (select id from invoices where clinic_id = $1 and patient_id = $2),
    paid as (select c.id, c.document_id from cheque_allocations a join billed i on i.id = a.invoice_id
        join cheques c on (c.clinic_id, c.id) = (a.clinic_id, a.cheque_id) where a.clinic_id = $1),
    about as (select $2 as id union select id from billed union select id from paid union select document_id from paid
        union select id from cases where clinic_id = $1 and patient_id = $2
        union select id from encounters where clinic_id = $1 and patient_id = $2
        union select id from payers where clinic_id = $1 and patient_id = $2)
    select e.at, coalesce(u.name || ' <' || u.email || '>', 'system') as by, e.role, e.operation, e.fields, e.request_id,
        (select count(*) from unnest(l.subjects) s where s in (select id from about))::int as records
    from audit_chain l join audit_events e on (e.clinic_id, e.id) = (l.clinic_id, l.event_id)
    left join users u on (u.clinic_id, u.id) = (e.clinic_id, e.user_id)
    where l.clinic_id = $1 and l.subjects && array(select id from about where id is not null) order by e.at, e.id"""


class AuditError(Exception):
    """An argument of the command that is malformed or names no record; the message is for the operator."""


def noted(head: str | None) -> tuple[int, bytes] | None:
    """Parse the head of a chain as `verify` prints it: the number of a link and its hash; AuditError when it is malformed."""
    if head is None:
        return None
    number, _, digits = head.partition(":")
    try:
        link = bytes.fromhex(digits)
    except ValueError:
        link = b""
    if not _NUMBER.fullmatch(number) or len(link) != _HASH_BYTES:
        raise AuditError("A head must be a number, a colon and 64 hexadecimal digits, as this command prints it")
    return int(number), link


async def verify_chains(owner: str, clinic: str | None, head: tuple[int, bytes] | None) -> list[tuple[str, Chain]]:
    """The result of verifying each clinic's chain, by short name; AuditError when there is no such clinic."""
    connection = await asyncpg.connect(owner)
    try:
        clinics = await connection.fetch(_CLINICS, clinic)
        if clinic is not None and not clinics:
            raise AuditError(f"There is no clinic {clinic}")
        return [(row["short_name"], await verify(connection, row["clinic_id"], head)) for row in clinics]
    finally:
        await connection.close()


def checked_lines(name: str, chain: Chain) -> Iterator[str]:
    """The lines that report a verified chain."""
    if chain.broken is None:
        yield f"{name}: {chain.length:,} links hold, {chain.waiting:,} events wait; head {chain.length}:{chain.head.hex()}"
        return
    event = make_id("AuditEvent", chain.broken.event_id) if chain.broken.event_id else "none"
    place = f"link {chain.broken.seq:,}" if chain.broken.seq else "no link"
    yield f"{name}: broken at {place}, event {event}: {chain.broken.what}"


async def report_disclosures(owner: str, patient: str, out: Path) -> int:
    """Write the disclosure report of a patient, given by global id; returns its number of lines. AuditError for an unknown patient."""
    named = read_id(patient)
    if named is None or named[0] != "Patient":
        raise AuditError("This is not the id of a patient")
    connection = await asyncpg.connect(owner)
    try:
        clinic: UUID | None = await connection.fetchval("select clinic_id from patients where id = $1", named[1])
        if clinic is None:
            raise AuditError("There is no such patient")
        rows = await connection.fetch(_DISCLOSED, clinic, named[1])
    finally:
        await connection.close()
    found = (Disclosure(**{**dict(row), "fields": tuple(row["fields"])}) for row in rows)
    # With a byte order mark, by which Excel knows UTF-8.
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        return write_disclosures(found, file)
