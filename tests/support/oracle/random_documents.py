"""Random documents: valid for a role's schema, within the server's limits, the same for the same seed."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    parse,
    type_from_ast,
    validate,
)

from limits.query_cost import LIMITS, check_query_cost
from tests.support.oracle.arguments import Arguments, size_of
from tests.support.oracle.facts import Facts

Composite = GraphQLObjectType | GraphQLInterfaceType
# The maximum number of rows of one type that the textbook reads for a document; a page may have the server's maximum length.
_MOST_ROWS = 500
_LIST_ROWS = 3
_LONG_ALIAS = "a_response_key_that_is_longer_than_what_postgresql_lets_a_column_be_called_"
# Fields that are not read from the database have no oracle here: that of quotes is in tests/api/pricing/test_quoted_prices.py,
# and previews of merges are compared with the merges that they announce.
# Reports have an oracle of their own, and so have exports, which only their own user can read.
_FILE, _OTHERS = (
    "Export",
    (
        "worklists",
        "aging",
        "agingByPayer",
        "agingByPayerPage",
        "analytics",
        "export",
        "exports",
        "clinic",
        "importMappings",
    ),
)
_NOT_ASKED = frozenset(
    {"__schema", "__type", "explainAccess", "priceQuote", "mergePreview", "labels", "transitions", *_OTHERS}
)


@dataclass(frozen=True)
class Document:
    """One document with its variables."""

    source: str
    variables: dict[str, Any]


@dataclass(frozen=True)
class _Fragment:
    name: str
    depth: int
    rows: int
    aliases: int


@dataclass
class _Writer:
    """Writes one document."""

    rng: Random
    schema: GraphQLSchema
    facts: Facts
    left: int
    aliases: int = 0
    fragments: dict[str, list[_Fragment]] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.rng, self.facts)

    def document(self, depth: int) -> Document:
        """An operation with all its fragments."""
        query = self.schema.query_type
        assert query is not None
        body = self.selections(query, depth, 1, self.rng.choice([1, 1, 1, 2, 3]))
        name = self.rng.choice(["query", "query Random"])
        declared = self.arguments.declarations()
        keyword = name + (f"({declared})" if declared else "")
        return Document("\n".join([f"{keyword} {body}", *self.definitions]), self.arguments.values)

    def selections(self, parent: Composite, depth: int, rows: int, count: int = 0) -> str:
        """A selection set of a type that occurs in `rows` rows."""
        wanted = count or (self.rng.choice([1, 2, 3, 3, 4, 5, 7]) if self.left > 0 else 1)
        parts = [self._selection(parent, depth, rows) for _ in range(wanted)]
        if parent.name.endswith("Connection") and self.rng.random() < 0.7:
            parts.append(self._named(parent, self.rng.choice(["nodes", "edges"]), depth, rows))
        if self.rng.random() < 0.08:
            # The same response keys once more, with another selection below them.
            parts.append(f"... {{ {self._selection(parent, depth, rows)} }}")
        return f"{{ {' '.join(parts)} }}"

    def _selection(self, parent: Composite, depth: int, rows: int) -> str:
        chance = self.rng.random()
        if chance < 0.05:
            return f"{self._alias('__typename', 0.3)}__typename{self._directives()}"
        if chance < 0.14 and self.left > 0:
            return self._inline(parent, depth, rows)
        if chance < 0.25 and self.left > 0:
            return self._spread(parent, depth, rows)
        if isinstance(parent, GraphQLInterfaceType) and chance < 0.85:
            return self._inline(parent, depth, rows)
        return self._field(parent, depth, rows)

    def _inline(self, parent: Composite, depth: int, rows: int) -> str:
        self.left -= 1
        target: Composite | None = parent
        if isinstance(parent, GraphQLInterfaceType):
            target = self._implementer(parent)
        elif self.rng.random() < 0.3:
            target = self.rng.choice([None, *parent.interfaces])
        condition = f"on {target.name} " if target else ""
        return f"... {condition}{self._directives()}{self.selections(target or parent, depth, rows)}"

    def _implementer(self, face: GraphQLInterfaceType) -> GraphQLObjectType:
        """One of the types of an interface: mostly the one that the id names."""
        by_name = {named.name: named for named in self.schema.get_implementations(face).objects}
        is_meant = self.arguments.node_type in by_name and self.rng.random() < 0.8
        return by_name[self.arguments.node_type if is_meant else self.rng.choice(list(by_name))]

    def _spread(self, parent: Composite, depth: int, rows: int) -> str:
        self.left -= 1
        targets = [parent, *(parent.interfaces if isinstance(parent, GraphQLObjectType) else ())]
        if isinstance(parent, GraphQLInterfaceType):
            targets.append(self._implementer(parent))
        target = self.rng.choice(targets)
        usable = [part for part in self.fragments.get(target.name, []) if part.depth <= depth and part.rows >= rows]
        if usable and self.rng.random() < 0.5:
            part = self.rng.choice(usable)
            self.aliases += part.aliases
            return f"...{part.name}{self._directives()}"
        before = self.aliases
        body = self.selections(target, depth, rows)
        fragment = _Fragment(f"F{len(self.definitions)}", depth, rows, self.aliases - before)
        self.definitions.append(f"fragment {fragment.name} on {target.name} {body}")
        self.fragments.setdefault(target.name, []).append(fragment)
        return f"...{fragment.name}{self._directives()}"

    def _field(self, parent: Composite, depth: int, rows: int) -> str:
        return self._named(parent, self.rng.choice(self._names(parent, depth)), depth, rows)

    def _named(self, parent: Composite, name: str, depth: int, rows: int) -> str:
        self.left -= 1
        definition = parent.fields[name]
        if name in ("node", "nodes") and parent is self.schema.query_type:
            self.arguments.node_type = self.rng.choice(self._node_types())
        size = size_of(self.rng, max(1, _MOST_ROWS // rows)) if name_has_pages(definition) else 0
        arguments = self.arguments.of(parent, name, definition, size)
        alias = self._alias(name, 0.9 if arguments else 0.12)
        below = ""
        named = get_named_type(definition.type)
        if isinstance(named, Composite):
            below = " " + self.selections(named, depth - 1, rows * (size or _repeats(parent, definition)))
        return f"{alias}{name}{arguments}{self._directives()}{below}"

    def _names(self, parent: Composite, depth: int) -> list[str]:
        """The fields to choose from: only leaves where the document is deep or long enough."""
        leaves = [name for name, item in parent.fields.items() if not isinstance(get_named_type(item.type), Composite)]
        others = [name for name in parent.fields if name not in leaves and name not in _NOT_ASKED]
        if parent is self.schema.query_type:
            return others + [name for name in others if name != "viewer"] * 8 + ["invoices"] * len(others) * 3
        if not others or (leaves and (depth <= 1 or self.left <= 0 or self.rng.random() < 0.5)):
            return leaves
        return others

    def _node_types(self) -> list[str]:
        node = self.schema.type_map["Node"]
        assert isinstance(node, GraphQLInterfaceType)
        named = [each.name for each in self.schema.get_implementations(node).objects if each.name != _FILE]
        return named * 3 + list(self.facts.in_reach)

    def _alias(self, name: str, chance: float) -> str:
        if self.aliases >= LIMITS["aliases"] - 4 or self.rng.random() > chance:
            return ""
        self.aliases += 1
        return f"{_LONG_ALIAS if self.rng.random() < 0.12 else self.rng.choice('axy')}{self.aliases}: "

    def _directives(self) -> str:
        if self.rng.random() > 0.1:
            return ""
        parts = []
        for name, usual in (("include", True), ("skip", False)):
            if self.rng.random() < 0.6:
                value = usual if self.rng.random() < 0.75 else not usual
                parts.append(f" @{name}(if: {self.arguments.flag(value)})")
        self.rng.shuffle(parts)
        return "".join(parts) + " "


def name_has_pages(definition: GraphQLField) -> bool:
    """Whether a field is a connection."""
    return "first" in definition.args


def _repeats(parent: Composite, definition: GraphQLField) -> int:
    """About how many rows a list has; those of a connection are counted where its size is chosen."""
    is_list = isinstance(getattr(definition.type, "of_type", None), GraphQLList)
    return _LIST_ROWS if is_list and not parent.name.endswith("Connection") else 1


def random_document(seed: int, schema: GraphQLSchema, facts: Facts) -> Document:
    """The document of a seed: valid, and within the limits of the server."""
    rng = Random(seed)  # noqa: S311 (the same seed gives the same document)
    while True:
        depth = rng.choice([3, 4, 4, 5, 5, 6, 7, 8, LIMITS["depth"]])
        found = _Writer(rng, schema, facts, left=rng.choice([15, 30, 60, 100])).document(depth)
        if is_acceptable(schema, found.source):
            return found


def with_other_variables(document: Document, seed: int, schema: GraphQLSchema, facts: Facts) -> Document:
    """The same document with other variables, as a client with stored documents sends it."""
    arguments = Arguments(Random(seed), facts)  # noqa: S311 (the same seed gives the same variables)
    operation = parse(document.source).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values = dict(document.variables)
    for declared in operation.variable_definitions or ():
        name = declared.variable.name.value
        if name in values:
            of_type: Any = type_from_ast(schema, declared.type)
            values[name] = arguments.again(of_type, values[name])
    return Document(document.source, values)


def is_acceptable(schema: GraphQLSchema, source: str) -> bool:
    """Whether the server would run a document."""
    try:
        document = parse(source, max_tokens=LIMITS["tokens"], allow_empty_selection_sets=False)
        check_query_cost(document)
    except GraphQLError:
        return False
    return not validate(schema, document, max_errors=1, allow_empty_selection_sets=False)


def readable(schema: GraphQLSchema) -> set[str]:
    """Every field, argument and key of an input that a query of this schema can name."""
    found: set[str] = set()
    waiting: list[Any] = [schema.query_type]
    visited: set[str] = set()
    while waiting:
        named = waiting.pop()
        if named.name in visited:
            continue
        visited.add(named.name)
        for name, item in getattr(named, "fields", {}).items():
            if name in _NOT_ASKED:
                continue
            found.add(f"{named.name}.{name}")
            found.update(f"{named.name}.{name}({argument}:)" for argument in getattr(item, "args", {}))
            waiting += [get_named_type(argument.type) for argument in getattr(item, "args", {}).values()]
            waiting.append(get_named_type(item.type))
        if isinstance(named, GraphQLInterfaceType):
            found -= {f"{named.name}.{name}" for name in named.fields}
            waiting += [each for each in schema.get_implementations(named).objects if each.name != _FILE]
    return found
