"""Inputs that name a merged patient or payer: the one that stays takes its place, so that nothing new is made for a merged one."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.locks import MERGES_KEY

# The inputs that name patients and payers.
_PARTIES = frozenset({"patient_id", "payer_id"})
# Commands that make what depends on who is one with whom: they wait for a merge and its undoing, and those for them.
_BESIDE_MERGES = frozenset(
    {
        *("record_cheque", "allocate_cheque", "return_cheque", "correct_cheque", "move_allocation", "refund_cheque"),
        *("cover_refund", "post_remittance", "record_remittance", "replace_invoice", "create_invoice", "create_case"),
        *("transfer_balance", "transfer_from_former_firm", "change_payer", "add_coverage", "update_coverage"),
        *("create_payer", "update_payer"),
    }
)
_SHARED = f"select pg_advisory_xact_lock_shared({MERGES_KEY})"
_SURVIVORS = """select id, survivor_id from merged_patients where clinic_id = $1 and id = any($2)
    union all select id, survivor_id from merged_payers where clinic_id = $1 and id = any($2)"""


async def share_merges(connection: asyncpg.Connection, clinic_id: UUID, command: str) -> None:
    """Let no merge be made or undone until the transaction of a command ends, if the command depends on the merges that stand."""
    if command in _BESIDE_MERGES:
        await connection.execute(_SHARED, clinic_id)


async def find_survivors(
    connection: asyncpg.Connection, clinic_id: UUID, inputs: Mapping[str, Any]
) -> dict[UUID, UUID]:
    """The patients and payers that inputs name although they were merged, with the ones that stay."""
    named = sorted({one for name, one in _named_in(inputs) if name in _PARTIES and isinstance(one, UUID)})
    rows = await connection.fetch(_SURVIVORS, clinic_id, named) if named else []
    return {row["id"]: row["survivor_id"] for row in rows}


def _named_in(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in inputs.items():
        for item in value if isinstance(value, list) else [value]:
            yield from _named_in(item) if isinstance(item, dict) else ((name, item),)


def surviving(value: Any, survivors: Mapping[UUID, UUID], name: str = "") -> Any:
    """The same inputs, in which the records that stay take the place of those that were merged."""
    if isinstance(value, dict):
        return {key: surviving(item, survivors, key) for key, item in value.items()}
    if isinstance(value, list):
        return [surviving(item, survivors, name) for item in value]
    return survivors.get(value, value) if name in _PARTIES and isinstance(value, UUID) else value
