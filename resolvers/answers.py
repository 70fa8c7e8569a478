"""Decides how what was worked out in Python is answered: with what the selection asks for, encoded at once, as compiled reads are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_composite_type

from resolvers.selection import Asked, Selector

# Type → field → how it is read of a value. A field that is not named here is an item of a mapping.
Readers = Mapping[str, Mapping[str, Callable[[Any], Any]]]


@dataclass(frozen=True)
class Answerer:
    """What a selection asks of values: each type's fields are worked out once, whatever the number of its values."""

    selector: Selector
    readers: Readers

    def answer(self, named: Any, asked: Asked, value: Any) -> Any:
        """A value, or a list of values, under the response keys."""
        return self.reader(named, asked)(value)

    def reader(self, named: Any, asked: Asked) -> Callable[[Any], Any]:
        """What makes the answer of a value. A type of several kinds is told by the item `__typename`."""
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
    """What is asked of the values of one type."""

    answerer: Answerer
    name: str
    asked: Asked

    @cached_property
    def parts(self) -> list[tuple[str, Callable[[Any], Any]]]:
        """The response keys, and how each is read."""
        selector = self.answerer.selector
        target = selector.schema.get_type(self.name)
        assert isinstance(target, GraphQLObjectType)
        return [(field.key, self._part(field)) for field in selector.fields(target, self.asked.selection_sets)]

    def _part(self, field: Asked) -> Callable[[Any], Any]:
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
        """The answer for one value."""
        return {key: read(value) for key, read in self.parts}
