"""Writes the history of a case: what was changed, by whom and when."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db.write_batch import WriteBatch
from domain.ids import new_id
from resolvers.commands.unit_of_work import UnitOfWork


def record_case_event(
    work: UnitOfWork, writes: WriteBatch, case: UUID, action: str, changes: Sequence[Mapping[str, Any]]
) -> None:
    """Add an event to the history of a case."""
    writes.insert("case_events", case_id=case, action=action, changes=list(changes), **event_columns(work))


def event_columns(work: UnitOfWork) -> dict[str, Any]:
    """The columns that every event has: its id, when it happened, who did it, and in which request."""
    known = {"id": new_id(work.moment), "recorded_at": work.moment, "at": work.moment}
    return {**known, "by_user_id": work.user_id, "request_id": work.request_id}
