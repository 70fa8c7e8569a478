"""Subscribers hear of changes through every server process: of what they see, have in reach and asked for, and of nothing else."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from graphql import GraphQLError

from db.identity import make_id
from db.security import STAFF_LOGIN
from domain.people import Role
from resolvers.changes import names_seen
from schema.whole import role_schemas
from server.addresses import Address
from server.announcements import LARGEST_QUEUE, Announcements
from tests.client import Client
from tests.databases import rows
from tests.processes import billing
from tests.subscriber import INVOICE, Subscriber, announce, connected, listening

STAFF = [Role.ADMIN, Role.BILLING]
SIGNED_IN = list(Role)
Listen = Callable[..., AbstractContextManager[Subscriber]]
_STEP = "mutation ($input: {0}Input!) {{ {1}(input: $input) {{ errors {{ message }} }} }}"


@pytest.fixture(scope="module")
def servers(address: Address) -> Iterator[tuple[str, str]]:
    """Two server processes on one database; what is written through the second is listened to at the first."""
    with billing(address, "serve", "--no-worker") as first, billing(address, "serve", "--no-worker") as second:
        yield first.url, second.url


@pytest.fixture
def ears(servers: tuple[str, str]) -> str:
    return servers[0]


@pytest.fixture
def hands(servers: tuple[str, str]) -> str:
    return servers[1]


def sign_in(url: str, who: str) -> Client:
    with Client(url) as nobody:
        return nobody.signed_in(f"{who}@demo.clinic")


def step(url: str, name: str, invoice: UUID, /, **given: Any) -> None:
    """One step of an invoice, taken by an administrator."""
    query = _STEP.format(name[0].upper() + name[1:], name)
    with sign_in(url, "admin") as admin:
        answer = admin.read(query, input={"invoiceId": make_id("Invoice", invoice), **given})
    assert answer[name]["errors"] == []


class Found:
    """Invoices of the demo clinic that the tests move, by how they are reached and where they stand."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.used: set[UUID] = set()

    def invoice(self, status: str, *, whose: str = "both", submitted: bool | None = None) -> UUID:
        """An invoice that nobody has used yet, in reach of the attorney, the physician, both or neither."""
        wanted = {
            "both": "i.attorney_id = a.attorney_id and i.physician_id = p.physician_id",
            "attorney": "i.attorney_id = a.attorney_id",
            "neither": "i.attorney_id is distinct from a.attorney_id and i.physician_id is distinct from p.physician_id",
        }[whose]
        said = "" if submitted is None else f"and i.submitted_on is {'not' if submitted else ''} null"
        query = f"""select i.id from invoices i, users a, users p where a.email = 'attorney@demo.clinic'
            and p.email = 'physician@demo.clinic' and i.status = $1 and {wanted} {said} and i.received_amount = 0
            and i.clinic_id = a.clinic_id and i.clinic_id = p.clinic_id and i.id <> all($2) order by i.id limit 1"""
        (row,) = rows(self.address, query, status, list(self.used))
        self.used.add(row["id"])
        return UUID(str(row["id"]))

    def number(self, invoice: UUID) -> str:
        return str(rows(self.address, "select number from invoices where id = $1", invoice)[0]["number"])


@pytest.fixture(scope="module")
def found(address: Address) -> Found:
    # Enough to choose from: as the demo has it, its attorney and its physician have few invoices in common.
    rows(
        address,
        """update cases set attorney_id = (select attorney_id from users where email = 'attorney@demo.clinic')
        where number < (select percentile_disc(0.7) within group (order by number) from cases)""",
    )
    rows(
        address,
        """update invoices i set physician_id = u.physician_id from users u, users a where u.email = 'physician@demo.clinic'
        and a.email = 'attorney@demo.clinic' and i.attorney_id = a.attorney_id""",
    )
    return Found(address)


@pytest.fixture(scope="module")
def sentinel(found: Found) -> UUID:
    """An invoice that everybody has in reach and nobody changes: whoever hears of it is listening."""
    return found.invoice("pending_cheque")


@pytest.fixture(scope="module")
def last(found: Found) -> UUID:
    """Another such invoice: what comes before it is all that was to be heard."""
    return found.invoice("pending_cheque")


@pytest.fixture
def listen(address: Address, ears: str, sentinel: UUID) -> Listen:
    def as_role(who: str, query: str = INVOICE, **variables: Any) -> AbstractContextManager[Subscriber]:
        with sign_in(ears, who) as client:
            return listening(address, ears, client.token, sentinel, query, **variables)

    return as_role


Hears = Callable[..., list[list[str]]]


@pytest.fixture
def hears(address: Address, found: Found, last: UUID) -> Hears:
    """What each of the subscribers has heard by now; all who listen are to be asked together."""

    def until_the_last(*subscribers: Subscriber) -> list[list[str]]:
        announce(address, last)
        return [_numbers(subscriber, found.number(last)) for subscriber in subscribers]

    return until_the_last


