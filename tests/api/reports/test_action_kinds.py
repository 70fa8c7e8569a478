"""The first and the last day of each kind of action item: pending worker runs, expired offers, other time zones, and no duplicates."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.pools import Database
from jobs.agreements import lapse_agreements
from server.database_urls import DatabaseUrls
from tests.api.reports.test_action_items import ITEMS, items, kinds
from tests.support.api.mutations import REMINDER, done
from tests.support.api.records import Found, find_records, today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations
from tests.support.client import Client, serving
from tests.support.databases import rows

_ZONE = "update clinics set time_zone = $1 where short_name = 'demo'"


def day(days: int) -> str:
    """A day so many days from today, in the clinic."""
    return (today() + timedelta(days=days)).isoformat()


@pytest.fixture
def bill(clinic: Clinic) -> str:
    """An invoice that awaits its payer's answer."""
    return clinic.submitted()


def lapse(address: DatabaseUrls, moment: datetime) -> None:
    """Run the worker's lapsing of agreements at a moment."""

    async def work() -> None:
        async with Database(address.login) as database:
            await lapse_agreements(database, lambda: moment)

    asyncio.run(work())


def test_an_unpaid_agreement_is_listed_whether_or_not_the_worker_has_run(
    address: DatabaseUrls, clinic: Clinic, bill: str
) -> None:
    clinic.step("requestReduction", bill, amount="600.00")
    clinic.step("agreeReduction", bill, conditionalUntil=day(0))
    assert kinds(clinic.billing, bill) == []
    assert kinds(clinic.billing, bill, on=day(1)) == [("LAPSED_AGREEMENT", day(1))]
    lapse(address, datetime.now(UTC) + timedelta(days=2))
    [item] = items(clinic.billing, bill, on=day(2))
    assert (item["dueOn"], item["subject"]) == (day(2), "The agreement has lapsed: negotiate again")
    assert item["invoice"]["status"] == "PENDING_REDUCTION"
    clinic.step("counterReduction", bill, party="CLINIC", amount="700.00")
    assert kinds(clinic.billing, bill, on=day(9)) == []


@pytest.fixture
def own_clinic(own_address: DatabaseUrls) -> Iterator[Clinic]:
    """A clinic of its own, whose server caches no time zone for other tests."""
    found = find_records(own_address)
    with serving(own_address) as url, Client(url) as anonymous, ExitStack() as clients:
        billing, admin = (
            clients.enter_context(anonymous.signed_in(f"{name}@demo.example")) for name in ("billing", "admin")
        )
        yield Clinic(billing, admin, found, own_address)


def test_an_agreement_lapses_on_the_day_of_the_clinic(own_address: DatabaseUrls, own_clinic: Clinic) -> None:
    bill = own_clinic.submitted()
    own_clinic.step("requestReduction", bill, amount="600.00")
    # The clinic moves to the other end of the world's days: at noon of UTC it is two in the night of the following day there.
    rows(own_address, _ZONE, "Pacific/Kiritimati")
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=3)
    own_clinic.step("agreeReduction", bill, conditionalUntil=(noon.date() - timedelta(days=1)).isoformat())
    lapse(own_address, noon)
    # A session is cached for two seconds with its time zone: a new one has the new zone.
    with Client(own_clinic.billing.url) as anonymous, anonymous.signed_in("admin@demo.example") as moved:
        [item] = items(moved, bill, on=(noon.date() + timedelta(days=9)).isoformat())
    assert item["dueOn"] == (noon.date() + timedelta(days=1)).isoformat()


def test_an_expired_offer_is_listed_until_the_next_offer(clinic: Clinic, bill: str) -> None:
    clinic.step("requestReduction", bill, amount="600.00", expiresOn=day(2))
    assert kinds(clinic.billing, bill, on=day(2)) == []
    [item] = items(clinic.billing, bill, on=day(3))
    assert (item["kind"], item["dueOn"]) == ("LAPSED_AGREEMENT", day(3))
    assert item["subject"] == f"The last offer expired on {day(2)}: ask the payer, or make another offer"
    clinic.step("counterReduction", bill, party="CLINIC", amount="800.00", expiresOn=day(5))
    assert kinds(clinic.billing, bill, on=day(5)) == []
    assert kinds(clinic.billing, bill, on=day(6)) == [("LAPSED_AGREEMENT", day(6))]
    clinic.step("declineReduction", bill, reason="Too little")
    assert kinds(clinic.billing, bill, on=day(6)) == []


