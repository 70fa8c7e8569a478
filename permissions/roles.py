"""Builds the GraphQL schema of each role: a pruned copy from which everything that the role may not see is absent."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    specified_directives,
    specified_scalar_types,
    validate_schema,
)

from domain.access.people import Role
from permissions.classes import Guard
from permissions.coordinates import Mark, Narrowed, check_marks, seen_by
from permissions.graphql_adapter import copy_enum, metadata, permission_classes, type_rule, value_rule
from permissions.rules import RULES, SIGNED_IN

Composite = GraphQLObjectType | GraphQLInterfaceType


def _is_ours(named: GraphQLNamedType) -> bool:
    return not named.name.startswith("__") and named.name not in specified_scalar_types


def marks_of(schema: GraphQLSchema) -> dict[str, Mark | None]:
    """Every coordinate of a schema with the rule declared on it, None where there is none."""
    return dict(_marks(schema))


def _marks(schema: GraphQLSchema) -> Iterator[tuple[str, Mark | None]]:
    for named in filter(_is_ours, schema.type_map.values()):
        if isinstance(named, Composite):
            for name, field in named.fields.items():
                yield f"{named.name}.{name}", _field_mark(field)
                for arg_name, arg in field.args.items():
                    yield f"{named.name}.{name}({arg_name}:)", _metadata_mark(arg)
        elif isinstance(named, GraphQLInputObjectType):
            for name, input_field in named.fields.items():
                yield f"{named.name}.{name}", _metadata_mark(input_field)
        elif isinstance(named, GraphQLEnumType):
            for name, value in named.values.items():
                yield f"{named.name}.{name}", value_rule(value)


def _field_mark(field: GraphQLField) -> Mark | None:
    guards = _guards(field)
    return guards[0].rule.name if guards else None


def is_protected(field: GraphQLField | None) -> bool:
    """Whether a field's rule excludes at least one role of signed-in users."""
    mark = _field_mark(field) if field else None
    return isinstance(mark, str) and not RULES[mark].roles >= SIGNED_IN


def _guards(field: GraphQLField) -> list[type[Guard]]:
    return [cls for cls in permission_classes(field) if issubclass(cls, Guard)]


def _metadata_mark(item: GraphQLArgument | GraphQLInputField) -> Mark | None:
    mark: Mark | None = metadata(item).get("rule")
    return mark


def schema_for(schema: GraphQLSchema, seen: frozenset[str], hidden_types: frozenset[str]) -> GraphQLSchema:
    """The schema with only the coordinates in `seen` and without `hidden_types`: pruned to a fixed point, then validated.

    TypeError when the result is no valid schema, for example when a role keeps no query field.
    """
    pruned = _Pruning(schema, seen, hidden_types).build()
    errors = validate_schema(pruned)
    if errors:
        raise TypeError("; ".join(error.message for error in errors))
    return pruned


