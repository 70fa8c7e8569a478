"""The two patients or payers of a merge, locked, with what belongs to them; and what stands in the way of making them one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from db.global_ids import make_id
from db.locks import MERGES_KEY
from db.tables import metadata
from domain.access.people import PayerKind
from domain.billing.ledger.amounts import Timeline
from domain.errors import Conflict, DomainError, InvalidInput, NotFound
from domain.merges import Collision, CollisionKind, MergeKind, refusal_of
from domain.parties import PATIENT, PAYER, Kind
from resolvers.commands.ledger_facts import facts_of
from resolvers.commands.next_steps import next_step
from resolvers.commands.unit_of_work import UnitOfWork

Row = Mapping[str, Any]
KINDS: dict[MergeKind, Kind] = {MergeKind.PATIENT: PATIENT, MergeKind.PAYER: PAYER}
_MERGED, _SURVIVING = "merged_id", "surviving_id"
# Merges of a clinic take turns. No payment is recorded meanwhile: payments take the second lock, alone or with others.
_IN_TURN = f"""select pg_advisory_xact_lock({MERGES_KEY}),
    pg_advisory_xact_lock(hashtextextended('cheques ' || $1::uuid::text, 0))"""
_ROWS = "select {columns} from {table} where clinic_id = $1 and id = any($2) order by id for no key update"
_MEMBERS = "select id, merged_into_id from {table} where clinic_id = $1 and (id = any($2) or merged_into_id = any($2)) order by id"
_SAME_NUMBERS = """select c.number, c.id, o.id as other from cheques c join cheques o on (o.clinic_id, o.method, o.number_key)
        = (c.clinic_id, c.method, c.number_key) and (o.bank_key is null or c.bank_key is null or o.bank_key = c.bank_key)
    where c.clinic_id = $1 and c.payer_id = any($2) and o.payer_id = any($3) and c.returned_on is null and o.returned_on is null
        and c.method <> 'cash' and not c.is_duplicate and not o.is_duplicate order by c.number, c.id"""
_SAME_PRICES = """select distinct r.code, s.id, o.id as other from fee_schedules s join fee_schedules o on o.clinic_id = s.clinic_id
        and o.facility_id is not distinct from s.facility_id and greatest(s.valid_from, o.valid_from)
            < least(coalesce(s.valid_to, 'infinity'), coalesce(o.valid_to, 'infinity'))
    join fee_schedule_rates r on r.clinic_id = s.clinic_id and r.fee_schedule_id = s.id
    join fee_schedule_rates q on q.clinic_id = o.clinic_id and q.fee_schedule_id = o.id and q.code = r.code
    where s.clinic_id = $1 and s.payer_id = any($2) and o.payer_id = any($3) order by r.code, s.id"""
# The invoices that one of the payers owes or owed, and another one paid without ever owing it, as only a patient may.
_PAID_AS_BOTH = """select i.id, i.number from invoices i where i.clinic_id = $1 and i.id in (
        select r.invoice_id from responsibilities r where r.clinic_id = $1 and r.payer_id = any($2))
    and exists (select from cheque_allocations a join cheques c on c.clinic_id = a.clinic_id and c.id = a.cheque_id
        where a.clinic_id = $1 and a.invoice_id = i.id and c.payer_id = any($2) and not exists (select from responsibilities r
            where r.clinic_id = $1 and r.invoice_id = i.id and r.payer_id = c.payer_id)) order by i.number"""
_SAME_PATIENT = """select $2::uuid = $3::uuid or exists (
    select from merged_patients where clinic_id = $1 and group_ids @> array[$2::uuid, $3::uuid])"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that are to be one: the rows of both, and the ids of all that are one with each, itself included."""

    kind: MergeKind
    merged: Row
    surviving: Row
    merged_group: list[UUID]
    surviving_group: list[UUID]

    @property
    def group(self) -> list[UUID]:
        """The ids of all that are one after the merge."""
        return sorted([*self.merged_group, *self.surviving_group])


async def lock_pair(work: UnitOfWork, kind: MergeKind, merged_id: UUID, surviving_id: UUID) -> Pair:
    """Both records, locked; an error for one that cannot be accessed or that is merged already."""
    if merged_id == surviving_id:
        raise InvalidInput("A record cannot be merged into itself: name two", (_SURVIVING,))
    party = KINDS[kind]
    columns = ("id", *party.texts, *party.plain, "retired_at", "merged_into_id")
    await work.all(_IN_TURN)
    query = _ROWS.format(columns=", ".join(columns), table=party.table)
    rows = {row["id"]: dict(row) for row in await work.all(query, [merged_id, surviving_id])}
    for identity, name in ((merged_id, _MERGED), (surviving_id, _SURVIVING)):
        if identity not in rows:
            raise NotFound(f"There is no such {kind}", (name,))
        into = rows[identity]["merged_into_id"]
        if into is not None:
            words = f"This {kind} was merged into {make_id(kind.capitalize(), into)}"
            raise Conflict(f"{words}: name that one, or undo its merge ({next_step('undo_merge')})", (name,))
    return await _pair(work, kind, rows[merged_id], rows[surviving_id])


