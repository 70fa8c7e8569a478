"""The database alone restricts every role to its own rows and columns: every field is tried without GraphQL's rules."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from graphql import ExecutionResult, GraphQLEnumType, GraphQLInputObjectType

from db.fields import VIEWS
from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from identity.sessions import Sessions
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.execution.graphql_executor import GraphQLExecutor
from server.http.graphql import encode_result
from tests.db.rights.own_statements import MERGED, REMITTED
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.querying import (
    ADMIN,
    MUTATION_ONLY,
    NODES,
    PERSONAL,
    REPORTS,
    RESTRICTED,
    TABLES,
    coordinates,
    ids_in,
    ids_of_one,
    page_size,
    paths,
    query_for,
    seen_by,
)
from tests.support.databases import copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        for statement in (*MERGED, *REMITTED):
            rows(copy, statement)
        yield copy


# The schema and the compiler serve an administrator, and the statements run as a user of another role.


class SwitchedDatabase(Database):
    """A database that runs statements compiled for one viewer on the connection of another."""

    def __init__(self, address: DatabaseUrls, runs_as: Viewer) -> None:
        super().__init__(address.login)
        self.runs_as, self.denied = runs_as, 0

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The answer on the other viewer's connection."""
        return await self._counted(viewer, super().read(self.runs_as, sql, values))

    async def report(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The figures of a report, which are computed as for the other viewer."""
        return await self._counted(viewer, super().report(self.runs_as, sql, values))

    async def _counted(self, viewer: Viewer, reading: Awaitable[asyncpg.Record | None]) -> asyncpg.Record | None:
        assert viewer.role is Role.ADMIN
        try:
            return await reading
        except asyncpg.InsufficientPrivilegeError:
            self.denied += 1
            raise

    @asynccontextmanager
    async def entered(
        self,
        viewer: Viewer,
        invoices: Collection[UUID] = (),
        closing: list[str] | None = None,
        change_id: UUID | None = None,
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the other viewer."""
        assert viewer.role is Role.ADMIN
        try:
            async with super().entered(self.runs_as, invoices, closing, change_id) as connection:
                yield connection
        except asyncpg.InsufficientPrivilegeError:
            self.denied += 1
            raise


@dataclass(frozen=True)
class Outcome:
    """The outcome of one query: refused by the database, or answered with records of these ids, by table."""

    denied: bool
    ids: dict[str, set[UUID]] = field(default_factory=dict)
    data: Any = None


def administrators_engine() -> GraphQLExecutor:
    """An executor that runs every document on an administrator's schema; it compiles repeated queries once."""
    return GraphQLExecutor(dict.fromkeys((*Role, None), ADMIN))


def ask_as(
    address: DatabaseUrls,
    compiled_for: Viewer,
    runs_as: Viewer,
    queries: list[str],
    engine: GraphQLExecutor | None = None,
) -> list[Outcome]:
    """The outcomes of queries that are compiled for one viewer, with an administrator's schema, and run as another."""
    engine = engine or administrators_engine()

    async def ask() -> list[Outcome]:
        async with SwitchedDatabase(address, runs_as) as database:
            sessions, url = Sessions(database), "http://127.0.0.1"
            context = RequestContext(
                compiled_for, database, sessions, "test", link_key=b"0" * 32, find_base_url=lambda: url
            )
            return [await _outcome(engine, database, context, query) for query in queries]

    with sorted_for(runs_as.role):
        return asyncio.run(ask())


@contextmanager
def sorted_for(role: Role) -> Iterator[None]:
    """Lists in the order that a role has: in an administrator's order, the database refuses the whole list."""
    kept = dict(VIEWS)
    for name, view in kept.items():
        fields = {field for field in view.fields if f"{name}.{field}" in seen_by(role)}
        if view.order:
            VIEWS[name] = replace(view, order=view.order.among(fields))
    try:
        yield
    finally:
        VIEWS.update(kept)


async def _outcome(engine: GraphQLExecutor, database: SwitchedDatabase, context: RequestContext, query: str) -> Outcome:
    prepared = engine.prepare(context, query)
    assert not prepared.errors, (query, prepared.errors)
    before = database.denied
    result: ExecutionResult = await engine.execute(prepared, context, None, None)
    denied = database.denied > before
    assert denied is bool(result.errors), (query, result.errors)
    data = json.loads(encode_result(result)).get("data")
    return Outcome(denied, {} if denied else ids_in(data), data)


# Hidden fields that reveal only what the role's visible columns reveal: the database has nothing of its own to refuse.
FOLLOWS_FROM_WHAT_IS_SEEN = {
    # The age of an invoice follows from the day of its creation, its bucket from that and the status.
    "Invoice.ageDays": {Role.ATTORNEY, Role.PHYSICIAN},
    "Invoice.agingBucket": {Role.ATTORNEY, Role.PHYSICIAN},
    "Invoice.risk": {Role.ATTORNEY, Role.PHYSICIAN},
    # The invoices of a record are those in reach that name it, and their sum is the sum of what they show.
    "Case.invoices": {Role.ANALYST},
    "Case.billedTotal": {Role.ANALYST},
    "Case.outstanding": {Role.ANALYST},
    "Payer.invoices": set(RESTRICTED),
    "Patient.cases": {Role.ATTORNEY, Role.PHYSICIAN},
    # Other roles have no actions: an empty list, which reads no column.
    "Case.availableActions": {Role.ATTORNEY, Role.ANALYST},
    # Lines are listed in order of position, and the traces of their prices are the lines themselves.
    "InvoiceLine.position": set(RESTRICTED),
    "InvoiceLine.id": set(RESTRICTED),
    "InvoiceLine.priceTrace": set(RESTRICTED),
    # Its row is the invoice itself.
    "Invoice.negotiation": set(RESTRICTED),
    # The own record, its firm and the cases that it represents decide which documents are delivered to an attorney. Whether such a
    # document stands is in the name of its file, and its hash is that of the file.
    "Attorney.id": {Role.ATTORNEY},
    "Case.attorney": {Role.ATTORNEY},
    "DocumentDelivery.attorney": {Role.ATTORNEY},
    **{
        f"IssuedDocument.{name}": {Role.ATTORNEY}
        for name in ("case", "fileStatus", "sha256", "status", "supersededBy", "supersedes")
    },
    # Who sends an invoice by e-mail sees whether the attorney has an account: a link is sent, or the document.
    **{f"User.{name}": {Role.BILLING} for name in ("active", "attorney", "joinedAt")},
    # The payer of a visit is part of a physician's own productivity.
    "Invoice.encounter": {Role.PHYSICIAN},
}
# An administrator reads payers by their names; an analyst's own statements read the name under which a payer is listed.
# And for administrators' reports more is stored of an invoice than for an analyst's.
_OF_COHORTS = "invoiceCount billed received contractual recovered collectionRate netCollectionRate reductionRate daysInAr denialRate firstPassRate"
_OF_KINDS = "coverageKind isRemainder invoiceCount billed received reducedAmount contractual outstanding"
_OF_REASONS = "reasonCode isRemainder invoiceCount denialCount appeals appealRate overturnRate recoveredAfterDenial"
_PRODUCTIVE = "physician encounterCount examCount invoiceCount billed averageInvoice"
READ_OTHERWISE = {
    "Payer.name": {Role.ANALYST},
    "Analytics.physicianProductivity": {Role.PHYSICIAN, Role.ANALYST},
    **{f"PhysicianProductivity.{name}": {Role.PHYSICIAN, Role.ANALYST} for name in _PRODUCTIVE.split()},
    "PhysicianProductivity.received": {Role.ANALYST},
    **{f"Analytics.{name}": {Role.ANALYST} for name in (*_OF_COHORTS.split(), "reductionsByPayer", "trend")},
    "Analytics.amountsByCoverageKind": {Role.ANALYST},
    "Analytics.denialsByReason": {Role.ANALYST},
    **{f"ReasonDenials.{name}": {Role.ANALYST} for name in _OF_REASONS.split()},
    # For administrators, payers of whom there is only unapplied money are listed, too.
    "Analytics.agingByPayer": {Role.ANALYST},
    **{
        f"{of}.{name}": {Role.ANALYST}
        for of in ("PayerAging", "PayerGroupAging")
        for name in "payer buckets invoiceCount outstanding medianDaysToPay".split()
    },
    **{f"CoverageKindAmounts.{name}": {Role.ANALYST} for name in _OF_KINDS.split()},
    **{f"MonthlyAnalytics.{name}": {Role.ANALYST} for name in (*_OF_COHORTS.split(), "month")},
    **{f"PayerReduction.{name}": {Role.ANALYST} for name in ("payer", "invoiceCount", "reductionRate")},
}


@pytest.fixture(scope="module", params=list(Role))
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture(params=RESTRICTED)
def restricted(request: pytest.FixtureRequest) -> Role:
    """A role from which some records or columns are hidden."""
    found: Role = request.param
    return found


@dataclass(frozen=True)
class Tried:
    """Every coordinate, queried by an administrator of the own and of the other clinic, and run as a user of a role."""

    role: Role
    mine: Belongings
    here: dict[str, Outcome]
    elsewhere: dict[str, Outcome]

    @cached_property
    def own(self) -> dict[str, set[UUID]]:
        """The ids of the role's own rows, of every table that an answer named."""
        return {table: self.mine.own(table) for outcome in self.here.values() for table in outcome.ids}


@pytest.fixture(scope="module")
def tried(address: DatabaseUrls, role: Role) -> Tried:
    viewer = viewer_of(address, role)
    names = [f"{type_name}.{field_name}" for type_name, field_name in coordinates()]
    queries, engine = [query_for(role, *coordinate) for coordinate in coordinates()], administrators_engine()
    outcomes = [
        dict(zip(names, ask_as(address, viewer_of(address, Role.ADMIN, clinic), viewer, queries, engine), strict=True))
        for clinic in ("demo", OTHER)
    ]
    return Tried(role, Belongings(address, viewer), *outcomes)


def test_without_graphql_s_rules_the_database_refuses_every_hidden_column(tried: Tried) -> None:
    hidden = [name for name in tried.here if name not in seen_by(tried.role)]
    assert len(hidden) > 90 or tried.role not in RESTRICTED
    open_ones = {name for name in hidden if not tried.here[name].denied}
    assert open_ones == {name for name, roles in FOLLOWS_FROM_WHAT_IS_SEEN.items() if tried.role in roles}
    assert open_ones == {name for name in hidden if not tried.elsewhere[name].denied}


def test_every_type_of_record_is_queried_except_those_that_only_mutations_return(role: Role) -> None:
    assert set(TABLES) - set(paths(role)) == set(MUTATION_ONLY)


MUTATIONS = {
    "createUpload": 'input: {fileName: "scan.pdf", contentType: "application/pdf", byteSize: 9}',
    "createPatient": 'input: {mrn: "MRN-1", firstName: "Ann", lastName: "Lee"}',
    "addInternalNote": 'input: {invoiceId: "INVOICE", body: "Called."}',
    "setNegotiationLimits": 'input: {invoiceId: "INVOICE", floorAmount: "1.00"}',
    "placeHold": 'input: {invoiceId: "INVOICE", untilOn: "2035-01-01", reason: "Waits"}',
    "voidInvoice": 'input: {invoiceId: "INVOICE", reason: "Twice"}',
    "writeOffInvoice": 'input: {invoiceId: "INVOICE", reason: "Too old"}',
}
WRITTEN = ("documents", "patients", "internal_notes", "holds", "invoice_events", "idempotency_keys")


@pytest.mark.parametrize("mutation_name", MUTATIONS)
def test_without_graphql_s_rules_the_database_refuses_the_mutations_of_staff(
    address: DatabaseUrls, restricted: Role, mutation_name: str
) -> None:
    def state() -> list[Any]:
        versions = "select count(*), sum(version), count(floor_amount) from invoices"
        return [tuple(rows(address, query)[0]) for query in (versions, *(f"select count(*) from {t}" for t in WRITTEN))]

    viewer, before = viewer_of(address, restricted), state()
    invoice = make_id("Invoice", min(Belongings(address, viewer).own("invoices")))
    arguments = MUTATIONS[mutation_name].replace("INVOICE", invoice)
    for answer in (
        "upload { id uploadUrl expiresAt }" if mutation_name == "createUpload" else "errors { message }",
        "__typename",
    ):
        documents = [f"mutation {{ {mutation_name}({arguments}) {{ {answer} }} }}"]
        [outcome] = ask_as(address, viewer_of(address, Role.ADMIN), viewer, documents)
        assert outcome.denied
    assert state() == before


def test_without_graphql_s_rules_the_database_returns_only_own_rows_of_visible_fields(tried: Tried) -> None:
    visible = [name for name in tried.here if name in seen_by(tried.role)]
    assert len(visible) > 20
    for name in visible:
        outcome = tried.here[name]
        assert outcome.denied is (tried.role in READ_OTHERWISE.get(name, set())), name
        type_name = name.partition(".")[0]
        assert outcome.ids or outcome.denied or type_name in (*REPORTS, *PERSONAL), name
        for table, found in outcome.ids.items():
            assert found <= tried.own[table], name


def test_without_graphql_s_rules_the_root_lists_still_have_exactly_the_own_rows(tried: Tried) -> None:
    if tried.role not in RESTRICTED:
        assert (
            len(tried.here["Invoice.number"].ids["invoices"]) == page_size(tried.role) < len(tried.mine.own("invoices"))
        )
        return
    assert tried.here["Invoice.number"].ids["invoices"] == tried.mine.own("invoices")
    if tried.role is not Role.ANALYST:
        assert tried.here["Case.number"].ids["cases"] == tried.mine.own("cases")
        assert tried.here["Patient.name"].ids["patients"] == tried.mine.listed("patients")
    if tried.role in (Role.PHYSICIAN, Role.ATTORNEY):
        assert tried.mine.of_others("invoices")


def test_without_graphql_s_rules_no_row_of_another_clinic_is_returned(tried: Tried) -> None:
    assert tried.mine.elsewhere("invoices")
    for name, outcome in tried.elsewhere.items():
        assert outcome.denied or outcome.ids == {}, name


def test_the_number_of_tried_cases_is_reported(
    tried: Tried, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    # The administrator's statement reaches own rows and those of others at once, and another clinic's the second time.
    cases = 2 * len(tried.here) + len(tried.elsewhere)
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\n{tried.role}: {len(tried.here)} fields of own, others' and another clinic's rows, {cases} cases")  # noqa: T201
    assert cases > 500


@pytest.mark.parametrize("type_name", NODES)
def test_without_graphql_s_rules_an_id_finds_only_an_own_record(
    address: DatabaseUrls, role: Role, type_name: str
) -> None:
    viewer = viewer_of(address, role)
    mine = Belongings(address, viewer)
    for kind, identity in ids_of_one(mine, TABLES[type_name]).items():
        if identity is None:
            continue
        asked = make_id(type_name, identity)
        documents = [f'{{ node(id: "{asked}") {{ id }} nodes(ids: ["{asked}"]) {{ id }} }}']
        for clinic in ("demo", OTHER):
            [outcome] = ask_as(address, viewer_of(address, Role.ADMIN, clinic), viewer, documents)
            if f"{type_name}.id" not in seen_by(role):
                is_counted = role in FOLLOWS_FROM_WHAT_IS_SEEN.get(f"{type_name}.id", ())
                assert (
                    outcome.denied or outcome.data == {"node": None, "nodes": [None]} or (is_counted and kind == "own")
                ), kind
            else:
                found = kind == "own" and clinic == "demo" and (type_name not in PERSONAL or role is Role.ADMIN)
                assert not outcome.denied
                assert bool(outcome.data["node"]) is found, kind
                assert outcome.data["nodes"] == [outcome.data["node"]]


def test_without_graphql_s_rules_hidden_filters_and_orders_are_refused(address: DatabaseUrls, restricted: Role) -> None:
    role = restricted
    wanted, order = ADMIN.type_map["InvoiceFilter"], ADMIN.type_map["InvoiceOrderField"]
    assert isinstance(wanted, GraphQLInputObjectType)
    assert isinstance(order, GraphQLEnumType)
    samples = {f"{word.lower()}Id": f'["{make_id(word, uuid4())}"]' for word in ("Attorney", "Firm")}
    samples |= {"agingBucket": "[DAYS_0_30]", "denialStatus": "[OPEN]", "worklist": "STALE", "search": '"a"'}
    filters = {
        name: samples.get(name, "true") for name in wanted.fields if f"InvoiceFilter.{name}" not in seen_by(role)
    }
    orders = [value for value in order.values if f"InvoiceOrderField.{value}" not in seen_by(role)]
    queries = [f"{{ invoices(filter: {{{name}: {value}}}) {{ totalCount }} }}" for name, value in filters.items()]
    queries += [f"{{ invoices(orderBy: {{field: {value}, direction: ASC}}) {{ nodes {{ id }} }} }}" for value in orders]
    outcomes = ask_as(address, viewer_of(address, Role.ADMIN), viewer_of(address, role), queries)
    answered = {name for name, outcome in zip([*filters, *orders], outcomes, strict=True) if not outcome.denied}
    assert {"denied", "hasDueReminder", "onHold"} <= set(filters)
    # An attorney's own reach is by attorney and by the own firm, and age follows from the day of creation.
    follows = {Role.ATTORNEY: {"attorneyId", "firmId", "agingBucket", "AGE"}, Role.PHYSICIAN: {"agingBucket", "AGE"}}
    assert answered == follows.get(role, set())
