"""Decides how a request that cannot be answered is refused: an error that names the argument and says what is expected."""

from typing import Any

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"


def refuse(argument: str, expected: str) -> GraphQLError:
    """The error for an argument whose value is not acceptable; the value itself is not repeated."""
    extensions: dict[str, Any] = {"code": BAD_USER_INPUT, "argument": argument}
    return GraphQLError(f"Argument {argument}: {expected}", extensions=extensions)
