"""Decides how accounts are created and changed, what ends what was signed in, and that a clinic keeps an administrator."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.writing import Writes
from domain.accounts import PERSONS, changed, check_password, columns, is_shut_out, leaves_administration
from domain.errors import Conflict, InvalidInput, NotFound
from domain.ids import new_id
from resolvers.writing import Work

HashPassword = Callable[[str], Awaitable[str]]
_USER = """select id, email, name, role, active, attorney_id, physician_id from users where clinic_id = $1 and id = $2
    for no key update"""
# Whoever takes an administrator away waits for whoever does the same, in one order: the last one is not taken twice.
_ADMINISTRATORS = (
    "select id from users where clinic_id = $1 and role = 'admin' and active order by id for no key update"
)


async def create(work: Work, hash_password: HashPassword) -> UUID:
    """A new account. Without a password nobody signs in to it by password until an administrator gives it one."""
    row = columns(work.given)
    await _check_persons(work, row)
    if work.given.get("password") is not None:
        row["password_hash"] = await hash_password(check_password(work.given["password"], row["email"]))
    writes, identity = work.writes(), new_id(work.moment)
    writes.insert("users", id=identity, recorded_at=work.moment, **row)
    await _run(work, writes)
    return identity


async def update(work: Work, hash_password: HashPassword) -> UUID:
    """What the input says of an account, the rest as it was; who may do less from now on is signed out everywhere."""
    before, changes = await _changes(work)
    new = dict(changes)
    if "password" in work.given:
        new["password_hash"] = await hash_password(_new_password(work, {**before, **changes}))
    writes, identity = work.writes(), before["id"]
    if new:
        writes.update("users", {"id": identity}, **new)
    if is_shut_out(changes):
        writes.update("sessions", {"user_id": identity, "revoked_at": None}, revoked_at=work.moment)
    elif "password_hash" in new:
        # Tokens for programs were not made with the password.
        known = {"user_id": identity, "kind": "session", "revoked_at": None}
        writes.update("sessions", known, revoked_at=work.moment)
    await _run(work, writes)
    found: UUID = identity
    return found


async def _changes(work: Work) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The account as it was, locked, and what changes of it."""
    administrators: set[UUID] = set()
    if not work.given.keys().isdisjoint({"role", "active"}):
        administrators = {row["id"] for row in await work.all(_ADMINISTRATORS)}
    before = await work.one(_USER, work.given["user_id"])
    if before is None:
        raise NotFound("There is no such account", ("user_id",))
    changes = changed(before, columns(work.given, before))
    await _check_persons(work, changes)
    if leaves_administration(before, changes):
        _check_administration(work, before["id"], administrators)
    return before, changes


def _check_administration(work: Work, leaving: UUID, administrators: set[UUID]) -> None:
    """A clinic keeps an administrator, and nobody locks themselves out by mistake."""
    if leaving == work.user_id:
        raise Conflict("Nobody takes their own administration away: another administrator does", ("user_id",))
    if not administrators - {leaving}:
        raise Conflict("This is the clinic's last active administrator", ("user_id",))


async def _check_persons(work: Work, row: Mapping[str, Any]) -> None:
    for column, table in PERSONS.values():
        wanted = row.get(column)
        if wanted and await work.one(f"select id from {table} where clinic_id = $1 and id = $2", wanted) is None:
            raise NotFound(f"There is no such {column.removesuffix('_id')}", (column,))


def _new_password(work: Work, account: Mapping[str, Any]) -> str:
    if account["id"] == work.user_id:
        # Whoever has taken somebody's session does not have the old password.
        raise Conflict("One's own password is changed with the old one, by changePassword", ("password",))
    if work.given["password"] is None:
        raise InvalidInput("This cannot be left blank", ("password",))
    return check_password(work.given["password"], account["email"])


async def _run(work: Work, writes: Writes) -> None:
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("Another account of the clinic has this e-mail already", ("email",)) from error


async def run_for_staff(work: Work, writes: Writes, field: str) -> None:
    """Write what names somebody to act, in a field; NotFound where that is nobody who does the clinic's billing."""
    try:
        await writes.run(work.connection)
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name != f"{field}_does_billing":
            raise
        raise NotFound("Nobody of billing staff has this account", (field,)) from error
