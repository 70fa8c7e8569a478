"""Every published field has a View that reads it, and every field of a View is published."""

from collections.abc import Callable

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, get_named_type

from db.fields import VIEWS
from db.fields.base import (
    ActionList,
    ComputedList,
    ComputedObject,
    JsonList,
    Many,
    One,
    Pages,
    ReportList,
    SameRow,
    View,
)
from db.global_ids import TAGS
from db.row import Row, Scope
from domain.access.people import Role
from schema.whole import REFUSALS, role_schemas

WHOLE = role_schemas()[Role.ADMIN]
TYPES = {name: named for name, named in WHOLE.type_map.items() if isinstance(named, GraphQLObjectType)}
PUBLISHED = {name: named for name, named in TYPES.items() if not name.startswith("__")}
PAGING = {"first", "after", "last", "before", "orderBy", "filter"}
# Types that are no records: root types, the viewer and payloads of mutations. Resolvers make these.
_PAYLOADS = {name for name in PUBLISHED if name.endswith("Payload")}
_EXPLAINED = {"AccessExplanation", "FollowedAccess"}
# What a merge of two records would change.
_MERGED = {"MergePreview", "MergeDifference", "MergeCount", "MergeCollision", "MergedPayers"}
_OF_VIEWER = {"Membership", "SecondFactor", "SecondFactorEnrolment", "Viewer", "OwnSession", "SessionEnding", "Clinic"}
_QUOTED = {"PriceQuote", "QuotedLine", "DocumentPreview"}
_PREVIEWED = {"ImportPreview", "ImportQuestion", "PreviewedRow", "PreviewedCell", "ControlTotal"}
_MAPPED = {"SavedImportMapping", "ImportMapping", "ImportColumn", "ImportSource", "ImportValue", "ImportRowCondition"}
_IMPORTED = {"ImportReport", "BadCell", "RenderedMessage", *_PREVIEWED, *_MAPPED}
# Types that a report computes.
_MADE = {
    *("ClinicProfile", "Readiness", "MissingRecord"),
    *("InvoiceSelection", "HoldStepOutcome", "InvoiceStepOutcome", "ReminderStepOutcome"),
    "ReminderDryRun",
    "DryRunMessage",
    "DryRunInvoice",
    "AgingBucketTotal",
    "CountRatio",
    "DenialRatio",
    "DaysInAr",
    "Ratio",
}
# The period of a report is not a filter: each figure defines what it applies to.
_PERIOD = {"from", "to"}
MADE_BY_RESOLVERS = {
    *("Query", "Mutation", "Subscription", "AvailableTransition", "ChangeWarning", "EnumLabels", "ValueLabel"),
    *("Transition", "TransitionInput", "TransitionMove", "InvoiceSums", "InvoiceListEvent", "Worklist"),
    *("Action", "ActionInput", "ActionChoice", "ActionBlocker", "ActionWarning"),
    *(_OF_VIEWER | _PAYLOADS | _EXPLAINED | _QUOTED | _IMPORTED | _MADE | _MERGED),
}
REFUSED = {refusal.__name__ for refusal in REFUSALS}
# The types of pages, for all records.
PAGES = {"PageInfo"} | {name for name in PUBLISHED if name.endswith(("Connection", "Edge"))}
REPORTED = {"aging", "agingByPayer", "agingByPayerPage", "analytics"}
FOUND_OTHERWISE = {
    "labels",
    "worklists",
    "transitions",
    "clinic",
    "viewer",
    "node",
    "nodes",
    "invoiceByNumber",
    "explainAccess",
    "priceQuote",
    "importMappings",
    "mergePreview",
    *REPORTED,
}


def _node() -> GraphQLInterfaceType:
    named = WHOLE.type_map["Node"]
    assert isinstance(named, GraphQLInterfaceType)
    return named


def _inputs(name: str) -> set[str]:
    named = WHOLE.type_map.get(name)
    return set(named.fields) if isinstance(named, GraphQLInputObjectType) else set()


def _values(name: str) -> set[str]:
    named = WHOLE.type_map.get(name)
    return set(named.values) if isinstance(named, GraphQLEnumType) else set()


def _listing(target: str) -> list[set[str]]:
    """The arguments, without those of paging, of every field that lists a type in pages, and of root fields that list it completely."""
    connection = f"{target}Connection"
    # What a report is asked for is no filter of its rows.
    listed = (pair for named in PUBLISHED.values() for pair in named.fields.items())
    fields = (field for root, field in listed if root not in REPORTED)
    found = [set(field.args) - PAGING for field in fields if get_named_type(field.type).name == connection]
    root = VIEWS[target].listed_as if VIEWS[target].whole else None
    return [*found, set(TYPES["Query"].fields[root].args)] if root else found


def test_every_published_type_has_a_view_or_is_made_by_resolvers() -> None:
    assert set(PUBLISHED) - set(VIEWS) == MADE_BY_RESOLVERS | REFUSED | PAGES, (
        "give each of these types a View in db/fields/; a type that resolvers make is listed in MADE_BY_RESOLVERS"
    )


