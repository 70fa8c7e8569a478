"""Errors of invalid arguments: they name the argument and say what is expected."""

from typing import Any

from graphql import GraphQLError

BAD_USER_INPUT = "BAD_USER_INPUT"


def refuse(argument: str, expected: str) -> GraphQLError:
    """The error of an argument whose value is not acceptable; it does not repeat the value."""
    extensions: dict[str, Any] = {"code": BAD_USER_INPUT, "argument": argument}
    return GraphQLError(f"Argument {argument}: {expected}", extensions=extensions)
