"""The law firms of imported attorneys and payers: found by the normal form of the name, or created with the attorneys."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from domain.access.people import PayerKind
from domain.ids import new_id
from domain.normal_forms import name_fragments, normal_key
from imports.checking import Checked
from imports.rows import insert
from imports.target import Changes, Target

# Firms are created by name one after the other (resolvers/commands/records/firms.py).
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('firms ' || $1::uuid::text, 0))"
_FIRMS = """select name_key, id, name, retired_at from firms where clinic_id = $1 and name_key in (select unnest($2::text[]))
    order by id for share"""
_OF_ATTORNEYS = "select id, firm_id from attorneys where clinic_id = $1 and id in (select unnest($2::uuid[]))"
_RETIRED = "This firm is retired: make it active again before attorneys join it"


async def refuse_retired_firms(target: Target, checked: Checked, changes: Changes) -> None:
    """Refuse rows that would add an attorney to a retired firm."""
    firms = await _found(target, (row["firm"] for row in changes.added))
    for row in checked.rows if firms else ():
        firm = firms.get(normal_key(row.values["firm"]))
        if row.is_new and firm and firm["retired_at"]:
            checked.refuse(row, "firm", _RETIRED, row.values["firm"])


async def give_attorneys_firms(target: Target, changes: Changes) -> None:
    """Set the firm of each new attorney; the name of a firm that exists keeps its spelling."""
    if not changes.added:
        return
    await target.connection.execute(_IN_TURN, target.clinic_id)
    firms = await _found(target, (row["firm"] for row in changes.added))
    known: dict[str, tuple[UUID, str]] = {key: (firm["id"], firm["name"]) for key, firm in firms.items()}
    made = []
    for row in changes.added:
        key = normal_key(row["firm"])
        if key not in known:
            known[key] = (new_id(target.moment), row["firm"])
            identity, name = known[key]
            kept = {"id": identity, "recorded_at": target.moment}
            made.append({**kept, "name": name, "name_fragments": name_fragments(name)})
        row["firm_id"], row["firm"] = known[key]
    await insert(target, "firms", made)


async def give_payers_firms(target: Target, changes: Changes) -> None:
    """Set the firm of each new payer of the kind ATTORNEY, and of one that gets an attorney: that of the attorney or of the name."""
    moved = [row for row in changes.changed if row.get("attorney_id")]
    attorneys = {row["attorney_id"] for row in (*changes.added, *moved)} - {None}
    firms = {row["id"]: row["firm_id"] for row in await target.find_among(_OF_ATTORNEYS, attorneys)}
    named = await _found(target, (row["name"] for row in changes.added if row["kind"] == PayerKind.ATTORNEY))
    for row in moved:
        row["firm_id"] = firms[row["attorney_id"]]
    for row in changes.added:
        firm = named.get(normal_key(row["name"])) if row["kind"] == PayerKind.ATTORNEY else None
        row["firm_id"] = firms.get(row["attorney_id"], firm["id"] if firm else None)


async def _found(target: Target, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    keys = {normal_key(name) for name in names}
    return {row["name_key"]: row for row in await target.find_among(_FIRMS, keys)}
