"""Creates a clinic with its reminder templates and its first administrator, and lists the clinics of a database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from db.audit.events import entities_of, record
from db.global_ids import TAGS
from domain.access.people import Role
from domain.audit import WORKER, AuditEvent
from domain.billing.outcomes import Actor
from domain.clinics import checked_short_name, checked_time_zone, clinic_day
from domain.errors import Conflict, DomainError
from domain.ids import new_id
from domain.texts import NAME, required_text
from imports.default_reminders import default_reminders
from imports.history.batch import Batch
from resolvers.commands.unit_of_work import UnitOfWork
from server.accounts import AccountError, add_account
from server.database_urls import DatabaseUrls

_INSERT = """insert into clinics (clinic_id, short_name, name, time_zone, recorded_at) values ($1, $2, $3, $4, $5)
    on conflict (short_name) do nothing returning clinic_id"""
_NAME_OF = "select name from clinics where short_name = $1"
# What an operator sees of a clinic: names and numbers of records.
_LIST = """select c.short_name, c.name, c.time_zone, c.recorded_at,
        (select count(*) from users u where u.clinic_id = c.clinic_id and u.active and u.joined_at is not null) as users,
        (select count(*) from invoices i where i.clinic_id = c.clinic_id) as invoices
    from clinics c where $1::text is null or c.short_name = $1 order by c.short_name"""


@dataclass(frozen=True, slots=True)
class NewClinic:
    """What a clinic begins with; InvalidInput for a short name or a time zone that no clinic can have."""

    short_name: str
    name: str
    time_zone: str
    email: str
    person: str

    def __post_init__(self) -> None:
        checked_short_name(self.short_name)
        checked_time_zone(self.time_zone)


async def create_clinic(address: DatabaseUrls, new: NewClinic, password: str | None) -> tuple[UUID, UUID] | None:
    """Create a clinic and its first administrator in one transaction; the ids of the invitation, if there is one.

    Without a password, and where the e-mail has a login, the administrator has to accept an invitation. AccountError when the short
    name is taken, and for an administrator who cannot be added: then nothing is written.
    """
    connection, moment = await asyncpg.connect(address.owner), datetime.now(UTC)
    try:
        async with connection.transaction():
            return await _create(connection, new, password, moment)
    except DomainError as refusal:
        raise AccountError(refusal.message) from refusal
    finally:
        await connection.close()


async def _create(
    connection: asyncpg.Connection, new: NewClinic, password: str | None, moment: datetime
) -> tuple[UUID, UUID] | None:
    clinic_id, name = new_id(moment), required_text({"name": new.name}, "name", NAME)
    if not await connection.fetchval(_INSERT, clinic_id, new.short_name, name, new.time_zone, moment):
        taken = await connection.fetchval(_NAME_OF, new.short_name)
        raise Conflict(f"There is a clinic {new.short_name} already: {taken}. Nothing was changed")
    inputs = {"email": new.email, "name": new.person, "role": Role.ADMIN}
    actor = Actor(Role.ADMIN, clinic_day(moment, new.time_zone), moment)
    work = UnitOfWork(connection, clinic_id, None, actor, moment, "", inputs)
    _, invitation = await add_account(work, password)
    await _add_reminders(connection, clinic_id, moment)
    await record(connection, [_event(work)])
    return invitation


async def _add_reminders(connection: asyncpg.Connection, clinic_id: UUID, moment: datetime) -> None:
    """The default templates and the default policy, which is inactive: reminders are off until a dry run is confirmed."""
    batch = Batch()
    rows = default_reminders(
        lambda: {"clinic_id": clinic_id, "id": new_id(moment), "recorded_at": moment}, lead_id=None
    )
    for table, row in rows:
        batch.extend(table, (row,))
    await batch.load(connection)


def _event(work: UnitOfWork) -> AuditEvent:
    written = entities_of([row for batch in work.batches for row in batch.rows])
    entities = dict.fromkeys((TAGS["Clinic"].encode() + work.clinic_id.bytes, *written))
    return AuditEvent(
        new_id(work.moment), work.clinic_id, None, WORKER, "createClinic", work.moment, "", b"".join(entities)
    )


async def list_clinics(address: DatabaseUrls, short_name: str | None = None) -> Sequence[asyncpg.Record]:
    """The clinics of the database, or the one with a short name; AccountError when there is no such clinic."""
    connection = await asyncpg.connect(address.owner)
    try:
        found: Sequence[asyncpg.Record] = await connection.fetch(_LIST, short_name)
    finally:
        await connection.close()
    if short_name is not None and not found:
        raise AccountError(f"There is no clinic {short_name}: `billing clinic list` lists them")
    return found
