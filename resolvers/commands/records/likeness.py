"""Warnings that a new or renamed patient, payer or attorney is like another record, which may be the same person or company."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from db.global_ids import TAGS, make_id
from domain.api_names import enum_name
from domain.normal_forms import normal_key
from domain.parties import names_of
from domain.warnings import WarningCode, similar_record
from resolvers.commands.unit_of_work import UnitOfWork

# Several patients have a name that ends like this one; few of them were born on the same day.
_MOST = 50
_PATIENTS = f"""select p.id, p.mrn, p.first_name, p.last_name, p.retired_at from patient_names n
    join patients p on p.clinic_id = n.clinic_id and p.id = n.patient_id
    where n.clinic_id = $1 and p.merged_into_id is null and n.fragment = $2 and p.birth_date = $3 and p.id <> $4 order by p.id limit {_MOST}"""
_PATIENT = "select first_name, last_name, birth_date from patients where clinic_id = $1 and id = $2"
_PAYERS = f"""select o.id, o.name, o.kind, o.retired_at from payers p
    join payers o on o.clinic_id = p.clinic_id and o.name_key = p.name_key and o.id <> p.id
    where p.clinic_id = $1 and p.id = $2 and o.merged_into_id is null order by o.id limit {_MOST}"""
_ATTORNEY = "select name from attorneys where clinic_id = $1 and id = $2"
_NAMESAKES = f"""select a.id, a.name, f.name as firm, a.retired_at from attorneys a
    join firms f on f.clinic_id = a.clinic_id and f.id = a.firm_id
    where a.clinic_id = $1 and a.id <> $2 and a.name_fragments[1] like $3 order by a.id limit {_MOST}"""


async def warn_of_patients(work: UnitOfWork, patient: UUID) -> None:
    """Warn of other patients with the same name, in either order, and the same date of birth."""
    row = await work.one(_PATIENT, patient)
    name = normal_key(f"{row['first_name']} {row['last_name']}")
    found = await work.all(_PATIENTS, name, row["birth_date"], patient) if row["birth_date"] else []
    alike = [one for one in found if name in names_of(one)]
    _warn(work, WarningCode.SIMILAR_PATIENT, "Patient", alike, [f"record number {one['mrn']}" for one in alike])


async def warn_of_payers(work: UnitOfWork, payer: UUID) -> None:
    """Warn of other payers with the same name."""
    alike = await work.all(_PAYERS, payer)
    _warn(work, WarningCode.SIMILAR_PAYER, "Payer", alike, [f"kind {enum_name(one['kind'])}" for one in alike])


async def warn_of_attorneys(work: UnitOfWork, attorney: UUID) -> None:
    """Warn of attorneys with the same name in other firms: the attorney may have changed firms."""
    name = (await work.one(_ATTORNEY, attorney))["name"]
    found = await work.all(_NAMESAKES, attorney, f"{_escaped(normal_key(name))} %")
    alike = [one for one in found if normal_key(one["name"]) == normal_key(name)]
    _warn(work, WarningCode.SIMILAR_ATTORNEY, "Attorney", alike, [f"firm {one['firm']}" for one in alike])


def _warn(
    work: UnitOfWork, code: WarningCode, type_: str, alike: Sequence[Mapping[str, Any]], which: Sequence[str]
) -> None:
    if not alike:
        return
    ids = [make_id(type_, one["id"]) for one in alike]
    told = [
        f"{words}{', retired' if one['retired_at'] else ''} (id {identity})"
        for one, words, identity in zip(alike, which, ids, strict=True)
    ]
    work.warnings.append(similar_record(code, told, ids))
    work.audit.read((), (), b"".join(TAGS[type_].encode() + one["id"].bytes for one in alike))


def _escaped(text: str) -> str:
    """A text that LIKE compares as it is."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
