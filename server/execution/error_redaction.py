"""Error redaction: removes input values from error messages, because they may be passwords or patients' names."""

import re

from graphql import GraphQLError

# The words after which graphql-core quotes a value that does not fit its type, in a variable or in the document.
_BEFORE_A_VALUE = re.compile(r"(?:[,;] found|cannot represent [\w -]*value): ")
# A value of a variable that an enum does not have; in a document, which a developer has written, it stays.
_NO_MEMBER = re.compile(r"^(Variable '\$\w+' has invalid value[^:]*: )Value '.*' does not exist in ", re.DOTALL)
# A field that an input object does not have, if it cannot be the name of a field anyway.
_NO_NAME = re.compile(r"(not to include) unknown field '(?!\w+').*'", re.DOTALL)


def without_value(error: GraphQLError) -> GraphQLError:
    """The error without the quoted value: its message is cut off before it, or does without it."""
    shown, message = _BEFORE_A_VALUE.search(error.message), error.message
    if shown:
        message = f"{message[: shown.end() - 2]}."
        message = message.replace(", found.", ".").replace("; found.", ".")
    message = _NO_NAME.sub(r"\1 an unknown field", _NO_MEMBER.sub(r"\1The value does not exist in ", message))
    if message == error.message:
        return error
    return GraphQLError(
        message,
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions=error.extensions,
    )
