"""The rows written with an imported case: the representations by its attorneys, with their days."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from domain.ids import new_id
from imports.rows import insert
from imports.target import Changes, Target

_END = """update representations set until_on = $3
    where clinic_id = $1 and case_id in (select unnest($2::uuid[])) and until_on is null and known_until is null"""
_COUNT = "update cases set version = version + 1 where clinic_id = $1 and id in (select unnest($2::uuid[]))"


async def keep_representations(target: Target, changes: Changes) -> None:
    """The attorney of a new case has represented it since it was opened; a new attorney of an existing case does so from today on."""
    moved = [row["id"] for row in changes.changed]
    await target.find_among(_END, moved, target.today)
    await target.find_among(_COUNT, moved)
    begun = [_begun(target, row, row["opened_on"]) for row in changes.added if row["attorney_id"]]
    begun += [_begun(target, row, target.today) for row in changes.changed if row["attorney_id"]]
    await insert(target, "representations", begun)


def _begun(target: Target, case: Mapping[str, Any], day: date) -> dict[str, Any]:
    kept = {"id": new_id(target.moment), "recorded_at": target.moment}
    return {**kept, "case_id": case["id"], "attorney_id": case["attorney_id"], "from_on": day}
