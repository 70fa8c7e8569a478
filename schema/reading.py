"""Decides how fields are answered by a compiled read: one for each root field, nothing for the fields below it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NoReturn

from strawberry import Info

from permissions.classes import asked
from resolvers import reading

# The answer is JSON that is encoded already, which the executor passes on, whatever the type that a field publishes.
read: Callable[[Info], Awaitable[Any]] = reading.read

# A root field that a compiled read answers: in a role's schema it is resolved without Strawberry's wrapping around it.
compiled_root = partial(asked, metadata={"resolve": reading.answer})


def compiled() -> NoReturn:
    """The body of a field that only publishes its arguments: its value comes with the statement of the root field."""
    raise NotImplementedError("read by the compiler")
