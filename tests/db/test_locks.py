"""That a transaction which begins with a lock on invoices holds them, and nothing that its viewer does not reach."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from db.pools import Database
from domain.people import Role
from permissions.viewers import Viewer
from server.addresses import Address
from tests.databases import rows
from tests.other_clinic import OTHER, add_other_clinic
from tests.permissions.own_rows import viewer_of

_OF = """select i.id from invoices i join clinics c using (clinic_id) where c.short_name = $1 order by i.id limit 3"""
_FREE = "select id from invoices where id = any($1) for update skip locked"


async def _free(address: Address, invoices: list[UUID]) -> set[UUID]:
    """Those of the invoices that nobody holds."""
    connection = await asyncpg.connect(address.owner)
    try:
        return {row["id"] for row in await connection.fetch(_FREE, invoices)}
    finally:
        await connection.close()


def _ids(address: Address, clinic: str) -> list[UUID]:
    return [row["id"] for row in rows(address, _OF, clinic)]


async def _free_within(address: Address, viewer: Viewer, locked: list[UUID], asked: list[UUID]) -> list[set[UUID]]:
    """Which of the invoices are free while a transaction is open that begins with a lock, and after it; twice on one connection."""
    found = []
    async with Database(address.login) as database:
        for _ in range(2):
            async with database.entered(viewer, locked):
                found.append(await _free(address, asked))
            found.append(await _free(address, asked))
    return found


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_what_a_transaction_begins_with_is_locked_until_it_ends(own_address: Address, role: Role) -> None:
    viewer, invoices = viewer_of(own_address, role), _ids(own_address, "demo")
    found = asyncio.run(_free_within(own_address, viewer, invoices[:2], invoices))
    assert found == [{invoices[2]}, set(invoices)] * 2


def test_nobody_locks_the_invoices_of_another_clinic(own_address: Address) -> None:
    add_other_clinic(own_address)
    viewer, foreign = viewer_of(own_address, Role.BILLING), _ids(own_address, OTHER)
    assert asyncio.run(_free_within(own_address, viewer, foreign, foreign)) == [set(foreign)] * 4


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_who_writes_no_invoices_locks_none(own_address: Address, role: Role) -> None:
    viewer, invoices = viewer_of(own_address, role), _ids(own_address, "demo")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_free_within(own_address, viewer, invoices, invoices))
