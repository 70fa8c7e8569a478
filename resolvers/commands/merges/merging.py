"""Commands of merges: two patients or payers become one by a link, and are two again while nothing was added that depends on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from db.locks import MERGES_KEY
from db.write_batch import WriteBatch
from domain.access.people import PayerKind
from domain.api_names import camel
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.merges import MergeKind, added, different_attorneys, listed, own_payers
from domain.texts import REMARK, optional_text
from resolvers.commands.merges.pairs import (
    KINDS,
    Pair,
    find_collisions,
    find_errors,
    lock_pair,
    referring,
    refusals,
)
from resolvers.commands.next_steps import next_step
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
_ATTORNEYS = (
    "select distinct attorney_id from cases where clinic_id = $1 and patient_id = any($2) and attorney_id is not null"
)
_NAMES = "select name from attorneys where clinic_id = $1 and id = any($2) order by name, id"
_OWN_PAYERS = f"""select id, name, retired_at from payers where clinic_id = $1 and patient_id = any($2)
    and kind = '{PayerKind.PATIENT}' and merged_into_id is null order by id for no key update"""
_IDS = {MergeKind.PATIENT: "$2", MergeKind.PAYER: "$3"}
_COUNTS = " union all ".join(
    f"select '{kind}' as kind, '{table}' as name, {kind}_id as id, count(*) as count from {table}"
    f" where clinic_id = $1 and {kind}_id = any({_IDS[kind]}) group by {kind}_id"
    for kind in MergeKind
    for table in referring(kind)
)
# Payments of invoices that the payer under whose id they were recorded never owed: before a merge, those of the patient alone.
_ACROSS = """select count(*) from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
    where a.clinic_id = $1 and c.payer_id = any($2) and not exists (select from responsibilities r
        where r.clinic_id = $1 and r.invoice_id = a.invoice_id and r.payer_id = c.payer_id)"""
# What names the payer of one patient in a case of another one: before a merge, nothing does.
_ACROSS_PATIENTS = """select (select count(*) from responsibilities r join invoices i on i.clinic_id = r.clinic_id and i.id = r.invoice_id
        join payers p on p.clinic_id = r.clinic_id and p.id = r.payer_id
        where r.clinic_id = $1 and p.patient_id = any($2) and p.patient_id <> i.patient_id)
    + (select count(*) from coverages v join cases c on c.clinic_id = v.clinic_id and c.id = v.case_id
        join payers p on p.clinic_id = v.clinic_id and p.id = v.payer_id
        where v.clinic_id = $1 and p.patient_id = any($2) and p.patient_id <> c.patient_id)
    + (select count(*) from cheque_allocations a join cheques k on k.clinic_id = a.clinic_id and k.id = a.cheque_id
        join invoices i on i.clinic_id = a.clinic_id and i.id = a.invoice_id
        join payers p on p.clinic_id = k.clinic_id and p.id = k.payer_id
        where a.clinic_id = $1 and p.patient_id = any($2) and p.patient_id <> i.patient_id)"""
_COLUMNS = """id, merged_patient_id, surviving_patient_id, merged_payer_id, surviving_payer_id, part_of_id, before, undone_at"""
_MERGE = f"select {_COLUMNS} from merges where clinic_id = $1 and id = $2 for no key update"
_PARTS = f"select {_COLUMNS} from merges where clinic_id = $1 and part_of_id = $2 and undone_at is null order by id"
_LATER = """select id from merges where clinic_id = $1 and undone_at is null and id <> $2 and part_of_id is distinct from $2
    and coalesce(merged_patient_id, merged_payer_id) = $3"""
# Payers of both patients that were merged with each other since, by a merge of their own.
_MERGED_SINCE = """select from merges m join payers a on a.clinic_id = m.clinic_id and a.id = m.merged_payer_id
    join payers b on b.clinic_id = m.clinic_id and b.id = m.surviving_payer_id
    where m.clinic_id = $1 and m.undone_at is null and m.part_of_id is null
        and a.patient_id = any($2) and b.patient_id = any($2) and a.patient_id <> b.patient_id limit 1"""
_TURN = f"select pg_advisory_xact_lock({MERGES_KEY})"
# Of the records that were one after a merge, those that still are: another merge of them may have been undone since.
_STILL = "select id from {table} where clinic_id = $1 and id = any($2) and (id = any($3) or merged_into_id = any($3)) order by id"


@dataclass(slots=True)
class PlannedMerge:
    """A merge before it is made: the pair, and the pairs of payers that are merged with two patients."""

    pair: Pair
    payers: list[Pair] = field(default_factory=list)
    attorneys: list[UUID] = field(default_factory=list)
    has_different_attorneys: bool = False


async def merge_patients(work: UnitOfWork) -> UUID:
    """Merge two patients; their own payers are merged, too."""
    return await _merge(work, MergeKind.PATIENT)


async def merge_payers(work: UnitOfWork) -> UUID:
    """Merge two payers of one kind."""
    return await _merge(work, MergeKind.PAYER)


async def _merge(work: UnitOfWork, kind: MergeKind) -> UUID:
    reason = optional_text(work.inputs, "reason", REMARK)
    planned = await plan_merge(work, kind)
    for pair in (planned.pair, *planned.payers):
        errors = await find_errors(work, pair, is_part=pair is not planned.pair)
        if pair.kind is MergeKind.PAYER:
            errors += refusals(await find_collisions(work, pair))
        if errors:
            raise errors[0]
    if planned.has_different_attorneys and not work.inputs.get("confirm_different_attorneys"):
        raise await unconfirmed(work, planned)
    identity, writes = new_id(work.moment), work.writes()
    await _insert(work, writes, identity, planned.pair, reason, different_attorneys=planned.has_different_attorneys)
    for pair in planned.payers:
        await _insert(work, writes, new_id(work.moment), pair, reason, part_of_id=identity)
    await writes.run(work.connection)
    return identity


async def plan_merge(work: UnitOfWork, kind: MergeKind) -> PlannedMerge:
    """The merge that an input asks for, with what goes along."""
    pair = await lock_pair(work, kind, work.inputs["merged_id"], work.inputs["surviving_id"])
    planned = PlannedMerge(pair)
    if kind is MergeKind.PATIENT:
        sides = (pair.merged_group, pair.surviving_group)
        attorneys = [[row["attorney_id"] for row in await work.all(_ATTORNEYS, side)] for side in sides]
        planned.attorneys = sorted({*attorneys[0], *attorneys[1]})
        planned.has_different_attorneys = different_attorneys(*attorneys)
        owned = [await work.all(_OWN_PAYERS, side) for side in sides]
        for payers in own_payers(*owned):
            planned.payers.append(await lock_pair(work, MergeKind.PAYER, payers.merged["id"], payers.surviving["id"]))
    return planned


async def unconfirmed(work: UnitOfWork, planned: PlannedMerge) -> Conflict:
    """The error that cases with different attorneys have to be confirmed."""
    names = [row["name"] for row in await work.all(_NAMES, planned.attorneys)]
    words = f"The cases of these patients have different attorneys: {listed(names)}"
    return Conflict(
        f"{words}. Make sure that they are one person, and confirm it (confirmDifferentAttorneys)",
        ("confirm_different_attorneys",),
    )


async def _insert(
    work: UnitOfWork, writes: WriteBatch, identity: UUID, pair: Pair, reason: str | None, **more: Any
) -> None:
    kind = pair.kind
    parts = {f"merged_{kind}_id": pair.merged["id"], f"surviving_{kind}_id": pair.surviving["id"]}
    counts = {str(each): found for each, found in (await _counts(work, kind, pair.group)).items()}
    across = await _count_across(work, kind, pair.group)
    before = {"counts": counts, "across": across, "record": _record(kind, pair.surviving)}
    by = {"merged_by": work.user_id, "merged_at": work.moment, "recorded_at": work.moment}
    writes.insert("merges", id=identity, **parts, before=before, reason=reason, **by, **more)


async def undo(work: UnitOfWork) -> UUID:
    """Undo a merge; refused where something was added since that depends on it."""
    await work.all(_TURN)
    merge = await work.one(_MERGE, work.inputs["merge_id"])
    if merge is None:
        raise NotFound("There is no such merge", ("merge_id",))
    if merge["undone_at"] is not None:
        raise Conflict("This merge has been undone already", ("merge_id",))
    if merge["part_of_id"] is not None:
        raise Conflict("This merge is a part of a merge of two patients: undo that one", ("merge_id",))
    writes = work.writes()
    for one in (merge, *await work.all(_PARTS, merge["id"])):
        await _check_undoable(work, one)
        key = {"id": one["id"], **{name: one[name] for name in _references(one)}}
        writes.update("merges", key, undone_by=work.user_id, undone_at=work.moment)
    await writes.run(work.connection)
    identity: UUID = merge["id"]
    return identity


def _references(merge: Row) -> list[str]:
    kind = kind_of(merge)
    return [f"merged_{kind}_id", f"surviving_{kind}_id"]


def kind_of(merge: Row) -> MergeKind:
    """What a row of merges has merged."""
    return MergeKind.PAYER if merge["merged_patient_id"] is None else MergeKind.PATIENT


async def _check_undoable(work: UnitOfWork, merge: Row) -> None:
    kind = kind_of(merge)
    merged, surviving = (merge[name] for name in _references(merge))
    if await work.one(_LATER, merge["part_of_id"] or merge["id"], surviving) is not None:
        words = f"The surviving {kind} was merged into another one since: undo that merge first"
        raise Conflict(f"{words} ({next_step('undo_merge')})", ("merge_id",))
    table, party, before = KINDS[kind].table, KINDS[kind], orjson.loads(merge["before"])
    was_one = [UUID(each) for each in before["counts"]]
    group = [row["id"] for row in await work.all(_STILL.format(table=table), was_one, [merged, surviving])]
    if kind is MergeKind.PATIENT and await work.one(_MERGED_SINCE, group) is not None:
        words = f"Payers of these patients were merged since: undo that merge first ({next_step('undo_merge')})"
        raise Conflict(words, ("merge_id",))
    more = added([before["counts"][str(each)] for each in group], (await _counts(work, kind, group)).values())
    if (across := await _count_across(work, kind, group)) > before["across"]:
        more[_USED_ACROSS] = across - before["across"]
    if more:
        told = listed([f"{abs(count):,} {_WORDS.get(name, name.replace('_', ' '))}" for name, count in more.items()])
        words = f"Since this merge, something was added that depends on it: {told}"
        raise Conflict(f"{words}. It can no longer be undone", ("merge_id",))
    columns = (*party.texts, *party.plain, "retired_at")
    row = await work.one(f"select {', '.join(columns)} from {table} where clinic_id = $1 and id = $2", surviving)
    changed = [name for name, value in _record(kind, row).items() if before["record"].get(name) != value]
    if changed:
        words = f"The surviving {kind} was changed since: {listed(list(map(camel, changed)))}"
        raise Conflict(f"{words}. Change it back first ({next_step(f'update_{kind}')})", ("merge_id",))


_USED_ACROSS = "across"
_WORDS = {
    "cheques": "payments",
    _USED_ACROSS: "records that name both",
    "fee_schedules": "fee schedules",
    "responsibilities": "responsibilities for invoices",
}


async def _counts(work: UnitOfWork, kind: MergeKind, group: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """How many records of each table refer to each of some patients or payers."""
    ids = {MergeKind.PATIENT: [group, []], MergeKind.PAYER: [[], group]}[kind]
    found: dict[UUID, dict[str, int]] = {each: {} for each in group}
    for row in await work.all(_COUNTS, *ids):
        if row["kind"] == kind:
            found[row["id"]][row["name"]] = row["count"]
    return found


async def _count_across(work: UnitOfWork, kind: MergeKind, group: Sequence[UUID]) -> int:
    """How many records name two of some patients or payers at once."""
    across = _ACROSS if kind is MergeKind.PAYER else _ACROSS_PATIENTS
    count: int = (await work.one(across, group))[0]
    return count


def _record(kind: MergeKind, row: Row) -> dict[str, Any]:
    party = KINDS[kind]
    values = {name: row[name] for name in (*party.texts, *party.plain, "retired_at")}
    return {name: None if value is None else str(value) for name, value in values.items()}
