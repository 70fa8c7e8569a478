"""Reads what a merge of two patients or payers would do, without making it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from graphql import GraphQLResolveInfo
from strawberry import Info

from db.global_ids import TAGS, make_id
from db.tables import metadata
from domain.api_names import camel, snake
from domain.billing.opening_balances import CODE as OPENING
from domain.billing.outcomes import Actor
from domain.errors import DomainError
from domain.merges import Collision, MergeKind, differences
from resolvers.commands.computed import answer_computed, error_as_data, read_computed
from resolvers.commands.merges.merging import PlannedMerge, plan_merge, unconfirmed
from resolvers.commands.merges.pairs import KINDS, Pair, find_collisions, find_errors, refusals
from resolvers.commands.unit_of_work import UnitOfWork
from resolvers.compiler.plans import id_reader
from resolvers.context import RequestContext


@dataclass(frozen=True, slots=True)
class _Preview:
    """What a merge would do, and why it would be refused; of payers that go along with patients, too."""

    planned: PlannedMerge
    collisions: list[Collision]
    refusals: list[DomainError]
    names: list[str]
    repeated: list[str]


_REPEATED = """select distinct i.number, o.number as other from invoices i
    join invoice_lines l on l.clinic_id = i.clinic_id and l.invoice_id = i.id
    join invoices o on o.clinic_id = i.clinic_id and o.service_date = i.service_date
        and o.physician_id is not distinct from i.physician_id and o.patient_id = any($3) and o.status <> 'void'
    join invoice_lines m on m.clinic_id = o.clinic_id and m.invoice_id = o.id and (m.code, m.bilateral) = (l.code, l.bilateral)
    where i.clinic_id = $1 and i.patient_id = any($2) and i.status <> 'void' and l.code <> $4 order by 1, 2"""
_NAMES = "select name from attorneys where clinic_id = $1 and id = any($2) order by name, id"
_COUNTED = ("cases", "invoices", "payers", "cheques", "coverages", "holds", "fee_schedules")


async def read(info: Info) -> orjson.Fragment:
    """The requested preview, or the errors, as encoded JSON."""
    return await read_computed(info, answer)


async def answer(info: GraphQLResolveInfo[RequestContext], arguments: Mapping[str, Any]) -> orjson.Fragment:
    """The same for calls directly from graphql-core."""
    return await answer_computed(info, "preview", _previewed, arguments["input"], {})


async def _previewed(context: RequestContext, input_: Mapping[str, Any]) -> dict[str, Any]:
    viewer = context.viewer
    assert viewer is not None
    kind, inputs = MergeKind(input_["kind"].value), {}
    for name in ("mergedId", "survivingId"):
        inputs[snake(name)] = id_reader(f"input.{name}", kind.capitalize())(input_[name])
    moment = context.clock()
    actor = Actor(viewer.role, context.today, moment)
    async with context.database.entered(viewer) as connection:
        known = (connection, viewer.clinic_id, viewer.user_id, actor, moment, context.request_id, inputs)
        work = UnitOfWork(*known)
        found = await _find(work, kind)
        counts = await _counts(work, found.planned.pair)
    tag = TAGS[kind.capitalize()].encode()
    context.audit.read((), (), b"".join(tag + inputs[name].bytes for name in ("merged_id", "surviving_id")))
    return _told(found, counts)


async def _find(work: UnitOfWork, kind: MergeKind) -> _Preview:
    planned = await plan_merge(work, kind)
    collisions, errors = list[Collision](), list[DomainError]()
    for pair in (planned.pair, *planned.payers):
        errors += await find_errors(work, pair, is_part=pair is not planned.pair)
        if pair.kind is MergeKind.PAYER:
            found = await find_collisions(work, pair)
            collisions, errors = [*collisions, *found], [*errors, *refusals(found)]
    if planned.has_different_attorneys:
        errors.append(await unconfirmed(work, planned))
    names = [row["name"] for row in await work.all(_NAMES, planned.attorneys)]
    repeated = list[str]()
    if kind is MergeKind.PATIENT:
        both = (planned.pair.merged_group, planned.pair.surviving_group)
        repeated = [f"{row['number']} and {row['other']}" for row in await work.all(_REPEATED, *both, OPENING)]
    return _Preview(planned, collisions, errors, names, repeated)


async def _counts(work: UnitOfWork, pair: Pair) -> list[dict[str, Any]]:
    """How many records of each kind refer to either."""
    tables = [name for name in _COUNTED if f"{pair.kind}_id" in metadata.tables[name].c]
    query = " union all ".join(
        f"select '{name}' as name, count(*) filter (where {pair.kind}_id = any($2)) as merged, "
        f"count(*) filter (where {pair.kind}_id = any($3)) as surviving "
        f"from {name} where clinic_id = $1 and {pair.kind}_id = any($2 || $3)"
        for name in tables
    )
    rows = await work.all(
        query.replace("any($2 || $3)", "any($2::uuid[] || $3::uuid[])"), pair.merged_group, pair.surviving_group
    )
    counted = {row["name"]: row for row in rows}
    return [
        {"records": camel(name), **{side: counted[name][side] for side in ("merged", "surviving")}} for name in tables
    ]


def _told(found: _Preview, counts: list[dict[str, Any]]) -> dict[str, Any]:
    pair = found.planned.pair
    party = KINDS[pair.kind]
    fields = (*party.texts, *(name for name in party.plain if not name.endswith("_id")))
    return {
        "differences": [asdict(one) for one in differences(fields, pair.merged, pair.surviving)],
        "counts": counts,
        "collisions": [
            {"kind": one.kind.name, "value": one.value, "records": list(one.records)} for one in found.collisions
        ],
        "attorneys": found.names,
        "differentAttorneys": found.planned.has_different_attorneys,
        "payers": [
            {"merged": make_id("Payer", one.merged["id"]), "surviving": make_id("Payer", one.surviving["id"])}
            for one in found.planned.payers
        ],
        "repeatedInvoices": found.repeated,
        "refusals": [error_as_data(one) for one in found.refusals],
    }
