"""Logins, of which a person has one for all clinics, and the accounts (memberships) that they have accepted in clinics."""

from datetime import datetime
from uuid import UUID

import asyncpg

from domain.ids import new_id
from identity.sessions import ADMITTED, VIEWER, viewer_of
from permissions.viewers import Viewer

_COLUMNS = "l.id, l.email, l.password_hash, l.email_verified_at"
# A login for one clinic alone is meant by that clinic's name, and by no other; and only as long as it has the account.
_FIND = f"""select {_COLUMNS} from logins l left join clinics c on c.clinic_id = l.only_clinic_id
    where l.email = $1 and (l.only_clinic_id is null or c.short_name = $2)
    order by exists (select from memberships m join users u on u.clinic_id = m.clinic_id and u.id = m.user_id
        and u.email = l.email and u.joined_at is not null where m.login_id = l.id) desc, l.only_clinic_id nulls last limit 1"""
_FIND_SHARED = f"select {_COLUMNS} from logins l where l.email = $1 and l.only_clinic_id is null"
_FIND_OF_USER = f"""select {_COLUMNS} from memberships m join logins l on l.id = m.login_id
    where m.clinic_id = $1 and m.user_id = $2"""
_ACCOUNTS = f"""select {VIEWER}, u.role = any(c.second_factor_roles) as needs_second_factor
    from memberships m join logins l on l.id = m.login_id
    join users u on u.clinic_id = m.clinic_id and u.id = m.user_id and u.email = l.email
    join clinics c on c.clinic_id = u.clinic_id
    where m.login_id = $1 and {ADMITTED} and u.joined_at is not null order by c.name, c.clinic_id"""
# Waits for changes of the password and of the accounts that are under way, and makes later ones wait for this transaction.
_LOCK = "select password_hash from logins where id = $1 for no key update"
_LOCKED_ACCOUNTS = f"{_ACCOUNTS} for share of u"
_ADD = """insert into logins (id, email, password_hash, oidc_subject, email_verified_at) values ($1, $2, $3, $4, $5)
    on conflict do nothing returning id"""
# An account whose e-mail was changed may still have the login of the old one, and a login the account.
_PART = "delete from memberships where clinic_id = $2 and (login_id = $1 or user_id = $3)"
_JOIN = "insert into memberships (login_id, clinic_id, user_id) values ($1, $2, $3)"
_JOINED = "update users set joined_at = $3 where clinic_id = $1 and id = $2"
_END_SESSIONS = """update sessions s set revoked_at = $3 from memberships m
    where m.login_id = $1 and s.clinic_id = m.clinic_id and s.user_id = m.user_id and s.id <> $2 and s.kind = 'session'
    and s.revoked_at is null returning s.id"""


async def find_login(connection: asyncpg.Connection, email: str | None, clinic: str | None) -> asyncpg.Record | None:
    """The login that an e-mail and, if it is named, a clinic's short name mean."""
    return await connection.fetchrow(_FIND, email, clinic)


async def find_shared_login(connection: asyncpg.Connection, email: str) -> asyncpg.Record | None:
    """The login of an e-mail for all clinics."""
    return await connection.fetchrow(_FIND_SHARED, email)


async def find_login_of(connection: asyncpg.Connection, clinic_id: UUID, user_id: UUID) -> asyncpg.Record | None:
    """The login that has accepted an account."""
    return await connection.fetchrow(_FIND_OF_USER, clinic_id, user_id)


async def list_accounts(connection: asyncpg.Connection, login_id: UUID) -> list[asyncpg.Record]:
    """The active accounts of a login, by the clinic's name: the columns of VIEWER, and whether one needs a second factor."""
    return list(await connection.fetch(_ACCOUNTS, login_id))


async def lock_login(connection: asyncpg.Connection, login_id: UUID) -> tuple[str | None, list[asyncpg.Record]]:
    """Lock a login and its active accounts until the end of the transaction; returns its password hash and the accounts.

    A session that is begun in this transaction either sees a change of them, or is ended by it.
    """
    stored: str | None = await connection.fetchval(_LOCK, login_id)
    return stored, list(await connection.fetch(_LOCKED_ACCOUNTS, login_id))


async def list_viewers(connection: asyncpg.Connection, login_id: UUID) -> list[Viewer]:
    """The active accounts of a login, for the audit log of each clinic."""
    return [viewer_of(account) for account in await list_accounts(connection, login_id)]


async def add_login(
    connection: asyncpg.Connection,
    email: str,
    password_hash: str | None,
    subject: str | None,
    *,
    verified_at: datetime | None,
    moment: datetime,
) -> UUID | None:
    """Add a login for all clinics; None when the e-mail has one by now."""
    found: UUID | None = await connection.fetchval(_ADD, new_id(moment), email, password_hash, subject, verified_at)
    return found


async def join(
    connection: asyncpg.Connection, login_id: UUID, clinic_id: UUID, user_id: UUID, moment: datetime
) -> None:
    """Make an account one of a login's."""
    await connection.execute(_PART, login_id, clinic_id, user_id)
    await connection.execute(_JOIN, login_id, clinic_id, user_id)
    await connection.execute(_JOINED, clinic_id, user_id, moment)


async def end_sessions(connection: asyncpg.Connection, login_id: UUID, but: UUID, moment: datetime) -> list[UUID]:
    """End all sessions of a login, in every clinic, but one; returns the ids of those that ended. API tokens stay valid."""
    return [row["id"] for row in await connection.fetch(_END_SESSIONS, login_id, but, moment)]
