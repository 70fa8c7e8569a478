"""Creating and changing user accounts: changes that end sessions, and the rule that a clinic keeps an administrator."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.access.accounts import PERSONS, changed, check_password, columns, is_shut_out, leaves_administration
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork

HashPassword = Callable[[str], Awaitable[str]]
_USER = """select id, email, name, role, active, attorney_id, physician_id from users where clinic_id = $1 and id = $2
    for no key update"""
# Commands that remove an administrator wait for each other, in one order, so that two of them cannot remove the last
# two administrators at once.
_ADMINISTRATORS = (
    "select id from users where clinic_id = $1 and role = 'admin' and active order by id for no key update"
)


async def create(work: UnitOfWork, hash_password: HashPassword) -> UUID:
    """Create an account. Without a password it cannot sign in by password until an administrator sets one."""
    row = columns(work.inputs)
    await _check_persons(work, row)
    if work.inputs.get("password") is not None:
        row["password_hash"] = await hash_password(check_password(work.inputs["password"], row["email"]))
    writes, identity = work.writes(), new_id(work.moment)
    writes.insert("users", id=identity, recorded_at=work.moment, **row)
    await _run(work, writes)
    return identity


async def update(work: UnitOfWork, hash_password: HashPassword) -> UUID:
    """Change the given fields of an account; a change that takes rights away ends its sessions."""
    before, changes = await _changes(work)
    new = dict(changes)
    if "password" in work.inputs:
        new["password_hash"] = await hash_password(_new_password(work, {**before, **changes}))
    writes, identity = work.writes(), before["id"]
    if new:
        writes.update("users", {"id": identity}, **new)
    if is_shut_out(changes):
        writes.update("sessions", {"user_id": identity, "revoked_at": None}, revoked_at=work.moment)
    elif "password_hash" in new:
        # API tokens were not created with the password.
        known = {"user_id": identity, "kind": "session", "revoked_at": None}
        writes.update("sessions", known, revoked_at=work.moment)
    await _run(work, writes)
    found: UUID = identity
    return found


async def _changes(work: UnitOfWork) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The locked account, and its changes."""
    administrators: set[UUID] = set()
    if not work.inputs.keys().isdisjoint({"role", "active"}):
        administrators = {row["id"] for row in await work.all(_ADMINISTRATORS)}
    before = await work.one(_USER, work.inputs["user_id"])
    if before is None:
        raise NotFound("There is no such account", ("user_id",))
    changes = changed(before, columns(work.inputs, before))
    await _check_persons(work, changes)
    if leaves_administration(before, changes):
        _check_administration(work, before["id"], administrators)
    return before, changes


def _check_administration(work: UnitOfWork, leaving: UUID, administrators: set[UUID]) -> None:
    """A clinic keeps an administrator, and administrators cannot lock themselves out by mistake."""
    if leaving == work.user_id:
        raise Conflict("You cannot remove your own administrator role; another administrator can", ("user_id",))
    if not administrators - {leaving}:
        raise Conflict("This is the clinic's last active administrator", ("user_id",))


async def _check_persons(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    for column, table in PERSONS.values():
        wanted = row.get(column)
        if wanted and await work.one(f"select id from {table} where clinic_id = $1 and id = $2", wanted) is None:
            raise NotFound(f"There is no such {column.removesuffix('_id')}", (column,))


def _new_password(work: UnitOfWork, account: Mapping[str, Any]) -> str:
    if account["id"] == work.user_id:
        # An attacker with a stolen session does not have the old password.
        raise Conflict("Change your own password with changePassword, which requires the old one", ("password",))
    if work.inputs["password"] is None:
        raise InvalidInput("This cannot be left blank", ("password",))
    return check_password(work.inputs["password"], account["email"])


async def _run(work: UnitOfWork, writes: WriteBatch) -> None:
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("Another account of the clinic already has this e-mail", ("email",)) from error


async def run_for_staff(work: UnitOfWork, writes: WriteBatch, field: str) -> None:
    """Write a field that refers to an assignee; NotFound unless the account is an active member of billing staff."""
    try:
        await writes.run(work.connection)
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name != f"{field}_does_billing":
            raise
        raise NotFound("No member of billing staff has this account", (field,)) from error
