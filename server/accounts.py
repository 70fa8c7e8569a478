"""Decides how a user is added, and gets in again without a lost second factor, from the command line."""

from uuid import UUID

import asyncpg
from argon2 import PasswordHasher

from db.identity import read_id
from domain.ids import new_id
from domain.people import Role
from domain.sign_in import LONGEST_PASSWORD
from server.addresses import Address

_PERSONS = {Role.ATTORNEY: ("Attorney", "attorney_id"), Role.PHYSICIAN: ("Physician", "physician_id")}
_SHORTEST_PASSWORD = 10
_RESET_SECOND_FACTOR = """delete from second_factors f using users u, clinics c where c.short_name = $1 and u.email = $2
    and u.clinic_id = c.clinic_id and f.clinic_id = u.clinic_id and f.user_id = u.id returning f.id"""


class AccountError(Exception):
    """Why a user cannot be added."""


async def add_user(
    address: Address, *, email: str, clinic: str, role: Role, name: str, person: str | None, password: str
) -> None:
    """Add a user; AccountError for an unknown clinic or person, a short password, or an e-mail that is taken."""
    if len(password) < _SHORTEST_PASSWORD:
        raise AccountError(f"A password has at least {_SHORTEST_PASSWORD} characters")
    if len(password) > LONGEST_PASSWORD:
        raise AccountError(f"A password has at most {LONGEST_PASSWORD:,} characters")
    column, person_id = _person(role, person)
    connection = await asyncpg.connect(address.owner)
    try:
        clinic_id = await connection.fetchval("select clinic_id from clinics where short_name = $1", clinic)
        if clinic_id is None:
            raise AccountError(f"There is no clinic {clinic}")
        await connection.execute(
            f"insert into users (clinic_id, id, email, name, role, password_hash, {column}) values ($1, $2, $3, $4, $5, $6, $7)",
            clinic_id,
            new_id(),
            email.lower(),
            name,
            role.value,
            PasswordHasher().hash(password),
            person_id,
        )
    except asyncpg.UniqueViolationError as error:
        raise AccountError(f"{email} is taken in this clinic") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise AccountError("There is no such person in this clinic") from error
    finally:
        await connection.close()


async def reset_second_factor(address: Address, *, email: str, clinic: str) -> bool:
    """Take away the second factor of a user who has lost it; whether there was one."""
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetchrow(_RESET_SECOND_FACTOR, clinic, email.lower()) is not None
    finally:
        await connection.close()


def _person(role: Role, person: str | None) -> tuple[str, UUID | None]:
    """The column that says whom a user is, and the id to put there; roles that are nobody in particular leave it empty."""
    if role not in _PERSONS:
        if person:
            raise AccountError(f"The role {role} is nobody in particular: leave --person out")
        return "attorney_id", None
    type_name, column = _PERSONS[role]
    found = read_id(person or "")
    if found is None or found[0] != type_name:
        raise AccountError(f"--person takes the id of a {type_name.lower()}")
    return column, found[1]
