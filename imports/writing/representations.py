"""The rows written with an imported case: the representations by its attorneys, with their days, and the history of changes."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson

from domain.billing.invoice_events import change_of
from domain.ids import new_id
from imports.rows import insert
from imports.target import Changes, Target

_END = """update representations set until_on = $3
    where clinic_id = $1 and case_id in (select unnest($2::uuid[])) and until_on is null and known_until is null"""
_NAMES = "select id, name from attorneys where clinic_id = $1 and id in (select unnest($2::uuid[]))"
_COUNT = "update cases set version = version + 1 where clinic_id = $1 and id in (select unnest($2::uuid[]))"


async def keep_representations(target: Target, changes: Changes) -> None:
    """The attorney of a new case has represented it since it was opened; a new attorney of an existing case does so from today on."""
    moved = [row["id"] for row in changes.changed]
    await target.find_among(_END, moved, target.today)
    await target.find_among(_COUNT, moved)
    await insert(target, "case_events", await _events(target, changes))
    begun = [_begun(target, row, row["opened_on"]) for row in changes.added if row["attorney_id"]]
    begun += [_begun(target, row, target.today) for row in changes.changed if row["attorney_id"]]
    await insert(target, "representations", begun)


async def _events(target: Target, changes: Changes) -> list[dict[str, Any]]:
    """The events in the histories of cases whose attorney has changed."""
    pairs = [(row["id"], changes.known[row["id"]]["attorney_id"], row["attorney_id"]) for row in changes.changed]
    ids = {attorney for _, *both in pairs for attorney in both if attorney}
    names = {row["id"]: row["name"] for row in await target.find_among(_NAMES, ids)}
    return [
        {
            "id": new_id(target.moment),
            "recorded_at": target.moment,
            "case_id": case,
            "at": target.moment,
            "by_user_id": target.by,
            "action": "import_records",
            "changes": orjson.dumps([change_of("attorney", names.get(before), names.get(after))]).decode(),
        }
        for case, before, after in pairs
    ]


def _begun(target: Target, case: Mapping[str, Any], day: date) -> dict[str, Any]:
    kept = {"id": new_id(target.moment), "recorded_at": target.moment}
    return {**kept, "case_id": case["id"], "attorney_id": case["attorney_id"], "from_on": day}
