"""Decides what a compiled read is: one statement and, for each of its parameters, where the value of a request comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter

from db.identity import read_id
from domain.links import LIFETIMES
from domain.texts import can_be_kept
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from resolvers.refusals import refuse
from resolvers.selection import Asked

_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
Arguments = Mapping[str, Any]
_NOBODY = UUID(int=0)
Supply = Callable[[RequestContext, list[Arguments]], Any]


def _viewer(context: RequestContext) -> Viewer:
    assert context.viewer is not None
    return context.viewer


def _sealing(kind: str, part: str) -> Supply:
    return lambda context, arguments: getattr(context.seal(kind), part)


_BROUGHT: dict[str, Supply] = {
    "clinic_id": lambda context, arguments: _viewer(context).clinic_id,
    "person_id": lambda context, arguments: _viewer(context).person_id,
    "user_id": lambda context, arguments: _viewer(context).user_id,
    "today": lambda context, arguments: context.today,
    "time_zone": lambda context, arguments: _viewer(context).time_zone,
    "base_url": lambda context, arguments: context.find_base_url(),
    **{f"{kind}_{part}": _sealing(kind, part) for kind in LIFETIMES for part in ("token", "inner", "outer")},
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement that answers one root field, whatever is below it; it is kept and used again with other values."""

    sql: str
    supplies: tuple[Supply, ...]
    asked: tuple[Asked, ...]
    # For the audit trail: coordinates that not everybody sees, and those by which records are chosen.
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    # Whether no record can be named twice, so that nobody has to look.
    is_distinct: bool = False

    def values(self, context: RequestContext, arguments: list[Arguments]) -> list[Any]:
        """The parameters of the statement, given the arguments of each field in `asked`; refuses what no statement could take."""
        return [supply(context, arguments) for supply in self.supplies]


@dataclass
class Binder:
    """Gathers the parameters of a statement while it is compiled; the first field in `asked` is the root field.

    Where it `is_audited`, the statement answers in a second column which records were read.
    """

    asked: list[Asked]
    supplies: dict[str, Supply] = field(default_factory=dict)
    is_audited: bool = True
    fields: set[str] = field(default_factory=set)
    filters: set[str] = field(default_factory=set)
    # How often rows are named, where they are named at the root alone, or a count is.
    named: int = 0

    def argument(
        self, asked: Asked, path: tuple[str, ...], type_: Any, convert: Callable[[Any], Any] | None = None
    ) -> BindParameter[Any]:
        """A parameter whose value is an argument of a field, such as ("filter", "status")."""
        if asked not in self.asked:
            self.asked.append(asked)
        place, name = self.asked.index(asked), f"p{len(self.supplies)}"

        def supply(context: RequestContext, arguments: list[Arguments]) -> Any:
            value: Any = arguments[place]
            for step in path:
                value = value[step]
            return convert(value) if convert else value

        self.supplies[name] = supply
        return bindparam(name, None, type_=type_)

    def plan(self, statement: Select[Any]) -> Plan:
        """The statement as text with its parameters in order."""
        for element in visitors.iterate(statement):
            # What the views wrote themselves is part of the text, so that PostgreSQL can fold it.
            if isinstance(element, BindParameter) and element.unique:
                element.literal_execute = True
        compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        known = _BROUGHT | self.supplies
        names = compiled.positiontup or []
        supplies = tuple(known[name] for name in names)
        audited = tuple(sorted(self.fields)), tuple(sorted(self.filters))
        return Plan(compiled.string, supplies, tuple(self.asked), *audited, is_distinct=self.named <= 1)


def converter(argument: str, first: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """What turns a coerced argument into what the database takes: enum members into their values, texts checked."""

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
    """What turns a global id of a type, or of any type, into its UUID; refuses a text that is no id.

    Whether the record exists is for the database to say.
    """

    def convert(value: Any) -> UUID:
        found = read_id(value)
        if found is None:
            raise refuse(argument, "is not an id")
        # The id of something else names no record of this type.
        return found[1] if type_name in (None, found[0]) else _NOBODY

    return convert


def storable(text: str, argument: str) -> str:
    """The text itself, when PostgreSQL can hold it: neither NUL nor half a surrogate pair."""
    if not can_be_kept(text):
        raise refuse(argument, "holds a character that cannot be stored")
    return text


def shape_of(value: Any) -> Any:
    """What of a variable decides the statement: which keys are given, numbers, flags and choices; never texts, dates or amounts."""
    if isinstance(value, dict):
        return tuple((key, shape_of(item)) for key, item in sorted(value.items()))
    if value is None or isinstance(value, bool | int | Enum):
        return value
    return list if isinstance(value, list) else str
