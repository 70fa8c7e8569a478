"""Creating, changing and retiring patients, payers, attorneys, physicians and facilities."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from db.global_ids import make_id
from db.merged_records import group
from db.write_batch import WriteBatch
from domain.days import not_later
from domain.errors import Conflict, InputReason, InvalidInput, NotFound
from domain.ids import new_id
from domain.normal_forms import name_fragments
from domain.parties import PATIENT, PAYER, Kind
from resolvers.commands.unit_of_work import UnitOfWork

# Changes of a record wait for each other; commands that merely refer to it do not wait.
_ROW = "select {columns} from {table} where clinic_id = $1 and id = $2 for no key update"
# What makes a record name this one waits, too: its foreign key locks the row, and so does what reads it first (`for key share`).
_ALONE = "select id from {table} where clinic_id = $1 and id = $2 for update"
_FORGET_NAMES = "delete from patient_names where clinic_id = $1 and patient_id = $2 and fragment <> all($3::text[])"
_KEEP_NAMES = """insert into patient_names (clinic_id, patient_id, fragment) select $1, $2, unnest($3::text[])
    on conflict do nothing"""
_FIRST_OF_DUPLICATES = """update {table} set is_duplicate = false where clinic_id = $1 and is_duplicate
    and id = (select min(id::text)::uuid from {table} where clinic_id = $1 and {key} = $2)
    and not exists (select from {table} where clinic_id = $1 and {key} = $2 and not is_duplicate)"""
_OWN_PAYERS = f"""select id from payers where clinic_id = $1 and patient_id = any({group("patient", "$2")}) and name = $3
    and merged_into_id is null order by id for no key update"""


async def create(work: UnitOfWork, kind: Kind) -> UUID:
    """Create a record of a kind."""
    identity, row = new_id(work.moment), kind.columns(work.inputs)
    _check_birth(work, row)
    writes = work.writes()
    writes.insert(kind.table, id=identity, recorded_at=work.moment, **{**row, **kind.follows(row)})
    await run(work, kind, writes)
    if kind is PATIENT:
        await _keep_names(work, identity, row)
    return identity


async def update(work: UnitOfWork, kind: Kind) -> UUID:
    """Change the given fields of a record: of two concurrent changes of different fields, both are kept."""
    row, changed = await _locked(work, kind), kind.columns(work.inputs)
    _check_birth(work, changed)
    if "active" in work.inputs:
        changed |= _activity(work, kind, row, work.inputs["active"])
    if changed:
        merged = {**row, **changed}
        writes = work.writes()
        is_another = bool(kind.identity) and kind.identity_of(row) != kind.identity_of(merged)
        of_its_own = {"is_duplicate": False} if is_another else {}
        writes.update(kind.table, {"id": row["id"]}, **{**changed, **kind.follows(merged), **of_its_own})
        if kind is PATIENT:
            await _rename(work, writes, row, merged)
        await run(work, kind, writes)
        if is_another:
            await _settle_duplicates(work, kind, kind.identity_of(row))
    identity: UUID = row["id"]
    return identity


async def retire(work: UnitOfWork, kind: Kind) -> UUID:
    """Retire a record: existing references stay, and it cannot be chosen for new records."""
    row = await _locked(work, kind)
    if not (row["active"] if kind.has_active else row["retired_at"] is None):
        raise Conflict(f"This {kind.word} is already retired", (kind.named_by,))
    writes = work.writes()
    writes.update(kind.table, {"id": row["id"]}, **_activity(work, kind, row, active=False))
    await writes.run(work.connection)
    identity: UUID = row["id"]
    return identity


def refuse_merged(work: UnitOfWork, kind: Kind) -> None:
    """Refuse to change or retire a record that was merged: the one that stays is to be named, before anything else is said of it."""
    identity = work.inputs[kind.named_by]
    if identity in work.merged:
        into = make_id(kind.word.capitalize(), identity)
        raise Conflict(f"This {kind.word} was merged into {into}: change or retire that one", (kind.named_by,))


async def lock_alone(work: UnitOfWork, kind: Kind) -> None:
    """Lock a record, if there is one, so that no other transaction begins to refer to it: what refers to it is checked then."""
    refuse_merged(work, kind)
    await work.one(_ALONE.format(table=kind.table), work.inputs[kind.named_by])


async def _settle_duplicates(work: UnitOfWork, kind: Kind, key: str) -> None:
    """Where only duplicates are left with a normal form, the first of them is not a duplicate any more."""
    query = _FIRST_OF_DUPLICATES.format(table=kind.table, key=kind.identity_key)
    await work.connection.execute(query, work.clinic_id, key)


async def _locked(work: UnitOfWork, kind: Kind) -> Mapping[str, Any]:
    refuse_merged(work, kind)
    columns = ("id", *kind.texts, *kind.plain, "active" if kind.has_active else "retired_at")
    row = await work.one(_ROW.format(columns=", ".join(columns), table=kind.table), work.inputs[kind.named_by])
    if row is None:
        raise NotFound(f"There is no such {kind.word}", (kind.named_by,))
    return dict(row)


async def run(work: UnitOfWork, kind: Kind, writes: WriteBatch) -> None:
    """Write a batch; a record that is the same as another one is a Conflict."""
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"This {kind.word} already exists", (kind.unique,)) from error
    except asyncpg.ExclusionViolationError as error:
        raise Conflict(f"Another {kind.word} with this key is valid on some of these days", (kind.unique,)) from error


def _activity(work: UnitOfWork, kind: Kind, row: Mapping[str, Any], active: bool | None) -> dict[str, Any]:
    if active is None:
        raise InvalidInput("This cannot be left blank", ("active",), InputReason.BLANK)
    if kind.has_active:
        return {"active": active}
    return {"retired_at": None if active else row["retired_at"] or work.moment}


def _check_birth(work: UnitOfWork, row: Mapping[str, Any]) -> None:
    if row.get("birth_date"):
        not_later(row["birth_date"], work.today, "birth_date")


async def _rename(work: UnitOfWork, writes: WriteBatch, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """After a change of name a patient is found by the new name only, and the patient's payer record gets it as well."""
    if _name(before) == _name(after):
        return
    await _keep_names(work, before["id"], after)
    for payer in await work.all(_OWN_PAYERS, before["id"], _name(before)):
        writes.update(PAYER.table, {"id": payer["id"]}, name=_name(after), name_fragments=name_fragments(_name(after)))


def _name(patient: Mapping[str, Any]) -> str:
    return f"{patient['first_name']} {patient['last_name']}"


async def _keep_names(work: UnitOfWork, patient: UUID, row: Mapping[str, Any]) -> None:
    fragments = name_fragments(row["first_name"], row["last_name"])
    await work.connection.execute(_FORGET_NAMES, work.clinic_id, patient, fragments)
    await work.connection.execute(_KEEP_NAMES, work.clinic_id, patient, fragments)