def _numbers(subscriber: Subscriber, last: str) -> list[str]:
    numbers: list[str] = []
    while (number := subscriber.heard()["number"]) != last:
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("role", SIGNED_IN)
def test_a_change_through_one_process_is_heard_at_the_other(
    role: Role, listen: Listen, hands: str, found: Found, hears: Hears
) -> None:
    invoice = found.invoice("pending_invoice", submitted=True)
    with listen(role.value) as subscriber:
        step(hands, "acceptInFull", invoice)
        assert subscriber.heard() == {"number": found.number(invoice), "status": "PENDING_CHEQUE"}
        assert hears(subscriber) == [[]]


def test_an_event_is_read_by_its_selection_as_any_other_answer(
    listen: Listen, hands: str, ears: str, found: Found
) -> None:
    selection = (
        "id number status patient { name } payer { ... on Payer { name } } lines { code: cptCode amount } __typename"
    )
    invoice = found.invoice("pending_invoice", submitted=True)
    with listen("attorney", f"subscription {{ invoiceChanged {{ {selection} }} }}") as subscriber:
        step(hands, "acceptInFull", invoice)
        heard = subscriber.heard()
    with sign_in(ears, "attorney") as attorney:
        read = attorney.read(
            f"query ($id: ID!) {{ invoice(id: $id) {{ {selection} }} }}", id=make_id("Invoice", invoice)
        )
    assert heard == read["invoice"]


