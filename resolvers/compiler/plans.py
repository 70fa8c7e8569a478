"""The plan of a compiled read: one SQL statement and, for each of its parameters, the source of its value in a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from db.global_ids import read_id
from db.row import Scope
from db.tables import metadata
from domain.access.signed_urls import LIFETIMES
from domain.texts import can_be_kept
from permissions.viewers import Viewer
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.refusals import refuse
from resolvers.compiler.selection import SelectedField
from resolvers.context import ReadContext

_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
Arguments = Mapping[str, Any]
_NOBODY = UUID(int=0)
ParamSource = Callable[[ReadContext, list[Arguments]], Any]


def _viewer(context: ReadContext) -> Viewer:
    assert context.viewer is not None
    return context.viewer


def _signed(kind: str, part: str) -> ParamSource:
    return lambda context, arguments: getattr(context.url_signer(kind), part)


_BROUGHT: dict[str, ParamSource] = {
    "clinic_id": lambda context, arguments: _viewer(context).clinic_id,
    "person_id": lambda context, arguments: _viewer(context).person_id,
    "user_id": lambda context, arguments: _viewer(context).user_id,
    "today": lambda context, arguments: context.today,
    "time_zone": lambda context, arguments: _viewer(context).time_zone,
    "base_url": lambda context, arguments: context.find_base_url(),
    **{f"{kind}_{part}": _signed(kind, part) for kind in LIFETIMES for part in ("token", "inner", "outer")},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that answers one root field with everything below it; it is cached and reused with other values."""

    sql: str
    param_sources: tuple[ParamSource, ...]
    asked: tuple[SelectedField, ...]
    # For the audit log: the protected coordinates, and those by which records are filtered.
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    # Whether no record can occur twice, so that duplicates need not be removed.
    is_distinct: bool = False
    # Whether it adds up records: it may read columns of which the role sees no single value.
    is_report: bool = False
    # Whether it says in its last column that records are merged, which it does not follow: then its answer is not valid.
    tells_merges: bool = False

    def values(self, context: ReadContext, arguments: list[Arguments]) -> list[Any]:
        """The parameters of the statement, given the arguments of each field in `asked`; raises an error for invalid values."""
        return [supply(context, arguments) for supply in self.param_sources]


@dataclass
class Binder:
    """Collects the parameters of a statement while it is compiled; the first field in `asked` is the root field."""

    asked: list[SelectedField]
    param_sources: dict[str, ParamSource] = field(default_factory=dict)
    is_report: bool = False

    def argument(
        self, asked: SelectedField, path: tuple[str, ...], type_: Any, convert: Callable[[Any], Any] | None = None
    ) -> BindParameter[Any]:
        """A parameter whose value is an argument of a field, such as ("filter", "status")."""
        if asked not in self.asked:
            self.asked.append(asked)
        place, name = self.asked.index(asked), f"p{len(self.param_sources)}"

        def supply(context: ReadContext, arguments: list[Arguments]) -> Any:
            value: Any = arguments[place]
            for step in path:
                value = value[step]
            return convert(value) if convert else value

        self.param_sources[name] = supply
        return bindparam(name, None, type_=type_)

    def plan(self, statement: Select[Any], audited: AuditedIds, scope: Scope | None = None) -> Plan:
        """The statement as text with its parameters in order.

        Where it reads references to patients or payers and does not follow merges, it says whether there are any.
        """
        unfollowed = sorted(scope.unfollowed) if scope is not None and not scope.follows else []
        if scope is not None and unfollowed:
            statement = statement.add_columns(or_(*(_are_linked(scope, links) for links in unfollowed)).label("m"))
        for element in visitors.iterate(statement):
            # Constants of the views are part of the text, so that PostgreSQL can fold them.
            if isinstance(element, BindParameter) and element.unique:
                element.literal_execute = True
        compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        known = _BROUGHT | self.param_sources
        names = compiled.positiontup or []
        param_sources = tuple(known[name] for name in names)
        fields, filters = tuple(sorted(audited.fields)), tuple(sorted(audited.filters))
        how = (audited.is_distinct, self.is_report, bool(unfollowed))
        return Plan(compiled.string, param_sources, tuple(self.asked), fields, filters, *how)


def _are_linked(scope: Scope, links: str) -> ColumnElement[bool]:
    link = scope.row(metadata.tables[links])
    return select(link.clinic_id).select_from(link.source).where(link.clinic_id == scope.clinic_id).exists()


def converter(argument: str, first: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """The function that converts a coerced argument for the database: enum members to their values, texts validated."""

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(item) for item in value if item is not None]
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, str):
            value = storable(value, argument)
        return first(value) if first else value

    return convert


def id_reader(argument: str, type_name: str | None) -> Callable[[Any], UUID]:
    """The function that converts a global id of a type, or of any type, to its UUID; an error for a text that is no id.

    The database determines whether the record exists.
    """

    def convert(value: Any) -> UUID:
        found = read_id(value)
        if found is None:
            raise refuse(argument, "is not a valid id")
        # The id of another type matches no record of this type.
        return found[1] if type_name in (None, found[0]) else _NOBODY

    return convert


def storable(text: str, argument: str) -> str:
    """The text itself if PostgreSQL can store it: neither NUL nor an unpaired surrogate."""
    if not can_be_kept(text):
        raise refuse(argument, "contains a character that cannot be stored")
    return text


def shape_of(value: Any) -> Any:
    """The part of a variable that determines the statement: given keys, numbers, flags and enum values; never texts, dates or amounts."""
    if isinstance(value, dict):
        return tuple((key, shape_of(item)) for key, item in sorted(value.items()))
    if value is None or isinstance(value, bool | int | Enum):
        return value
    return list if isinstance(value, list) else str
