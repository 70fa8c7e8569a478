"""Temporary objects of a login never run with the rights of the owner; regression tests of attacks that once succeeded."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from db.pools import entering
from db.security.policies import STAFF_LOGIN
from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.db.rights.test_visits_of_physicians import VISIT, case_of
from tests.permissions.own_rows import viewer_of
from tests.support.databases import rows

# A setting in which the attacker's code records the user whose rights it has; only the owner has rights on all tables.
_STOLEN_RIGHTS = "select coalesce(current_setting('attack.ran_as', true), '')"
# A trigger on a temporary table with the name of a table of the product: a function that resolves the name to it runs the trigger.
_TABLE_WITH_TRIGGER = (
    "create temporary table treating_physicians (clinic_id uuid, physician_id uuid, case_id uuid, patient_id uuid)",
    """create function pg_temp.take() returns trigger language plpgsql as
        $$ begin perform set_config('attack.ran_as', current_user, false); return new; end $$""",
    "create trigger take before insert on treating_physicians for each row execute function pg_temp.take()",
    "grant all on treating_physicians to public",
)
# A temporary domain with the name of a built-in type: its check constraint runs wherever a function casts to that name.
_DOMAIN_WITH_CHECK = (
    """create function pg_temp.take(given pg_catalog.uuid) returns boolean language plpgsql as
        $$ begin perform set_config('attack.ran_as', current_user, false); return true; end $$""",
    "create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.take(value))",
)
_REMINDER = """insert into reminders (clinic_id, id, invoice_id, target_date, subject, assignee_id, created_by, created_at)
    select clinic_id, gen_random_uuid(), id, '2026-07-01', 'a', $2, $2, now() from invoices where clinic_id = $1 limit 1"""


def _attack(address: DatabaseUrls, viewer: Viewer, prepared: Sequence[str], fired: str, *values: object) -> str:
    """The user whose rights the attacker's code had in a session of the staff login, in the role of a viewer; "" if it never ran."""

    async def run() -> str:
        connection = await asyncpg.connect(address.login(STAFF_LOGIN))
        try:
            await connection.execute(entering(viewer, read_only=False))
            for statement in prepared:
                await connection.execute(statement)
            await connection.execute(fired, *values)
            found: str = await connection.fetchval(_STOLEN_RIGHTS)
            return found
        finally:
            await connection.close()

    return asyncio.run(run())


def _table_attack(address: DatabaseUrls, prepared: Sequence[str] = _TABLE_WITH_TRIGGER) -> str:
    viewer = viewer_of(address, Role.PHYSICIAN)
    case, patient = case_of(address, viewer, is_own=True)
    return _attack(address, viewer, prepared, VISIT, viewer.clinic_id, uuid4(), case, viewer.person_id, patient)


def _domain_attack(address: DatabaseUrls) -> str:
    viewer = viewer_of(address, Role.BILLING)
    return _attack(address, viewer, _DOMAIN_WITH_CHECK, _REMINDER, viewer.clinic_id, viewer.user_id)


def _allow_temporary_objects(address: DatabaseUrls) -> None:
    """Grant temporary objects again, so that only the functions' own search path prevents the attack."""
    rows(address, f'grant temporary on database "{urlsplit(address.owner).path[1:]}" to public')


def test_a_function_of_the_owner_does_not_write_to_a_temporary_table_with_a_trigger(
    own_address: DatabaseUrls,
) -> None:
    _allow_temporary_objects(own_address)
    assert _table_attack(own_address) == ""


def test_a_function_of_the_owner_does_not_cast_to_a_temporary_domain(own_address: DatabaseUrls) -> None:
    _allow_temporary_objects(own_address)
    assert _domain_attack(own_address) == ""


@pytest.mark.parametrize(
    "made",
    [*_TABLE_WITH_TRIGGER[:2], *_DOMAIN_WITH_CHECK],
    ids=["table", "trigger's function", "check's function", "domain"],
)
def test_a_login_cannot_create_temporary_objects(own_address: DatabaseUrls, made: str) -> None:
    visits = rows(own_address, "select count(*) from encounters")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied to create temporary tables"):
        _table_attack(own_address, [made])
    assert rows(own_address, "select count(*) from encounters") == visits