async def _pair(work: UnitOfWork, kind: MergeKind, merged: Row, surviving: Row) -> Pair:
    table, both = KINDS[kind].table, (merged["id"], surviving["id"])
    rows = await work.all(_MEMBERS.format(table=table), list(both))
    groups = [[row["id"] for row in rows if one in (row["id"], row["merged_into_id"])] for one in both]
    return Pair(kind, merged, surviving, groups[0], groups[1])


async def find_errors(work: UnitOfWork, pair: Pair, *, is_part: bool = False) -> list[DomainError]:
    """Why the records cannot become one, apart from collisions; payers that are merged as a part of two patients are theirs."""
    found: list[DomainError] = []
    update = next_step(f"update_{pair.kind}")
    if pair.surviving["retired_at"] is not None:
        words = (
            f"The surviving {pair.kind} is retired: make it active again ({update}), or merge in the other direction"
        )
        found.append(Conflict(words, (_SURVIVING,)))
    if pair.kind is MergeKind.PAYER and not is_part:
        found += await _differing_persons(work, pair, update)
    return found


async def _differing_persons(work: UnitOfWork, pair: Pair, update: str) -> list[DomainError]:
    merged, surviving = pair.merged, pair.surviving
    if merged["kind"] != surviving["kind"]:
        kinds = f"{PayerKind(merged['kind']).name} and {PayerKind(surviving['kind']).name}"
        return [Conflict(f"These are payers of two kinds, {kinds}: correct one of them first ({update})", (_MERGED,))]
    if merged["patient_id"] is None and surviving["patient_id"] is None:
        return []
    if None in (merged["patient_id"], surviving["patient_id"]):
        words = f"Only one of these payers names the patient who pays: name the patient of both first ({update})"
        return [Conflict(words, (_MERGED,))]
    if not (await work.one(_SAME_PATIENT, merged["patient_id"], surviving["patient_id"]))[0]:
        words = f"These payers are two patients: merge the patients, and their payers go along ({next_step('merge_patients')})"
        return [Conflict(words, (_MERGED,))]
    return []


async def find_collisions(work: UnitOfWork, pair: Pair) -> list[Collision]:
    """What both payers have and one payer cannot have twice."""
    both = (pair.merged_group, pair.surviving_group)
    numbers = [
        Collision(CollisionKind.PAYMENT_NUMBER, row["number"], _ids("Cheque", row))
        for row in await work.all(_SAME_NUMBERS, *both)
    ]
    prices = [
        Collision(CollisionKind.PRICE, row["code"], _ids("FeeSchedule", row))
        for row in await work.all(_SAME_PRICES, *both)
    ]
    return [*numbers, *prices, *await _paid_as_both(work, pair)]


def _ids(type_name: str, row: Row) -> tuple[str, ...]:
    return tuple(make_id(type_name, row[name]) for name in ("id", "other"))


async def _paid_as_both(work: UnitOfWork, pair: Pair) -> list[Collision]:
    """The invoices whose receipts would count to other rounds if both were one payer."""
    rows = await work.all(_PAID_AS_BOTH, pair.group)
    surviving: UUID = pair.surviving["id"]
    one = dict.fromkeys(pair.group, surviving)
    known = await facts_of(work, [row["id"] for row in rows]) if rows else {}
    moved = [
        row
        for row in rows
        if Timeline(known[row["id"]]).places
        != Timeline(replace(known[row["id"]], merged={**known[row["id"]].merged, **one})).places
    ]
    return [Collision(CollisionKind.PAID_AS_BOTH, row["number"], (make_id("Invoice", row["id"]),)) for row in moved]


_STEPS = {
    CollisionKind.PAYMENT_NUMBER: "return_cheque",
    CollisionKind.PRICE: "update_fee_schedule",
    CollisionKind.PAID_AS_BOTH: "return_cheque",
}


def refusals(collisions: list[Collision]) -> list[DomainError]:
    """The errors of a merge with collisions: one for each kind."""
    found: list[DomainError] = []
    for kind in CollisionKind:
        of_kind = [one for one in collisions if one.kind is kind]
        if of_kind:
            found.append(Conflict(refusal_of(kind, of_kind, next_step(_STEPS[kind])), (_MERGED,)))
    return found


# The rows of these follow from others, or belong to the record itself.
_FOLLOWING = frozenset({"invoice_states", "restated_states", "patient_names"})


def referring(kind: MergeKind) -> list[str]:
    """The tables whose rows refer to a patient or payer; what belongs to a case has the patient of the case."""
    found = (name for name, table in metadata.tables.items() if f"{kind}_id" in table.c and name not in _FOLLOWING)
    return sorted(name for name in found if kind is MergeKind.PAYER or "case_id" not in metadata.tables[name].c)
