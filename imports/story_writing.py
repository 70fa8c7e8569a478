"""Decides how stories are written into a clinic that is at work: by whoever imports them, and told no later than now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from random import Random
from typing import Any
from uuid import UUID

from db.pools import importing
from imports.batch import Batch
from imports.checking import quietly
from imports.rows import insert
from imports.story import InvoiceStory
from imports.story_rows import StoryStart
from imports.target import Target

_PAST = ("cheques", "invoices", "invoice_states")


class ImportedStory(InvoiceStory):
    """A story of which nothing that happened today is later than `now`."""

    def __init__(self, start: StoryStart, rng: Random, now: datetime, by: UUID | None = None) -> None:
        self._now = now
        super().__init__(start, rng, by)

    def _moment(self, on: date) -> datetime:
        return min(super()._moment(on), self._now)


async def write_stories(target: Target, stories: Sequence[InvoiceStory], cheques: Sequence[Mapping[str, Any]]) -> None:
    """Write invoices that are new, with their past. How they came about is told by who imports; what they are, were and got, by the import."""
    silent, batch = replace(target, progress=quietly), Batch()
    batch.extend("cheques", cheques)
    for story in stories:
        story.write(batch)
    async with importing(target.connection):
        for table in _PAST:
            await insert(silent, table, batch.rows.pop(table))
    for table, rows in batch.rows.items():
        await insert(silent, table, rows)
