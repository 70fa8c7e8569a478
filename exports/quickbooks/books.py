"""What a set of files for QuickBooks needs to know of a clinic: its terms of payment, and the names of its customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from db.global_ids import make_id
from exports.quickbooks.names import Customer, renamed_customers

_TERMS = "select payment_terms_days from clinics where clinic_id = $1"
# Ids sort by creation time.
_PAYERS = "select id, name from payers where clinic_id = $1 order by id"


@dataclass(frozen=True, slots=True)
class Books:
    """The terms of payment in days, and the payers (by global id) that have another name as customers."""

    payment_terms_days: int
    customers: Mapping[str, Customer]


async def read_books(connection: asyncpg.Connection, clinic_id: UUID) -> Books:
    """Read it with the rights of the connection."""
    terms = await connection.fetchval(_TERMS, clinic_id)
    payers = await connection.fetch(_PAYERS, clinic_id)
    renamed = renamed_customers((row["id"], row["name"]) for row in payers)
    return Books(terms, {make_id("Payer", identity): customer for identity, customer in renamed.items()})
