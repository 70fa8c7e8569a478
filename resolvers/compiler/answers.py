"""Encodes results that were computed in Python: only the selected fields, as JSON, like the results of compiled reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_composite_type

from resolvers.compiler.selection import SelectedField, Selector

# Type → field → how it is read from a value. A field that is not listed here is an item of a mapping.
Readers = Mapping[str, Mapping[str, Callable[[Any], Any]]]


@dataclass(frozen=True)
class Answerer:
    """The selected fields of values: each type's fields are determined once, whatever the number of its values."""

    selector: Selector
    readers: Readers

    def answer(self, named: Any, asked: SelectedField, value: Any) -> Any:
        """A value, or a list of values, under the response keys."""
        return self.reader(named, asked)(value)

    def reader(self, named: Any, asked: SelectedField) -> Callable[[Any], Any]:
        """The function that encodes a value. The item `__typename` tells the type of a value of an interface."""
        shapes: dict[str, _Shape] = {}

        def of_one(item: Any) -> Any:
            name = named.name if isinstance(named, GraphQLObjectType) else item["__typename"]
            if name not in shapes:
                shapes[name] = _Shape(self, name, asked)
            return shapes[name].of(item)

        def of(value: Any) -> Any:
            if value is None:
                return None
            return [of_one(item) for item in value] if isinstance(value, list) else of_one(value)

        return of


@dataclass
class _Shape:
    """The selected fields of one type."""

    answerer: Answerer
    name: str
    asked: SelectedField

    @cached_property
    def parts(self) -> list[tuple[str, Callable[[Any], Any]]]:
        """The response keys, and how each field is read."""
        selector = self.answerer.selector
        target = selector.schema.get_type(self.name)
        assert isinstance(target, GraphQLObjectType)
        return [(field.key, self._part(field)) for field in selector.fields(target, self.asked.selection_sets)]

    def _part(self, field: SelectedField) -> Callable[[Any], Any]:
        if field.name == "__typename":
            return lambda value: self.name
        read = self.answerer.readers.get(self.name, {}).get(field.name) or (lambda value: value[field.name])
        assert field.definition is not None
        named = get_named_type(field.definition.type)
        if not is_composite_type(named):
            return read
        below = self.answerer.reader(named, field)
        return lambda value: below(read(value))

    def of(self, value: Any) -> dict[str, Any]:
        """The encoded fields of one value."""
        return {key: read(value) for key, read in self.parts}
