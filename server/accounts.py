"""User administration from the command line: adds and deactivates users and resets second factors, with the owner's connection."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from argon2 import PasswordHasher

from db.global_ids import read_id
from domain.access.accounts import check_password
from domain.access.one_time_links import LinkKind
from domain.access.people import Role
from domain.access.sign_in import plain_email
from domain.billing.outcomes import Actor
from domain.clinics import clinic_day
from domain.errors import Conflict, DomainError, NotFound
from identity.logins import add_login, find_shared_login, join
from identity.reset_links import add_link
from resolvers.commands.access import users
from resolvers.commands.unit_of_work import UnitOfWork
from server.database_urls import DatabaseUrls

_PERSONS = {Role.ATTORNEY: ("Attorney", "attorney_id"), Role.PHYSICIAN: ("Physician", "physician_id")}
_ACCEPTED = "update invitations set accepted_at = $3 where clinic_id = $1 and user_id = $2"
# The shared login of an e-mail, and those for single clinics.
_LOGINS = "select id from logins where email = $1"


class AccountError(Exception):
    """Why a user cannot be added or deactivated."""


async def add_user(
    address: DatabaseUrls, *, email: str, clinic: str, role: Role, name: str, person: str | None, password: str | None
) -> tuple[UUID, UUID] | None:
    """Add a user who can sign in at once; the ids of an invitation where the user has to accept the account.

    That is so without a password, and where the e-mail has a login already. AccountError for an unknown clinic or person, a poor
    password, or an e-mail that the clinic has already.
    """
    inputs = {"email": email, "name": name, "role": role, **_person(role, person)}
    waiting: list[tuple[UUID, UUID]] = []

    async def create(work: UnitOfWork) -> UUID:
        user_id, invitation = await add_account(work, password)
        waiting.extend([invitation] if invitation else [])
        return user_id

    await change_clinic(address, clinic, inputs, create)
    return waiting[0] if waiting else None


async def add_account(work: UnitOfWork, password: str | None) -> tuple[UUID, tuple[UUID, UUID] | None]:
    """Create the account of the inputs, with a login of this password; its id, and those of an invitation that has to be accepted."""
    user_id, invitation_id = await users.create(work, is_mailed=False)
    plain, moment = plain_email(work.inputs["email"]) or "", work.moment
    if password is None or await find_shared_login(work.connection, plain):
        # The login's maker need not be the owner of the e-mail.
        return user_id, (work.clinic_id, invitation_id)
    hashed = await _hash(check_password(password, plain))
    login_id = await add_login(work.connection, plain, hashed, None, verified_at=moment, moment=moment)
    if login_id is None:
        raise Conflict("This e-mail has got a login in the meantime: try again")
    await join(work.connection, login_id, work.clinic_id, user_id, moment)
    await work.connection.execute(_ACCEPTED, work.clinic_id, user_id, moment)
    return user_id, None


async def deactivate_user(address: DatabaseUrls, *, email: str, clinic: str) -> None:
    """Deactivate a user and end all sessions; AccountError for an unknown user and for the clinic's last administrator."""

    async def deactivate(work: UnitOfWork) -> UUID:
        row = await work.one("select id from users where clinic_id = $1 and email = $2", (plain_email(email) or ""))
        if row is None:
            raise NotFound(f"There is no user {email} in this clinic")
        work.inputs = {"user_id": row["id"], "active": False}
        return await users.update(work)

    await change_clinic(address, clinic, {}, deactivate)


async def change_clinic(
    address: DatabaseUrls, clinic: str, inputs: dict[str, Any], what: Callable[[UnitOfWork], Awaitable[UUID]]
) -> None:
    """Run a command in a clinic, as the owner of the database; AccountError for an unknown clinic, and when it is refused."""
    connection, moment = await asyncpg.connect(address.owner), datetime.now(UTC)
    try:
        async with connection.transaction():
            found = await connection.fetchrow("select clinic_id, time_zone from clinics where short_name = $1", clinic)
            if found is None:
                raise AccountError(f"There is no clinic {clinic}")
            actor = Actor(Role.ADMIN, clinic_day(moment, found["time_zone"]), moment)
            await what(UnitOfWork(connection, found["clinic_id"], None, actor, moment, "", inputs))
    except DomainError as refusal:
        where = f" ({refusal.path[-1]})" if refusal.path else ""
        raise AccountError(f"{refusal.message}{where}") from refusal
    finally:
        await connection.close()


async def reset_second_factor(address: DatabaseUrls, *, email: str) -> bool:
    """Remove the second factor of a person who has lost it, in all clinics; False when there was none."""
    connection = await asyncpg.connect(address.owner)
    try:
        async with connection.transaction():
            logins = [row["id"] for row in await connection.fetch(_LOGINS, (plain_email(email) or ""))]
            await connection.execute("delete from recovery_codes where login_id = any($1)", logins)
            removed = await connection.execute("delete from login_second_factors where login_id = any($1)", logins)
        return removed != "DELETE 0"
    finally:
        await connection.close()


async def add_password_link(address: DatabaseUrls, *, email: str) -> UUID:
    """The id of a new one-time link to a new password; AccountError for an e-mail without a login."""
    connection = await asyncpg.connect(address.owner)
    try:
        if not await connection.fetch(_LOGINS, (plain_email(email) or "")):
            raise AccountError(f"{email} has no login")
        return await add_link(connection, (plain_email(email) or ""), LinkKind.PASSWORD_RESET, datetime.now(UTC))
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
