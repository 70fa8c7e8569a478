"""Compares two answers, and shrinks a document to the smallest one whose answers differ."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson
from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tests.support.oracle.random_documents import Document, is_acceptable

_REMOVABLE = (FieldNode, FragmentSpreadNode, InlineFragmentNode, ArgumentNode, DirectiveNode, ObjectFieldNode)
_MOST_TRIALS = 1_000

Differs = Callable[[Document], Awaitable[bool]]


def normal(answer: Any) -> bytes:
    """An answer as bytes that depend on its keys, their order and its values alone.

    PostgreSQL breaks lines between the elements of a list and writes a whole number without a point.
    """
    return orjson.dumps(_plain(orjson.loads(orjson.dumps(answer))))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def first_difference(ours: Any, theirs: Any, path: str = "data") -> str | None:
    """Where two answers differ first and how, in words; None where they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if list(ours) != list(theirs):
            return f"{path}: keys {list(ours)} against {list(theirs)}"
        pairs: Iterator[tuple[Any, Any, str]] = ((ours[key], theirs[key], f"{path}.{key}") for key in ours)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path}: {len(ours)} elements against {len(theirs)}"
        pairs = ((one, other, f"{path}[{place}]") for place, (one, other) in enumerate(zip(ours, theirs, strict=True)))
    else:
        return None if normal(ours) == normal(theirs) else f"{path}: {ours!r} against {theirs!r}"
    return next((found for one, other, below in pairs if (found := first_difference(one, other, below))), None)


async def shrunk(document: Document, schema: GraphQLSchema, differs: Differs) -> Document:
    """The document without all parts that can be removed while the two answers still differ."""
    place = before = 0
    for _ in range(_MOST_TRIALS):
        smaller = _without(document, place)
        if smaller is None:
            # A part that could not be removed before may be removable now.
            if before == len(document.source):
                break
            place, before = 0, len(document.source)
            continue
        if is_acceptable(schema, smaller.source) and await differs(smaller):
            document = smaller
        else:
            place += 1
    return document


def _without(document: Document, place: int) -> Document | None:
    """The document without its n-th removable part and the definitions that only that part used; None when it has no such part."""
    cut = _Cut(place)
    tree: DocumentNode = visit(parse(document.source), cut)
    if not cut.is_done:
        return None
    try:
        tree = _without_unused(parse(print_ast(tree)))
    except GraphQLError:
        # A selection has become empty.
        return Document("{", document.variables)
    declared = {node.variable.name.value for node in _nodes(tree, VariableDefinitionNode)}
    variables = {name: value for name, value in document.variables.items() if name in declared}
    return Document(print_ast(tree), variables)


class _Cut(Visitor):
    """Removes the n-th removable node of a tree."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place, self.is_done = place, False

    def enter(self, node: Node, *_: Any) -> Any:
        """Count, and remove the n-th."""
        if self.is_done or not isinstance(node, _REMOVABLE):
            return None
        self.place -= 1
        self.is_done = self.place < 0
        return REMOVE if self.is_done else None


def _nodes(tree: Node, kind: type[Any]) -> list[Any]:
    found: list[Any] = []

    class Finder(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            if isinstance(node, kind):
                found.append(node)

    visit(tree, Finder())
    return found


def _without_unused(tree: DocumentNode) -> DocumentNode:
    """The document without fragments and variables that nothing uses any more."""
    while True:
        spread = {node.name.value for node in _nodes(tree, FragmentSpreadNode)}
        unused = [
            node
            for node in tree.definitions
            if isinstance(node, FragmentDefinitionNode) and node.name.value not in spread
        ]
        if not unused:
            break
        kept = tuple(node for node in tree.definitions if node not in unused)
        tree = DocumentNode(definitions=kept)
    used = [node.name.value for node in _nodes(tree, VariableNode)]

    class Pruner(Visitor):
        def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
            # Its declaration is one occurrence.
            return REMOVE if used.count(node.variable.name.value) == 1 else None

    pruned: DocumentNode = visit(tree, Pruner())
    return pruned


def report(document: Document, ours: Any, theirs: Any) -> str:
    """The document, its variables and the first difference, for the message of a failed test."""
    tree = print_ast(parse(document.source))
    return f"{tree}\nvariables: {document.variables}\ncompiled against textbook, {first_difference(ours, theirs)}"
