"""Query cost limits: depth, aliases and fields of a GraphQL document, counted in one memoised linear pass before execution."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

LIMITS = {
    "depth": 15,
    "aliases": 30,
    "root fields": 20,
    "expanded fields": 2_000,
    "directives per place": 4,
    "tokens": 4_000,
    # Selections inside selections, spread fragments among them: fifteen levels of fields need no more.
    "nested selections": 100,
    # Validation compares fields of one response name in pairs, which alone grows with the square of a document.
    "comparisons of fields": 50_000,
}
_SIGN_IN = "signIn"


@dataclass(frozen=True, slots=True)
class Cost:
    """The query cost of a selection with its fragments expanded: depth, aliases and fields in all, fields at its top."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0
    nested: int = 0

    def plus(self, other: "Cost") -> "Cost":
        """The cost of two selections in one set."""
        return Cost(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.top + other.top,
            max(self.nested, other.nested),
        )

    def under_field(self, is_alias: bool) -> "Cost":
        """The cost of a field with this selection below it."""
        return Cost(self.depth + 1, self.aliases + is_alias, self.fields + 1, 1, self.nested)

    def nested_once(self) -> "Cost":
        """The cost of a selection set that holds these selections."""
        return replace(self, nested=self.nested + 1)


class QueryCostError(GraphQLError):
    """A document whose query cost exceeds a limit."""

    def __init__(self, limit: str) -> None:
        super().__init__(
            f"The document exceeds the limit of {LIMITS[limit]:,} ({limit})",
            extensions={"code": "OVER_BUDGET", "limit": limit},
        )


@dataclass
class _Count:
    """Counts the cost of one document, each fragment once."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Cost] = field(default_factory=dict)
    level: int = 0

    def of(self, selection_set: SelectionSetNode | None) -> Cost:
        """The cost of one selection set."""
        if selection_set is None:
            return Cost()
        total = Cost()
        self.level += 1
        # A chain of fragments is followed as deep as the limit goes, so that it cannot use up the stack.
        _compare("nested selections", self.level)
        for selection in selection_set.selections:
            _weigh_directives(selection)
            total = total.plus(self._of_selection(selection))
        self.level -= 1
        return total.nested_once()

    def _of_selection(self, selection: Node) -> Cost:
        if isinstance(selection, FieldNode):
            return self.of(selection.selection_set).under_field(selection.alias is not None)
        if isinstance(selection, FragmentSpreadNode):
            return self.of_fragment(selection.name.value)
        return self.of(selection.selection_set)  # type: ignore[attr-defined]

    def of_fragment(self, name: str) -> Cost:
        """The cost of a fragment, worked out once however often it is spread."""
        if name not in self.known:
            # A fragment that spreads itself costs nothing here: validation refuses it by name.
            self.known[name] = Cost()
            fragment = self.fragments.get(name)
            if fragment:
                _weigh_directives(fragment)
                self.known[name] = self.of(fragment.selection_set)
        return self.known[name]


def _weigh_directives(node: Node) -> None:
    _compare("directives per place", len(getattr(node, "directives", None) or ()))


def _compare(limit: str, value: int) -> None:
    if value > LIMITS[limit]:
        raise QueryCostError(limit)


def check_query_cost(document: DocumentNode) -> None:
    """Refuse a document in which an operation exceeds a limit; QueryCostError names the limit."""
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    count = _Count(fragments)
    for name in fragments:
        _check(count.of_fragment(name), is_operation=False)
    for item in document.definitions:
        if isinstance(item, OperationDefinitionNode):
            for place in (item, *(item.variable_definitions or ())):
                _weigh_directives(place)
            _check(count.of(item.selection_set), is_operation=True)
            if item.operation is OperationType.MUTATION:
                _check_sign_in(item.selection_set, fragments)


def _check(cost: Cost, *, is_operation: bool) -> None:
    _compare("depth", cost.depth)
    _compare("aliases", cost.aliases)
    _compare("expanded fields", cost.fields)
    _compare("nested selections", cost.nested)
    if is_operation:
        _compare("root fields", cost.top)


def _check_sign_in(selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> None:
    """Require that signIn is the only field of its operation, so that one request tries one password."""
    names = list(_top_names(selection_set, fragments, set()))
    if _SIGN_IN in names and len(names) > 1:
        raise GraphQLError(
            "signIn must be the only field of its operation", extensions={"code": "OVER_BUDGET", "limit": _SIGN_IN}
        )


def _top_names(
    selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], spread: set[str]
) -> Iterator[str]:
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection.name.value
        elif isinstance(selection, InlineFragmentNode):
            yield from _top_names(selection.selection_set, fragments, spread)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in spread:
            spread.add(selection.name.value)
            fragment = fragments.get(selection.name.value)
            yield from _top_names(fragment.selection_set, fragments, spread) if fragment else ()
