"""The suppression list: addresses whose owners have unsubscribed get no reminders until staff allow them again."""

from uuid import UUID

import asyncpg

from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.texts import EMAIL, REMARK, optional_text, required_text
from resolvers.commands.unit_of_work import UnitOfWork

_LISTED = (
    "select id from suppressed_addresses where clinic_id = $1 and email = $2 and removed_at is null for no key update"
)


async def suppress(work: UnitOfWork) -> UUID:
    """Put an address on the list; messages to it that wait are withdrawn when they would be sent."""
    writes, identity = work.writes(), new_id(work.moment)
    email = required_text(work.inputs, "email", EMAIL).lower()
    by = {"added_by": work.user_id, "added_at": work.moment, "recorded_at": work.moment}
    reason = optional_text(work.inputs, "reason", REMARK)
    writes.insert("suppressed_addresses", id=identity, email=email, reason=reason, **by)
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("This address is on the list already", ("email",)) from error
    return identity


async def allow(work: UnitOfWork) -> UUID:
    """Take an address off the list."""
    found = await work.one(_LISTED, required_text(work.inputs, "email", EMAIL).lower())
    if found is None:
        raise NotFound("This address is not on the list", ("email",))
    writes = work.writes()
    writes.update("suppressed_addresses", {"id": found["id"]}, removed_by=work.user_id, removed_at=work.moment)
    await writes.run(work.connection)
    identity: UUID = found["id"]
    return identity
