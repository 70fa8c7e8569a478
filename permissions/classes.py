"""Decides how a rule is written down beside what it guards: permission classes on fields, marks on everything else."""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any

import strawberry
from strawberry.permission import BasePermission
from strawberry.types.arguments import StrawberryArgumentAnnotation
from strawberry.types.enum import StrawberryEnumDefinition

from permissions.rules import RULES, Rule
from permissions.viewers import Viewer

# The type of what stands in `metadata["rule"]`: a rule by name, or the coordinates whose rules are followed.
Mark = str | tuple[str, ...]
_FORBIDDEN = {"code": "FORBIDDEN"}


class Guard(BasePermission):
    """The permission class of one rule, by which Strawberry asks again at run time what the role's schema has already decided."""

    rule: Rule
    message = "Not found"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        """Whether the viewer of this request may see what the rule guards."""
        return self.admits(info.context.viewer)

    @classmethod
    def admits(cls, viewer: Viewer | None) -> bool:
        """The same, of a viewer: also asked where Strawberry is not."""
        if viewer and viewer.is_api_token and not cls.rule.by_token:
            return False
        return cls.rule.allows(viewer.role if viewer else None)


@cache
def guard(rule_name: str) -> type[Guard]:
    """The permission class of a rule; KeyError for a rule that nobody wrote."""
    rule = RULES[rule_name]
    said = {} if rule.by_token else {"message": "A token for programs only reads", "error_extensions": _FORBIDDEN}
    return type(f"Sees{rule_name.title().replace('_', '')}", (Guard,), {"rule": rule, **said})


def shown(rule_name: str, description: str, **options: Any) -> Any:
    """A field of an output type, guarded by a rule. Its value comes from the compiled read, or from the object returned."""
    return strawberry.field(description=description, permission_classes=[guard(rule_name)], **options)


def asked(rule_name: str, description: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A field with a resolver of its own, guarded by a rule: for root fields and for fields that take arguments."""
    field: Callable[[Callable[..., Any]], Any] = shown(rule_name, description, **options)
    return field


def done(rule_name: str, description: str, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A mutation, guarded by a rule."""
    mutation: Callable[[Callable[..., Any]], Any]
    mutation = strawberry.mutation(description=description, permission_classes=[guard(rule_name)], **options)
    return mutation


def heard(rule_name: str, description: str) -> Callable[[Callable[..., Any]], Any]:
    """A subscription, guarded by a rule."""
    subscription: Callable[[Callable[..., Any]], Any]
    subscription = strawberry.subscription(description=description, permission_classes=[guard(rule_name)])
    return subscription


def takes(description: str, mark: Mark, **options: Any) -> StrawberryArgumentAnnotation:
    """An argument, with its own rule or with the fields whose rules it follows."""
    return strawberry.argument(description=description, metadata={"rule": mark}, **options)


def given(mark: Mark, description: str, **options: Any) -> Any:
    """A field of an input type, with its own rule or with the fields whose rules it follows; unset when it is not sent."""
    return strawberry.field(
        description=description, metadata={"rule": mark}, **{"default": strawberry.UNSET, **options}
    )


def only_for(rule_name: str) -> Callable[[type], type]:
    """A rule on a whole type, for types that are reached through an interface and have no guarding field of their own."""

    def mark(cls: type) -> type:
        cls.__strawberry_definition__.origin.__rule__ = rule_name  # type: ignore[attr-defined]
        return cls

    return mark


def choices(cls: type[Enum], mark: Mark, description: str, values: Mapping[str, str | tuple[Mark, str]]) -> type[Enum]:
    """A GraphQL enum over a domain enum: its description, each value's description, and its rule where it differs from the enum's.

    ValueError when a value is described that does not exist, or left without description.
    """
    if set(values) != set(cls.__members__):
        raise ValueError(f"{cls.__name__} and its descriptions differ: {set(values) ^ set(cls.__members__)}")
    strawberry.enum(cls, description=description)
    definition: StrawberryEnumDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        said = values[value.name]
        value_mark, value.description = (mark, said) if isinstance(said, str) else said
        value.rule = value_mark  # type: ignore[attr-defined]
    return cls
