"""Logins of accounts that tests add to the database."""

from uuid import UUID

from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_ADD = """with joined as (update users set joined_at = now() where id = $1 returning clinic_id, id, email),
    login as (insert into logins (id, email, password_hash, only_clinic_id, email_verified_at, oidc_subject)
        select id, email, $2, case when $3 then clinic_id end, now(), $4 from joined)
    insert into memberships (login_id, clinic_id, user_id) select id, clinic_id, id from joined"""
_JOIN = """with joined as (update users set joined_at = now() where id = $2 returning clinic_id, id)
    insert into memberships (login_id, clinic_id, user_id) select $1, clinic_id, id from joined"""
DEMO_HASH = "select password_hash from logins where email = 'admin@demo.example'"


def add_login(
    address: DatabaseUrls,
    user_id: UUID,
    password_hash: str | None = None,
    *,
    is_for_one_clinic: bool = False,
    subject: str | None = None,
) -> None:
    """Give an account a login of the same id: with the password of the demo's users, or with a hash or a subject that is given."""
    if password_hash is None and subject is None:
        [(password_hash,)] = rows(address, DEMO_HASH)
    rows(address, _ADD, user_id, password_hash, is_for_one_clinic, subject)


def join_login(address: DatabaseUrls, login_id: UUID, user_id: UUID) -> None:
    """Make an account one of those of a login."""
    rows(address, _JOIN, login_id, user_id)