def test_every_view_is_of_a_published_type() -> None:
    assert set(VIEWS) <= set(PUBLISHED), (
        "a View in db/fields/ has a type that schema/ does not publish: add it or remove the View"
    )


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_has_an_expression_and_every_expression_a_field(name: str) -> None:
    expressions, fields = set(VIEWS[name].fields), set(PUBLISHED[name].fields)
    assert fields - expressions == set(), f"{name}: give these fields an expression in the View of {name} in db/fields/"
    assert expressions - fields == set(), (
        f"{name}: publish these expressions as fields of {name} in schema/, or remove them"
    )


def test_the_expression_of_a_field_reads_the_published_type() -> None:
    kinds = One | Many | SameRow | JsonList | Pages | ComputedList | ComputedObject | ActionList | ReportList
    read = {
        f"{name}.{field}": f"{expression.target}Connection" if isinstance(expression, Pages) else expression.target
        for name, view in VIEWS.items()
        for field, expression in view.fields.items()
        if isinstance(expression, kinds)
    }
    published = {path: _published_type(path) for path in read}
    assert len(read) > 80
    assert read == published, "the expression in db/fields/ reads another type than the field in schema/ publishes"


def _published_type(path: str) -> str:
    name, _, field = path.partition(".")
    return str(get_named_type(PUBLISHED[name].fields[field].type).name)


@pytest.mark.parametrize("name", VIEWS)
def test_the_published_filter_keys_are_those_of_the_view(name: str) -> None:
    published_keys = _inputs(VIEWS[name].filter_type or f"{name}Filter").union(*_listing(name))
    filters, keys = set(VIEWS[name].filters), published_keys - _PERIOD
    assert keys - filters == set(), f"{name}: give these keys a Filter in the View of {name} in db/fields/"
    assert filters - keys == set(), f"{name}: publish these filters in the input of {name} in schema/, or remove them"


@pytest.mark.parametrize("name", VIEWS)
def test_the_published_orders_are_those_of_the_view(name: str) -> None:
    assert set(VIEWS[name].orders) == _values(f"{name}OrderField"), (
        f"each value of {name}OrderField needs an Order in `orders` of its View in db/fields/, and the other way round"
    )


@pytest.mark.parametrize("name", [name for name in VIEWS if f"{name}Connection" in PUBLISHED])
def test_every_paged_type_has_a_default_order(name: str) -> None:
    assert VIEWS[name].order is not None, f"give the View of {name} in db/fields/ a default order of its pages"


def _arguments_that_differ(name: str, field: str) -> set[str]:
    """The arguments of a field that its expression does not take, and those that it takes and the field does not publish."""
    expression = VIEWS[name].fields[field]
    accepted = set(expression.choose) if isinstance(expression, Many) else set()
    accepted |= set(expression.given) if isinstance(expression, One) else set()
    paged = PAGING | set(VIEWS[expression.target].filters) if isinstance(expression, Pages) else set()
    return (set(PUBLISHED[name].fields[field].args) - paged) ^ accepted


def test_the_published_arguments_of_every_field_are_those_of_its_expression() -> None:
    fields = [(name, field) for name, named in PUBLISHED.items() for field in named.fields if name in VIEWS]
    others = {f"{name}.{field}": found for name, field in fields if (found := _arguments_that_differ(name, field))}
    assert len(fields) > 300
    assert others == {}, "the field in schema/ and its expression in db/fields/ take other arguments"


def test_every_root_field_is_resolved_by_a_view_or_listed_as_resolved_otherwise() -> None:
    by_views = {root for view in VIEWS.values() for root in (view.listed_as, view.found_as) if root}
    assert WHOLE.query_type is not None
    assert set(WHOLE.query_type.fields) == by_views | FOUND_OTHERWISE, (
        "name the root field in `listed_as` or `found_as` of a View in db/fields/; one with a resolver is listed in FOUND_OTHERWISE"
    )


def test_every_node_type_has_a_tag_for_its_ids_and_a_view() -> None:
    nodes = {named.name for named in WHOLE.get_possible_types(_node())}
    assert nodes <= set(TAGS) & set(VIEWS), (
        "give each of these types two letters in TAGS (db/global_ids.py), and a View"
    )


def test_no_two_types_share_a_tag_and_all_tags_are_two_letters() -> None:
    assert len(set(TAGS.values())) == len(TAGS), "two types have the same letters in TAGS (db/global_ids.py)"
    assert {len(tag.encode()) for tag in TAGS.values()} == {2}


# The visible columns from which a sort key is computed, where the key itself is not a visible column.
MADE_OF = {"sort_name": {"first_name", "last_name"}}


def _columns(read: Callable[[Row], object], view: View, role: Role) -> set[str]:
    scope = Scope(role)
    read(scope.row(view.table))
    return set().union(*(MADE_OF.get(column, {column}) for _, column in scope.columns))


@pytest.mark.parametrize("role", list(Role))
def test_the_default_order_of_a_list_reveals_no_column_that_the_role_cannot_read(role: Role) -> None:
    types = role_schemas()[role].type_map
    for name, view in VIEWS.items():
        named = types.get(name)
        if view.order and f"{name}Connection" in types and isinstance(named, GraphQLObjectType):
            reads = (view.fields[field] for field in named.fields)
            shown = set().union(*(_columns(read, view, role) for read in reads if callable(read)))
            assert _columns(view.order.among(named.fields).key, view, role) <= shown, (
                f"{role} cannot read the columns by which {name} is ordered in db/fields/: sort by columns that every reader sees"
            )
