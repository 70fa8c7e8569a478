"""Decides that the role of an import adds invoices with a past to its own clinic, under the numbers that they had, and does nothing else."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import importing
from db.security import IMPORT_ROLE
from permissions.importing import IMPORTING
from server.addresses import Address
from tests.databases import rows
from tests.other_clinic import add_other_clinic

CLINIC = "(select clinic_id from clinics where short_name = 'demo')"
OWN = {"number": "OLD-1", "external_key": "OLD-1"}


def added(address: Address, table: str, row: Any, clinic: UUID) -> str:
    """What PostgreSQL says to a row that the role of an import adds for a clinic; nothing of it stays."""
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
    ("said", "answer"),
    [
        ({}, "done"),
        ({"external_key": None}, "InsufficientPrivilegeError"),
        ({"external_key": "OLD-2"}, "InsufficientPrivilegeError"),
        ({"number": "OLD-2"}, "InsufficientPrivilegeError"),
    ],
)
def test_an_invoice_comes_in_any_state_but_under_the_number_that_it_had(
    own_address: Address, said: dict[str, Any], answer: str
) -> None:
    [paid] = rows(
        own_address, f"select * from invoices where clinic_id = {CLINIC} and status = 'paid' order by id limit 1"
    )
    row = {**paid, "id": uuid4(), **OWN, **said}
    assert added(own_address, "invoices", row, paid["clinic_id"]) == answer


def test_nothing_comes_to_another_clinic(own_address: Address) -> None:
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
def test_a_cheque_comes_as_one_that_nobody_scanned(own_address: Address, is_imported: bool, answer: str) -> None:
    [cheque] = rows(own_address, f"select * from cheques where clinic_id = {CLINIC} order by id limit 1")
    row = {**cheque, "id": uuid4(), "number": "BROUGHT-1", "imported": is_imported}
    assert added(own_address, "cheques", row, cheque["clinic_id"]) == answer


@pytest.mark.parametrize(
    "statement", ["select id from invoices", "update invoices set version = 1", "delete from invoice_states"]
)
def test_what_is_there_is_neither_read_nor_changed(own_address: Address, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(_as_import(own_address, statement))


async def _as_import(address: Address, statement: str) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute(f"set role {IMPORT_ROLE}; select set_config('app.clinic_id', '{uuid4()}', false)")
        await connection.execute(statement)
    finally:
        await connection.close()


def test_whoever_imports_is_who_they_were_afterwards_and_the_owner_stays_the_owner(own_address: Address) -> None:
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
