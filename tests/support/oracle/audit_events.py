"""The events in the audit log of a database for comparisons: of all users, about records of every kind."""

from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg

from db.audit.chain import extend
from db.audit.events import record
from db.global_ids import TAGS
from domain.audit import AuditEvent
from domain.ids import new_id

_BEGINNING = datetime(2026, 6, 29, 23, 59, 58, 1, tzinfo=UTC)
_TABLES = {"Case": "cases", "Cheque": "cheques", "Invoice": "invoices", "Patient": "patients", "Payer": "payers"}
FIELDS = ("Invoice.balance", "Patient.name", "Negotiation.floorAmount")
OPERATIONS = ("invoices", "invoices payers", "node", "submitInvoice")
_EVENTS, _UNCHAINED = 60, 7


async def add_audit_events(connection: asyncpg.Connection) -> None:
    """Add events to the audit log of every clinic; the last ones are not chained yet; `connection` is the owner's."""
    rng = Random(7)  # noqa: S311 (the same events each time)
    for (clinic,) in await connection.fetch("select clinic_id from clinics order by clinic_id"):
        users = await connection.fetch("select id, role from users where clinic_id = $1 order by id", clinic)
        names = []
        for of_type, table in _TABLES.items():
            ids = await connection.fetch(f"select id from {table} where clinic_id = $1 order by id limit 30", clinic)
            names += [TAGS[of_type].encode() + row["id"].bytes for row in ids]
        events = []
        for number in range(_EVENTS):
            user, at = rng.choice([*users, None]), _BEGINNING + timedelta(milliseconds=rng.randrange(5_000))
            events.append(
                AuditEvent(
                    id=new_id(at),
                    clinic_id=clinic,
                    user_id=user["id"] if user else None,
                    role=user["role"] if user else "worker",
                    operation=rng.choice(OPERATIONS),
                    at=at,
                    request_id=f"request {number}",
                    entities=b"".join(rng.sample(names, rng.choice([0, 1, 2, 20]))),
                    fields=tuple(rng.sample(FIELDS, rng.randint(0, 3))),
                    filters=("InvoiceFilter.search",) * rng.randint(0, 1),
                    row_count=rng.choice([None, 0, 50]),
                )
            )
        async with connection.transaction():
            await record(connection, events[:-_UNCHAINED])
            assert await extend(connection, clinic) == _EVENTS - _UNCHAINED
            await record(connection, events[-_UNCHAINED:])