def test_a_returned_cheque_is_one_item_for_each_invoice_however_often_it_was_allocated(clinic: Clinic) -> None:
    case = clinic.case()
    first, second = clinic.agreed("300.00", case), clinic.agreed("400.00", case)
    cheque = clinic.pays("700.00", {first: "100.00", second: "400.00"})["id"]
    parts = {"chequeId": cheque, "allocations": allocations({first: "200.00"})}
    done(clinic.billing, "allocateCheque", "cheque { id }", **parts)
    clinic.bounces(cheque)
    assert [kinds(clinic.billing, one) for one in (first, second)] == [[("RETURNED_CHEQUE", TODAY)]] * 2
    clinic.step("writeOffInvoice", second, clinic.admin, reason="They went bankrupt")
    assert [len(kinds(clinic.billing, one)) for one in (first, second)] == [1, 0]


@pytest.mark.parametrize("end", ["note", "payment", "another write-off"])
def test_a_recovery_that_bounces_is_an_item_until_somebody_decides(clinic: Clinic, bill: str, end: str) -> None:
    clinic.step("acceptInFull", bill)
    clinic.step("writeOffInvoice", bill, clinic.admin, reason="They went bankrupt")
    cheque = clinic.pays("300.00", {bill: "300.00"})["id"]
    assert clinic.look(bill)["status"] == "WRITTEN_OFF"
    clinic.bounces(cheque)
    [item] = items(clinic.billing, bill)
    assert (item["kind"], item["dueOn"]) == ("RETURNED_CHEQUE", TODAY)
    assert item["subject"].endswith(
        "was returned after the write-off: ask for another payment, or note that none is expected (addInternalNote)"
    )
    if end == "note":
        done(clinic.billing, "addInternalNote", "invoice { id }", invoiceId=bill, body="Nothing more is expected")
    elif end == "payment":
        clinic.pays("300.00", {bill: "300.00"})
    else:
        clinic.step("reverseWriteOff", bill, clinic.admin, reason="They may pay")
        assert kinds(clinic.billing, bill) == [("RETURNED_CHEQUE", TODAY)]
        clinic.step("writeOffInvoice", bill, clinic.admin, reason="They do not")
    assert kinds(clinic.billing, bill) == []


_SAID_TWICE = """with message as (insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on, failure)
        select clinic_id, $2, 'payer@example.test', 'Open', 'failed', $3, 'No' from invoices where id = $1 returning clinic_id)
    insert into message_invoices (clinic_id, id, message_id, invoice_id, policy_id, level, template_id, repetition)
    select p.clinic_id, gen_random_uuid(), $2, $1, p.id, n, t.id, 77 from message m
        join lateral (select * from reminder_policies where clinic_id = m.clinic_id limit 1) p on true
        join lateral (select * from reminder_templates where clinic_id = m.clinic_id limit 1) t on true, generate_series(1, 2) n"""


def test_a_failed_message_is_one_item_for_an_invoice_however_often_it_names_it(
    address: DatabaseUrls, clinic: Clinic, bill: str
) -> None:
    rows(address, _SAID_TWICE, uuid_of(bill), uuid4(), today())
    assert kinds(clinic.billing, bill) == [("FAILED_MESSAGE", day(0))]


def test_of_two_denials_the_last_one_counts_and_from_the_day_of_the_denial(clinic: Clinic, bill: str) -> None:
    for appeal in (99, 2):
        denied = {"deniedOn": day(0), "reasonCode": "X1", "appealDueOn": day(appeal)}
        done(clinic.billing, "recordDenial", "invoice { id }", invoiceId=bill, **denied)
        if appeal == 99:
            clinic.step("submitInvoice", bill, submittedOn=day(0), method="MAIL")
    assert kinds(clinic.billing, bill, on=day(99)) == [("APPEAL_DEADLINE", day(0))]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [({"first": 0}, "first"), ({"first": 501}, "first"), ({"after": "x"}, "after"), ({"who": "x"}, "assigneeId")],
)
def test_invalid_arguments_are_refused(billing: Client, variables: dict[str, Any], argument: str) -> None:
    [refusal] = billing.refusals(ITEMS, **variables)
    assert refusal.startswith(f"Argument {argument}: ")


