"""User administration from the command line: adds and deactivates users and resets second factors, with the owner's connection."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from argon2 import PasswordHasher

from db.global_ids import read_id
from domain.access.people import Role
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from domain.errors import DomainError, NotFound
from resolvers.commands.access import users
from resolvers.commands.unit_of_work import UnitOfWork
from server.database_urls import DatabaseUrls

_PERSONS = {Role.ATTORNEY: ("Attorney", "attorney_id"), Role.PHYSICIAN: ("Physician", "physician_id")}
_RESET_SECOND_FACTOR = """delete from second_factors f using users u, clinics c where c.short_name = $1 and u.email = $2
    and u.clinic_id = c.clinic_id and f.clinic_id = u.clinic_id and f.user_id = u.id returning f.id"""


class AccountError(Exception):
    """Why a user cannot be added or deactivated."""


async def add_user(
    address: DatabaseUrls, *, email: str, clinic: str, role: Role, name: str, person: str | None, password: str
) -> None:
    """Add a user; AccountError for an unknown clinic or person, a poor password, or an e-mail that is taken."""
    inputs = {"email": email, "name": name, "role": role, "password": password, **_person(role, person)}
    await _do(address, clinic, inputs, lambda work: users.create(work, _hash))


async def deactivate_user(address: DatabaseUrls, *, email: str, clinic: str) -> None:
    """Deactivate a user and end all sessions; AccountError for an unknown user and for the clinic's last administrator."""

    async def deactivate(work: UnitOfWork) -> UUID:
        row = await work.one("select id from users where clinic_id = $1 and email = $2", email.lower())
        if row is None:
            raise NotFound(f"There is no user {email} in this clinic")
        work.inputs = {"user_id": row["id"], "active": False}
        return await users.update(work, _hash)

    await _do(address, clinic, {}, deactivate)


async def _do(
    address: DatabaseUrls, clinic: str, inputs: dict[str, Any], what: Callable[[UnitOfWork], Awaitable[UUID]]
) -> None:
    connection, moment = await asyncpg.connect(address.owner), datetime.now(UTC)
    try:
        async with connection.transaction():
            found = await connection.fetchrow("select clinic_id, time_zone from clinics where short_name = $1", clinic)
            if found is None:
                raise AccountError(f"There is no clinic {clinic}")
            actor = Actor(Role.ADMIN, clinic_day(moment, found["time_zone"]))
            await what(UnitOfWork(connection, found["clinic_id"], None, actor, moment, "", inputs))
    except DomainError as refusal:
        where = f" ({refusal.path[-1]})" if refusal.path else ""
        raise AccountError(f"{refusal.message}{where}") from refusal
    finally:
        await connection.close()


async def reset_second_factor(address: DatabaseUrls, *, email: str, clinic: str) -> bool:
    """Remove the second factor of a user who has lost it; False when there was none."""
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetchrow(_RESET_SECOND_FACTOR, clinic, email.lower()) is not None
    finally:
        await connection.close()


async def _hash(password: str) -> str:
    return await asyncio.to_thread(PasswordHasher().hash, password)


def _person(role: Role, person: str | None) -> dict[str, UUID]:
    """The column that links a user to an attorney or physician, with the id; empty for roles that are not linked to a person."""
    if role not in _PERSONS:
        if person:
            raise AccountError(f"The role {role} is not linked to a person: leave --person out")
        return {}
    type_name, column = _PERSONS[role]
    found = read_id(person or "")
    if found is None or found[0] != type_name:
        raise AccountError(f"--person must be a global id of type {type_name}")
    return {column: found[1]}
