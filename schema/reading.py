"""Fields that a compiled read answers: one resolver for each root field, none for the fields below it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

from strawberry import Info

from permissions.classes import query_field
from resolvers.compiler import reading

# The result is JSON that is already encoded; the executor passes it on without regard to the published type.
read: Callable[[Info], Awaitable[Any]] = reading.resolve_root

# A root field that a compiled read answers: a role's schema resolves it without Strawberry's wrapper.
compiled_root = partial(query_field, metadata={"resolve": reading.resolve_root_lean})


def compiled() -> NoReturn:
    """The body of a field that only publishes its arguments: the SQL statement of the root field computes its value."""
    raise NotImplementedError("read by the compiler")
