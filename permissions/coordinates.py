"""Computes the schema coordinates that a role sees, from the rule of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.access.people import Role
from permissions.rules import RULES

Mark = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """An input with a name and a description of its own, that has only some of the fields of another input.

    It takes that one's place in an argument for roles that do not see all coordinates of `unless`.
    """

    name: str
    description: str
    fields: tuple[str, ...]
    unless: tuple[str, ...]


class MissingRuleError(Exception):
    """A schema coordinate has no rule, or an invalid one; the server does not start."""


def check_marks(marks: Mapping[str, Mark | None]) -> None:
    """MissingRuleError when a coordinate has no rule, an unknown rule, or follows a coordinate that does not exist."""
    for coordinate, mark in marks.items():
        if mark is None:
            raise MissingRuleError(f"{coordinate} has no rule: name its rule where it is declared")
        named = (mark,) if isinstance(mark, str) else mark
        known = RULES if isinstance(mark, str) else marks
        for name in named:
            if name not in known:
                raise MissingRuleError(f"{coordinate} names {name}, which does not exist")


def is_seen(coordinate: str, role: Role | None, marks: Mapping[str, Mark | None]) -> bool:
    """Whether a role sees a coordinate: its rule allows it, or every coordinate that it follows is seen."""
    mark = marks[coordinate]
    if isinstance(mark, str):
        return RULES[mark].allows(role)
    return bool(mark) and all(is_seen(followed, role, marks) for followed in mark or ())


def seen_by(role: Role | None, marks: Mapping[str, Mark | None]) -> frozenset[str]:
    """Every coordinate that a role sees (None: anonymous callers)."""
    return frozenset(coordinate for coordinate in marks if is_seen(coordinate, role, marks))
