"""Error redaction: removes input values from error messages, because they may be passwords or patients' names."""

import re

from graphql import GraphQLError

# The words after which graphql-core quotes a value that does not fit its type, in a variable or in the document.
_BEFORE_A_VALUE = re.compile(r"(?:[,;] found|cannot represent [\w -]*value): ")


def without_value(error: GraphQLError) -> GraphQLError:
    """The error with its message cut off before the quoted value."""
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
