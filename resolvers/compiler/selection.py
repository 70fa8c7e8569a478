"""Reads a GraphQL selection: fragments are expanded, directives evaluated, and fields with equal response keys merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
)

from permissions.graphql_adapter import VariableValues


@dataclass(frozen=True, slots=True, eq=False)
class SelectedField:
    """One selected field under one response key, with all places in the document that select it."""

    key: str
    name: str
    nodes: tuple[FieldNode, ...]
    definition: GraphQLField | None

    @property
    def selection_sets(self) -> tuple[SelectionSetNode, ...]:
        """The selections below the field, to be merged."""
        return tuple(node.selection_set for node in self.nodes if node.selection_set)


@dataclass(frozen=True, slots=True)
class Selector:
    """Reads the selections of one operation in one role's schema."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def fields(self, parent: GraphQLObjectType, selection_sets: tuple[SelectionSetNode, ...]) -> list[SelectedField]:
        """The selected fields of a concrete type, in the order in which their keys first occur."""
        found: dict[str, list[FieldNode]] = {}
        for selection_set in selection_sets:
            self._collect(parent, selection_set, found, set())
        return [self._asked(parent, key, nodes) for key, nodes in found.items()]

    def arguments(self, asked: SelectedField) -> dict[str, Any]:
        """The field's arguments, with defaults and variables applied."""
        return get_argument_values(asked.definition, asked.nodes[0], self.variables) if asked.definition else {}

    def _asked(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> SelectedField:
        name = nodes[0].name.value
        return SelectedField(key, name, tuple(nodes), parent.fields.get(name))

    def _collect(
        self,
        parent: GraphQLObjectType,
        selection_set: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for selection in filter(self._is_wanted, selection_set.selections):
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                found.setdefault(key, []).append(selection)
                continue
            part = self._part(selection, spread)
            if part and self._applies(part, parent):
                self._collect(parent, part.selection_set, found, spread)

    def _part(self, selection: SelectionNode, spread: set[str]) -> InlineFragmentNode | FragmentDefinitionNode | None:
        if isinstance(selection, InlineFragmentNode):
            return selection
        name: str = selection.name.value  # type: ignore[attr-defined]
        if name in spread:
            return None
        spread.add(name)
        return self.fragments[name]

    def _applies(self, part: InlineFragmentNode | FragmentDefinitionNode, parent: GraphQLObjectType) -> bool:
        if part.type_condition is None:
            return True
        name = part.type_condition.name.value
        return name == parent.name or name in (interface.name for interface in parent.interfaces)

    def _is_wanted(self, selection: SelectionNode) -> bool:
        if not selection.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, selection, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, selection, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))


def object_type(field: GraphQLField) -> GraphQLObjectType:
    """The object type of a field; TypeError for a scalar or an interface."""
    named = get_named_type(field.type)
    if not isinstance(named, GraphQLObjectType):
        raise TypeError(f"{named} is read as an object, but is none")
    return named
