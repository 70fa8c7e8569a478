"""The rows written with an imported patient: the name parts for searching, and the name of the patient's payer record."""

from collections.abc import Mapping
from typing import Any

from domain.normal_forms import name_fragments
from imports.rows import insert, parts
from imports.target import Changes, Target

_FORGET = "delete from patient_names where clinic_id = $1 and patient_id in (select unnest($2::uuid[]))"
# A list of texts is sent as one text: unnest flattens lists of lists.
_PAY = """update payers p set name = n.name, name_fragments = string_to_array(n.fragments, E'\\n')
    from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) n (patient_id, before, name, fragments)
    where p.clinic_id = $1 and p.patient_id = n.patient_id and p.name = n.before"""


async def keep_names(target: Target, changes: Changes) -> None:
    """After a change of name a patient is found by the new name only, and the patient's payer record gets it as well."""
    renamed = [{**changes.known[row["id"]], **row} for row in changes.changed if {"first_name", "last_name"} & set(row)]
    await target.find_among(_FORGET, [row["id"] for row in renamed])
    people = (*changes.added, *renamed)
    found = [{"patient_id": row["id"], "fragment": fragment} for row in people for fragment in _fragments(row)]
    await insert(target, "patient_names", found)
    for _, some in parts(renamed):
        ids, names = [row["id"] for row in some], [_name(row) for row in some]
        before = [_name(changes.known[identity]) for identity in ids]
        await target.find(_PAY, ids, before, names, ["\n".join(name_fragments(name)) for name in names])


def _fragments(patient: Mapping[str, Any]) -> list[str]:
    return name_fragments(patient["first_name"], patient["last_name"])


def _name(patient: Mapping[str, Any]) -> str:
    return f"{patient['first_name']} {patient['last_name']}"
