"""Decides how a root field is answered: a plan compiled once for its shape, run once, its JSON passed on as it is."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from cachetools import LRUCache
from graphql import GraphQLObjectType, GraphQLResolveInfo, OperationType, get_named_type, is_object_type
from graphql.execution.values import VariableValues
from sqlalchemy import Uuid, select
from strawberry import Info

from db.identity import make_id, read_id
from db.reach import reach_of
from db.row import Row, Scope
from db.subjects import NOTHING
from db.views import VIEWS
from db.views.base import Pages
from permissions.viewers import Viewer
from resolvers.compiling import Compiler, as_object, traced
from resolvers.context import RequestContext
from resolvers.pages import Page, connection, root_connection, whole_list
from resolvers.plans import Arguments, Binder, Plan, converter, id_reader, shape_of
from resolvers.refusals import refuse
from resolvers.reports import REPORTS
from resolvers.selection import Asked, Selector
from resolvers.trail import Trail

ResolveInfo = GraphQLResolveInfo[RequestContext]
# What was read of a record, by the response key under which a payload asks for it.
Answers = Mapping[str, Any]
_NOT_READ: Answers = {}
_NO_ERRORS = orjson.Fragment(b"[]")
_PLANS_KEPT = 4_000
# Response key, shape of variables and the node itself, which is kept so that its identity is not used again.
_plans: LRUCache[Any, tuple[Any, Plan]] = LRUCache(_PLANS_KEPT)
_compiling = 0
_LISTS = {view.listed_as: name for name, view in VIEWS.items() if view.listed_as}
_FINDS = {view.found_as: name for name, view in VIEWS.items() if view.found_as}


async def read(info: Info) -> orjson.Fragment | None:
    """The answer to the root field that is being resolved, as JSON that is encoded already; None when there is nothing in reach."""
    raw = info._raw_info
    return await answer(raw, _selector(raw).arguments(_asked(raw)))


async def answer(info: ResolveInfo, arguments: Arguments) -> orjson.Fragment | None:
    """The same, straight from graphql-core: the role schemas call it without Strawberry's wrapping around it."""
    found = _node_type(info, arguments["id"]) if info.field_name == "node" else None
    return None if found is _NO_TYPE else await _answer(info, arguments, found)


async def follow(
    info: Info, type_name: str, identity: UUID | None, known: Answers = _NOT_READ
) -> orjson.Fragment | None:
    """The record that a mutation answers with or that a subscription tells of, read anew as its selection asks.

    None when there is none in reach or, for a subscription, when it is not what the filter wants. `known` is what
    `read_within` has read of it already.
    """
    if identity is None:
        return None
    raw = info._raw_info
    asked = _asked(raw)
    if asked.key in known:
        found: orjson.Fragment | None = known[asked.key]
        return found
    return await _answer(raw, _following(_selector(raw), asked, type_name, identity), type_name)


async def read_within(
    info: ResolveInfo, identity: UUID, connection: asyncpg.Connection, trail: Trail
) -> tuple[Answers, orjson.Fragment | None]:
    """What a mutation that was done answers, by response key, read before its own transaction ends; and the whole as JSON.

    That spares a transaction. Selections with arguments of their own are left to `follow`, and with them the whole: an
    argument that is refused must not undo what was done.
    """
    selector, payload = _selector(info), get_named_type(info.return_type)
    assert is_object_type(payload)
    found: dict[str, Any] = {}
    wanted = selector.fields(payload, _asked(info).selection_sets)
    for asked in wanted:
        type_name = get_named_type(asked.definition.type).name if asked.definition else ""
        if type_name in VIEWS:
            plan = _plan(info, asked, type_name, _key(info, asked, type_name))
            if len(plan.asked) == 1:
                values = plan.values(info.context, [_following(selector, asked, type_name, identity)])
                found[asked.key] = _passed_on(await connection.fetchrow(plan.sql, *values), plan, trail)
        elif asked.name == "errors":
            found[asked.key] = _NO_ERRORS
        elif asked.name == "__typename":
            found[asked.key] = payload.name
    return found, orjson.Fragment(orjson.dumps(found)) if len(found) == len(wanted) else None


def _following(selector: Selector, asked: Asked, type_name: str, identity: UUID) -> Arguments:
    return {**selector.arguments(asked), "id": make_id(type_name, identity)}


