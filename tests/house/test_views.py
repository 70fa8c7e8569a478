"""Decides that whatever is published can be read, and that whatever can be read is published."""

from collections.abc import Callable

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, get_named_type

from db.identity import TAGS
from db.row import Row, Scope
from db.views import VIEWS
from db.views.base import Elements, Listed, Made, Many, One, Pages, Same, View, Worked
from domain.people import Role
from schema.whole import REFUSALS, role_schemas

WHOLE = role_schemas()[Role.ADMIN]
TYPES = {name: named for name, named in WHOLE.type_map.items() if isinstance(named, GraphQLObjectType)}
PUBLISHED = {name: named for name, named in TYPES.items() if not name.startswith("__")}
PAGING = {"first", "after", "last", "before", "orderBy", "filter"}
# What is no record: where a document begins, who asks, what a mutation answers. Resolvers make these.
_PAYLOADS = {name for name in PUBLISHED if name.endswith("Payload")}
_EXPLAINED = {"AccessExplanation", "FollowedAccess"}
_ASKING = {"Viewer", "OwnSession", "Clinic"}
_QUOTED = {"PriceQuote", "QuotedLine"}
_IMPORTED = {"ImportReport", "BadCell", "RenderedMessage"}
# What a report works out in place.
_MADE = {"AgingBucketTotal", "CountRatio", "DaysInAr", "Ratio"}
# The period of a report is no condition that narrows: what it is about, each figure says.
_PERIOD = {"from", "to"}
MADE_BY_RESOLVERS = {
    *("Query", "Mutation", "Subscription", "AvailableTransition"),
    *(_ASKING | _PAYLOADS | _EXPLAINED | _QUOTED | _IMPORTED | _MADE),
}
REFUSED = {refusal.__name__ for refusal in REFUSALS}
# What a page is made of, whatever is on it.
PAGES = {"PageInfo"} | {name for name in PUBLISHED if name.endswith(("Connection", "Edge"))}
REPORTED = {"aging", "agingByPayer", "analytics"}
FOUND_OTHERWISE = {"viewer", "node", "invoiceByNumber", "explainAccess", "priceQuote", *REPORTED}


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
    """The arguments beyond paging of every field that lists a type in pages, or whole at the root."""
    connection = f"{target}Connection"
    fields = (field for named in PUBLISHED.values() for field in named.fields.values())
    found = [set(field.args) - PAGING for field in fields if get_named_type(field.type).name == connection]
    root = VIEWS[target].listed_as if VIEWS[target].whole else None
    return [*found, set(TYPES["Query"].fields[root].args)] if root else found


def test_every_published_type_has_a_view_or_is_made_by_resolvers() -> None:
    assert set(PUBLISHED) - set(VIEWS) == MADE_BY_RESOLVERS | REFUSED | PAGES


def test_every_view_is_of_a_published_type() -> None:
    assert set(VIEWS) <= set(PUBLISHED)


@pytest.mark.parametrize("name", VIEWS)
def test_every_field_has_an_expression_and_every_expression_a_field(name: str) -> None:
    assert set(VIEWS[name].fields) == set(PUBLISHED[name].fields)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (name, field)
        for name, view in VIEWS.items()
        for field, how in view.fields.items()
        if isinstance(how, One | Many | Same | Elements | Pages | Listed | Made | Worked)
    ],
)
def test_what_is_read_for_a_field_is_what_the_field_publishes(name: str, field: str) -> None:
    how = VIEWS[name].fields[field]
    assert isinstance(how, One | Many | Same | Elements | Pages | Listed | Made | Worked)
    published = get_named_type(PUBLISHED[name].fields[field].type).name
    assert published == (f"{how.target}Connection" if isinstance(how, Pages) else how.target)


@pytest.mark.parametrize("name", VIEWS)
def test_every_key_of_a_filter_narrows_and_nothing_else_does(name: str) -> None:
    asked = _inputs(VIEWS[name].filter_type or f"{name}Filter").union(*_listing(name))
    assert set(VIEWS[name].filters) == asked - _PERIOD


@pytest.mark.parametrize("name", VIEWS)
def test_every_order_sorts_and_nothing_else_does(name: str) -> None:
    assert set(VIEWS[name].orders) == _values(f"{name}OrderField")


@pytest.mark.parametrize("name", [name for name in VIEWS if f"{name}Connection" in PUBLISHED])
def test_whatever_comes_in_pages_has_an_order_of_its_own(name: str) -> None:
    assert VIEWS[name].order is not None


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, named in PUBLISHED.items() for field in named.fields if name in VIEWS]
)
def test_the_arguments_of_a_field_are_understood(name: str, field: str) -> None:
    how = VIEWS[name].fields[field]
    taken = set(how.choose) if isinstance(how, Many) else set()
    paged = PAGING | set(VIEWS[how.target].filters) if isinstance(how, Pages) else set()
    assert set(PUBLISHED[name].fields[field].args) - paged == taken


def test_every_root_field_is_answered_by_a_view_or_known_to_be_answered_otherwise() -> None:
    answered = {root for view in VIEWS.values() for root in (view.listed_as, view.found_as) if root}
    assert WHOLE.query_type is not None
    assert set(WHOLE.query_type.fields) == answered | FOUND_OTHERWISE


def test_every_node_has_a_tag_for_its_ids_and_a_view_to_find_it_by() -> None:
    nodes = {named.name for named in WHOLE.get_possible_types(_node())}
    assert nodes <= set(TAGS) & set(VIEWS)


def test_no_two_types_share_a_tag_and_all_tags_are_two_letters() -> None:
    assert len(set(TAGS.values())) == len(TAGS)
    assert {len(tag.encode()) for tag in TAGS.values()} == {2}


# What a sort key is made of, where it is no column that a field shows as it is.
MADE_OF = {"sort_name": {"first_name", "last_name"}}


def _columns(read: Callable[[Row], object], view: View, role: Role) -> set[str]:
    scope = Scope(role)
    read(scope.row(view.table))
    return set().union(*(MADE_OF.get(column, {column}) for _, column in scope.columns))


@pytest.mark.parametrize("role", list(Role))
def test_the_order_in_which_a_list_comes_says_nothing_that_its_reader_does_not_see(role: Role) -> None:
    types = role_schemas()[role].type_map
    for name, view in VIEWS.items():
        named = types.get(name)
        if view.order and f"{name}Connection" in types and isinstance(named, GraphQLObjectType):
            reads = (view.fields[field] for field in named.fields)
            shown = set().union(*(_columns(read, view, role) for read in reads if callable(read)))
            assert _columns(view.order.among(named.fields).key, view, role) <= shown, name
