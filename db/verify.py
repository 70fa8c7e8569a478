"""Verifies the integrity of the data: each law (invariant) is a query for the records that break it."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.global_ids import make_id
from db.laws import (
    cheques,
    coverages,
    days,
    encounters,
    histories,
    invoices,
    issued_documents,
    merges,
    payments,
    records,
    recoupment,
    remittances,
    representations,
)
from db.laws.base import Law
from db.ledger.restated import find_deviating

LAWS = (
    *(*invoices.LAWS, *cheques.LAWS, *payments.LAWS, *recoupment.LAWS, *coverages.LAWS, *histories.LAWS, *records.LAWS),
    *(*remittances.LAWS, *representations.LAWS, *encounters.LAWS, *days.LAWS, *merges.LAWS),
    *issued_documents.LAWS,
)
# Found by computing the states again, in Python.
RESTATED = Law("The restated states of an invoice follow from its facts by their days", "Invoice", "")
# The known exceptions: records of an earlier release, or confirmed by an administrator, that a law does not bind.
EXCEPTIONS = (*payments.EXCEPTIONS, *encounters.EXCEPTIONS, *records.EXCEPTIONS, *days.EXCEPTIONS)


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken law, how many records break it, and the global ids of the first of them."""

    law: Law
    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The result: how many records were checked, the laws that are broken, and the exceptions that are known."""

    invoices: int
    cases: int
    cheques: int
    breaches: tuple[Breach, ...]
    exceptions: tuple[Breach, ...] = ()


async def verify(connection: asyncpg.Connection) -> Verified:
    """Check every law over all clinics in one snapshot, on the owner's connection."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # The laws sort and join whole tables.
        await connection.execute("set local work_mem = '128MB'; set local jit = off")
        breaches, exceptions = await find_breaches(connection), await find_exceptions(connection)
        breaches += await find_deviations(connection)
        counts = await connection.fetchrow("""select (select count(*) from invoices) as invoices,
            (select count(*) from cases) as cases, (select count(*) from cheques) as cheques""")
    assert counts is not None
    return Verified(breaches=breaches, exceptions=exceptions, **counts)


async def find_breaches(
    connection: asyncpg.Connection, shown: int = 20, laws: tuple[Law, ...] = LAWS
) -> tuple[Breach, ...]:
    """The laws that are broken among the records visible to the connection, each with up to `shown` ids."""
    asked = [await _ask(connection, law, shown) for law in laws]
    return tuple(breach for breach in asked if breach)


async def find_deviations(connection: asyncpg.Connection, shown: int = 20) -> tuple[Breach, ...]:
    """The law that no query finds: restated states follow from the facts. In a transaction of the owner."""
    found = sorted(await find_deviating(connection))
    ids = tuple(make_id(RESTATED.kind, identity) for identity in found[:shown])
    return (Breach(RESTATED, len(found), ids),) if found else ()


async def find_exceptions(connection: asyncpg.Connection, shown: int = 20) -> tuple[Breach, ...]:
    """The known exceptions among the records visible to the connection, each with up to `shown` ids."""
    asked = [await _ask(connection, known, shown) for known in EXCEPTIONS]
    return tuple(found for found in asked if found)


async def _ask(connection: asyncpg.Connection, law: Law, shown: int) -> Breach | None:
    query = f"""with broken as materialized (select distinct id from ({law.query}) found)
        select id, (select count(*) from broken) as count from broken order by id limit $1"""
    found: list[tuple[UUID, int]] = [(row["id"], row["count"]) for row in await connection.fetch(query, shown)]
    if not found:
        return None
    return Breach(law, found[0][1], tuple(make_id(law.kind, identity) for identity, _ in found))
