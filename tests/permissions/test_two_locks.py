"""Decides that the database alone keeps everybody to their own rows and columns: every field is tried without GraphQL's rules."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from graphql import ExecutionResult, GraphQLEnumType, GraphQLInputObjectType

from db.identity import make_id
from db.pools import Database
from db.views import VIEWS
from domain.people import Role
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.executing import Engine
from server.graphql_http import encoded
from server.sessions import Sessions
from tests.databases import copied, rows
from tests.other_clinic import OTHER, add_other_clinic
from tests.permissions.asking import (
    ADMIN,
    ANSWERED_ONLY,
    NAMELESS,
    NODES,
    PERSONAL,
    TABLES,
    WALLED,
    coordinates,
    ids_in,
    page_size,
    paths,
    question,
    seen_by,
    someone,
)
from tests.permissions.own_rows import Belongings, viewer_of


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


# Whoever asks is believed to be an administrator, and their statements run as somebody else.


class Misled(Database):
    """A database that runs what was compiled for one viewer on the connection of another."""

    def __init__(self, address: Address, runs_as: Viewer) -> None:
        super().__init__(address.login)
        self.runs_as, self.denied = runs_as, 0

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The answer that the other viewer's connection gives."""
        assert viewer.role is Role.ADMIN
        try:
            return await super().read(self.runs_as, sql, values)
        except asyncpg.InsufficientPrivilegeError:
            self.denied += 1
            raise

    @asynccontextmanager
    async def entered(
        self, viewer: Viewer, invoices: Collection[UUID] = (), closing: Sequence[str] = ()
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the other viewer."""
        assert viewer.role is Role.ADMIN
        try:
            async with super().entered(self.runs_as, invoices, closing) as connection:
                yield connection
        except asyncpg.InsufficientPrivilegeError:
            self.denied += 1
            raise


@dataclass(frozen=True)
class Outcome:
    """What became of one question: refused by the database, or answered with records of these ids, by table."""

    denied: bool
    ids: dict[str, set[UUID]] = field(default_factory=dict)
    data: Any = None


def ask_as(address: Address, believed: Viewer, runs_as: Viewer, questions: list[str]) -> list[Outcome]:
    """What becomes of questions that are compiled for one viewer, with an administrator's schema, and run as another."""

    async def ask() -> list[Outcome]:
        engine = Engine(dict.fromkeys((*Role, None), ADMIN))
        async with Misled(address, runs_as) as database:
            sessions, url = Sessions(database), "http://127.0.0.1"
            context = RequestContext(
                believed, database, sessions, "test", link_key=b"0" * 32, find_base_url=lambda: url
            )
            return [await _outcome(engine, database, context, question) for question in questions]

    with sorted_for(runs_as.role):
        return asyncio.run(ask())


@contextmanager
def sorted_for(role: Role) -> Iterator[None]:
    """Lists in the order in which a role has them: in an administrator's, the database refuses the whole list for its order."""
    kept = dict(VIEWS)
    for name, view in kept.items():
        fields = {field for field in view.fields if f"{name}.{field}" in seen_by(role)}
        if view.order:
            VIEWS[name] = replace(view, order=view.order.among(fields))
    try:
        yield
    finally:
        VIEWS.update(kept)


async def _outcome(engine: Engine, database: Misled, context: RequestContext, question: str) -> Outcome:
    prepared = engine.prepare(context, question)
    assert not prepared.errors, (question, prepared.errors)
    before = database.denied
    result: ExecutionResult = await engine.execute(prepared, context, None, None)
    denied = database.denied > before
    assert denied is bool(result.errors), (question, result.errors)
    data = json.loads(encoded(result)).get("data")
    return Outcome(denied, {} if denied else ids_in(data), data)


# Hidden fields that tell nothing but what the role's visible columns tell: the database has nothing of its own to refuse.
FOLLOWS_FROM_WHAT_IS_SEEN = {
    # How old an invoice is follows from the day of its creation, its bucket from that and the status.
    "Invoice.ageDays": {Role.ATTORNEY, Role.PHYSICIAN},
    "Invoice.agingBucket": {Role.ATTORNEY, Role.PHYSICIAN},
    "Invoice.risk": {Role.ATTORNEY, Role.PHYSICIAN},
    # The invoices of a record are the invoices in reach that name it, and their sum is the sum of what they show.
    "Case.invoices": set(WALLED),
    "Case.billedTotal": set(WALLED),
    "Case.outstanding": {Role.ANALYST},
    "Payer.invoices": set(WALLED),
    "Patient.cases": {Role.ATTORNEY, Role.PHYSICIAN},
    # Lines are listed in the order of their places, and their prices' traces are the lines themselves.
    "InvoiceLine.position": set(WALLED),
    "InvoiceLine.id": set(WALLED),
    "InvoiceLine.priceTrace": set(WALLED),
    # What was reduced is billed less agreed, and its row is the invoice itself.
    "Negotiation.reductionAmount": {Role.ANALYST},
    "Negotiation.reductionRate": {Role.ANALYST},
    "Invoice.negotiation": set(WALLED),
    # Whom a visit was billed to is part of a physician's own productivity.
    "Invoice.encounter": {Role.PHYSICIAN, Role.ANALYST},
    # Analysts' figures are made of these days, and of which visits there were: what keeps single ones from them is the schema alone.
    **{
        name: {Role.ANALYST}
        for name in (
            *("Invoice.submittedOn", "Invoice.fullyPaidOn", "Invoice.availableTransitions"),
            *("AvailableTransition.name", "AvailableTransition.requires"),
            *("Encounter.id", "Encounter.physician", "Encounter.facility", "Encounter.serviceDate"),
        )
    },
}
# An administrator reads payers by their names; an analyst's own statements read the name under which a payer is listed.
# And of an administrator's invoices more is kept for figures than theirs are made of.
_OF_COHORTS = "invoiceCount billed received collectionRate netCollectionRate reductionRate daysInAr denialRate"
_PRODUCTIVE = "physician encounterCount examCount invoiceCount billed averageInvoice"
READ_OTHERWISE = {
    "Payer.name": {Role.ANALYST},
    "Analytics.physicianProductivity": {Role.PHYSICIAN, Role.ANALYST},
    **{f"PhysicianProductivity.{name}": {Role.PHYSICIAN, Role.ANALYST} for name in _PRODUCTIVE.split()},
    "PhysicianProductivity.received": {Role.ANALYST},
    **{f"Analytics.{name}": {Role.ANALYST} for name in (*_OF_COHORTS.split(), "reductionsByPayer", "trend")},
    **{f"MonthlyAnalytics.{name}": {Role.ANALYST} for name in (*_OF_COHORTS.split(), "month")},
    **{f"PayerReduction.{name}": {Role.ANALYST} for name in ("payer", "invoiceCount", "reductionRate")},
}


@pytest.fixture(scope="module", params=list(Role))
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture(params=WALLED)
def walled(request: pytest.FixtureRequest) -> Role:
    """Somebody from whom something of the records is hidden."""
    found: Role = request.param
    return found


@dataclass(frozen=True)
class Tried:
    """Every coordinate, asked by an administrator of the own and of the other clinic, and run as somebody of a role."""

    role: Role
    mine: Belongings
    here: dict[str, Outcome]
    elsewhere: dict[str, Outcome]

    @cached_property
    def own(self) -> dict[str, set[UUID]]:
        """The ids that are the role's own, of every table that an answer was about."""
        return {table: self.mine.own(table) for outcome in self.here.values() for table in outcome.ids}


@pytest.fixture(scope="module")
def tried(address: Address, role: Role) -> Tried:
    somebody = viewer_of(address, role)
    names = [f"{type_name}.{field_name}" for type_name, field_name in coordinates()]
    questions = [question(role, *coordinate) for coordinate in coordinates()]
    outcomes = [
        dict(zip(names, ask_as(address, viewer_of(address, Role.ADMIN, clinic), somebody, questions), strict=True))
        for clinic in ("demo", OTHER)
    ]
    return Tried(role, Belongings(address, somebody), *outcomes)


def test_without_graphql_s_rules_the_database_refuses_every_hidden_column(tried: Tried) -> None:
    hidden = [name for name in tried.here if name not in seen_by(tried.role)]
    assert len(hidden) > 90 or tried.role not in WALLED
    open_ones = {name for name in hidden if not tried.here[name].denied}
    assert open_ones == {name for name, roles in FOLLOWS_FROM_WHAT_IS_SEEN.items() if tried.role in roles}
    assert open_ones == {name for name in hidden if not tried.elsewhere[name].denied}


def test_every_type_of_records_is_asked_for_but_for_what_a_mutation_alone_answers_with(role: Role) -> None:
    assert set(TABLES) - set(paths(role)) == set(ANSWERED_ONLY)


STEPS = {
    "createUpload": 'input: {fileName: "scan.pdf", contentType: "application/pdf", byteSize: 9}',
    "createPatient": 'input: {mrn: "MRN-1", firstName: "Ann", lastName: "Lee"}',
    "addInternalNote": 'input: {invoiceId: "INVOICE", body: "Called."}',
    "setNegotiationLimits": 'input: {invoiceId: "INVOICE", floorAmount: "1.00"}',
    "placeHold": 'input: {invoiceId: "INVOICE", untilOn: "2999-01-01", reason: "Waits"}',
    "voidInvoice": 'input: {invoiceId: "INVOICE", reason: "Twice"}',
    "writeOffInvoice": 'input: {invoiceId: "INVOICE", reason: "Too old"}',
}
WRITTEN = ("documents", "patients", "internal_notes", "holds", "invoice_events", "idempotency_keys")


@pytest.mark.parametrize("step", STEPS)
def test_without_graphql_s_rules_the_database_refuses_what_staff_alone_do(
    address: Address, walled: Role, step: str
) -> None:
    def state() -> list[Any]:
        versions = "select count(*), sum(version), count(floor_amount) from invoices"
        return [tuple(rows(address, query)[0]) for query in (versions, *(f"select count(*) from {t}" for t in WRITTEN))]

    somebody, before = viewer_of(address, walled), state()
    invoice = make_id("Invoice", min(Belongings(address, somebody).own("invoices")))
    said = STEPS[step].replace("INVOICE", invoice)
    for answer in (
        "upload { id uploadUrl expiresAt }" if step == "createUpload" else "errors { message }",
        "__typename",
    ):
        asked = [f"mutation {{ {step}({said}) {{ {answer} }} }}"]
        [outcome] = ask_as(address, viewer_of(address, Role.ADMIN), somebody, asked)
        assert outcome.denied
    assert state() == before


def test_without_graphql_s_rules_the_database_answers_what_is_visible_with_own_rows_alone(tried: Tried) -> None:
    visible = [name for name in tried.here if name in seen_by(tried.role)]
    assert len(visible) > 20
    for name in visible:
        outcome = tried.here[name]
        assert outcome.denied is (tried.role in READ_OTHERWISE.get(name, set())), name
        type_name = name.partition(".")[0]
        assert outcome.ids or outcome.denied or type_name in (*NAMELESS, *PERSONAL), name
        for table, found in outcome.ids.items():
            assert found <= tried.own[table], name


def test_without_graphql_s_rules_the_roots_still_list_exactly_what_is_own(tried: Tried) -> None:
    if tried.role not in WALLED:
        assert (
            len(tried.here["Invoice.number"].ids["invoices"]) == page_size(tried.role) < len(tried.mine.own("invoices"))
        )
        return
    assert tried.here["Invoice.number"].ids["invoices"] == tried.mine.own("invoices")
    if tried.role is not Role.ANALYST:
        assert tried.here["Case.number"].ids["cases"] == tried.mine.own("cases")
        assert tried.here["Patient.name"].ids["patients"] == tried.mine.own("patients")
    if tried.role in (Role.PHYSICIAN, Role.ATTORNEY):
        assert tried.mine.of_others("invoices")


def test_without_graphql_s_rules_nothing_of_another_clinic_is_answered(tried: Tried) -> None:
    assert tried.mine.elsewhere("invoices")
    for name, outcome in tried.elsewhere.items():
        assert outcome.denied or outcome.ids == {}, name


def test_how_many_cases_were_tried(
    tried: Tried, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    # The administrator's statement reaches own rows and those of others at once, and another clinic's the second time.
    cases = 2 * len(tried.here) + len(tried.elsewhere)
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\n{tried.role}: {len(tried.here)} fields of own, others' and another clinic's rows, {cases} cases")  # noqa: T201
    assert cases > 500


@pytest.mark.parametrize("type_name", NODES)
def test_without_graphql_s_rules_an_id_finds_an_own_record_alone(address: Address, role: Role, type_name: str) -> None:
    somebody = viewer_of(address, role)
    mine = Belongings(address, somebody)
    for kind, identity in someone(mine, TABLES[type_name]).items():
        if identity is None:
            continue
        asked = [f'{{ node(id: "{make_id(type_name, identity)}") {{ id }} }}']
        for clinic in ("demo", OTHER):
            [outcome] = ask_as(address, viewer_of(address, Role.ADMIN, clinic), somebody, asked)
            if f"{type_name}.id" not in seen_by(role):
                is_counted = role is Role.ANALYST and f"{type_name}.id" in FOLLOWS_FROM_WHAT_IS_SEEN
                assert outcome.denied or outcome.data == {"node": None} or (is_counted and kind == "own"), kind
            else:
                found = kind == "own" and clinic == "demo" and (type_name not in PERSONAL or role is Role.ADMIN)
                assert not outcome.denied
                assert bool(outcome.data["node"]) is found, kind


def test_without_graphql_s_rules_hidden_filters_and_orders_are_refused(address: Address, walled: Role) -> None:
    role = walled
    wanted, order = ADMIN.type_map["InvoiceFilter"], ADMIN.type_map["InvoiceOrderField"]
    assert isinstance(wanted, GraphQLInputObjectType)
    assert isinstance(order, GraphQLEnumType)
    samples = {"attorneyId": f'["{make_id("Attorney", uuid4())}"]', "agingBucket": "[DAYS_0_30]", "search": '"a"'}
    filters = {
        name: samples.get(name, "true") for name in wanted.fields if f"InvoiceFilter.{name}" not in seen_by(role)
    }
    orders = [value for value in order.values if f"InvoiceOrderField.{value}" not in seen_by(role)]
    questions = [f"{{ invoices(filter: {{{name}: {value}}}) {{ totalCount }} }}" for name, value in filters.items()]
    questions += [
        f"{{ invoices(orderBy: {{field: {value}, direction: ASC}}) {{ nodes {{ id }} }} }}" for value in orders
    ]
    outcomes = ask_as(address, viewer_of(address, Role.ADMIN), viewer_of(address, role), questions)
    answered = {name for name, outcome in zip([*filters, *orders], outcomes, strict=True) if not outcome.denied}
    assert {"denied", "hasDueReminder", "onHold"} <= set(filters)
    # An attorney's own reach is by attorney, and age follows from the day of creation.
    # That an invoice was denied is counted in analysts' figures.
    follows = {
        Role.ATTORNEY: {"attorneyId", "agingBucket", "AGE"},
        Role.PHYSICIAN: {"agingBucket", "AGE"},
        Role.ANALYST: {"denied"},
    }
    assert answered == follows.get(role, set())
