"""Selections of invoices: what a filter finds is frozen, so that steps on many are about the invoices that the user has seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from strawberry import Info

from domain.errors import InputReason, InvalidInput
from domain.records.bulk_steps import MOST_AT_ONCE, MOST_SELECTED, SELECTION_LIFETIME, SELECTIONS_KEPT
from domain.texts import NAME
from permissions.graphql_adapter import core_info
from permissions.viewers import Viewer
from resolvers.commands.selected_invoices import compile_selection
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command
from resolvers.compiler.reading import ResolveInfo
from resolvers.context import RequestContext

# Unlike other writes, this one reads what a filter says: the plan has to be that of its values.
_PLANNED = "set local plan_cache_mode = force_custom_plan"
_FORGET = "delete from invoice_selections where clinic_id = $1 and user_id = $2 and recorded_at < $3"
_FIND = """select invoice_ids[$4::int + 1:$4 + $5::int] as ids, cardinality(invoice_ids) as number, recorded_at
    from invoice_selections where clinic_id = $1 and user_id = $2 and id = $3"""
# Whether a step on one of the first invoices of a selection is kept under the key of a request.
_BEGUN = """select 1 from invoice_selections s cross join lateral unnest(s.invoice_ids[1:$5::int]) one
    join idempotency_keys k on k.clinic_id = $1 and k.user_id = $2 and k.key = $4 || one::text
    where s.clinic_id = $1 and s.user_id = $2 and s.id = $3 limit 1"""
_NONE = "There is no such selection, or it is older than ten minutes: select the invoices again"


@dataclass(frozen=True, slots=True)
class Selection:
    """A frozen selection: its token, how many invoices it has, and their sums by name."""

    token: str
    count: int
    sums: Mapping[str, str]


async def select_invoices(info: Info) -> tuple[CommandResult, Selection | None]:
    """Freeze the invoices that the filter of the input finds now, for the user alone."""
    made: list[Selection] = []

    async def freeze(work: UnitOfWork) -> UUID:
        made.append(await _freeze(core_info(info), work))
        return UUID(made[0].token)

    done = await run_command(info, "select_invoices", {}, freeze)
    return done, made[0] if done.record is not None else None


async def _freeze(info: ResolveInfo, work: UnitOfWork) -> Selection:
    plan, arguments = compile_selection(info)
    search = (arguments.get("filter") or {}).get("search") or ""
    if len(search) > NAME.longest:
        words = f"This has at most {NAME.longest} characters"
        raise InvalidInput(words, ("filter", "search"), InputReason.TOO_LONG, f"{NAME.longest}")
    values = plan.values(info.context, [arguments])
    await work.connection.execute(_PLANNED)
    found = await work.connection.fetchrow(plan.sql, *values)
    assert found is not None
    work.audit.read(plan.fields, plan.filters, found["t"])
    if found["count"] > MOST_SELECTED:
        words = f"More than {MOST_SELECTED:,} invoices match: narrow the filter"
        raise InvalidInput(words, ("filter",), InputReason.TOO_HIGH, limit=f"{MOST_SELECTED}")
    # Whoever could guess a token would still be another user.
    identity, writes = uuid4(), work.writes()
    await work.connection.execute(_FORGET, work.clinic_id, work.user_id, work.moment - SELECTIONS_KEPT)
    writes.insert(
        "invoice_selections",
        id=identity,
        user_id=work.user_id,
        invoice_ids=list(found["ids"]),
        recorded_at=work.moment,
    )
    await writes.run(work.connection)
    return Selection(identity.hex, found["count"], {name: found[name] for name in ("billed", "received", "balance")})


async def selected(context: RequestContext, token: str, skip: int, key: str) -> tuple[Sequence[UUID], int]:
    """The invoices of a user's selection after those to skip, as many as one request takes, and how many come after them.

    A selection that is too old is used to its end by the steps that have begun: their results are kept under keys that begin with `key`.
    """
    if not 0 <= skip <= MOST_SELECTED:
        raise InvalidInput(f"The number must be 0 to {MOST_SELECTED:,}", ("skip",), InputReason.TOO_HIGH)
    viewer, missing = context.viewer, InvalidInput(_NONE, ("token",))
    assert viewer is not None
    try:
        identity = UUID(hex=token)
    except ValueError as error:
        raise missing from error
    found = await context.database.read(viewer, _FIND, [*_own(viewer), identity, skip, MOST_AT_ONCE])
    if found is None:
        raise missing
    if context.clock() - found["recorded_at"] > SELECTION_LIFETIME:
        begun: Any = await context.database.read(viewer, _BEGUN, [*_own(viewer), identity, key, MOST_AT_ONCE])
        if begun is None:
            raise missing
    return found["ids"], max(0, found["number"] - skip - len(found["ids"]))


def _own(viewer: Viewer) -> tuple[UUID, UUID]:
    return viewer.clinic_id, viewer.user_id
