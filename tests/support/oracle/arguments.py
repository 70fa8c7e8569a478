"""The arguments of random documents: literals, variables in any place, defaults, nulls, and missing arguments."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLString,
    get_named_type,
)

from db.global_ids import read_id
from tests.support.oracle.audit_events import FIELDS, OPERATIONS
from tests.support.oracle.facts import Facts

_PAGING = frozenset({"first", "last", "after", "before", "orderBy"})
_DEFAULT_ORDERS = {
    "InvoiceOrder": ("CREATED_ON", "DESC"),
    "EncounterOrder": ("SERVICE_DATE", "DESC"),
    "RecoupmentRequestOrder": ("REQUESTED_ON", "DESC"),
    "IssuedDocumentOrder": ("ISSUED_AT", "DESC"),
}
_SIZES = (1, 1, 2, 3, 5, 10, 50, 120, 500)
_FILTER_KEYS = (0, 1, 1, 2, 3)
_NOT_SENT = 0.06
# A text may be a cursor and a number the size of a page; cursors belong to an order.
_KEPT = (GraphQLString, GraphQLInt)
_ORDERED = ("InvoiceOrder", "EncounterOrder", "RecoupmentRequestOrder", "IssuedDocumentOrder")
_KEPT_NAMES = (*_ORDERED, *(f"{order}Field" for order in _ORDERED), "Direction")
_MOMENTS = ("2026-06-29T23:59:58Z", "2026-06-29T20:00:00.5-04:00", "2026-06-30T02:00:01+02:00")
_WORDS = {"field": FIELDS, "operation": OPERATIONS}
# The maximum number of true variables in a document, and of false ones.
_FLAGS = 2


def size_of(rng: Random, most: int) -> int:
    """How many rows a page has."""
    return rng.choice([size for size in _SIZES if size <= most] or [1])


@dataclass
class Arguments:
    """Writes the arguments of one document and collects its variables. `node_type` is the type of the next id of a node."""

    rng: Random
    facts: Facts
    node_type: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    _declared: list[str] = field(default_factory=list)
    _flags: dict[str, bool] = field(default_factory=dict)

    def again(self, of_type: GraphQLInputType, value: Any) -> Any:
        """Another value of the same shape, with the same order where cursors depend on it."""
        if isinstance(of_type, GraphQLNonNull):
            return self.again(of_type.of_type, value)
        if value is None or of_type in _KEPT or getattr(of_type, "name", "") in _KEPT_NAMES:
            return value
        if isinstance(of_type, GraphQLList):
            items = value if isinstance(value, list) else [value]
            return [self.again(of_type.of_type, item) for item in items * self.rng.choice([0, 1, 1, 2])]
        if isinstance(of_type, GraphQLInputObjectType):
            return {name: self.again(of_type.fields[name].type, item) for name, item in value.items()}
        if of_type is GraphQLID:
            found = read_id(value)
            return self.facts.id(self.rng, found[0] if found else "Invoice")
        return self._value(of_type, "", "")

    def declarations(self) -> str:
        """The variables of the operation."""
        return ", ".join(self._declared)

    def flag(self, value: bool) -> str:
        """A condition of a directive."""
        if self.rng.random() < 0.4:
            return str(value).lower()
        existing = [name for name, kept in self._flags.items() if kept is value]
        if len(existing) < _FLAGS:
            existing = [self._variable("Boolean!", value, str(value).lower())]
            self._flags[existing[0]] = value
        return self.rng.choice(existing)

    def of(self, parent: GraphQLNamedType, name: str, definition: GraphQLField, size: int) -> str:
        """The arguments of a field in brackets; `size` is how many rows its page may have."""
        written = self._paging(parent, definition, size) if size else {}
        for argument, item in definition.args.items():
            is_needed = isinstance(item.type, GraphQLNonNull)
            if argument not in _PAGING and (is_needed or self.rng.random() < 0.45):
                written[argument] = self._write(item.type, self._value(item.type, argument, name))
            elif argument not in _PAGING and not is_needed and self.rng.random() < _NOT_SENT:
                written[argument] = self._not_sent(item.type)
        items = list(written.items())
        self.rng.shuffle(items)
        return f"({', '.join(f'{argument}: {text}' for argument, text in items)})" if items else ""

    def _paging(self, parent: GraphQLNamedType, definition: GraphQLField, size: int) -> dict[str, str]:
        written: dict[str, str] = {}
        order: tuple[str, str] | None = None
        if "orderBy" in definition.args:
            order = self._order(parent, definition, written)
        for argument, chance in self._sizes(definition, size):
            if self.rng.random() < chance:
                written[argument] = self._write(definition.args[argument].type, size)
        listed = get_named_type(definition.type).name.removesuffix("Connection")
        cursors = self.facts.cursors.get((listed, order), [])
        for argument in ("after", "before"):
            if cursors and argument in definition.args and self.rng.random() < 0.22:
                written[argument] = self._write(definition.args[argument].type, self.rng.choice(cursors))
        if self.rng.random() < 0.1:
            for argument in set(definition.args) & {"last", "after", "before"} - set(written):
                written[argument] = "null"
        return written

    def _sizes(self, definition: GraphQLField, size: int) -> list[tuple[str, float]]:
        """The probability of each size argument; a page of fifty needs none."""
        if "last" not in definition.args:
            return [("first", 0.8 if size == 50 else 1.0)]
        return self.rng.choice([[("first", 1.0)], [("last", 1.0)], [("first", 1.0), ("last", 1.0)]])

    def _order(
        self, parent: GraphQLNamedType, definition: GraphQLField, written: dict[str, str]
    ) -> tuple[str, str] | None:
        """Choose an order and write its argument; returns the resulting order, None for the list's default."""
        item = definition.args["orderBy"]
        chance = self.rng.random()
        if chance < 0.3:
            return _DEFAULT_ORDERS[get_named_type(item.type).name] if parent.name == "Query" else None
        if chance < 0.4:
            written["orderBy"] = self._write(item.type, None)
            return None
        value = self._value(item.type, "orderBy", "")
        written["orderBy"] = self._write(item.type, value)
        return value["field"], value["direction"]

    def _value(self, of_type: GraphQLInputType, name: str, field_name: str) -> Any:
        """A value as JSON."""
        if isinstance(of_type, GraphQLNonNull):
            return self._value(of_type.of_type, name, field_name)
        if isinstance(of_type, GraphQLList):
            count = self.rng.choice([0, 1, 1, 2, 3])
            return [self._value(of_type.of_type, name, field_name) for _ in range(count)]
        if isinstance(of_type, GraphQLInputObjectType):
            return self._object(of_type)
        if isinstance(of_type, GraphQLEnumType):
            return self.rng.choice(list(of_type.values))
        return self._scalar(of_type.name, name, field_name)

    def _object(self, of_type: GraphQLInputObjectType) -> dict[str, Any]:
        needed = [name for name, item in of_type.fields.items() if isinstance(item.type, GraphQLNonNull)]
        optional = [name for name in of_type.fields if name not in needed]
        count = min(self.rng.choice(_FILTER_KEYS), len(optional))
        chosen = needed + self.rng.sample(optional, count)
        return {
            name: None
            if name in optional and self.rng.random() < 0.1
            else self._value(of_type.fields[name].type, name, "")
            for name in chosen
        }

    def _scalar(self, type_name: str, name: str, field_name: str) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "ID": lambda: self.facts.id(self.rng, self._type_meant(name, field_name)),
            "Boolean": lambda: self.rng.random() < 0.5,
            "Money": lambda: self.rng.choice(self.facts.amounts),
            "Date": lambda: self.rng.choice(self.facts.days),
            "DateTime": lambda: self.rng.choice(_MOMENTS),
            "String": lambda: self._text(name),
        }
        return makers[type_name]()

    def _text(self, name: str) -> str:
        if name == "number":
            number = self.rng.choice(self.facts.numbers)
            return self.rng.choice([number, number, number, number.lower(), "INV-0000-000000", ""])
        if name in _WORDS:
            return self.rng.choice([*_WORDS[name], ""])
        if name == "code":
            code = self.rng.choice(self.facts.codes)
            return code[: self.rng.randint(0, len(code))]
        return self.facts.search(self.rng)

    def _type_meant(self, name: str, field_name: str) -> str:
        """The type that an id names: payerId a payer, invoice(id:) an invoice, node(id:) and entityId any type."""
        type_name = (name.removesuffix("Id") if name != "id" else field_name).capitalize()
        return (
            type_name if type_name in self.facts.in_reach else self.node_type or self.rng.choice([*self.facts.in_reach])
        )

    def _write(self, of_type: GraphQLInputType, value: Any) -> str:
        """A value in the document: a variable, or a literal that may contain variables."""
        if self.rng.random() < 0.3:
            return self._as_variable(of_type, value)
        return self._literal(of_type, value)

    def _as_variable(self, of_type: GraphQLInputType, value: Any) -> str:
        if value is not None and not isinstance(of_type, GraphQLNonNull) and self.rng.random() < 0.3:
            return self._variable(f"{of_type}!", value, self._plain(of_type, value))
        return self._variable(str(of_type), value, self._plain(of_type, value))

    def _variable(self, type_name: str, value: Any, literal: str) -> str:
        name = f"v{len(self._declared)}"
        if self.rng.random() < 0.15:
            # A variable that is not sent takes its default.
            self._declared.append(f"${name}: {type_name} = {literal}" if value is not None else f"${name}: {type_name}")
            if value is None:
                self.values[name] = None
        else:
            self._declared.append(f"${name}: {type_name}")
            self.values[name] = value
        return f"${name}"

    def _literal(self, of_type: GraphQLInputType, value: Any) -> str:
        inner = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
        if isinstance(inner, GraphQLList) and isinstance(value, list):
            if len(value) == 1 and self.rng.random() < 0.2:
                return self._literal(inner.of_type, value[0])
            return f"[{', '.join(self._write(inner.of_type, item) for item in value)}]"
        if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            parts = [f"{name}: {self._write(inner.fields[name].type, item)}" for name, item in value.items()]
            others = [name for name, item in inner.fields.items() if name not in value]
            if others and self.rng.random() < _NOT_SENT:
                name = self.rng.choice(others)
                parts.append(f"{name}: {self._not_sent(inner.fields[name].type)}")
            return f"{{{', '.join(parts)}}}"
        return self._plain(inner, value)

    def _not_sent(self, of_type: GraphQLInputType) -> str:
        """A variable that is declared and not sent, which is as if the argument were missing."""
        name = f"v{len(self._declared)}"
        self._declared.append(f"${name}: {of_type}")
        return f"${name}"

    def _plain(self, of_type: GraphQLInputType, value: Any) -> str:
        """A literal without variables."""
        inner = of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type
        if isinstance(inner, GraphQLList) and isinstance(value, list):
            return f"[{', '.join(self._plain(inner.of_type, item) for item in value)}]"
        if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            parts = [f"{name}: {self._plain(inner.fields[name].type, item)}" for name, item in value.items()]
            return f"{{{', '.join(parts)}}}"
        if isinstance(inner, GraphQLEnumType) and value is not None:
            return str(value)
        return json.dumps(value)
