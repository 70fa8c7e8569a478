"""Action items: one list of what staff have to act on, each item from its day until it is done; other roles see none."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import REMINDER, answered, done
from tests.support.api.records import Found, today, uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.subscriber import Subscriber, connected

ITEMS = """query ($on: Date, $who: ID, $first: Int, $after: String) { actionItems(asOf: $on, assigneeId: $who, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id kind dueOn subject assignee { name } reminder { id }
    invoice { id status agingBucket balance } } } }"""
TODAY, DAY = today(), timedelta(days=1)
_FAILED = """with message as (insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on, failure)
        select clinic_id, gen_random_uuid(), 'payer@example.test', 'Open', $2, $3, '550 No such mailbox' from invoices where id = $1
        returning clinic_id, id)
    insert into message_invoices (clinic_id, id, message_id, invoice_id, policy_id, level, template_id, repetition)
    select clinic_id, gen_random_uuid(), message.id, $1, p.id, 1, t.id, $4 from message join lateral (select id from reminder_policies
        where clinic_id = message.clinic_id limit 1) p on true join lateral (select id from reminder_templates
        where clinic_id = message.clinic_id limit 1) t on true"""


@pytest.fixture(scope="module")
def clinic(billing: Client, admin: Client, found: Found, address: DatabaseUrls) -> Clinic:
    return Clinic(billing, admin, found, address)


def items(client: Client, invoice: str, **variables: Any) -> list[Any]:
    """The action items of one invoice."""
    found = client.read(ITEMS, **{"first": 500, **variables})["actionItems"]["nodes"]
    return [item for item in found if item["invoice"] and item["invoice"]["id"] == invoice]


def kinds(client: Client, invoice: str, **variables: Any) -> list[tuple[str, str]]:
    return [(item["kind"], item["dueOn"]) for item in items(client, invoice, **variables)]


def test_a_reminder_is_an_item_from_its_day_until_it_is_closed(
    clinic: Clinic, billing: Client, sign_in: SignIn
) -> None:
    invoice, tomorrow = clinic.submitted(), (TODAY + DAY).isoformat()
    ada = sign_in(Role.ADMIN).read("{ viewer { id } }")["viewer"]["id"]
    inputs = {"invoiceId": invoice, "targetDate": tomorrow, "subject": "Call the adjuster", "assigneeId": ada}
    reminder = done(billing, "scheduleReminder", REMINDER, **inputs)
    assert kinds(billing, invoice) == []
    assert kinds(billing, invoice, on=tomorrow) == [("DUE_REMINDER", tomorrow)]
    done(billing, "updateReminder", REMINDER, reminderId=reminder["id"], targetDate=TODAY.isoformat())
    (item,) = items(billing, invoice)
    assert (item["subject"], item["assignee"], item["reminder"]) == (
        "Call the adjuster",
        {"name": "Ada Minster"},
        {"id": reminder["id"]},
    )
    assert item["invoice"] == {
        "id": invoice,
        "status": "PENDING_INVOICE",
        "agingBucket": "DAYS_0_30",
        "balance": "1000.00",
    }
    assert kinds(billing, invoice, who=ada) == kinds(billing, invoice)
    assert kinds(billing, invoice, who=make_id("User", UUID(int=7))) == []
    assert kinds(billing, invoice, on=(TODAY - DAY).isoformat()) == []
    done(billing, "completeReminder", REMINDER, reminderId=reminder["id"], outcome="They pay")
    assert kinds(billing, invoice) == []


def test_a_paid_invoice_has_no_reminder_left(clinic: Clinic, billing: Client) -> None:
    case = clinic.case()
    invoice = clinic.agreed("100.00", case)
    inputs = {"invoiceId": invoice, "targetDate": TODAY.isoformat(), "subject": "Where is the cheque"}
    done(billing, "scheduleReminder", REMINDER, **inputs)
    clinic.pays("100.00", {invoice: "100.00"})
    assert len(kinds(billing, invoice)) == 1
    answered(billing, "settleCase", "case { id }", caseId=case)
    assert kinds(billing, invoice) == []
    read = billing.read("query ($id: ID!) { invoice(id: $id) { status reminders { status } } }", id=invoice)["invoice"]
    assert read == {"status": "PAID", "reminders": [{"status": "CANCELLED"}]}


def test_a_partly_paid_agreement_is_an_item_after_its_day(
    address: DatabaseUrls, clinic: Clinic, billing: Client
) -> None:
    invoice, agreed = clinic.submitted(), (TODAY + DAY).isoformat()
    clinic.step("requestReduction", invoice, amount="600.00")
    clinic.step("agreeReduction", invoice, conditionalUntil=agreed)
    clinic.pays("100.00", {invoice: "100.00"})
    after = (TODAY + 2 * DAY).isoformat()
    assert kinds(billing, invoice, on=agreed) == []
    assert kinds(billing, invoice, on=after) == [("LAPSED_AGREEMENT", after)]
    clinic.pays("500.00", {invoice: "500.00"})
    assert kinds(billing, invoice, on=after) == []


def test_a_lapsed_agreement_is_an_item_until_the_next_command(
    address: DatabaseUrls, clinic: Clinic, billing: Client
) -> None:
    invoice = clinic.submitted()
    clinic.step("requestReduction", invoice, amount="600.00")
    clinic.step("agreeReduction", invoice)
    clinic.step("reopenReduction", invoice, reason="Lapses")
    lapses = "update invoice_events set transition = 'lapse_agreement' where invoice_id = $1 and transition = 'reopen_reduction'"
    rows(address, "alter table invoice_events disable trigger user")
    rows(address, lapses, uuid_of(invoice))
    rows(address, "alter table invoice_events enable trigger user")
    assert [kind for kind, _ in kinds(billing, invoice)] == ["LAPSED_AGREEMENT"]
    done(billing, "addInternalNote", "invoice { id }", invoiceId=invoice, body="No answer")
    assert len(kinds(billing, invoice)) == 1
    clinic.step("counterReduction", invoice, party="CLINIC", amount="700.00")
    assert kinds(billing, invoice) == []


def test_a_returned_cheque_is_an_item_until_the_next_payment(clinic: Clinic, billing: Client) -> None:
    invoice = clinic.agreed()
    cheque = clinic.pays("400.00", {invoice: "400.00"})
    assert kinds(billing, invoice) == []
    clinic.bounces(cheque["id"])
    (item,) = items(billing, invoice)
    assert (item["kind"], item["subject"]) == ("RETURNED_CHEQUE", f"Cheque {cheque['number']} was returned")
    clinic.pays("50.00", {invoice: "50.00"})
    assert kinds(billing, invoice) == []


def payer_name(clinic: Clinic) -> str:
    """The name of the payer who pays by default."""
    name: str = clinic.billing.read("query ($id: ID!) { payer(id: $id) { name } }", id=clinic.payer)["payer"]["name"]
    return name


@pytest.mark.parametrize("is_transferred", [False, True])
def test_a_returned_cheque_of_an_invoice_without_agreement_is_an_item(
    clinic: Clinic, billing: Client, is_transferred: bool
) -> None:
    invoice = clinic.submitted()
    cheque = clinic.pays("400.00", {invoice: "400.00"})
    if is_transferred:
        firm = done(billing, "createPayer", "payer { id }", name="Bounced & Partners", kind="ATTORNEY")["id"]
        clinic.step("transferBalance", invoice, payerId=firm, reason="OTHER")
    clinic.bounces(cheque["id"])
    [item] = items(billing, invoice)
    assert (item["kind"], item["dueOn"]) == ("RETURNED_CHEQUE", TODAY.isoformat())
    words = f"Cheque {cheque['number']} was returned"
    if is_transferred:
        of = f"Cheque {cheque['number']} of {payer_name(clinic)} was returned"
        words = f"{of}: ask for another payment, or collect $1000.00 from Bounced & Partners"
    assert item["subject"] == words
    clinic.pays("50.00", {invoice: "50.00"})
    assert kinds(billing, invoice) == []


def test_a_message_that_failed_is_an_item_until_a_later_one_goes_out(
    address: DatabaseUrls, clinic: Clinic, billing: Client
) -> None:
    invoice = clinic.submitted()
    rows(address, _FAILED, uuid_of(invoice), "failed", TODAY - 2 * DAY, 0)
    (item,) = items(billing, invoice)
    assert (item["kind"], item["subject"]) == ("FAILED_MESSAGE", "A message could not be sent: 550 No such mailbox")
    rows(address, _FAILED, uuid_of(invoice), "sent", TODAY - DAY, 1)
    assert kinds(billing, invoice) == []
    rows(address, _FAILED, uuid_of(invoice), "failed", TODAY, 2)
    assert kinds(billing, invoice) == [("FAILED_MESSAGE", TODAY.isoformat())]
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Lost")
    assert kinds(billing, invoice) == []


def test_a_denial_is_an_item_two_weeks_before_its_appeal_is_due_until_it_is_submitted_again(
    clinic: Clinic, billing: Client
) -> None:
    invoice, appeal = clinic.submitted(), TODAY + 20 * DAY
    clinic.step("recordDenial", invoice, deniedOn=TODAY.isoformat(), reasonCode="OTHER", appealDueOn=appeal.isoformat())
    first = (appeal - 14 * DAY).isoformat()
    assert kinds(billing, invoice, on=(appeal - 15 * DAY).isoformat()) == []
    assert kinds(billing, invoice, on=first) == [("APPEAL_DEADLINE", first)]
    assert items(billing, invoice, on=first)[0]["subject"] == f"Appeal the denial by {appeal.isoformat()}"
    clinic.step("submitInvoice", invoice, submittedOn=TODAY.isoformat(), method="EMAIL")
    assert kinds(billing, invoice, on=first) == []


def test_items_come_the_oldest_first_page_by_page(clinic: Clinic, billing: Client) -> None:
    for days in (3, 1, 2):
        day = (TODAY + days * DAY).isoformat()
        done(billing, "scheduleReminder", REMINDER, invoiceId=clinic.submitted(), targetDate=day, subject="Call")
    on = (TODAY + 9 * DAY).isoformat()
    whole = billing.read(ITEMS, on=on, first=500)["actionItems"]
    assert whole["totalCount"] == len(whole["nodes"]) >= 3
    order = [(item["dueOn"], uuid_of(item["id"])) for item in whole["nodes"]]
    assert order == sorted(order)
    paged, after = [], None
    while True:
        page = billing.read(ITEMS, on=on, first=2, after=after)["actionItems"]
        paged += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert paged == whole["nodes"]
    assert billing.refusals(ITEMS, first=0)
    assert billing.refusals(ITEMS, first=2, after="nonsense")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_other_roles_cannot_see_action_items(sign_in: SignIn, anonymous: Client, role: Role | None) -> None:
    client = sign_in(role) if role else anonymous
    assert client.refusals("{ actionItems { totalCount } }") == ["Cannot query field 'actionItems' on type 'Query'."]


def test_items_of_another_clinic_are_not_listed(address: DatabaseUrls, billing: Client, found: Found) -> None:
    before = billing.read(ITEMS, on="2099-12-31")["actionItems"]["totalCount"]
    rows(address, "update reminders set target_date = '2026-01-01' where id = $1", uuid_of(found.foreign["Reminder"]))
    assert billing.read(ITEMS, on="2099-12-31")["actionItems"]["totalCount"] == before
    assert kinds(billing, found.foreign["Invoice"]) == []


@pytest.fixture
def subscriber(server_url: str, billing: Client) -> Iterator[Subscriber]:
    with connected(server_url, billing.token) as listener:
        listener.send(id="1", type="subscribe", payload={"query": "subscription { actionItemsChanged }"})
        yield listener


def counted(subscriber: Subscriber, seconds: float = 15) -> int:
    message = subscriber.next(seconds)
    assert message["type"] == "next", message
    number: int = message["payload"]["data"]["actionItemsChanged"]
    return number


def test_a_subscriber_gets_the_number_of_due_items_now_and_whenever_it_changes(
    clinic: Clinic, billing: Client, subscriber: Subscriber
) -> None:
    due = billing.read(ITEMS)["actionItems"]["totalCount"]
    assert counted(subscriber) == due
    inputs = {"invoiceId": clinic.submitted(), "targetDate": TODAY.isoformat(), "subject": "Call"}
    reminder = done(billing, "scheduleReminder", REMINDER, **inputs)
    assert counted(subscriber) == due + 1
    # A change that keeps the number sends no event.
    done(billing, "updateReminder", REMINDER, reminderId=reminder["id"], subject="Write")
    with pytest.raises(TimeoutError):
        counted(subscriber, 1)
    clinic.step("writeOffInvoice", inputs["invoiceId"], clinic.admin, reason="Lost")
    assert counted(subscriber) == due
