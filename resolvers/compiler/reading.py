"""Answers a root field: a plan compiled once for its shape and cached, executed once, its JSON passed on unchanged."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cachetools import LRUCache
from graphql import GraphQLObjectType, GraphQLResolveInfo, OperationType, get_named_type, is_object_type
from sqlalchemy import Select, Uuid, literal_column, select, true
from strawberry import Info

from db.fields import VIEWS
from db.fields.base import Pages
from db.global_ids import TAGS, make_id, read_id
from db.row import Row, Scope
from db.security.reach import reach_of
from domain.normal_forms import code_form
from permissions.graphql_adapter import VariableValues, core_info
from permissions.viewers import Viewer
from resolvers.audit_record import AuditRecord
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.compile import Compiler
from resolvers.compiler.invoice_events import matches
from resolvers.compiler.json_sql import as_object
from resolvers.compiler.many_nodes import records
from resolvers.compiler.pages import Page, connection, root_connection, whole_list
from resolvers.compiler.plans import Arguments, Binder, Plan, converter, id_reader, shape_of
from resolvers.compiler.refusals import refuse
from resolvers.compiler.reports.reports import REPORTS
from resolvers.compiler.selection import SelectedField, Selector, object_type
from resolvers.context import RequestContext

ResolveInfo = GraphQLResolveInfo[RequestContext]
# The values read of a record, by the response key under which a payload selects it.
Answers = Mapping[str, Any]
_NOT_READ: Answers = {}
_NO_ERRORS = orjson.Fragment(b"[]")
# The most records that `nodes` reads at once.
MOST_NODES = 100
_PLANS_KEPT = 4_000
# Response key, shape of variables and the node itself, which is kept so that its identity is not reused.
_plans: LRUCache[Any, tuple[Any, Plan]] = LRUCache(_PLANS_KEPT)
# The clinics in which records are merged, as far as this process has seen: their statements follow merges. A statement that does not
# follow says in its answer when there are any, so that nothing has to be announced, and clinics without merges pay nothing.
_following: set[UUID] = set()
_compiling = 0
_LISTS = {view.listed_as: name for name, view in VIEWS.items() if view.listed_as}
_FINDS = {view.found_as: name for name, view in VIEWS.items() if view.found_as}


async def resolve_root(info: Info) -> orjson.Fragment | None:
    """The response of the root field that is being resolved, as encoded JSON; None if the record cannot be accessed."""
    raw = core_info(info)
    return await resolve_root_lean(raw, _selector(raw).arguments(_asked(raw)))


async def resolve_root_lean(info: ResolveInfo, arguments: Arguments) -> orjson.Fragment | None:
    """The same for calls directly from graphql-core: the role schemas call it without Strawberry's wrapper."""
    if info.field_name == "nodes":
        return await _answer_many(info, arguments["ids"])
    found = _node_type(info, arguments["id"]) if info.field_name == "node" else None
    return None if found is _NO_TYPE else await _answer(info, arguments, found)


async def _answer_many(info: ResolveInfo, ids: list[str]) -> orjson.Fragment:
    """The records with some ids, in their order, by one statement for each of their types; null for each that cannot be accessed."""
    context, found = info.context, list[Any]([None] * len(ids))
    assert context.viewer is not None
    if len(ids) > MOST_NODES:
        raise refuse("ids", f"must be at most {MOST_NODES} ids")
    types = [_node_type(info, identity, "ids") for identity in ids]
    for type_name in sorted(set(types) - {_NO_TYPE}):
        places = [place for place, other in enumerate(types) if other == type_name]
        arguments = {"ids": [_uuid(ids[place]) for place in places]}
        plan, row = await _read(info, context.viewer, arguments, type_name)
        if _has_to_follow(info, plan, row):
            plan, row = await _read(info, context.viewer, arguments, type_name)
        assert row is not None
        if len(row) - plan.tells_merges > 1:
            context.audit.read(plan.fields, plan.filters, row[1])
        for place, text in zip(places, row[0], strict=True):
            found[place] = None if text is None else orjson.Fragment(text)
    return orjson.Fragment(orjson.dumps(found))


