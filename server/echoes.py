"""Decides that an error tells what is wrong with a value without repeating it: it may be a password, or a patient's name."""

import re

from graphql import GraphQLError

# What graphql-core says before it shows a value that does not fit its type, in a variable or in the document.
_BEFORE_A_VALUE = re.compile(r"(?:[,;] found|cannot represent [\w -]*value): ")


def without_value(error: GraphQLError) -> GraphQLError:
    """The error, which ends where its message would begin to repeat what was sent."""
    shown = _BEFORE_A_VALUE.search(error.message)
    if shown is None:
        return error
    message = f"{error.message[: shown.end() - 2]}."
    return GraphQLError(
        message.replace(", found.", ".").replace("; found.", "."),
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions=error.extensions,
    )
