"""Decides how much a document may ask for: one memoised pass, linear in the document, before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

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
}
_SIGN_IN = "signIn"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection comes to with its fragments spread: the deepest path, aliases and fields in all, fields at its top."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    top: int = 0

    def beside(self, other: "Cost") -> "Cost":
        """The cost of two selections in one set."""
        return Cost(
            max(self.depth, other.depth), self.aliases + other.aliases, self.fields + other.fields, self.top + other.top
        )

    def below(self, is_alias: bool) -> "Cost":
        """The cost of a field with this selection below it."""
        return Cost(self.depth + 1, self.aliases + is_alias, self.fields + 1, 1)


class OverBudgetError(GraphQLError):
    """A document that asks for more than one request may."""

    def __init__(self, limit: str) -> None:
        super().__init__(
            f"The document exceeds the limit of {LIMITS[limit]:,} {limit}",
            extensions={"code": "OVER_BUDGET", "limit": limit},
        )


@dataclass
class _Count:
    """Counts through one document, each fragment once."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Cost] = field(default_factory=dict)

    def of(self, selection_set: SelectionSetNode | None) -> Cost:
        """The cost of everything selected in one set."""
        total = Cost()
        for selection in selection_set.selections if selection_set else ():
            _weigh_directives(selection)
            total = total.beside(self._of_selection(selection))
        return total

    def _of_selection(self, selection: Node) -> Cost:
        if isinstance(selection, FieldNode):
            return self.of(selection.selection_set).below(selection.alias is not None)
        if isinstance(selection, FragmentSpreadNode):
            return self.of_fragment(selection.name.value)
        return self.of(selection.selection_set)  # type: ignore[attr-defined]

    def of_fragment(self, name: str) -> Cost:
        """The cost of a fragment, worked out once however often it is spread."""
        if name not in self.known:
            # A fragment inside itself costs nothing here: validation refuses it by its name.
            self.known[name] = Cost()
            fragment = self.fragments.get(name)
            if fragment:
                _weigh_directives(fragment)
                self.known[name] = self.of(fragment.selection_set)
        return self.known[name]


def _weigh_directives(node: Node) -> None:
    if len(getattr(node, "directives", None) or ()) > LIMITS["directives per place"]:
        raise OverBudgetError("directives per place")


def check_budget(document: DocumentNode) -> None:
    """Refuse a document of which some operation exceeds a limit; OverBudgetError names the limit."""
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    count = _Count(fragments)
    for name in fragments:
        _check(count.of_fragment(name), is_operation=False)
    for item in document.definitions:
        if isinstance(item, OperationDefinitionNode):
            _weigh_directives(item)
            _check(count.of(item.selection_set), is_operation=True)
            if item.operation is OperationType.MUTATION:
                _check_sign_in(item.selection_set, fragments)


def _check(cost: Cost, *, is_operation: bool) -> None:
    measured = {"depth": cost.depth, "aliases": cost.aliases, "expanded fields": cost.fields}
    if is_operation:
        measured["root fields"] = cost.top
    for limit, value in measured.items():
        if value > LIMITS[limit]:
            raise OverBudgetError(limit)


def _check_sign_in(selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> None:
    """Signing in is asked alone, so that one request tries one password."""
    names = list(_top_names(selection_set, fragments, set()))
    if _SIGN_IN in names and len(names) > 1:
        raise GraphQLError("signIn stands alone in its operation", extensions={"code": "OVER_BUDGET", "limit": _SIGN_IN})


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
