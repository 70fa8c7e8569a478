"""The clinic's calendar in answers: age and bucket of an invoice, holds and reminders, by day and by time zone."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.global_ids import make_id
from db.pools import Database
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import NEW_YORK, ClinicClock, moment
from tests.support.client import Client
from tests.support.databases import PASSWORD, TODAY, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

TOKYO = "Asia/Tokyo"
BUCKETS = ["DAYS_0_30", "DAYS_31_60", "DAYS_61_90", "DAYS_91_120", "DAYS_121_PLUS"]
# Age in days, bucket and risk on both sides of every edge.
EDGES = [
    (0, "DAYS_0_30", "LOW"),
    (30, "DAYS_0_30", "LOW"),
    (31, "DAYS_31_60", "MODERATE"),
    (60, "DAYS_31_60", "MODERATE"),
    (61, "DAYS_61_90", "HIGH"),
    (90, "DAYS_61_90", "HIGH"),
    (91, "DAYS_91_120", "VERY_HIGH"),
    (120, "DAYS_91_120", "VERY_HIGH"),
    (121, "DAYS_121_PLUS", "CRITICAL"),
    (4_000, "DAYS_121_PLUS", "CRITICAL"),
]
AGE = "query ($id: ID!) { invoice(id: $id) { ageDays agingBucket risk } }"
IN_BUCKET = "query ($b: [AgingBucket!]) { invoices(first: 500, filter: {agingBucket: $b}) { nodes { id } } }"


@pytest.fixture(scope="module")
def clock() -> ClinicClock:
    return ClinicClock()


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic in New York, and another in Tokyo."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        rows(copy, "update clinics set time_zone = $1 where short_name = $2", TOKYO, OTHER)
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, clock: ClinicClock) -> Iterator[str]:
    with served(assembled(Database(address.login), clock=clock)) as url:
        yield url


@pytest.fixture(scope="module")
def clients(anonymous: Client) -> Iterator[dict[str, Client]]:
    """A client of billing staff for the time zone of each clinic."""
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    tokens = {}
    for zone, clinic in ((NEW_YORK, "demo"), (TOKYO, OTHER)):
        inputs = {"email": "billing@demo.example", "password": PASSWORD, "clinic": clinic}
        tokens[zone] = anonymous.read(query, i=inputs)["signIn"]["token"]
    with Client(anonymous.url, tokens[NEW_YORK]) as here, Client(anonymous.url, tokens[TOKYO]) as elsewhere:
        yield {NEW_YORK: here, TOKYO: elsewhere}


@pytest.fixture(scope="module")
def billing(clients: dict[str, Client]) -> Client:
    return clients[NEW_YORK]


@pytest.fixture(scope="module")
def open_invoice(address: DatabaseUrls) -> tuple[UUID, date]:
    """An open invoice of the demo clinic, and the day on which it was created."""
    [row] = rows(
        address,
        """select i.id, created_on from invoices i join clinics c using (clinic_id)
        where short_name = 'demo' and i.status = 'pending_cheque' order by i.id limit 1""",
    )
    return row["id"], row["created_on"]


def read_invoice(client: Client, identity: UUID) -> dict[str, Any]:
    answer: dict[str, Any] = client.read(AGE, id=make_id("Invoice", identity))["invoice"]
    return answer


def buckets_that_find(client: Client, identity: UUID) -> list[str]:
    """The aging buckets whose filter finds an invoice."""
    wanted = make_id("Invoice", identity)
    found = {bucket: client.read(IN_BUCKET, b=[bucket])["invoices"]["nodes"] for bucket in BUCKETS}
    return [bucket for bucket, nodes in found.items() if wanted in {node["id"] for node in nodes}]


@pytest.mark.parametrize(("days", "bucket", "risk"), EDGES)
def test_an_open_invoice_is_found_only_in_the_bucket_of_its_age(
    billing: Client, clock: ClinicClock, open_invoice: tuple[UUID, date], days: int, bucket: str, risk: str
) -> None:
    identity, created_on = open_invoice
    with clock.set_to(moment(created_on + timedelta(days=days))):
        assert read_invoice(billing, identity) == {"ageDays": days, "agingBucket": bucket, "risk": risk}
        assert buckets_that_find(billing, identity) == [bucket]


def test_an_invoice_of_tomorrow_is_zero_days_old(
    billing: Client, clock: ClinicClock, open_invoice: tuple[UUID, date]
) -> None:
    identity, created_on = open_invoice
    with clock.set_to(moment(created_on - timedelta(days=1))):
        assert read_invoice(billing, identity) == {"ageDays": 0, "agingBucket": "DAYS_0_30", "risk": "LOW"}
        assert buckets_that_find(billing, identity) == ["DAYS_0_30"]


@pytest.mark.parametrize("status", ["cheque_received", "paid", "void", "written_off"])
def test_an_invoice_that_is_covered_or_closed_is_in_no_bucket(
    billing: Client, address: DatabaseUrls, status: str
) -> None:
    query = """select i.id, created_on from invoices i join clinics c using (clinic_id)
        where short_name = 'demo' and i.status = $1 order by i.id limit 1"""
    [(identity, created_on)] = rows(address, query, status)
    assert read_invoice(billing, identity) == {"ageDays": (TODAY - created_on).days, "agingBucket": None, "risk": None}
    assert buckets_that_find(billing, identity) == []


@pytest.mark.parametrize("zone", [NEW_YORK, TOKYO])
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (23, 59)])
def test_a_clinic_s_day_begins_and_ends_at_its_own_midnight(
    clients: dict[str, Client],
    address: DatabaseUrls,
    clock: ClinicClock,
    open_invoice: tuple[UUID, date],
    zone: str,
    hour: int,
    minute: int,
) -> None:
    identity, created_on = of_zone(address, open_invoice, zone)
    with clock.set_to(moment(created_on + timedelta(days=31), hour, minute, zone)):
        assert read_invoice(clients[zone], identity)["ageDays"] == 31
        assert buckets_that_find(clients[zone], identity) == ["DAYS_31_60"]
    before_midnight = moment(created_on + timedelta(days=31), 0, 0, zone) - timedelta(seconds=1)
    with clock.set_to(before_midnight):
        assert read_invoice(clients[zone], identity)["ageDays"] == 30
        assert buckets_that_find(clients[zone], identity) == ["DAYS_0_30"]


def of_zone(address: DatabaseUrls, open_invoice: tuple[UUID, date], zone: str) -> tuple[UUID, date]:
    """The invoice itself, or its copy in the clinic of another zone."""
    if zone == NEW_YORK:
        return open_invoice
    [(identity,)] = rows(
        address,
        """select copy.id from invoices i join invoices copy on copy.number = i.number and copy.clinic_id <> i.clinic_id
        where i.id = $1""",
        open_invoice[0],
    )
    return identity, open_invoice[1]


def test_one_moment_can_be_different_days_in_two_clinics(
    clients: dict[str, Client], address: DatabaseUrls, clock: ClinicClock, open_invoice: tuple[UUID, date]
) -> None:
    _, created_on = open_invoice
    with clock.set_to(moment(created_on + timedelta(days=30), 20, 0, NEW_YORK)):
        ages = {
            zone: read_invoice(clients[zone], of_zone(address, open_invoice, zone)[0]) for zone in (NEW_YORK, TOKYO)
        }
    assert (ages[NEW_YORK]["ageDays"], ages[NEW_YORK]["agingBucket"]) == (30, "DAYS_0_30")
    assert (ages[TOKYO]["ageDays"], ages[TOKYO]["agingBucket"]) == (31, "DAYS_31_60")


def test_ages_count_calendar_days_across_clock_changes(
    billing: Client, clock: ClinicClock, open_invoice: tuple[UUID, date]
) -> None:
    identity, created_on = open_invoice
    for day in (date(2027, 3, 14), date(2027, 11, 7)):
        for hour in (0, 1, 3, 23):
            with clock.set_to(moment(day, hour, 30)):
                assert read_invoice(billing, identity)["ageDays"] == (day - created_on).days


HELD = """query ($id: ID!, $payer: ID!, $case: ID!) {
    invoice(id: $id) { hold { reason untilOn } } payer(id: $payer) { hold { reason } } case(id: $case) { hold { reason } }
    invoices(filter: {onHold: true, caseId: [$case]}, first: 500) { nodes { id } } }"""
_PLACE = """insert into holds (clinic_id, id, {column}, until_on, reason, placed_at)
    select clinic_id, $1, {column_of}, $3, $4, now() from invoices where id = $2"""


class Holds:
    """One invoice, and the holds that a test places on it, on its case and on its payer."""

    def __init__(self, address: DatabaseUrls, client: Client) -> None:
        self.address, self.client = address, client
        [row] = rows(
            address,
            """select i.id, i.case_id, i.payer_id from invoices i join clinics c using (clinic_id)
            where short_name = 'demo' and not exists (select from holds h where h.invoice_id = i.id or h.case_id = i.case_id
            or h.payer_id = i.payer_id) order by i.id limit 1""",
        )
        self.row = dict(row)
        self.placed: list[UUID] = []

    def place(self, on: str, until_on: date) -> UUID:
        """Place a hold whose reason names its target."""
        hold_id, column = uuid4(), f"{on}_id"
        place = _PLACE.format(column=column, column_of="id" if on == "invoice" else column)
        rows(self.address, place, hold_id, self.row["id"], until_on, on)
        self.placed.append(hold_id)
        return hold_id

    def remove(self) -> None:
        """Remove all of them."""
        rows(self.address, "delete from holds where id = any($1)", self.placed)

    def seen(self) -> tuple[str | None, str | None, str | None, bool]:
        """The reason of the hold of the invoice, its payer and its case, and whether the filter finds the invoice."""
        identity = make_id("Invoice", self.row["id"])
        payer, case = make_id("Payer", self.row["payer_id"]), make_id("Case", self.row["case_id"])
        found = self.client.read(HELD, id=identity, payer=payer, case=case)
        holds = [found[name]["hold"] and found[name]["hold"]["reason"] for name in ("invoice", "payer", "case")]
        return holds[0], holds[1], holds[2], identity in {node["id"] for node in found["invoices"]["nodes"]}


@pytest.fixture
def holds(address: DatabaseUrls, billing: Client) -> Iterator[Holds]:
    holds = Holds(address, billing)
    yield holds
    holds.remove()


def test_an_invoice_without_holds_has_none(holds: Holds) -> None:
    assert holds.seen() == (None, None, None, False)


@pytest.mark.parametrize(
    ("on", "seen"),
    [
        ("invoice", ("invoice", None, None, True)),
        ("payer", ("payer", "payer", None, True)),
        ("case", ("case", None, "case", True)),
    ],
)
def test_a_hold_on_an_invoice_its_payer_or_its_case_applies_up_to_its_last_day(
    holds: Holds, clock: ClinicClock, on: str, seen: tuple[Any, ...]
) -> None:
    holds.place(on, TODAY)
    assert holds.seen() == seen
    with clock.set_to(moment(TODAY, 23, 59)):
        assert holds.seen() == seen
    with clock.set_to(moment(TODAY + timedelta(days=1), 0, 0)):
        assert holds.seen() == (None, None, None, False)


def test_a_released_hold_has_ended(holds: Holds, address: DatabaseUrls) -> None:
    hold_id = holds.place("invoice", TODAY + timedelta(days=9))
    rows(address, "update holds set released_at = now() where id = $1", hold_id)
    assert holds.seen() == (None, None, None, False)


def test_of_several_holds_the_invoice_s_own_is_named_before_its_case_s_and_its_payer_s(
    holds: Holds, clock: ClinicClock
) -> None:
    for on, days in (("payer", 9), ("case", 5), ("invoice", 1)):
        holds.place(on, TODAY + timedelta(days=days))
    named = []
    for days in (0, 1, 2, 5, 6, 9, 10):
        with clock.set_to(moment(TODAY + timedelta(days=days))):
            named.append(holds.seen()[0])
    assert named == ["invoice", "invoice", "case", "case", "payer", "payer", None]


def test_a_hold_of_another_clinic_does_not_apply(holds: Holds, address: DatabaseUrls) -> None:
    rows(
        address,
        """insert into holds (clinic_id, id, invoice_id, until_on, reason, placed_at)
        select clinic_id, $1, id, $2, 'elsewhere', now() from invoices
        where number = (select number from invoices where id = $3) and id <> $3""",
        uuid4(),
        TODAY,
        holds.row["id"],
    )
    assert holds.seen() == (None, None, None, False)


def test_a_reminder_is_due_from_its_day_on(billing: Client, address: DatabaseUrls, clock: ClinicClock) -> None:
    [(identity,)] = rows(
        address,
        """select i.id from invoices i join clinics c using (clinic_id) where short_name = 'demo'
        and not exists (select from reminders r where r.invoice_id = i.id) order by i.id limit 1""",
    )
    rows(
        address,
        """insert into reminders (clinic_id, id, invoice_id, target_date, subject, status, created_at)
        select clinic_id, $1, id, $2, 'Call', 'scheduled', now() from invoices where id = $3""",
        uuid4(),
        TODAY,
        identity,
    )
    query = "{ invoices(first: 500, filter: {hasDueReminder: true}) { nodes { id } } }"
    due = []
    for day in (TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)):
        with clock.set_to(moment(day)):
            nodes = billing.read(query)["invoices"]["nodes"]
        due.append(make_id("Invoice", identity) in {node["id"] for node in nodes})
    assert due == [False, True, True]
