"""Contractual adjustments for tests: a row of the ledger, and the columns of the invoice that follow from it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import asyncpg

from domain.access.people import Role
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.facts import Adjustment, AdjustmentKind
from domain.billing.lifecycle import amounts_of
from domain.billing.outcomes import Actor
from resolvers.commands.ledger_facts import facts_of
from resolvers.commands.unit_of_work import UnitOfWork
from server.database_urls import DatabaseUrls
from tests.support.api.records import today, uuid_of

_ROW = """insert into invoice_adjustments (clinic_id, id, invoice_id, number, kind, amount, effective_on, recorded_at)
    values ($1, $2, $3, $4, 'contractual', $5, $6, $7)"""


def adjust_by_contract(address: DatabaseUrls, invoice: str, amount: str) -> None:
    """Take an amount off an invoice by contract, or give it back where it is negative, today."""
    asyncio.run(_adjust(address, invoice, Decimal(amount)))


async def _adjust(address: DatabaseUrls, invoice: str, amount: Decimal) -> None:
    connection, identity = await asyncpg.connect(address.owner), uuid_of(invoice)
    try:
        clinic = await connection.fetchval("select clinic_id from invoices where id = $1", identity)
        recorded_at = datetime.now(UTC)
        work = UnitOfWork(connection, clinic, None, Actor(Role.ADMIN, today(), recorded_at), recorded_at, "test", {})
        facts = (await facts_of(work, [identity]))[identity]
        new = Adjustment(len(facts.adjustments) + 1, AdjustmentKind.CONTRACTUAL, amount, today(), recorded_at)
        row = (clinic, uuid4(), identity, new.number, amount, today(), recorded_at)
        columns = amounts_of(ledger_of(replace(facts, adjustments=(*facts.adjustments, new))))
        names = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
        async with connection.transaction():
            await connection.execute(_ROW, *row)
            await connection.execute(f"update invoices set {names} where id = $1", identity, *columns.values())
    finally:
        await connection.close()
