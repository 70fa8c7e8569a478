"""The server without both locks (schema rules and row-level security): their cost is measured against it, and only the benchmark starts it.

Every role has the whole schema and no field is guarded; statements have no condition of reach; connections are the
owner's, who takes no role, and to whom PostgreSQL applies neither grants nor policies.
"""

from functools import partial
from typing import Any

from graphql import GraphQLSchema

from db import pools
from domain.access.people import Role
from permissions.graphql_adapter import metadata
from resolvers.compiler import pages, reading
from schema.whole import role_schemas
from server import app
from server.cli import main
from server.database_urls import DatabaseUrls


def _unguarded() -> dict[Role | None, GraphQLSchema]:
    whole = role_schemas()[Role.ADMIN]
    assert whole.query_type
    for field in whole.query_type.fields.values():
        resolve = metadata(field).get("resolve")
        if resolve:
            field.resolve = partial(_resolved, resolve)
    return dict.fromkeys((None, *Role), whole)


def _resolved(resolve: Any, source: Any, info: Any, **arguments: Any) -> Any:
    return resolve(info, arguments)


def _begin(viewer: object, *, read_only: bool) -> str:
    return "begin read only" if read_only else "begin"


def unlock() -> None:
    """Turn both locks off for the rest of this process."""
    switched: tuple[tuple[Any, str, Any], ...] = (
        (app, "role_schemas", _unguarded),
        (pages, "reach_of", lambda row: []),
        (reading, "reach_of", lambda row: []),
        (pools, "entering", _begin),
        (DatabaseUrls, "login", lambda address, name: address.owner),
    )
    for module, name, other in switched:
        assert hasattr(module, name)
        setattr(module, name, other)


if __name__ == "__main__":
    unlock()
    main(["serve"])
