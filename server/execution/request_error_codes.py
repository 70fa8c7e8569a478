"""Error codes of requests that cannot be executed: of documents that do not parse or validate, and of values that do not fit their type.

A value that does not fit has the code BAD_USER_INPUT and the path to its place, in the variables or in the document.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLError,
    ListValueNode,
    Node,
    ObjectFieldNode,
    ObjectValueNode,
    VariableDefinitionNode,
    Visitor,
    visit,
)

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
UNAUTHENTICATED = "UNAUTHENTICATED"
BAD_USER_INPUT = "BAD_USER_INPUT"
# The most errors of one answer: no form has more fields at once.
MOST_ERRORS = 50

Path = tuple[str | int, ...]
# The words with which graphql-core names a field that an input object must have: the error stands at the object.
_MISSING = re.compile(r" to include required field '(\w+)'")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def with_code(error: GraphQLError, code: str, path: Path | None = None) -> GraphQLError:
    """The error with a code and the path of the value that it is about; one that has a code keeps it."""
    if (error.extensions or {}).get("code"):
        return error
    extensions: dict[str, Any] = {"code": code} if path is None else {"code": code, "path": list(path)}
    return GraphQLError(
        error.message,
        error.nodes,
        error.source,
        error.positions,
        error.path,
        extensions=extensions,
    )


def place_in_variables(error: GraphQLError) -> Path | None:
    """The path of a value of the variables that does not fit its type; it begins with the name of the variable.

    graphql-core writes the path only into its message, between the name of the variable and what is wrong.
    """
    variable, why = _node(error), error.original_error
    if not isinstance(variable, VariableDefinitionNode) or not isinstance(why, GraphQLError):
        return None
    name = variable.variable.name.value
    written = error.message.removeprefix(f"Variable '${name}' has invalid value").removesuffix(f": {why.message}")
    steps = (field or int(place) for field, place in _STEP.findall(written))
    return (name, *steps, *_missing_field(why))


def places_in_document(document: DocumentNode) -> Mapping[int, Path]:
    """The path of each literal by the identity of its node; it begins with the name of the argument or variable."""
    found = _Literals()
    visit(document, found)
    return found.places


def code_of_validation(error: GraphQLError, places: Mapping[int, Path], *, is_anonymous: bool) -> GraphQLError:
    """An error of validation with its code: a literal that does not fit, or a document that the schema does not have.

    To an anonymous client the second kind always says to sign in, whether a role would have the field or none has it.
    """
    literal = places.get(id(_node(error)))
    if literal is not None:
        return with_code(error, BAD_USER_INPUT, (*literal, *_missing_field(error)))
    return with_code(error, UNAUTHENTICATED if is_anonymous else VALIDATION_FAILED)


def _node(error: GraphQLError) -> Node | None:
    """The node of the document that an error is about."""
    return error.nodes[0] if error.nodes else None


def _missing_field(error: GraphQLError) -> Path:
    missing = _MISSING.search(error.message)
    return (missing[1],) if missing else ()


class _Literals(Visitor):
    """Collects the paths of all literals of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[int, Path] = {}

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        """Collect the literals of an argument."""
        self.places.update(_places((node.name.value,), node.value))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        """Collect the literals of the default value of a variable."""
        if node.default_value:
            self.places.update(_places((node.variable.name.value,), node.default_value))


def _places(path: Path, literal: Node) -> Iterator[tuple[int, Path]]:
    left: list[tuple[Path, Node]] = [(path, literal)]
    while left:
        here, node = left.pop()
        yield id(node), here
        if isinstance(node, ListValueNode):
            left += [((*here, place), item) for place, item in enumerate(node.values)]
        elif isinstance(node, ObjectValueNode):
            left += [((*here, field.name.value), field) for field in node.fields]
        elif isinstance(node, ObjectFieldNode):
            left.append((here, node.value))
