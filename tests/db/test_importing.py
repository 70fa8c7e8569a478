"""The import role can only add invoices with their history to its own clinic, under their former numbers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import importing
from db.security.policies import IMPORT_ROLE
from permissions.importing import IMPORTING
from server.database_urls import DatabaseUrls
from tests.support.databases import rows
from tests.support.other_clinic import add_other_clinic

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"
OWN = {"number": "OLD-1", "external_key": "OLD-1", "encounter_id": None}


def added(address: DatabaseUrls, table: str, row: Any, clinic: UUID) -> str:
    """Insert a row as the import role for a clinic, roll back, and return "done" or the name of PostgreSQL's error."""
    names = IMPORTING[table]
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))

    async def run() -> str:
        connection = await asyncpg.connect(address.owner)
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"set local role {IMPORT_ROLE}")
            await connection.execute("select set_config('app.clinic_id', $1, true)", str(clinic))
            query = f"insert into {table} ({', '.join(names)}) values ({places})"
            await connection.execute(query, *(row[name] for name in names))
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await transaction.rollback()
            await connection.close()
        return "done"

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, "done"),
        ({"external_key": None}, "InsufficientPrivilegeError"),
        ({"external_key": "OLD-2"}, "InsufficientPrivilegeError"),
        ({"number": "OLD-2"}, "InsufficientPrivilegeError"),
    ],
)
def test_an_invoice_can_be_imported_in_any_status_but_only_under_its_former_number(
    own_address: DatabaseUrls, changes: dict[str, Any], answer: str
) -> None:
    [paid] = rows(
        own_address, f"select * from invoices where clinic_id = {CLINIC} and status = 'paid' order by id limit 1"
    )
    row = {**paid, "id": uuid4(), **OWN, **changes}
    assert added(own_address, "invoices", row, paid["clinic_id"]) == answer


def test_nothing_can_be_imported_into_another_clinic(own_address: DatabaseUrls) -> None:
    other = add_other_clinic(own_address)
    [ours] = rows(own_address, f"select * from invoices where clinic_id = {CLINIC} order by id limit 1")
    [state] = rows(
        own_address, f"select * from invoice_states where clinic_id = {CLINIC} order by invoice_id, known_from limit 1"
    )
    assert added(own_address, "invoices", {**ours, "id": uuid4(), **OWN}, other) == "InsufficientPrivilegeError"
    assert added(own_address, "invoice_states", state, other) == "InsufficientPrivilegeError"
    [cheque] = rows(own_address, f"select * from cheques where clinic_id = {CLINIC} order by id limit 1")
    assert (
        added(own_address, "cheques", {**cheque, "id": uuid4(), "imported": True}, other)
        == "InsufficientPrivilegeError"
    )


@pytest.mark.parametrize(("is_imported", "answer"), [(True, "done"), (False, "InsufficientPrivilegeError")])
def test_a_cheque_can_only_be_imported_as_one_without_a_scan(
    own_address: DatabaseUrls, is_imported: bool, answer: str
) -> None:
    [cheque] = rows(own_address, f"select * from cheques where clinic_id = {CLINIC} order by id limit 1")
    row = {**cheque, "id": uuid4(), "number": "BROUGHT-1", "number_key": "BROUGHT-1", "imported": is_imported}
    assert added(own_address, "cheques", row, cheque["clinic_id"]) == answer


@pytest.mark.parametrize(
    "statement", ["select id from invoices", "update invoices set version = 1", "delete from invoice_states"]
)
def test_the_import_role_cannot_read_or_change_existing_rows(own_address: DatabaseUrls, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_as_import(own_address, statement))


async def _as_import(address: DatabaseUrls, statement: str) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute(f"set role {IMPORT_ROLE}; select set_config('app.clinic_id', '{uuid4()}', false)")
        await connection.execute(statement)
    finally:
        await connection.close()


def test_the_role_before_an_import_is_restored_and_the_owner_stays_the_owner(own_address: DatabaseUrls) -> None:
    async def roles(before: str) -> list[str]:
        connection = await asyncpg.connect(own_address.owner)
        try:
            await connection.execute(f"begin; {before}")
            found = [await connection.fetchval("select current_user")]
            async with importing(connection):
                found.append(await connection.fetchval("select current_user"))
            return [*found, await connection.fetchval("select current_user")]
        finally:
            await connection.close()

    assert asyncio.run(roles("set local role clinic_billing")) == ["clinic_billing", IMPORT_ROLE, "clinic_billing"]
    [owner, *others] = asyncio.run(roles(""))
    assert others == [owner, owner]