def test_a_cursor_of_another_list_is_refused(billing: Client) -> None:
    cursor = billing.read("{ cheques(first: 1) { edges { cursor } } }")["cheques"]["edges"][0]["cursor"]
    assert billing.refusals(ITEMS, after=cursor) == ["Argument after: is not a cursor of this list in this order"]


def test_a_past_day_lists_items_that_were_due_by_then_and_are_still_open(billing: Client) -> None:
    whole = billing.read(ITEMS, first=500)["actionItems"]["nodes"]
    then = billing.read(ITEMS, on="2026-05-31", first=500)["actionItems"]["nodes"]
    assert then
    assert then == [item for item in whole if item["dueOn"] <= "2026-05-31"]


def test_the_list_of_an_assignee_contains_their_reminders_only(
    address: DatabaseUrls, clinic: Clinic, bill: str, found: Found
) -> None:
    me = clinic.billing.read("{ viewer { id name } }")["viewer"]
    inputs = {"invoiceId": bill, "targetDate": day(0), "subject": "Call"}
    made = [
        done(clinic.billing, "scheduleReminder", REMINDER, **inputs, **of)["id"]
        for of in ({"assigneeId": me["id"]}, {})
    ]
    mine = clinic.billing.read(ITEMS, who=me["id"], first=500)["actionItems"]["nodes"]
    assert {item["assignee"]["name"] for item in mine} == {me["name"]}
    assert made[0] in (listed := {item["reminder"]["id"] for item in mine})
    assert made[1] not in listed
    for who in (found.unknown("User"), found.foreign["User"], bill):
        assert clinic.billing.read(ITEMS, who=who)["actionItems"]["totalCount"] == 0


def test_a_visit_is_an_item_some_days_after_it_took_place_until_it_is_billed_or_cancelled(clinic: Clinic) -> None:
    case = clinic.case()
    who = {"caseId": case, "physicianId": clinic.found.own["Physician"], "exams": []}
    visits = [
        done(clinic.billing, "recordEncounter", "encounter { id }", **who, serviceDate=day(-2))["id"] for _ in range(2)
    ]

    def listed(on: str) -> list[Any]:
        query = """query ($on: Date) { actionItems(asOf: $on, first: 500) { nodes { kind dueOn subject invoice { id }
            encounter { id case { id } } } } }"""
        found = clinic.billing.read(query, on=on)["actionItems"]["nodes"]
        return [item for item in found if item["encounter"] and item["encounter"]["id"] in visits]

    assert listed(day(4)) == []
    assert [(item["kind"], item["dueOn"], item["invoice"]) for item in listed(day(5))] == [
        ("UNBILLED_ENCOUNTER", day(5), None)
    ] * 2
    assert listed(day(5))[0]["subject"] == f"The visit of {day(-2)} is not billed"
    done(clinic.admin, "updateClinic", "clinic { unbilledAfterDays }", unbilledAfterDays=2)
    assert len(listed(day(0))) == 2
    done(clinic.admin, "updateClinic", "clinic { unbilledAfterDays }", unbilledAfterDays=7)
    of = {"caseId": case, "payerId": clinic.payer, "serviceDate": day(-2), "encounterId": visits[0]}
    line = {"code": "A4556", "overridePrice": "9.00", "overrideReason": "As agreed"}
    done(clinic.billing, "createInvoice", "invoice { id }", **of, lines=[line], confirmDuplicate=True)
    assert [item["encounter"]["id"] for item in listed(day(5))] == [visits[1]]
    done(clinic.billing, "cancelEncounter", "encounter { id }", encounterId=visits[1], reason="Never came")
    assert listed(day(5)) == []
