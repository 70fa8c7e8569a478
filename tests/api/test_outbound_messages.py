"""Staff read what payers were told, by which level and why it failed, the latest first, and have sent again what has failed; nobody else does."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from db.identity import make_id
from domain.ids import new_id
from domain.people import Role
from server.addresses import Address
from tests.api.records import Found, nothing_changes, uuid_of
from tests.api.steps import done, refused
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import rows

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
def told(address: Address, found: Found) -> dict[str, str]:
    """Messages about one invoice, the oldest first: sent, refused, waiting and, on the same day, without an address."""
    ids: dict[str, UUID] = {name: new_id(_SENT_AT) for name in ("sent", "refused", "waiting", "nowhere")}
    # Of one day, the last is the latest.
    ids = dict(zip(ids, sorted(ids.values()), strict=True))
    for name, values in {
        "sent": ("desk@payer.example", "Case and invoice", "sent", "2026-06-10", _SENT_AT, 1, None),
        "refused": ("Gone@payer.example", "Case and invoice", "failed", "2026-06-11", None, 6, "No such mailbox"),
        "waiting": ("desk@payer.example", None, "queued", "2026-06-20", None, 0, None),
        "nowhere": ("", None, "failed", "2026-06-20", None, 0, "There is no e-mail address to write to"),
    }.items():
        rows(address, _ADD, ids[name], *values)
    invoice = uuid_of(found.own["Invoice"])
    for name, level, repetition in (("sent", 1, 0), ("refused", 2, 0), ("waiting", 4, 2), ("nowhere", 4, 3)):
        rows(address, _LINK, ids[name], invoice, level, repetition)
    return {name: make_id("OutboundMessage", identity) for name, identity in ids.items()}


def test_what_was_told_last_comes_first_in_the_list_and_at_the_invoice(
    billing: Client, found: Found, told: dict[str, str]
) -> None:
    latest = [told[name] for name in ("nowhere", "waiting", "refused", "sent")]
    asked = """query ($i: ID!, $after: String) { invoice(id: $i) { outboundMessages { id } }
        outboundMessages(filter: {invoiceId: $i}, first: 3, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"""
    first = billing.read(asked, i=found.own["Invoice"])
    assert [one["id"] for one in first["invoice"]["outboundMessages"]] == latest
    page = first["outboundMessages"]
    assert ([one["id"] for one in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (latest[:3], True)
    rest = billing.read(asked, i=found.own["Invoice"], after=page["pageInfo"]["endCursor"])["outboundMessages"]
    assert ([one["id"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (latest[3:], False)


def test_a_message_says_what_it_said_by_which_level_and_why_it_failed(
    billing: Client, found: Found, told: dict[str, str]
) -> None:
    asked = """query ($i: ID!) { invoice(id: $i) { number } outboundMessages(filter: {invoiceId: $i}) { nodes { id body sentAt
        nextAttemptAt attempts failure invoices { invoice { number } policy { name } level repetition template { name version } } } } }"""
    read = billing.read(asked, i=found.own["Invoice"])
    by_id = {one["id"]: one for one in read["outboundMessages"]["nodes"]}
    sent, gone, waiting = (by_id[told[name]] for name in ("sent", "refused", "waiting"))
    assert (sent["body"], sent["sentAt"] is not None, sent["failure"]) == ("Case and invoice", True, None)
    assert (gone["attempts"], gone["failure"]) == (6, "No such mailbox")
    # Only what waits is tried again.
    assert [one["nextAttemptAt"] is None for one in (sent, gone, waiting)] == [True, True, False]
    (link,) = waiting["invoices"]
    assert (waiting["body"], link["invoice"]["number"]) == (None, read["invoice"]["number"])
    assert (link["policy"]["name"], link["level"], link["repetition"]) == ("Standard", 4, 2)
    assert link["template"] == {"name": "Agreed payment", "version": 1}


def test_messages_are_found_by_what_is_known_of_them(billing: Client, found: Found, told: dict[str, str]) -> None:
    (standard,) = billing.read("{ reminderPolicies { id name } }")["reminderPolicies"]
    of_invoice = {"invoiceId": found.own["Invoice"]}
    for wanted, names in (
        (of_invoice, {*told}),
        ({"reminderPolicyId": standard["id"]}, {*told}),
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
        assert {one["id"] for one in answer["nodes"]} == {told[name] for name in names}, wanted
        assert answer["totalCount"] == len(names), wanted


def test_a_foreign_clinic_s_messages_are_not_there(billing: Client, found: Found, told: dict[str, str]) -> None:
    listed = {one["id"] for one in billing.read(LISTED)["outboundMessages"]["nodes"]}
    assert listed == {*told.values(), found.own["OutboundMessage"]}


@pytest.mark.parametrize("name", ["sent", "waiting"])
def test_what_has_not_failed_is_not_sent_again(
    address: Address, billing: Client, told: dict[str, str], name: str
) -> None:
    with nothing_changes(address):
        error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=told[name])
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "outboundMessageId"])


def test_where_nobody_can_be_written_to_there_has_to_be_an_address_first(
    address: Address, billing: Client, found: Found, told: dict[str, str]
) -> None:
    invoice = uuid_of(found.own["Invoice"])
    for statement in (_OF_PAYER, _LAWYERS):
        rows(address, statement, invoice, None)
    with nothing_changes(address):
        error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=told["nowhere"])
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "outboundMessageId"])
    rows(address, _OF_PAYER, invoice, "new@payer.example")
    _is_tried_anew(done(billing, "resendMessage", MESSAGE, outboundMessageId=told["nowhere"]), "new@payer.example")


def test_what_has_failed_is_sent_again_to_whom_it_was_for_and_once(
    address: Address, billing: Client, found: Found, told: dict[str, str]
) -> None:
    said = {"outboundMessageId": told["refused"], "idempotencyKey": "once more"}
    again = done(billing, "resendMessage", MESSAGE, **said)
    _is_tried_anew(again, "Gone@payer.example")
    assert done(billing, "resendMessage", MESSAGE, **said) == again
    for identity in (found.foreign["OutboundMessage"], found.unknown("OutboundMessage")):
        with nothing_changes(address):
            error = refused(billing, "resendMessage", MESSAGE, outboundMessageId=identity)
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "outboundMessageId"])


def _is_tried_anew(message: Any, recipient: str) -> None:
    assert (message["status"], message["recipient"]) == ("QUEUED", recipient)
    assert (message["attempts"], message["failure"], message["nextAttemptAt"] is None) == (0, None, False)


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_nobody_else_learns_that_payers_are_written_to(
    address: Address, sign_in: SignIn, nobody: Client, told: dict[str, str], role: Role | None
) -> None:
    client = sign_in(role) if role else nobody
    assert client.refusals("{ outboundMessages { totalCount } }") == [
        "Cannot query field 'outboundMessages' on type 'Query'."
    ]
    # Whoever sees no invoice is not told either that there is no such field of one.
    refusals = client.refusals("{ invoices { nodes { outboundMessages { body } } } }")
    assert refusals[0].startswith("Cannot query field")
    sending = "mutation ($i: ResendMessageInput!) { resendMessage(input: $i) { errors { code } } }"
    with nothing_changes(address):
        assert client.refusals(sending, i={"outboundMessageId": told["refused"]})
    assert client.read('{ __type(name: "OutboundMessage") { name } }')["__type"] is None
