"""A transaction that begins with row locks on invoices holds them until it ends, and locks no invoice outside the viewer's reach."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from db.pools import Database
from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.permissions.own_rows import viewer_of
from tests.support.databases import rows
from tests.support.other_clinic import OTHER, add_other_clinic

_OF = """select i.id from invoices i join clinics c using (clinic_id) where c.short_name = $1 order by i.id limit 3"""
_FREE = "select id from invoices where id = any($1) for update skip locked"


async def _free(address: DatabaseUrls, invoices: list[UUID]) -> set[UUID]:
    """The invoices that no transaction has locked."""
    connection = await asyncpg.connect(address.owner)
    try:
        return {row["id"] for row in await connection.fetch(_FREE, invoices)}
    finally:
        await connection.close()


def _ids(address: DatabaseUrls, clinic: str) -> list[UUID]:
    return [row["id"] for row in rows(address, _OF, clinic)]


async def _free_during(
    address: DatabaseUrls, viewer: Viewer, locked: list[UUID], checked: list[UUID]
) -> list[set[UUID]]:
    """The unlocked invoices during a transaction that begins with a lock, and after it; twice on one connection."""
    found = []
    async with Database(address.login) as database:
        for _ in range(2):
            async with database.entered(viewer, locked):
                found.append(await _free(address, checked))
            found.append(await _free(address, checked))
    return found


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_the_invoices_that_a_transaction_locks_at_its_begin_are_locked_until_it_ends(
    own_address: DatabaseUrls, role: Role
) -> None:
    viewer, invoices = viewer_of(own_address, role), _ids(own_address, "demo")
    found = asyncio.run(_free_during(own_address, viewer, invoices[:2], invoices))
    assert found == [{invoices[2]}, set(invoices)] * 2


def test_staff_cannot_lock_the_invoices_of_another_clinic(own_address: DatabaseUrls) -> None:
    add_other_clinic(own_address)
    viewer, foreign = viewer_of(own_address, Role.BILLING), _ids(own_address, OTHER)
    assert asyncio.run(_free_during(own_address, viewer, foreign, foreign)) == [set(foreign)] * 4


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_roles_that_write_no_invoices_cannot_lock_any(own_address: DatabaseUrls, role: Role) -> None:
    viewer, invoices = viewer_of(own_address, role), _ids(own_address, "demo")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_free_during(own_address, viewer, invoices, invoices))