async def resolve_payload(
    info: Info, type_name: str, identity: UUID | None, known: Answers = _NOT_READ
) -> orjson.Fragment | None:
    """The record of a mutation's payload or of a subscription's event, read again with the selected fields.

    None if it cannot be accessed or, for a subscription, does not match the filter. `known` is what
    `resolve_in_transaction` has read of it already.
    """
    if identity is None:
        return None
    raw = core_info(info)
    asked = _asked(raw)
    if asked.key in known:
        found: orjson.Fragment | None = known[asked.key]
        return found
    return await _answer(raw, _given(_selector(raw), asked, type_name, identity), type_name)


async def match_change(info: Info, invoice_id: UUID, change_id: UUID) -> asyncpg.Record:
    """Whether an invoice matched the filter of a subscription `before` a transaction and `after` it, and whether it is `reached` now."""
    raw = core_info(info)
    context: RequestContext = raw.context
    arguments = {**_given(_selector(raw), _asked(raw), "Invoice", invoice_id), "change": change_id}
    assert context.viewer is not None
    plan, row = await _read(raw, context.viewer, arguments, _MATCHES)
    if _has_to_follow(raw, plan, row):
        plan, row = await _read(raw, context.viewer, arguments, _MATCHES)
    assert row is not None
    if row["before"] or row["after"]:
        context.audit.read(plan.fields, plan.filters, TAGS["Invoice"].encode() + invoice_id.bytes)
    return row


async def resolve_in_transaction(
    info: ResolveInfo,
    identity: UUID,
    connection: asyncpg.Connection,
    audit: AuditRecord,
    *,
    with_arguments: bool = False,
    wanted: Sequence[SelectedField] | None = None,
) -> tuple[Answers, orjson.Fragment | None]:
    """The payload of a successful mutation by response key, read in its own transaction; and the complete response.

    That saves a transaction. `wanted` are the fields of the payload, or of that part of it which is about this record.
    Selections with arguments of their own are left to `follow`, and with them the complete
    response:
    an invalid argument must not roll back the mutation. `with_arguments` reads them as well, of what is rolled back anyway.
    """
    selector, payload = _selector(info), get_named_type(info.return_type)
    assert is_object_type(payload)
    found: dict[str, Any] = {}
    if wanted is None:
        wanted = selector.fields(payload, _asked(info).selection_sets)
    for asked in wanted:
        type_name = get_named_type(asked.definition.type).name if asked.definition else ""
        if type_name in VIEWS:
            plan = _plan(info, asked, type_name, _key(info, asked, type_name))
            if len(plan.asked) == 1 or with_arguments:
                given = _given(selector, asked, type_name, identity)
                row = await _read_within(info, plan, given, connection)
                if _has_to_follow(info, plan, row):
                    plan = _plan(info, asked, type_name, _key(info, asked, type_name))
                    row = await _read_within(info, plan, given, connection)
                found[asked.key] = _passed_on(row, plan, audit)
        elif asked.name == "errors":
            found[asked.key] = _NO_ERRORS
        elif asked.name == "__typename":
            found[asked.key] = payload.name
    return found, orjson.Fragment(orjson.dumps(found)) if len(found) == len(wanted) else None


def selected_below(info: ResolveInfo, name: str) -> list[SelectedField]:
    """The fields that are selected below a field of the payload of a mutation; none where it is not selected."""
    selector, payload = _selector(info), get_named_type(info.return_type)
    assert is_object_type(payload)
    for asked in selector.fields(payload, _asked(info).selection_sets):
        if asked.name == name and asked.definition is not None:
            return selector.fields(object_type(asked.definition), asked.selection_sets)
    return []


