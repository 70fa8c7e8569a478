"""Declares the rule of each schema element beside it: permission classes on fields, metadata on everything else."""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.permission import BasePermission

from domain.access.people import Role
from permissions.coordinates import Narrowed
from permissions.graphql_adapter import StrawberryArgumentAnnotation, enum_values, set_type_rule, set_value_rule
from permissions.rules import RULES, Rule
from permissions.viewers import Viewer

# The type of `metadata["rule"]`: the name of a rule, or the schema coordinates whose rules are followed.
Mark = str | tuple[str, ...]
_FORBIDDEN = {"code": "FORBIDDEN"}


class Guard(BasePermission):
    """The permission class of one rule: a second check at run time of what the role's schema has already enforced."""

    rule: Rule
    # The roles that have the permission; None stands for anonymous callers.
    roles: frozenset[Role | None]
    message = "Not found"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        """Whether the viewer of this request has the permission."""
        return self.admits(info.context.viewer)

    @classmethod
    def admits(cls, viewer: Viewer | None) -> bool:
        """Whether a viewer has the permission; also called where no Strawberry resolver runs. None: an anonymous caller."""
        if viewer and viewer.is_api_token and not cls.rule.by_token:
            return False
        return (viewer.role if viewer else None) in cls.roles

    @classmethod
    def wrap(cls, resolve: Callable[[Any, dict[str, Any]], Any]) -> Callable[..., Any]:
        """A resolver for graphql-core that checks the permission and then calls `resolve` with the info and the arguments."""

        def guarded(source: Any, info: Any, **arguments: Any) -> Any:
            if not cls.admits(info.context.viewer):
                raise GraphQLError(cls.message, extensions=cls.error_extensions)
            return resolve(info, arguments)

        return guarded


@cache
def guard(rule_name: str) -> type[Guard]:
    """The permission class of a rule; KeyError for a rule that does not exist."""
    rule = RULES[rule_name]
    refusal = {} if rule.by_token else {"message": "An API token is read-only", "error_extensions": _FORBIDDEN}
    roles = frozenset(role for role in (None, *Role) if rule.allows(role))
    return type(f"Sees{rule_name.title().replace('_', '')}", (Guard,), {"rule": rule, "roles": roles, **refusal})


def output_field(rule_name: str, description: str, **options: Any) -> Any:
    """A field of an output type, guarded by a rule. Its value comes from the compiled read, or from the object returned."""
    return strawberry.field(description=description, permission_classes=[guard(rule_name)], **options)


def query_field(rule_name: str, description: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A field with a resolver of its own, guarded by a rule: for root fields and for fields that take arguments."""
    field: Callable[[Callable[..., Any]], Any] = output_field(rule_name, description, **options)
    return field


def mutation(rule_name: str, description: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A mutation, guarded by a rule."""
    mutation: Callable[[Callable[..., Any]], Any]
    mutation = strawberry.mutation(description=description, permission_classes=[guard(rule_name)], **options)
    return mutation


def subscription(rule_name: str, description: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A subscription, guarded by a rule."""
    subscription: Callable[[Callable[..., Any]], Any]
    subscription = strawberry.subscription(description=description, permission_classes=[guard(rule_name)], **options)
    return subscription


def argument(
    description: str, mark: Mark, *, narrowed: Narrowed | None = None, **options: Any
) -> StrawberryArgumentAnnotation:
    """An argument, with its own rule or with the coordinates of the fields whose rules it follows.

    A role that does not see everything that `narrowed` names gets its smaller input in place of the argument's.
    """
    return strawberry.argument(description=description, metadata={"rule": mark, "narrowed": narrowed}, **options)


def input_field(mark: Mark, description: str, **options: Any) -> Any:
    """A field of an input type, with its own rule or the coordinates whose rules it follows; UNSET when it is not sent."""
    return strawberry.field(
        description=description, metadata={"rule": mark}, **{"default": strawberry.UNSET, **options}
    )


def only_for(rule_name: str) -> Callable[[type], type]:
    """A rule on a whole type, for types that are reached only through an interface and not by a guarded field."""

    def mark(cls: type) -> type:
        set_type_rule(cls, rule_name)
        return cls

    return mark


def enum_type(
    cls: type[Enum], mark: Mark, description: str, values: Mapping[str, str | tuple[Mark, str]]
) -> type[Enum]:
    """A GraphQL enum over a domain enum: its description, each value's description, and its rule where it differs from the enum's.

    ValueError when a description has no enum value, or an enum value has no description.
    """
    if set(values) != set(cls.__members__):
        raise ValueError(f"{cls.__name__} and its descriptions differ: {set(values) ^ set(cls.__members__)}")
    strawberry.enum(cls, description=description)
    for value in enum_values(cls):
        said = values[value.name]
        value_mark, value.description = (mark, said) if isinstance(said, str) else said
        set_value_rule(value, value_mark)
    return cls
