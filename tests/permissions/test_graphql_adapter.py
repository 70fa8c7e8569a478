"""What the adapter relies on in Strawberry and graphql-core: after an update, the tests that fail name what has changed."""

import re
from enum import Enum
from importlib.metadata import version

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema, parse, validate
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.permission import BasePermission
from strawberry.schema.schema_converter import CustomGraphQLEnumType
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from permissions import graphql_adapter as adapter
from server.http.websocket import GraphQLOverWebSocket
from tests.house.source import LAYERS, PROJECT, files, name

MOVED = f"strawberry-graphql {version('strawberry-graphql')} or graphql-core {version('graphql-core')} has moved this: "
# Names that only the adapter may use.
PRIVATE = re.compile(
    r"\b_raw_info\b|\)\._schema\b|strawberry-definition|__strawberry_definition__|graphql\.execution\.values"
    r"|strawberry\.(?:schema\.schema|types\.(?:arguments|enum|scalar))\b|overlapping_fields_can_be_merged"
)


class Allowed(BasePermission):
    """A permission for every caller."""

    def has_permission(self, source: object, info: strawberry.Info, **kwargs: object) -> bool:
        return True


class Colour(Enum):
    """An enum like those of the domain."""

    RED = "red"
    BLUE = "blue"


strawberry.enum(Colour)


@strawberry.input
class Wanted:
    """An input with a field whose published name differs from its Python name."""

    first_day: int = strawberry.field(metadata={"rule": "staff"})


def _chosen(self: object, info: strawberry.Info, wanted: Wanted) -> Colour:
    return Colour.RED if adapter.core_info(info).field_name == "chosen" else Colour.BLUE


@strawberry.type
class Query:
    """The smallest schema with everything that the adapter reads."""

    chosen: Colour = strawberry.field(resolver=_chosen, permission_classes=[Allowed], metadata={"rule": "public"})


@pytest.fixture
def schema() -> GraphQLSchema:
    """Its graphql-core schema."""
    return adapter.core_schema(strawberry.Schema(Query))


def test_a_strawberry_schema_contains_a_graphql_core_schema(schema: GraphQLSchema) -> None:
    assert isinstance(schema, GraphQLSchema), MOVED + "Schema._schema"
    assert schema.query_type is not None


def test_a_resolver_reaches_the_info_of_graphql_core() -> None:
    result = strawberry.Schema(Query).execute_sync("{ chosen(wanted: {firstDay: 1}) }")
    assert result.data == {"chosen": "RED"}, MOVED + "Info._raw_info"


def test_fields_keep_their_permission_classes_and_their_metadata(schema: GraphQLSchema) -> None:
    assert schema.query_type is not None
    field = schema.query_type.fields["chosen"]
    assert adapter.permission_classes(field) == [Allowed], MOVED + "permission_classes of a field's definition"
    assert adapter.metadata(field) == {"rule": "public"}, MOVED + "metadata of a field's definition"


def test_input_fields_keep_their_metadata_and_their_name_in_python(schema: GraphQLSchema) -> None:
    field = schema.type_map["Wanted"].fields["firstDay"]  # type: ignore[attr-defined]
    assert adapter.metadata(field) == {"rule": "staff"}, MOVED + "metadata of an input field's definition"
    assert adapter.python_name(field) == "first_day", MOVED + "python_name of an input field's definition"


def test_an_enum_value_keeps_its_rule(schema: GraphQLSchema) -> None:
    (red, _) = adapter.enum_values(Colour)
    adapter.set_value_rule(red, "staff")
    published = adapter.core_schema(strawberry.Schema(Query)).type_map["Colour"]
    rules = {key: adapter.value_rule(value) for key, value in published.values.items()}  # type: ignore[attr-defined]
    assert rules == {"RED": "staff", "BLUE": None}, MOVED + "the definition behind a value of an enum"


def test_a_type_keeps_its_rule(schema: GraphQLSchema) -> None:
    adapter.set_type_rule(Wanted, "staff")
    assert adapter.type_rule(schema.type_map["Wanted"]) == "staff", MOVED + "origin of a type's definition"


def test_a_copy_of_an_enum_still_turns_members_into_names(schema: GraphQLSchema) -> None:
    colour = schema.type_map["Colour"]
    assert isinstance(colour, CustomGraphQLEnumType), MOVED + "CustomGraphQLEnumType"
    copy = adapter.copy_enum(colour, {"BLUE": colour.values["BLUE"]})
    assert (list(copy.values), copy.serialize(Colour.BLUE), copy.parse_value("BLUE")) == (
        ["BLUE"],
        "BLUE",
        Colour.BLUE,
    ), MOVED + "how an enum turns members into names"


def test_validation_stops_after_the_comparisons_that_are_set() -> None:
    before = overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET
    document = parse("{" + " a" * 40 + "}")
    try:
        adapter.limit_field_comparisons(10)
        errors = validate(build_schema("type Query { a: Int }"), document)
    finally:
        adapter.limit_field_comparisons(before)
    assert errors, MOVED + "MAX_COMPLEXITY_BUDGET"
    assert not validate(build_schema("type Query { a: Int }"), document)


def test_the_executor_completes_values_by_a_method_of_its_own() -> None:
    assert hasattr(adapter.StrawberryGraphQLCoreExecutionContext, "complete_value"), MOVED + "complete_value"


def test_strawberry_serves_a_websocket_by_the_handler_that_is_set() -> None:
    assert hasattr(BaseGraphQLTransportWSHandler, "handle_task_exception"), MOVED + "handle_task_exception"
    for overridden in ("on_ws_connect", "get_context", "encode_json", "graphql_transport_ws_handler_class"):
        assert hasattr(GraphQLOverWebSocket.__base__, overridden), MOVED + overridden


def test_no_other_module_uses_private_names_of_the_libraries() -> None:
    found = {
        name(path): sorted(set(PRIVATE.findall(path.read_text(encoding="utf-8"))))
        for path in files(*LAYERS)
        if path != PROJECT / "permissions" / "graphql_adapter.py"
    }
    assert {file: names for file, names in found.items() if names} == {}, (
        "give it a function in permissions/graphql_adapter.py"
    )
