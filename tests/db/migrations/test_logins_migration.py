"""Databases of the time before logins: each account keeps its password, and an e-mail with one account gets a login for all clinics."""

import asyncio
from uuid import UUID, uuid4

from db.migrate import migrate
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.support.databases import rows

_BEFORE = "0015"
_ADD = """insert into users (clinic_id, id, email, name, role, password_hash, oidc_subject, active)
    values ($1, $2, $3, 'Some Body', 'billing', $4, $5, $6)"""
_LOGINS = """select l.password_hash, l.oidc_subject, l.only_clinic_id, m.clinic_id, m.user_id, u.joined_at is not null as joined
    from logins l join memberships m on m.login_id = l.id join users u on u.clinic_id = m.clinic_id and u.id = m.user_id
    where l.email = $1 order by l.password_hash"""
_FACTOR = """insert into second_factors (clinic_id, id, user_id, secret, confirmed_at, last_step)
    values ($1, $2, $3, 'sealed', now(), 7)"""


def _add(
    address: DatabaseUrls,
    clinic: UUID,
    email: str,
    password_hash: str | None,
    subject: str | None = None,
    *,
    active: bool = True,
) -> UUID:
    user_id = uuid4()
    rows(address, _ADD, clinic, user_id, email, password_hash, subject, active)
    return user_id


def _clinics(address: DatabaseUrls) -> tuple[UUID, UUID]:
    asyncio.run(migrate(address.owner, revision=_BEFORE))
    found = rows(address, "select clinic_id from clinics where short_name = 'demo'")[0]["clinic_id"]
    other = uuid4()
    rows(address, "insert into clinics (clinic_id, short_name, name) values ($1, 'other', 'Other')", other)
    return UUID(str(found)), other


def test_accounts_become_memberships_of_logins(own_address: DatabaseUrls) -> None:
    demo, other = _clinics(own_address)
    alone = _add(own_address, demo, "alone@x.example", "a", "subject")
    both = [_add(own_address, clinic, "both@x.example", name) for clinic, name in ((demo, "b"), (other, "c"))]
    active = _add(own_address, demo, "left@x.example", "d")
    left = _add(own_address, other, "left@x.example", "e", active=False)
    _add(own_address, demo, "never@x.example", None)
    rows(own_address, _FACTOR, demo, uuid4(), alone)
    asyncio.run(bring_up_to_date(own_address))

    def found(email: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in rows(own_address, _LOGINS, f"{email}@x.example")]

    assert found("alone") == [("a", "subject", None, demo, alone, True)]
    # Passwords of two accounts cannot be compared: each stays with its clinic.
    assert found("both") == [("b", None, demo, demo, both[0], True), ("c", None, other, other, both[1], True)]
    assert found("left") == [("d", None, None, demo, active, True), ("e", None, other, other, left, True)]
    assert found("never") == []
    factors = rows(own_address, "select login_id, bound_clinic_id, last_step from login_second_factors")
    assert [tuple(row) for row in factors] == [(alone, demo, 7)]


def test_a_downgrade_gives_the_accounts_their_passwords_back(own_address: DatabaseUrls) -> None:
    demo, _ = _clinics(own_address)
    user_id = _add(own_address, demo, "alone@x.example", "a")
    rows(own_address, _FACTOR, demo, uuid4(), user_id)
    asyncio.run(bring_up_to_date(own_address))
    rows(own_address, "update logins set password_hash = 'newer' where id = $1", user_id)
    asyncio.run(migrate(own_address.owner, revision=_BEFORE))
    assert rows(own_address, "select password_hash from users where id = $1", user_id)[0][0] == "newer"
    assert rows(own_address, "select user_id, last_step from second_factors")[0]["user_id"] == user_id