async def _read_within(
    info: ResolveInfo, plan: Plan, given: Arguments, connection: asyncpg.Connection
) -> asyncpg.Record | None:
    """The row that a plan finds in the transaction of a mutation."""
    selector = _selector(info)
    below = [selector.arguments(one) for one in plan.asked[1:]]
    return await connection.fetchrow(plan.sql, *plan.values(info.context, [given, *below]))


def _given(selector: Selector, asked: SelectedField, type_name: str, identity: UUID) -> Arguments:
    return {**selector.arguments(asked), "id": make_id(type_name, identity)}


async def _answer(info: ResolveInfo, arguments: Arguments, found: str | None) -> orjson.Fragment | None:
    context: RequestContext = info.context
    assert context.viewer is not None
    plan, found_row = await _read(info, context.viewer, arguments, found)
    if _has_to_follow(info, plan, found_row):
        plan, found_row = await _read(info, context.viewer, arguments, found)
    if info.path.prev is not None and found_row is not None:
        context.audit.add_read_after_write()
    return _passed_on(found_row, plan, context.audit)


async def _read(
    info: ResolveInfo, viewer: Viewer, arguments: Arguments, found: str | None
) -> tuple[Plan, asyncpg.Record | None]:
    """The plan of a field, and the row that it finds."""
    context, asked = info.context, _asked(info)
    key = _key(info, asked, found)
    if key not in _plans:
        await _turn()
    plan = _plan(info, asked, found, key)
    # The arguments of the root field are available; those of fields below it are evaluated where the plan needs them.
    below = [_selector(info).arguments(asked) for asked in plan.asked[1:]] if len(plan.asked) > 1 else []
    read = context.database.report if plan.is_report else context.database.read
    return plan, await read(viewer, plan.sql, plan.values(context, [arguments, *below]))


def _has_to_follow(info: ResolveInfo, plan: Plan, row: asyncpg.Record | None) -> bool:
    """Whether a statement that does not follow merges says that there are any; from then on those of its clinic follow."""
    is_merged = plan.tells_merges and row is not None and row["m"]
    if is_merged:
        assert info.context.viewer is not None
        _following.add(info.context.viewer.clinic_id)
    return bool(is_merged)


def _passed_on(row: asyncpg.Record | None, plan: Plan, audit: AuditRecord) -> orjson.Fragment | None:
    """Execute a plan and return its response; the records that it read are recorded for the audit log."""
    if row is None:
        return None
    if len(row) - plan.tells_merges > 1:
        audit.read(plan.fields, plan.filters, row[1], is_distinct=plan.is_distinct)
    return None if row[0] is None else orjson.Fragment(row[0])


def _plan(info: ResolveInfo, asked: SelectedField, found: str | None, key: Any) -> Plan:
    """The plan of a field from the cache, compiled if no earlier request had the same shape."""
    kept = _plans.get(key)
    if kept is None:
        assert info.context.viewer is not None
        compiled = _compile(info, asked, info.context.viewer, found)
        kept = _plans[key] = (info.operation, asked.nodes[0]), compiled
    return kept[1]


def _key(info: ResolveInfo, asked: SelectedField, found: str | None) -> Any:
    viewer, coerced = info.context.viewer, _coerced(info)
    assert viewer is not None
    shape = shape_of(coerced) if coerced else None
    follows = viewer.clinic_id in _following
    return (id(asked.nodes[0]), id(info.operation), viewer.role, found, shape, info.context.keep is None, follows)


async def _turn() -> None:
    """Compile one at a time, so that other requests are answered between two compilations."""
    global _compiling  # noqa: PLW0603 (how many wait is one number for the process)
    before = _compiling
    _compiling += 1
    try:
        for _ in range(before):
            await asyncio.sleep(0)
    finally:
        _compiling -= 1


def _coerced(info: ResolveInfo) -> dict[str, Any]:
    variables: Any = info.variable_values
    return variables if isinstance(variables, dict) else variables.coerced


def _selector(info: ResolveInfo) -> Selector:
    return Selector(info.schema, info.fragments, VariableValues({}, _coerced(info)))