# Steps of which only billing staff sees something, with the state in which they are taken.
QUIET: dict[str, tuple[str, bool | None, dict[str, Any]]] = {
    "submitInvoice": ("pending_invoice", False, {"submittedOn": "2026-06-30", "method": "MAIL"}),
    "counterReduction": ("pending_reduction", None, {"party": "CLINIC", "amount": "10.00"}),
    "setNegotiationLimits": ("pending_reduction", None, {"floorAmount": "5.00"}),
    "addInternalNote": ("pending_cheque", None, {"body": "They called."}),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_a_role_does_not_see_makes_no_sound(
    listen: Listen, hands: str, found: Found, hears: Hears, name: str
) -> None:
    status, submitted, given = QUIET[name]
    invoice = found.invoice(status, submitted=submitted)
    with ExitStack() as stack:
        deaf = [stack.enter_context(listen(role)) for role in ("attorney", "physician", "analyst")]
        staff = [stack.enter_context(listen(role)) for role in STAFF]
        step(hands, name, invoice, **given)
        assert hears(*staff, *deaf) == [[found.number(invoice)]] * len(staff) + [[]] * len(deaf)


def test_the_rhythm_of_a_negotiation_is_its_beginning_and_its_end(
    listen: Listen, hands: str, found: Found, hears: Hears
) -> None:
    invoice = found.invoice("pending_invoice", submitted=True)
    with listen("attorney") as attorney, listen("billing") as staff:
        step(hands, "requestReduction", invoice, amount="10.00")
        for party, amount in (("CLINIC", "30.00"), ("PAYER", "20.00"), ("CLINIC", "25.00")):
            step(hands, "counterReduction", invoice, party=party, amount=amount)
        step(hands, "agreeReduction", invoice)
        of_attorney, of_staff = hears(attorney, staff)
        assert len(of_staff) == 5
        # What is said of the invoice is as it is when it is read: the states may have run together by then, the count has not.
        assert len(of_attorney) == 2


@pytest.mark.parametrize("who", ["attorney", "physician"])
def test_invoices_out_of_reach_are_not_heard_of(
    listen: Listen, hands: str, found: Found, hears: Hears, who: str
) -> None:
    invoice = found.invoice("pending_invoice", whose="neither", submitted=True)
    with listen(who) as subscriber, listen("billing") as staff:
        step(hands, "acceptInFull", invoice)
        assert hears(staff, subscriber) == [[found.number(invoice)], []]


def test_nothing_of_another_clinic_is_heard_even_if_it_is_said(address: Address, listen: Listen, hears: Hears) -> None:
    clinic = uuid4()
    rows(
        address,
        "insert into clinics (clinic_id, short_name, name) values ($1, $2, 'Another')",
        clinic,
        f"c{clinic.hex[:8]}",
    )
    notice = f'{{"clinic": "{clinic}", "invoice": "{uuid4()}", "columns": ["status"]}}'
    with listen("admin") as subscriber:
        rows(address, "select pg_notify('invoice_changed', $1)", notice)
        assert hears(subscriber) == [[]]


def test_a_void_invoice_has_left_the_attorneys_reach(listen: Listen, hands: str, found: Found, hears: Hears) -> None:
    invoice = found.invoice("pending_invoice")
    with listen("attorney") as attorney, listen("physician") as physician:
        step(hands, "voidInvoice", invoice, reason="Issued twice.")
        assert hears(physician, attorney) == [[found.number(invoice)], []]


def test_a_change_of_attorney_moves_what_is_heard(
    address: Address, ears: str, listen: Listen, hands: str, found: Found, hears: Hears
) -> None:
    invoice = found.invoice("pending_invoice", whose="attorney", submitted=True)
    case = "(select case_id from invoices where id = $1)"
    other = rows(
        address,
        "select id from attorneys where id not in (select attorney_id from users where attorney_id is not null)",
    )[0]["id"]
    rows(
        address,
        """insert into users (clinic_id, id, email, name, role, password_hash, attorney_id)
        select clinic_id, gen_random_uuid(), 'other.attorney@demo.clinic', 'Other', 'attorney', password_hash, $1
        from users where email = 'attorney@demo.clinic'""",
        other,
    )
    with listen("attorney") as before:
        rows(address, f"update cases set attorney_id = $2 where id = {case}", invoice, other)
        with sign_in(ears, "other.attorney") as client, listening(address, ears, client.token, invoice) as now:
            now.sentinel = None
            step(hands, "acceptInFull", invoice)
            while now.heard() != {"number": found.number(invoice), "status": "PENDING_CHEQUE"}:
                pass
        assert hears(before) == [[]]


def test_only_what_the_filter_wants_is_heard(listen: Listen, hands: str, found: Found, hears: Hears) -> None:
    wanted, unwanted = (
        found.invoice("pending_invoice", submitted=True),
        found.invoice("pending_invoice", submitted=True),
    )
    with listen("billing", filter={"status": ["PENDING_CHEQUE"]}) as subscriber:
        step(hands, "requestReduction", unwanted, amount="10.00")
        step(hands, "acceptInFull", wanted)
        assert hears(subscriber) == [[found.number(wanted)]]


@pytest.mark.parametrize("search", ["%", "_", "'; drop table invoices; --", "\\"])
def test_a_filter_is_taken_literally(address: Address, ears: str, sentinel: UUID, search: str) -> None:
    with sign_in(ears, "billing") as client, connected(ears, client.token) as subscriber:
        payload = {"query": INVOICE, "variables": {"filter": {"search": search}}}
        subscriber.send(id="1", type="subscribe", payload=payload)
        time.sleep(0.5)
        announce(address, sentinel)
        assert subscriber.is_silent(0.5)


@pytest.mark.parametrize(
    ("who", "query", "variables"),
    [
        ("billing", INVOICE, {"filter": {"payerId": ["no id"]}}),
        ("billing", INVOICE, {"filter": {"search": "\x00"}}),
        ("billing", INVOICE, {"filter": {"billedMin": "NaN"}}),
        ("attorney", INVOICE, {"filter": {"denied": True}}),
        ("attorney", "subscription { invoiceChanged(filter: {onHold: true}) { number } }", {}),
        ("attorney", "subscription { invoiceChanged { version } }", {}),
        ("analyst", "subscription { invoiceChanged { patient { name } } }", {}),
        ("billing", "subscription { a: invoiceChanged { number } b: invoiceChanged { number } }", {}),
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused_at_once(ears: str, who: str, query: str, variables: Any) -> None:
    with sign_in(ears, who) as client, connected(ears, client.token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": query, "variables": variables})
        message = subscriber.next()
        said = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert said[0]["message"]
        assert said[0].get("extensions", {}).get("code") != "INTERNAL_ERROR"


def test_nobody_without_a_token_hears_anything(ears: str) -> None:
    with connected(ears, None) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": "subscription { invoiceChanged { number } }"})
        assert subscriber.next()["type"] == "error"


# The end of a session is the end of what is heard.


def _token_row(address: Address, client: Client) -> Any:
    assert client.token
    return rows(
        address,
        "select id, user_id from sessions where token_hash = $1",
        hashlib.sha256(client.token.encode()).digest(),
    )[0]


ENDS = {
    "expiry": "update sessions set expires_at = now() where id = $1",
    "idleness": "update sessions set last_used_at = now() - interval '1 hour' where id = $1",
    "revocation": "update sessions set revoked_at = now() where id = $1",
    "deactivation": "update users set active = false where id = (select user_id from sessions where id = $1)",
    "another role": "update users set role = 'analyst' where id = (select user_id from sessions where id = $1)",
}


@pytest.fixture
def passing(address: Address) -> str:
    """A user of billing staff who is there for one test."""
    name = f"u{uuid4().hex[:8]}"
    rows(
        address,
        """insert into users (clinic_id, id, email, name, role, password_hash)
        select clinic_id, gen_random_uuid(), $1, 'Passing', 'billing', password_hash
        from users where email = 'billing@demo.clinic'""",
        f"{name}@demo.clinic",
    )
    return name


@pytest.mark.parametrize("end", ENDS)
def test_a_session_that_ends_ends_the_subscription_within_seconds(
    address: Address, ears: str, sentinel: UUID, passing: str, end: str
) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel) as subscriber:
        rows(address, ENDS[end], _token_row(address, client)["id"])
        began = time.monotonic()
        assert subscriber.ended_with() == "UNAUTHENTICATED"
        assert time.monotonic() - began < 5


def test_nothing_is_heard_after_signing_out_at_another_process(
    address: Address, ears: str, hands: str, sentinel: UUID, passing: str
) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel) as subscriber:
        with Client(hands, client.token) as elsewhere:
            elsewhere.read("mutation { signOut { signedOut } }")
        announce(address, sentinel)
        message = subscriber.next()
        assert message["payload"]["data"] is None
        assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_token_revoked_at_one_process_is_refused_at_the_other_at_once(ears: str, hands: str, passing: str) -> None:
    with sign_in(ears, passing) as client:
        client.read("{ viewer { id } }")
        with Client(hands, client.token) as elsewhere:
            elsewhere.read("mutation { signOut { signedOut } }")
        # The notice is on its way: far less than the seconds for which a process would believe what it knows.
        time.sleep(0.3)
        assert client.post("{ viewer { id } }").status_code == 401


def test_listening_is_no_use_of_a_session(address: Address, ears: str, sentinel: UUID, passing: str) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel):
        session = _token_row(address, client)["id"]
        rows(address, "update sessions set last_used_at = now() - interval '20 minutes' where id = $1", session)
        time.sleep(3)
        (row,) = rows(
            address, "select last_used_at < now() - interval '19 minutes' as idle from sessions where id = $1", session
        )
        assert row["idle"]


# The connection that listens.


def test_a_lost_connection_ends_subscriptions_and_new_ones_are_heard(
    address: Address, listen: Listen, hears: Hears
) -> None:
    with listen("billing") as subscriber:
        rows(
            address,
            """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'billing announcements'""",
        )
        assert subscriber.ended_with() == "CHANGES_MISSED"
    with listen("billing") as again:
        assert hears(again) == [[]]


def test_words_that_make_no_sense_are_passed_over(address: Address, listen: Listen, hears: Hears) -> None:
    with listen("billing") as subscriber:
        for channel in ("invoice_changed", "session_ended"):
            for word in ("", "{", "[]", "{}", '{"clinic": "x"}', '{"clinic": 1, "invoice": 2, "columns": 3}', "null"):
                rows(address, "select pg_notify($1, $2)", channel, word)
        assert hears(subscriber) == [[]]


async def test_a_subscriber_that_reads_too_slowly_is_told_to_begin_anew(address: Address) -> None:
    clinic, invoice = uuid4(), uuid4()
    notice = f"""{{"clinic": "{clinic}", "invoice": "{invoice}", "columns": ["status"], "n": %s}}"""
    connection = await asyncpg.connect(address.owner)
    try:
        async with (
            Announcements(address.login(STAFF_LOGIN), lambda _: None) as announcements,
            announcements.of_invoices(clinic, frozenset({"status"})) as changes,
        ):
            for number in range(LARGEST_QUEUE + 10):
                await connection.execute("select pg_notify('invoice_changed', $1)", notice % number)
            await asyncio.sleep(0.5)
            with pytest.raises(GraphQLError) as refused:
                await anext(changes)
            assert refused.value.extensions == {"code": "TOO_SLOW"}
    finally:
        await connection.close()


HIDDEN = {
    "version",
    "submitted_on",
    "agreed_amount",
    "received_amount",
    "written_off_amount",
    "floor_amount",
    "target_amount",
    "conditional_until",
    "agreed_on",
    "updated_at",
    "internal_notes",
    "reduction_offers",
    "denials",
    "holds",
    "cheque_allocations",
}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_who_sees_no_ledger_and_no_negotiation_hears_of_none(role: Role) -> None:
    assert not names_seen(role_schemas()[role], role) & HIDDEN


def test_an_analyst_hears_of_amounts_and_not_of_the_negotiation() -> None:
    heard = names_seen(role_schemas()[Role.ANALYST], Role.ANALYST)
    assert {"agreed_amount", "received_amount", "status"} <= heard
    assert not heard & (HIDDEN - {"agreed_amount", "received_amount", "written_off_amount"})


@pytest.mark.parametrize("role", STAFF)
def test_billing_staff_hear_of_everything_that_steps_announce(role: Role) -> None:
    assert names_seen(role_schemas()[role], role) >= HIDDEN - {"agreed_on"}
