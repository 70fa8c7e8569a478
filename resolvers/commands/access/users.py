"""Creating and changing user accounts: invitations, changes that end sessions, and the rule that a clinic keeps an administrator."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.access.accounts import PERSONS, changed, columns, is_shut_out, leaves_administration
from domain.access.one_time_links import LINK_LIFETIMES, LinkKind
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork

_USER = """select id, email, name, role, active, attorney_id, physician_id, joined_at from users where clinic_id = $1 and id = $2
    for no key update"""
# Of the invitations to an account, one that is not among the newest few, if it was made within the hour.
_RECENT = "select id from invitations where clinic_id = $1 and user_id = $2 and expires_at > $3 order by id desc offset $4 - 1 limit 1"
_HOUR, _MOST_AN_HOUR = timedelta(hours=1), 5
# Table → that a record of it is not retired: the account of one that is could not sign in.
_NOT_RETIRED = {"attorneys": "retired_at is null", "physicians": "active"}
# Commands that remove an administrator wait for each other, in one order, so that two of them cannot remove the last
# two administrators at once.
_ADMINISTRATORS = "select id from users where clinic_id = $1 and role = 'admin' and active and joined_at is not null order by id for no key update"


async def create(work: UnitOfWork, *, is_mailed: bool) -> tuple[UUID, UUID]:
    """Create an account and the invitation to it; returns the ids of both. The account can be used once the invitation is accepted."""
    row = columns(work.inputs)
    await _check_persons(work, row)
    writes, identity = work.writes(), new_id(work.moment)
    writes.insert("users", id=identity, recorded_at=work.moment, **row)
    invitation = _invite(work, writes, identity, row["email"], row["role"], is_mailed=is_mailed)
    await _run(work, writes)
    return identity, invitation


async def invite_again(work: UnitOfWork, *, is_mailed: bool) -> tuple[UUID, UUID]:
    """A new invitation to an account that has not joined yet; those before are revoked. Returns the ids of both."""
    account = await work.one(_USER, work.inputs["user_id"])
    if account is None:
        raise NotFound("There is no such account", ("user_id",))
    if account["joined_at"]:
        raise Conflict("This account has joined already", ("user_id",))
    if not account["active"]:
        raise Conflict("This account is not active", ("user_id",))
    if await work.one(_RECENT, account["id"], work.moment + LINK_LIFETIMES[LinkKind.INVITATION] - _HOUR, _MOST_AN_HOUR):
        raise Conflict("Too many invitations were sent: try again in an hour", ("user_id",))
    writes = work.writes()
    _revoke_invitations(work, writes, account["id"])
    invitation = _invite(work, writes, account["id"], account["email"], account["role"], is_mailed=is_mailed)
    await _run(work, writes)
    return account["id"], invitation


def _invite(work: UnitOfWork, writes: WriteBatch, user_id: UUID, email: str, role: str, *, is_mailed: bool) -> UUID:
    identity = new_id(work.moment)
    writes.insert(
        "invitations",
        id=identity,
        user_id=user_id,
        email=email,
        role=role,
        is_mailed=is_mailed,
        expires_at=work.moment + LINK_LIFETIMES[LinkKind.INVITATION],
        next_attempt_at=work.moment,
        recorded_at=work.moment,
    )
    return identity


def _revoke_invitations(work: UnitOfWork, writes: WriteBatch, user_id: UUID) -> None:
    writes.update("invitations", {"user_id": user_id, "accepted_at": None, "revoked_at": None}, revoked_at=work.moment)


async def update(work: UnitOfWork) -> UUID:
    """Change the given fields of an account; a change that takes rights away ends its sessions and its open invitations.

    An account with another e-mail belongs to another login: it has to be invited again.
    """
    before, changes = await _changes(work)
    writes, identity = work.writes(), before["id"]
    if changes:
        joined = {"joined_at": None} if "email" in changes else {}
        writes.update("users", {"id": identity}, **changes, **joined)
    if is_shut_out(changes):
        writes.update("sessions", {"user_id": identity, "revoked_at": None}, revoked_at=work.moment)
        _revoke_invitations(work, writes, identity)
    await _run(work, writes)
    found: UUID = identity
    return found


async def _changes(work: UnitOfWork) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The locked account, and its changes."""
    administrators: set[UUID] = set()
    if not work.inputs.keys().isdisjoint({"role", "active", "email"}):
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
        raise Conflict("You cannot give up your own administrator account; another administrator can", ("user_id",))
    if not administrators - {leaving}:
        raise Conflict("This is the clinic's last active administrator", ("user_id",))


async def _check_persons(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    for column, table in PERSONS.values():
        wanted = row.get(column)
        found = f"select id from {table} where clinic_id = $1 and id = $2 and {_NOT_RETIRED[table]}"
        if wanted and await work.one(found, wanted) is None:
            raise NotFound(f"There is no such {column.removesuffix('_id')}", (column,))


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
