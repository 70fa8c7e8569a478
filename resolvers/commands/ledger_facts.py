"""Reads the facts behind the amounts of locked invoices, and writes those that a transition adds or changes."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any
from uuid import UUID

from db.ledger.facts import FACTS, FACTS_AND_COVERAGES, facts_from
from db.write_batch import WriteBatch
from domain.billing.ledger.facts import Facts
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork


async def facts_of(work: UnitOfWork, ids: Iterable[UUID]) -> dict[UUID, Facts]:
    """The facts of each of these invoices, which have to be locked."""
    # The worker moves no balance, and cannot read coverages.
    query = FACTS if work.actor.role is None else FACTS_AND_COVERAGES
    return {row["id"]: facts_from(row) for row in await work.all(query, sorted(ids))}


def write_facts(work: UnitOfWork, writes: WriteBatch, invoice_id: UUID, before: Facts, after: Facts) -> None:
    """Add the facts that are new, and those that ended, to the batch; receipts are written with their cheque."""
    decided = {"decided_by": work.user_id}
    for table, old, new, more in (
        ("responsibilities", before.responsibilities, after.responsibilities, decided | _beside(work)),
        ("agreements", before.agreements, after.agreements, {}),
        ("invoice_adjustments", before.all_adjustments, after.all_adjustments, decided),
        ("write_offs", before.write_offs, after.write_offs, decided),
    ):
        known = {one.number: one for one in old}
        for fact in new:
            if known.get(fact.number) is fact:
                continue
            columns = {one.name: getattr(fact, one.name) for one in fields(fact) if one.name != "number"}
            key = {"invoice_id": invoice_id, "number": fact.number}
            if fact.number not in known:
                writes.insert(table, id=new_id(work.moment), **key, **columns, **more)
            elif known[fact.number] != fact:
                ended = {name: value for name, value in columns.items() if getattr(known[fact.number], name) != value}
                writes.update(table, key, **ended)


def _beside(work: UnitOfWork) -> dict[str, Any]:
    """What is recorded with a responsibility, and changes no amount."""
    return {"note": work.inputs.get("note"), "document_id": work.inputs.get("document_id")}
