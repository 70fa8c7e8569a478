"""Outbound messages: staff read what was sent to payers and why it failed, the latest first, and resend failed messages; other roles cannot."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.ids import new_id
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import Found, nothing_changes, uuid_of
from tests.support.client import Client
from tests.support.databases import rows

MESSAGE = "outboundMessage { id status recipient attempts failure nextAttemptAt }"
LISTED = "query ($f: OutboundMessageFilter) { outboundMessages(filter: $f) { nodes { id } totalCount } }"
_CLINIC = "(select clinic_id from clinics where short_name = 'demo')"
_ADD = f"""insert into outbound_messages (clinic_id, id, recipient, subject, body, status, due_on, sent_at, attempts, failure)
    values ({_CLINIC}, $1, $2, 'Open', $3, $4, $5::text::date, $6, $7, $8)"""
_LINK = f"""insert into message_invoices (clinic_id, id, message_id, invoice_id, policy_id, level, template_id, repetition)
    select l.clinic_id, gen_random_uuid(), $1, $2, l.policy_id, l.level, l.template_id, $4 from reminder_levels l
    join reminder_policies p on p.id = l.policy_id where l.clinic_id = {_CLINIC} and p.name = 'Standard' and l.level = $3"""
_OF_PAYER = "update payers set email = $2 where id = (select payer_id from invoices where id = $1)"
_LAWYERS = "update attorneys set email = $2 where id = (select y.attorney_id from invoices i join payers y on y.id = i.payer_id where i.id = $1)"
_SENT_AT = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def messages(address: DatabaseUrls, found: Found) -> dict[str, str]:
    """Messages about one invoice, the oldest first: sent, refused, waiting and, on the same day, one without an address."""
    ids: dict[str, UUID] = {name: new_id(_SENT_AT) for name in ("sent", "refused", "waiting", "nowhere")}
    # Of one day, the last message is the latest.
    ids = dict(zip(ids, sorted(ids.values()), strict=True))
    for name, values in {
        "sent": ("desk@payer.example", "Case and invoice", "sent", "2026-06-10", _SENT_AT, 1, None),
        "refused": ("Gone@payer.example", "Case and invoice", "failed", "2026-06-11", None, 6, "No such mailbox"),
        "waiting": ("desk@payer.example", None, "queued", "2026-06-20", None, 0, None),
        "nowhere": ("", None, "failed", "2026-06-20", None, 0, "The recipient has no e-mail address"),
    }.items():
        rows(address, _ADD, ids[name], *values)
    invoice = uuid_of(found.own["Invoice"])
    for name, level, repetition in (("sent", 1, 0), ("refused", 2, 0), ("waiting", 4, 2), ("nowhere", 4, 3)):
        rows(address, _LINK, ids[name], invoice, level, repetition)
    return {name: make_id("OutboundMessage", identity) for name, identity in ids.items()}


def test_the_latest_message_comes_first_in_the_list_and_below_the_invoice(
    billing: Client, found: Found, messages: dict[str, str]
) -> None:
    latest = [messages[name] for name in ("nowhere", "waiting", "refused", "sent")]
    query = """query ($i: ID!, $after: String) { invoice(id: $i) { outboundMessages { id } }
        outboundMessages(filter: {invoiceId: $i}, first: 3, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"""
    first = billing.read(query, i=found.own["Invoice"])
    assert [one["id"] for one in first["invoice"]["outboundMessages"]] == latest
    page = first["outboundMessages"]
    assert ([one["id"] for one in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (latest[:3], True)
    rest = billing.read(query, i=found.own["Invoice"], after=page["pageInfo"]["endCursor"])["outboundMessages"]
    assert ([one["id"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (latest[3:], False)


def test_a_message_shows_its_text_its_level_and_why_it_failed(
    billing: Client, found: Found, messages: dict[str, str]
) -> None:
    query = """query ($i: ID!) { invoice(id: $i) { number } outboundMessages(filter: {invoiceId: $i}) { nodes { id body sentAt
        nextAttemptAt attempts failure invoices { invoice { number } policy { name } level repetition template { name version } } } } }"""
    read = billing.read(query, i=found.own["Invoice"])
    by_id = {one["id"]: one for one in read["outboundMessages"]["nodes"]}
    sent, gone, waiting = (by_id[messages[name]] for name in ("sent", "refused", "waiting"))
    assert (sent["body"], sent["sentAt"] is not None, sent["failure"]) == ("Case and invoice", True, None)
    assert (gone["attempts"], gone["failure"]) == (6, "No such mailbox")
    # Only a waiting message is retried.
    assert [one["nextAttemptAt"] is None for one in (sent, gone, waiting)] == [True, True, False]
    (link,) = waiting["invoices"]
    assert (waiting["body"], link["invoice"]["number"]) == (None, read["invoice"]["number"])
    assert (link["policy"]["name"], link["level"], link["repetition"]) == ("Standard", 4, 2)
    assert link["template"] == {"name": "Agreed payment", "version": 1}


def test_messages_are_found_by_each_filter(billing: Client, found: Found, messages: dict[str, str]) -> None:
    (standard,) = billing.read("{ reminderPolicies { id name } }")["reminderPolicies"]
    of_invoice = {"invoiceId": found.own["Invoice"]}
    for wanted, names in (
        (of_invoice, {*messages}),
        ({"reminderPolicyId": standard["id"]}, {*messages}),
        ({**of_invoice, "recipient": "DESK@payer.EXAMPLE"}, {"sent", "waiting"}),
        ({**of_invoice, "recipient": ""}, {"nowhere"}),
        ({**of_invoice, "recipient": "desk"}, set()),
        ({**of_invoice, "status": ["SENT", "QUEUED"]}, {"sent", "waiting"}),
        ({**of_invoice, "status": []}, set()),
        ({**of_invoice, "dueFrom": "2026-06-11", "dueTo": "2026-06-11"}, {"refused"}),
        ({"invoiceId": found.foreign["Invoice"]}, set()),
        ({"reminderPolicyId": found.foreign["ReminderPolicy"]}, set()),
    ):
        answer = billing.read(LISTED, f=wanted)["outboundMessages"]
        assert {one["id"] for one in answer["nodes"]} == {messages[name] for name in names}, wanted
        assert answer["totalCount"] == len(names), wanted


def test_messages_of_another_clinic_are_not_listed(billing: Client, found: Found, messages: dict[str, str]) -> None:
    listed = {one["id"] for one in billing.read(LISTED)["outboundMessages"]["nodes"]}
    assert listed == {*messages.values(), found.own["OutboundMessage"]}


@pytest.mark.parametrize("name", ["sent", "waiting"])
def test_a_message_that_has_not_failed_is_not_resent(
    address: DatabaseUrls, billing: Client, messages: dict[str, str], name: str
) -> None:
    with nothing_changes(address):
        error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=messages[name])
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "outboundMessageId"])


def test_a_message_without_an_address_is_resent_only_when_there_is_one(
    address: DatabaseUrls, billing: Client, found: Found, messages: dict[str, str]
) -> None:
    invoice = uuid_of(found.own["Invoice"])
    for statement in (_OF_PAYER, _LAWYERS):
        rows(address, statement, invoice, None)
    with nothing_changes(address):
        error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=messages["nowhere"])
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "outboundMessageId"])
    rows(address, _OF_PAYER, invoice, "new@payer.example")
    _is_retried(done(billing, "resendMessage", MESSAGE, outboundMessageId=messages["nowhere"]), "new@payer.example")


def test_a_failed_message_is_resent_once_to_its_recipient(
    address: DatabaseUrls, billing: Client, found: Found, messages: dict[str, str]
) -> None:
    inputs = {"outboundMessageId": messages["refused"], "idempotencyKey": "once more"}
    again = done(billing, "resendMessage", MESSAGE, **inputs)
    _is_retried(again, "Gone@payer.example")
    assert done(billing, "resendMessage", MESSAGE, **inputs) == again
    for identity in (found.foreign["OutboundMessage"], found.unknown("OutboundMessage")):
        with nothing_changes(address):
            error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=identity)
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "outboundMessageId"])


def _is_retried(message: Any, recipient: str) -> None:
    assert (message["status"], message["recipient"]) == ("QUEUED", recipient)
    assert (message["attempts"], message["failure"], message["nextAttemptAt"] is None) == (0, None, False)


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_other_roles_cannot_see_outbound_messages(
    address: DatabaseUrls, sign_in: SignIn, anonymous: Client, messages: dict[str, str], role: Role | None
) -> None:
    client = sign_in(role) if role else anonymous
    assert client.refusals("{ outboundMessages { totalCount } }") == [
        "Cannot query field 'outboundMessages' on type 'Query'."
    ]
    # Roles that see no invoice get no suggestion of such a field of one either.
    refusals = client.refusals("{ invoices { nodes { outboundMessages { body } } } }")
    assert refusals[0].startswith("Cannot query field")
    sending = "mutation ($i: ResendMessageInput!) { resendMessage(input: $i) { errors { code } } }"
    with nothing_changes(address):
        assert client.refusals(sending, i={"outboundMessageId": messages["refused"]})
    assert client.read('{ __type(name: "OutboundMessage") { name } }')["__type"] is None