async def _answer(info: ResolveInfo, arguments: Arguments, found: str | None) -> orjson.Fragment | None:
    context: RequestContext = info.context
    assert context.viewer is not None
    asked = _asked(info)
    key = _key(info, asked, found)
    if key not in _plans:
        await _turn()
    plan = _plan(info, asked, found, key)
    # The arguments of the root field are at hand; those of fields below it are worked out where the plan needs them.
    below = [_selector(info).arguments(asked) for asked in plan.asked[1:]] if len(plan.asked) > 1 else []
    values = plan.values(context, [arguments, *below])
    found_row = await context.database.read(context.viewer, plan.sql, values)
    if info.path.prev is not None and found_row is not None:
        context.trail.read_on()
    return _passed_on(found_row, plan, context.trail)


def _passed_on(row: asyncpg.Record | None, plan: Plan, trail: Trail) -> orjson.Fragment | None:
    """The answer of a plan; which records it was about goes to the audit trail."""
    if row is None:
        return None
    if len(row) > 1:
        trail.read(plan.fields, plan.filters, row[1], is_distinct=plan.is_distinct)
    return None if row[0] is None else orjson.Fragment(row[0])


def _plan(info: ResolveInfo, asked: Asked, found: str | None, key: Any) -> Plan:
    """The plan for a field, compiled when no other request has asked for the same."""
    kept = _plans.get(key)
    if kept is None:
        assert info.context.viewer is not None
        compiled = _compile(info, asked, info.context.viewer, found)
        kept = _plans[key] = (info.operation, asked.nodes[0]), compiled
    return kept[1]


def _key(info: ResolveInfo, asked: Asked, found: str | None) -> Any:
    viewer, coerced = info.context.viewer, _coerced(info)
    assert viewer is not None
    shape = shape_of(coerced) if coerced else None
    return (id(asked.nodes[0]), id(info.operation), viewer.role, found, shape, info.context.keep is None)


async def _turn() -> None:
    """Wait until whoever came before has compiled, so that others are answered between any two that compile."""
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


def _asked(info: ResolveInfo) -> Asked:
    key = str(info.path.key)
    return Asked(key, info.field_name, tuple(info.field_nodes), info.parent_type.fields[info.field_name])


def _node_type(info: ResolveInfo, identity: str) -> str:
    """The type that the id of `node` names, when this role's schema has it as a node; else that there is none."""
    found = read_id(identity)
    if found is None:
        raise refuse("id", "is not an id")
    named = info.schema.get_type(found[0])
    is_node = isinstance(named, GraphQLObjectType) and any(face.name == "Node" for face in named.interfaces)
    return found[0] if is_node and found[0] in VIEWS else _NO_TYPE


def _compile(info: ResolveInfo, asked: Asked, viewer: Viewer, node_type: str | None) -> Plan:
    selector, scope = _selector(info), Scope(viewer.role)
    binder = Binder([asked], is_audited=info.context.keep is not None)
    compiler = Compiler(selector, scope, binder, connection)
    if node_type is None and asked.name in REPORTS:
        return binder.plan(REPORTS[asked.name](compiler, asked))
    if node_type is None and asked.name in _LISTS:
        name = _LISTS[asked.name]
        listing = whole_list if VIEWS[name].whole else root_connection
        return binder.plan(listing(compiler, Pages(name), asked))
    type_name = node_type or _FINDS.get(asked.name) or "Invoice"
    row = scope.row(VIEWS[type_name].table)
    target = info.schema.get_type(type_name)
    assert is_object_type(target)
    compiler.begin(type_name, row)
    columns = compiler.columns(target, selector.fields(target, asked.selection_sets), row)
    conditions = [row.clinic_id == scope.clinic_id, _identified(row, type_name, asked, binder), *reach_of(row)]
    if info.operation.operation is OperationType.SUBSCRIPTION and VIEWS[type_name].filters:
        conditions += Page(compiler, Pages(type_name), asked, None, selector.arguments(asked)).narrowed(row)
    if row.subjects:
        return binder.plan(traced(columns, row, scope).where(*conditions))
    query = select().select_from(row.joined).where(*conditions)
    plain = as_object(columns, scope, query).label("answer")
    return binder.plan(select(plain, NOTHING) if binder.is_audited else select(plain))


def _identified(row: Row, type_name: str, asked: Asked, binder: Binder) -> Any:
    """That a row is the one asked for, by id or by number."""
    if asked.name == "invoiceByNumber":
        number = binder.argument(asked, ("number",), row.table.c.number.type, converter("number"))
        return row.number == number
    return row.id == binder.argument(asked, ("id",), Uuid(), id_reader("id", type_name))


def selection_of(info: ResolveInfo) -> tuple[Selector, Asked]:
    """What is selected below a root field that is answered without a statement of its own."""
    return _selector(info), _asked(info)


def kept_plans() -> int:
    """How many plans are kept now, for the metrics."""
    return len(_plans)
