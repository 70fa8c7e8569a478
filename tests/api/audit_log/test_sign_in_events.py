"""Sign-ins are in the audit log before they are answered, also those with an e-mail that has no account; what was typed is not."""

import asyncio
from typing import Any

import httpx

from db.pools import Database
from domain.audit import NO_CLINIC
from resolvers.commands.auditing import chain_audit_logs
from server.database_urls import DatabaseUrls
from tests.support.api.scenarios import broken_laws
from tests.support.api.sign_in_attempts import WRONG, try_to_sign_in
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows
from tests.support.other_clinic import add_other_clinic
from tests.support.processes import billing

_TYPED = "my-password-typed-here@nowhere.example"
_OF_REQUEST = """select clinic_id, user_id, role, operation, entities, fields, filters from audit_events
    where request_id = $1"""


def event_of(address: DatabaseUrls, response: httpx.Response) -> Any:
    """The event of a request, which is there when the answer is."""
    [event] = rows(address, _OF_REQUEST, response.headers["x-request-id"])
    return event


def test_the_events_of_sign_ins_survive_a_server_that_is_killed(own_address: DatabaseUrls) -> None:
    with billing(own_address, "serve", "--no-worker") as process, Client(process.url) as client:
        answers = [try_to_sign_in(client, "billing@demo.example", word) for word in (WRONG, PASSWORD)]
        process.popen.kill()
        process.popen.wait()
    events = [event_of(own_address, answer) for answer in answers]
    assert [(event["operation"], event["role"]) for event in events] == [
        ("signIn refused", "billing"),
        ("signIn", "billing"),
    ]


def test_a_sign_in_with_an_unknown_e_mail_leaves_an_event_of_the_only_clinic_without_what_was_typed(
    address: DatabaseUrls, anonymous: Client
) -> None:
    (clinic,) = rows(address, "select clinic_id from clinics")
    for named in (None, "demo"):
        event = event_of(address, try_to_sign_in(anonymous, _TYPED, WRONG, named))
        assert (event["clinic_id"], event["user_id"]) == (clinic["clinic_id"], None)
        assert (event["role"], event["operation"]) == ("anonymous", "signIn refused")
        assert (event["entities"], event["fields"], event["filters"]) == (b"", [], [])
    [[whole]] = rows(address, "select string_agg(e::text, ' ') from audit_events e")
    assert "nowhere.example" not in whole


def test_of_several_clinics_the_named_one_gets_the_event_and_otherwise_none_and_the_chains_hold(
    own_address: DatabaseUrls,
) -> None:
    other = add_other_clinic(own_address)
    before = {law.law.words for law in broken_laws(own_address)}
    with serving(own_address) as url, Client(url) as client:
        named = event_of(own_address, try_to_sign_in(client, _TYPED, WRONG, "other"))
        unnamed = event_of(own_address, try_to_sign_in(client, _TYPED, WRONG))
        invented = event_of(own_address, try_to_sign_in(client, _TYPED, WRONG, "no such clinic"))
    assert [event["clinic_id"] for event in (named, unnamed, invented)] == [other, NO_CLINIC, NO_CLINIC]

    async def chain() -> int:
        async with Database(own_address.login) as database:
            return await chain_audit_logs(database)

    assert asyncio.run(chain()) > 0
    assert rows(own_address, "select from audit_pending") == []
    assert {law.law.words for law in broken_laws(own_address)} <= before


def test_a_locked_out_attempt_leaves_no_event(address: DatabaseUrls, anonymous: Client) -> None:
    answers = [try_to_sign_in(anonymous, "locked.out@nowhere.example", WRONG) for _ in range(30)]
    left = [rows(address, _OF_REQUEST, answer.headers["x-request-id"]) for answer in answers]
    assert left[0] != []
    assert left[-1] == []
