"""Decides what the whole schema is, and what each role is served of it."""

from functools import cache

import strawberry
from graphql import GraphQLNamedType, GraphQLSchema, is_introspection_type, is_specified_scalar_type, print_type
from strawberry.schema.config import StrawberryConfig

from domain.people import Role
from permissions.roles import schemas_of
from schema.errors import Conflict, IllegalTransition, InvalidInput, NotFound, StaleVersion
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

REFUSALS = (IllegalTransition, StaleVersion, InvalidInput, NotFound, Conflict)


def build_schema() -> strawberry.Schema:
    """One schema with everything in it, seen by nobody as it is."""
    config = StrawberryConfig(scalar_map=SCALARS)
    return strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, types=REFUSALS, config=config)


@cache
def role_schemas() -> dict[Role | None, GraphQLSchema]:
    """The schema of each role, None for a caller without a token; MissingRuleError when something has no rule."""
    return schemas_of(build_schema()._schema)


def sdl(role: Role | None) -> str:
    """The schema of a role as text, types in alphabetical order so that a change shows where it happened."""
    schema = role_schemas()[role]
    written = [named for name, named in sorted(schema.type_map.items()) if _is_written(named)]
    return "\n\n".join(print_type(named) for named in written) + "\n"


def _is_written(named: GraphQLNamedType) -> bool:
    return not is_introspection_type(named) and not is_specified_scalar_type(named)
