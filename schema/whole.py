"""The complete GraphQL schema, and the schema that each role is served."""

from functools import cache

import strawberry
from graphql import GraphQLNamedType, GraphQLSchema, is_introspection_type, is_specified_scalar_type, print_type
from strawberry.schema.config import StrawberryConfig

from db.security.policies import statements
from domain.access.people import Role
from permissions.graphql_adapter import core_schema
from permissions.roles import marks_of, schemas_of
from schema.errors import Conflict, IllegalTransition, InvalidInput, NotFound, StaleVersion
from schema.forms.labels import LABELS
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

REFUSALS = (IllegalTransition, StaleVersion, InvalidInput, NotFound, Conflict)


def build_schema() -> strawberry.Schema:
    """The complete schema; no client is served it as it is."""
    config = StrawberryConfig(scalar_map=SCALARS)
    return strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription, types=REFUSALS, config=config)


@cache
def role_schemas() -> dict[Role | None, GraphQLSchema]:
    """The schema of each role, None for anonymous callers; MissingRuleError if a coordinate has no access rule."""
    whole = core_schema(build_schema())
    # Of the values of enums, which forms offer as choices.
    whole.extensions["labels"] = LABELS
    return schemas_of(whole)


def surface() -> dict[Role, frozenset[str]]:
    """The schema coordinates of each role, from which the database's grants are generated."""
    return {role: frozenset(marks_of(schema)) for role, schema in role_schemas().items() if role}


@cache
def policy_statements() -> tuple[str, ...]:
    """The statements that set the database's roles, grants, policies and lifecycle guard to what each role's schema needs."""
    return tuple(statements(surface()))


def sdl(role: Role | None) -> str:
    """The schema of a role in SDL, types in alphabetical order so that a diff shows where a change happened."""
    schema = role_schemas()[role]
    written = [named for name, named in sorted(schema.type_map.items()) if _is_written(named)]
    return "\n\n".join(print_type(named) for named in written) + "\n"


def _is_written(named: GraphQLNamedType) -> bool:
    return not is_introspection_type(named) and not is_specified_scalar_type(named)