class _Pruning:
    """The pruning of the whole schema to the coordinates that a role sees."""

    def __init__(self, schema: GraphQLSchema, seen: frozenset[str], hidden_types: frozenset[str]) -> None:
        self.schema = schema
        self.seen = seen
        self.kept = {name for name, named in schema.type_map.items() if _is_ours(named)} - hidden_types
        self.copies: dict[str, GraphQLNamedType] = {}

    def build(self) -> GraphQLSchema:
        while True:
            empty = {name for name in self.kept if not self._has_content(self.schema.type_map[name])}
            lost = empty or self.kept - self._reachable()
            if not lost:
                break
            self.kept -= lost
        roots = {"query": self.schema.query_type, "mutation": self.schema.mutation_type}
        roots["subscription"] = self.schema.subscription_type
        return GraphQLSchema(
            **{kind: self._copy(root) if root and root.name in self.kept else None for kind, root in roots.items()},  # type: ignore[arg-type]
            types=[self._copy(self.schema.type_map[name]) for name in sorted(self.kept)],
            directives=specified_directives,
            extensions=self.schema.extensions,
        )

    def _has_content(self, named: GraphQLNamedType) -> bool:
        if isinstance(named, Composite):
            return bool(self._fields(named))
        if isinstance(named, GraphQLInputObjectType):
            return bool(self._inputs(named)) and self._required_inputs_are_kept(named)
        if isinstance(named, GraphQLEnumType):
            return bool(self._values(named))
        return True

    def _is_kept(self, of_type: Any) -> bool:
        named = get_named_type(of_type)
        return named.name in self.kept or not _is_ours(named)

    def _fields(self, named: Composite) -> dict[str, GraphQLField]:
        return {
            name: field
            for name, field in named.fields.items()
            if f"{named.name}.{name}" in self.seen
            and self._is_kept(field.type)
            and self._required_args_are_kept(named, name, field)
        }

    def _required_args_are_kept(self, named: Composite, name: str, field: GraphQLField) -> bool:
        kept = self._args(named, name, field)
        return all(arg in kept for arg, argument in field.args.items() if isinstance(argument.type, GraphQLNonNull))

    def _required_inputs_are_kept(self, named: GraphQLInputObjectType) -> bool:
        kept = self._inputs(named)
        return all(name in kept for name, item in named.fields.items() if isinstance(item.type, GraphQLNonNull))

    def _args(self, named: Composite, name: str, field: GraphQLField) -> dict[str, GraphQLArgument]:
        return {
            arg: argument
            for arg, argument in field.args.items()
            if f"{named.name}.{name}({arg}:)" in self.seen and self._is_kept(argument.type)
        }

    def _inputs(self, named: GraphQLInputObjectType) -> dict[str, GraphQLInputField]:
        return {
            name: item
            for name, item in named.fields.items()
            if f"{named.name}.{name}" in self.seen and self._is_kept(item.type)
        }

    def _values(self, named: GraphQLEnumType) -> dict[str, Any]:
        return {name: value for name, value in named.values.items() if f"{named.name}.{name}" in self.seen}

    def _reachable(self) -> set[str]:
        """The types reachable from the roots: by a field, and through an interface only for types with a rule of their own."""
        roots = (self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type)
        reached: set[str] = set()
        waiting = [root.name for root in roots if root and root.name in self.kept]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            waiting.extend(
                next_name for next_name in self._leads_to(self.schema.type_map[name]) if next_name in self.kept
            )
        return reached

    def _leads_to(self, named: GraphQLNamedType) -> Iterator[str]:
        if isinstance(named, Composite):
            for name, field in self._fields(named).items():
                yield get_named_type(field.type).name
                yield from (get_named_type(argument.type).name for argument in self._args(named, name, field).values())
            yield from (interface.name for interface in named.interfaces)
        if isinstance(named, GraphQLInterfaceType):
            implementers = self.schema.get_implementations(named).objects
            yield from (implementer.name for implementer in implementers if type_rule(implementer))
        if isinstance(named, GraphQLInputObjectType):
            yield from (get_named_type(item.type).name for item in self._inputs(named).values())

    def _copy(self, named: GraphQLNamedType) -> Any:
        if not _is_ours(named) or isinstance(named, GraphQLScalarType):
            return named
        if named.name not in self.copies:
            self.copies[named.name] = self._new(named)
        return self.copies[named.name]

    def _type(self, of_type: Any) -> Any:
        if isinstance(of_type, GraphQLNonNull | GraphQLList):
            return type(of_type)(self._type(of_type.of_type))
        return self._copy(of_type)

    def _new(self, named: GraphQLNamedType) -> GraphQLNamedType:
        kwargs: dict[str, Any] = {**named.to_kwargs()}
        if isinstance(named, Composite):
            kwargs["fields"] = lambda: {name: self._field(named, name, f) for name, f in self._fields(named).items()}
            kwargs["interfaces"] = lambda: [
                self._copy(face) for face in named.interfaces if self._implements(named, face)
            ]
        elif isinstance(named, GraphQLInputObjectType):
            kwargs["fields"] = lambda: {name: self._item(item) for name, item in self._inputs(named).items()}
        elif isinstance(named, GraphQLEnumType):
            return copy_enum(named, self._values(named))
        return type(named)(**kwargs)

    def _implements(self, named: Composite, face: GraphQLInterfaceType) -> bool:
        return face.name in self.kept and set(self._fields(face)) <= set(self._fields(named))

    def _field(self, named: Composite, name: str, field: GraphQLField) -> GraphQLField:
        args = {arg: self._argument(argument) for arg, argument in self._args(named, name, field).items()}
        changed = {"type_": self._type(field.type), "args": args, "resolve": _lean(field)}
        return GraphQLField(**{**field.to_kwargs(), **changed})

    def _argument(self, argument: GraphQLArgument) -> GraphQLArgument:
        narrowed: Narrowed | None = metadata(argument).get("narrowed")
        if narrowed is None or self.seen.issuperset(narrowed.unless):
            return cast(GraphQLArgument, self._item(argument))
        return GraphQLArgument(**{**argument.to_kwargs(), "type_": self._narrow(argument.type, narrowed)})

    def _narrow(self, of_type: Any, narrowed: Narrowed) -> Any:
        if isinstance(of_type, GraphQLNonNull | GraphQLList):
            return type(of_type)(self._narrow(of_type.of_type, narrowed))
        if narrowed.name not in self.copies:
            found = {name: self._item(item) for name, item in self._inputs(of_type).items() if name in narrowed.fields}
            kwargs = {
                **of_type.to_kwargs(),
                "name": narrowed.name,
                "description": narrowed.description,
                "fields": found,
            }
            self.copies[narrowed.name] = GraphQLInputObjectType(**kwargs)
        return self.copies[narrowed.name]

    def _item(self, item: Any) -> Any:
        return type(item)(**{**item.to_kwargs(), "type_": self._type(item.type)})


def _lean(field: GraphQLField) -> Any:
    """The resolver of a field in a role's schema: the lean one in its metadata, behind the same guard, else Strawberry's."""
    resolve = metadata(field).get("resolve")
    return field.resolve if resolve is None else _guards(field)[0].wrap(resolve)


def role_schema(schema: GraphQLSchema, seen: frozenset[str], type_allowed: Mapping[str, bool]) -> GraphQLSchema:
    """The pruned schema of a role; `type_allowed` maps each type with a rule of its own to whether the role sees it."""
    return schema_for(schema, seen, frozenset(name for name, allowed in type_allowed.items() if not allowed))


def schemas_of(whole: GraphQLSchema) -> dict[Role | None, GraphQLSchema]:
    """The schema of each role and of anonymous callers (None); MissingRuleError when a coordinate has no rule."""
    marks = marks_of(whole)
    check_marks(marks)
    rules = {name: rule for name, named in whole.type_map.items() if (rule := type_rule(named))}
    return {
        role: role_schema(whole, seen_by(role, marks), {name: RULES[rule].allows(role) for name, rule in rules.items()})
        for role in (None, *Role)
    }
