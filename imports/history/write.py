"""Writes invoice histories into a clinic that is in use: under the importing user's rights, with no event later than now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from random import Random
from typing import Any
from uuid import UUID

from db.ledger.restated import restate
from db.pools import importing
from imports.checking import quietly
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import HistoryStart
from imports.rows import insert
from imports.target import Target

_PAST = ("cheques", "invoices", "invoice_states")
# Facts that are written only by the user who decided them.
_DECIDED = ("invoice_adjustments", "write_offs")


class ImportedHistory(InvoiceHistory):
    """A history in which events of today are not later than `now`."""

    def __init__(self, start: HistoryStart, rng: Random, now: datetime, by: UUID | None = None) -> None:
        self._now = now
        super().__init__(start, rng, by)

    def next_moment(self, on: date) -> datetime:
        """The same, or now."""
        return min(super().next_moment(on), self._now)

    def _key(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        key = super()._key(table, row)
        return key | {"decided_by": self.by} if table in _DECIDED else key


async def write_histories(
    target: Target, histories: Sequence[InvoiceHistory], cheques: Sequence[Mapping[str, Any]]
) -> None:
    """Write new invoices with history. Their rows and states need the import role of the database; the rest is the user's."""
    silent, batch = replace(target, progress=quietly), Batch()
    batch.extend("cheques", cheques)
    for history in histories:
        history.write(batch)
    # Imported invoices replace none, and the import role has no right to say so.
    batch.rows["invoices"] = [
        {name: value for name, value in row.items() if name != "replaces_id"} for row in batch.rows["invoices"]
    ]
    async with importing(target.connection):
        for table in _PAST:
            await insert(silent, table, batch.rows.pop(table))
    restated = {row["invoice_id"] for row in batch.rows.pop("restated_states", [])}
    for table, rows in batch.rows.items():
        await insert(silent, table, rows)
    if restated:
        await restate(target.connection, target.clinic_id, restated)