_NO_TYPE = ""
# In place of a type: the statement of a subscription that decides whether a change is an event.
_MATCHES = "matches"


def _asked(info: ResolveInfo) -> SelectedField:
    key = str(info.path.key)
    return SelectedField(key, info.field_name, tuple(info.field_nodes), info.parent_type.fields[info.field_name])


def _uuid(identity: str) -> UUID:
    found = read_id(identity)
    assert found is not None
    return found[1]


def _node_type(info: ResolveInfo, identity: str, argument: str = "id") -> str:
    """The type of an id of `node` or `nodes`, if this role's schema has it as a node; an error for what is no id."""
    found = read_id(identity)
    if found is None:
        raise refuse(argument, "is not a valid id")
    named = info.schema.get_type(found[0])
    is_node = isinstance(named, GraphQLObjectType) and any(face.name == "Node" for face in named.interfaces)
    return found[0] if is_node and found[0] in VIEWS else _NO_TYPE


def _compile(info: ResolveInfo, asked: SelectedField, viewer: Viewer, node_type: str | None) -> Plan:
    selector, scope = _selector(info), Scope(viewer.role, follows=viewer.clinic_id in _following)
    binder, audited = Binder([asked]), AuditedIds(is_on=info.context.keep is not None)
    compiler = Compiler(selector, scope, binder, audited, connection)
    if node_type is _MATCHES:
        return binder.plan(matches(compiler, asked), audited, scope)
    if node_type is None and asked.name in REPORTS:
        return binder.plan(REPORTS[asked.name](compiler, asked), audited, scope)
    if node_type is None and asked.name in _LISTS:
        name = _LISTS[asked.name]
        listing = whole_list if VIEWS[name].whole else root_connection
        return binder.plan(listing(compiler, Pages(name), asked), audited, scope)
    type_name = node_type or _FINDS.get(asked.name) or "Invoice"
    target = info.schema.get_type(type_name)
    assert is_object_type(target)
    if asked.name == "nodes":
        return binder.plan(records(compiler, target, asked), audited, scope)
    row = scope.row(VIEWS[type_name].table)
    audited.begin(type_name, row)
    columns = compiler.columns(target, selector.fields(target, asked.selection_sets), row)
    conditions = [row.clinic_id == scope.clinic_id, _identified(row, type_name, asked, binder), *reach_of(row)]
    if info.operation.operation is OperationType.SUBSCRIPTION and VIEWS[type_name].filters:
        conditions += Page(compiler, Pages(type_name), asked, None, selector.arguments(asked)).narrowed(row)
    if audited.has(row):
        return binder.plan(_always(audited.objects(columns, row).where(*conditions), scope), audited, scope)
    query = select().select_from(row.joined).where(*conditions)
    return binder.plan(audited.row(as_object(columns, scope, query)), audited, scope)


def _always(query: Select[Any], scope: Scope) -> Select[Any]:
    """A query of at most one row as one of exactly one: also where it finds nothing, it has to say whether records are merged."""
    if scope.follows or not scope.unfollowed:
        return query
    found, one = query.subquery("found"), select(literal_column("1")).subquery("one")
    return select(*found.c).select_from(one.outerjoin(found, true()))


def _identified(row: Row, type_name: str, asked: SelectedField, binder: Binder) -> Any:
    """The condition that a row is the requested one, by id or by number."""
    if asked.name == "invoiceByNumber":
        number = binder.argument(asked, ("number",), row.table.c.number.type, converter("number", code_form))
        return row.number == number
    identity = binder.argument(asked, ("id",), Uuid(), id_reader("id", type_name))
    return row.is_identified(identity)


def selection_of(info: ResolveInfo) -> tuple[Selector, SelectedField]:
    """The selection below a root field that is answered without a statement of its own."""
    return _selector(info), _asked(info)


def kept_plans() -> int:
    """The number of cached plans, for the metrics."""
    return len(_plans)
