"""How the tests query everything that a schema has: each field by a path to it, and the records that an answer names."""

from collections import deque
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from graphql import GraphQLObjectType, get_named_type, is_required_argument

from db.fields import VIEWS
from db.global_ids import read_id
from domain.access.people import Role
from permissions.roles import marks_of
from schema.whole import role_schemas
from tests.permissions.own_rows import Belongings

RESTRICTED = (Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST)
ADMIN = role_schemas()[Role.ADMIN]
TABLES = {name: view.table.name for name, view in VIEWS.items()}
# Types below a record that have no row of their own and are computed from the record.
PARTS = ("AvailableTransition",)
# Types that no query returns, only a mutation.
MUTATION_ONLY = ("Upload",)
# Root field that finds a record by its id → the type of the record.
FINDERS = {view.found_as: name for name, view in VIEWS.items() if view.found_as}
READ = (*(name for name in VIEWS if name not in MUTATION_ONLY), *PARTS)
# Types that every statement restricts to its viewer.
PERSONAL = ("Export",)
# Reports over many records, which name none.
REPORTS = (
    *("AgingReport", "Analytics", "MonthlyAnalytics"),
    *("AttorneyReduction", "CoverageKindAmounts", "DocumentKindCounts", "PayerAging", "PayerDenials", "PayerReduction"),
    *("PayerGroupAging", "PhysicianProductivity", "ReasonDenials"),
)
NODES = sorted(
    name
    for name, named in ADMIN.type_map.items()
    if isinstance(named, GraphQLObjectType) and any(face.name == "Node" for face in named.interfaces)
)


def ids_in(data: Any) -> dict[str, set[UUID]]:
    """Every id anywhere in an answer, by the table of its record."""
    found: dict[str, set[UUID]] = {}

    def collect(part: Any) -> None:
        if isinstance(part, dict):
            for key, value in part.items():
                named = read_id(value) if key == "id" and isinstance(value, str) else None
                if named:
                    found.setdefault(TABLES[named[0]], set()).add(named[1])
                else:
                    collect(value)
        elif isinstance(part, list):
            for item in part:
                collect(item)

    collect(data)
    return found


@cache
def seen_by(role: Role) -> frozenset[str]:
    """The coordinates of a role's schema."""
    return frozenset(marks_of(role_schemas()[role]))


_PERIOD = '(filter: {from: "2024-01-01", to: "2026-12-31"})'


def page_size(role: Role) -> int:
    """The page size of a list: all records of restricted roles, and enough of a whole clinic's to cover every owner."""
    return 500 if role in RESTRICTED else 60


@cache
def paths(role: Role) -> dict[str, str]:
    """The path from the root to each type that is read from the database, through fields that the role sees where possible.

    HERE stands where the fields of the type are selected; on the way, the id of each record is selected where the role sees it.
    """
    assert ADMIN.query_type
    found: dict[str, str] = {}
    waiting = deque([("Query", "{ HERE }", True)])
    later: deque[tuple[str, str, bool]] = deque()
    while waiting or later:
        name, path, _ = (waiting or later).popleft()
        if name in found:
            continue
        found[name] = path
        parent = ADMIN.type_map[name]
        assert isinstance(parent, GraphQLObjectType)
        for field_name, definition in parent.fields.items():
            target = get_named_type(definition.type)
            if not isinstance(target, GraphQLObjectType) or _needs_an_id(name, field_name) or target.name == "Viewer":
                continue
            if _is_read_otherwise(role, name, field_name):
                continue
            # The exports of a user lead to no records of others.
            visible = f"{name}.{field_name}" in seen_by(role) and field_name != "exports"
            pages = f"(first: {page_size(role)})" if "first" in definition.args and name == "Query" else ""
            pages = _PERIOD if field_name == "analytics" else pages
            identity = " id" if f"{target.name}.id" in seen_by(role) else ""
            next_path = (target.name, path.replace("HERE", f"{field_name}{pages} {{ HERE{identity} }}"), visible)
            (waiting if visible else later).append(next_path)
    return {name: path for name, path in found.items() if name in READ}


def _needs_an_id(type_name: str, field_name: str) -> bool:
    """Whether a root field finds what its arguments name; the period of the measures is given."""
    root = ADMIN.type_map[type_name]
    assert isinstance(root, GraphQLObjectType)
    asked = any(is_required_argument(argument) for argument in root.fields[field_name].args.values())
    return type_name == "Query" and asked and field_name != "analytics"


def _is_read_otherwise(role: Role, type_name: str, field_name: str) -> bool:
    """Whether the list is sorted by a name that the role does not see, or lists more for an administrator."""
    return role is Role.ANALYST and (type_name, field_name) in (
        *(("Query", "payers"), ("PayerAging", "payer"), ("PayerGroupAging", "payer")),
    )


def query_for(role: Role, type_name: str, field_name: str) -> str:
    """The query for one field of a type, by the path to it."""
    named = ADMIN.type_map[type_name]
    assert isinstance(named, GraphQLObjectType)
    target = get_named_type(named.fields[field_name].type)
    below = ""
    if isinstance(target, GraphQLObjectType):
        below = "{ totalCount }" if "totalCount" in target.fields else "{ __typename }"
    return paths(role)[type_name].replace("HERE", f"{field_name} {below}")


def coordinates() -> list[tuple[str, str]]:
    """Every field of every type that is read from the database, from the schema itself."""
    return [
        (name, field_name)
        for name, named in ADMIN.type_map.items()
        if isinstance(named, GraphQLObjectType) and name in READ
        for field_name in named.fields
    ]


def ids_of_one(mine: Belongings, table: str) -> dict[str, UUID | None]:
    """The id of a record of the viewer's own, of another viewer's, of another clinic's, and an unknown id."""
    # The id of a merged record leads to the one that stays: it is the viewer's own where that one is.
    others = mine.of_others(table) - mine.own(f"merged_{table}")
    kinds = {"own": mine.own(table), "others'": others, "elsewhere": mine.elsewhere(table)}
    return {kind: min(ids, default=None) for kind, ids in kinds.items()} | {"unknown": uuid4()}
