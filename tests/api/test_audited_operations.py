"""No operation without an event: whatever the API has at its root, asked or done, refused or not, stands in the audit trail."""

from typing import Any

import pytest
from graphql import get_named_type

from db.identity import make_id
from domain.invoices import InvoiceStatus
from domain.people import Role
from schema.whole import role_schemas
from server.addresses import Address
from tests.api.accounts import new_account
from tests.api.doors import WRONG, add_account, try_to_sign_in
from tests.api.lives import Clinic, mutation
from tests.api.records import Found
from tests.api.selections import everything
from tests.api.steps import done
from tests.api.test_audit import event_of, events_of
from tests.api.test_square import MUTATIONS as TRANSITIONS
from tests.api.test_viewers_of_steps import STEPS
from tests.client import Client
from tests.databases import PASSWORD, rows
from tests.domain.test_transitions import BY_ADMIN, cells

ADMIN = role_schemas()[Role.ADMIN]
assert ADMIN.query_type
assert ADMIN.mutation_type
QUERIES, MUTATIONS = ADMIN.query_type.fields, ADMIN.mutation_type.fields
_DAY, _TEXT = "2026-03-02", "A secret that nobody may find in the trail"


def _by_id(name: str) -> Any:
    return lambda ids: {"id": ids[get_named_type(QUERIES[name].type).name]}


# Root field → arguments that are right, given ids of records. A field that has no example fails.
_ASKED: dict[str, Any] = {
    **dict.fromkeys(
        ("viewer", "examTypes", "feeSchedules", "reminderTemplates", "reminderPolicies", "aging", "agingByPayer"),
        lambda ids: {},
    ),
    "analytics": lambda ids: {"filter": {"from": _DAY, "to": _DAY}},
    **dict.fromkeys(
        """invoices cases patients payers cheques attorneys physicians facilities cptCodes actionItems outboundMessages exports
        users auditTrail""".split(),
        lambda ids: {"first": 2},
    ),
    **{name: _by_id(name) for name in ("invoice", "case", "patient", "payer", "export")},
    "node": lambda ids: {"id": ids["Invoice"]},
    "invoiceByNumber": lambda ids: {"number": ids["number"]},
    "priceQuote": lambda ids: {
        "input": {"payerId": ids["Payer"], "serviceDate": _DAY, "lines": [{"code": "A4556", "units": 2}]}
    },
    "explainAccess": lambda ids: {"role": "ATTORNEY", "coordinate": "Invoice.balance"},
}
_NEW_CODE = {"label": _TEXT, "basePrice": "91.27", "validFrom": _DAY}
_DONE: dict[str, Any] = {
    **{name: given for name, (_, _, given) in STEPS.items()},
    "createUpload": lambda ids: {"fileName": "scan.pdf", "contentType": "application/pdf", "byteSize": 9},
    "recordEncounter": lambda ids: {
        "caseId": ids["Case"],
        "physicianId": ids["Physician"],
        "serviceDate": _DAY,
        "exams": [{"examTypeId": ids["ExamType"]}],
    },
    "createCptCode": lambda ids: {"code": "SEEN-1", **_NEW_CODE},
    "updateCptCode": lambda ids: {"cptCodeId": ids["CptCode"], "label": _TEXT},
    "retireCptCode": lambda ids: {"cptCodeId": ids["CptCode"]},
    "createExamType": lambda ids: {"name": _TEXT},
    "updateExamType": lambda ids: {"examTypeId": ids["ExamType"], "name": _TEXT},
    "retireExamType": lambda ids: {"examTypeId": ids["ExamType"]},
    "createFeeSchedule": lambda ids: {
        "name": _TEXT,
        "validFrom": _DAY,
        "rates": [{"code": "A4556", "rate": "91.27"}],
    },
    "updateFeeSchedule": lambda ids: {"feeScheduleId": ids["FeeSchedule"], "name": _TEXT},
    "retireFeeSchedule": lambda ids: {"feeScheduleId": ids["FeeSchedule"]},
    **dict.fromkeys(("exportInvoices", "exportPayments", "exportAdjustments"), lambda ids: {"format": "CSV"}),
    "exportQuickbooksInvoices": lambda ids: {},
    # There is no such file.
    "cancelExport": lambda ids: {"exportId": ids["Case"]},
    "importRecords": lambda ids: {"kind": "CODES", "documentId": ids["Case"]},
    "changePassword": lambda ids: {"oldPassword": WRONG, "newPassword": _TEXT},
    "revokeSession": lambda ids: {"sessionId": ids["Session"]},
    "enrolSecondFactor": lambda ids: {"password": PASSWORD},
    "confirmSecondFactor": lambda ids: {"code": "000000"},
    "removeSecondFactor": lambda ids: {"password": WRONG},
    "resetSecondFactor": lambda ids: {"userId": ids["User"]},
}
_TAKEN = {mutation(name): name for name in TRANSITIONS}
# Which have a test of their own below.
_OF_SESSIONS = {"signIn", "signOut"}
_REFUSED = {"cancelExport", "changePassword", "confirmSecondFactor", "importRecords", "removeSecondFactor"}


@pytest.fixture
def ids(admin: Client, nobody: Client, found: Found, address: Address) -> dict[str, str]:
    """Records to name: such as stay what they are, and new ones where a step would use them up."""
    [[number]] = rows(address, "select number from invoices order by id desc limit 1")
    code, exam, schedule = (
        done(admin, name, f"{record} {{ id }}", **given)
        for name, record, given in (
            ("createCptCode", "cptCode", {"code": f"NEW-{len(rows(address, 'select 1 from cpt_codes'))}", **_NEW_CODE}),
            ("createExamType", "examType", {"name": _TEXT}),
            ("createFeeSchedule", "feeSchedule", {"name": _TEXT, "validFrom": "2031-01-01", "validTo": "2031-01-02"}),
        )
    )
    said = {"invoiceId": found.own["Invoice"], "targetDate": "2099-01-01", "subject": _TEXT}
    reminder = done(admin, "scheduleReminder", "reminder { id }", **said)
    nobody.signed_in(new_account(admin).email)
    session = rows(address, "select id from sessions where kind = 'session' order by id desc limit 1")[0]["id"]
    made = {"CptCode": code["id"], "ExamType": exam["id"], "FeeSchedule": schedule["id"], "Reminder": reminder["id"]}
    return {**found.own, **made, "number": number, "Session": make_id("Session", session)}


def _document(kind: str, name: str, field: Any, depth: int) -> str:
    said = ", ".join(f"${argument}: {taken.type}" for argument, taken in field.args.items())
    given = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    answer = get_named_type(field.type)
    below = everything(answer, depth, without=frozenset({f"{answer.name}.errors"})) or "{ id }"
    if "errors" in getattr(answer, "fields", {}):
        below = f"{below.removesuffix('}')} errors {{ code }} }}"
    return f"{kind} {f'({said})' if said else ''} {{ {name}{f'({given})' if given else ''} {below} }}"


def test_there_is_an_example_of_everything() -> None:
    assert set(_ASKED) == set(QUERIES)
    assert {*_DONE, *_TAKEN, *_OF_SESSIONS} == set(MUTATIONS)


@pytest.mark.parametrize("name", QUERIES)
def test_whatever_is_asked_leaves_an_event(address: Address, admin: Client, ids: dict[str, str], name: str) -> None:
    _, event = event_of(address, admin, _document("query", name, QUERIES[name], 2), **_ASKED[name](ids))
    assert (event["operation"], event["role"], event["email"]) == (name, "admin", "admin@demo.clinic")


# Transition → a state from which it leads somewhere.
STARTS = {
    name: start
    for name, start, ends in reversed(list(cells(BY_ADMIN)))
    if ends and (name != "return_cheque" or start is InvoiceStatus.CHEQUE_RECEIVED)
}


@pytest.mark.parametrize("name", _TAKEN)
def test_whatever_is_done_with_an_invoice_leaves_an_event(address: Address, clinic: Clinic, name: str) -> None:
    # In its first state an invoice of the clinic's is submitted already.
    identity = clinic.invoice() if name == "submitInvoice" else clinic.in_state(STARTS[_TAKEN[name]])
    invoice = clinic.look(identity, clinic.admin)
    scan, cheque = clinic.upload(clinic.admin), clinic.pays("500.00", {})["id"]
    given = clinic.inputs(_TAKEN[name], invoice, scan, cheque)
    document = _document("mutation", name, MUTATIONS[name], 1)
    data, event = event_of(address, clinic.admin, document, input=given)
    assert data[name]["errors"] == []
    assert (event["operation"], event["email"]) == (name, "admin@demo.clinic")


@pytest.mark.parametrize("name", sorted(_DONE, key=lambda name: str(name).startswith("retire")))
def test_whatever_is_done_leaves_an_event(
    address: Address, nobody: Client, admin: Client, ids: dict[str, str], name: str
) -> None:
    account = new_account(admin, "ADMIN")
    somebody, given = nobody.signed_in(account.email), _DONE[name](ids)
    document = _document("mutation", name, MUTATIONS[name], 1)
    data, event = event_of(address, somebody, document, input=given)
    is_refused = bool(data[name]["errors"])
    assert is_refused is (name in _REFUSED), data
    assert event["operation"] == (f"{name} refused" if is_refused else name)
    assert (event["role"], event["email"]) == ("admin", account.email)


def test_signing_in_and_out_and_failing_to_leave_events(address: Address, nobody: Client) -> None:
    account = add_account(address)
    for password, operation in ((WRONG, "signIn refused"), (PASSWORD, "signIn")):
        response = try_to_sign_in(nobody, account.email, password)
        [event] = events_of(address, response.headers["x-request-id"])
        assert (event["operation"], event["user_id"]) == (operation, account.id)
    response = nobody.signed_in(account.email).post("mutation { signOut { signedOut } }")
    [event] = events_of(address, response.headers["x-request-id"])
    assert (event["operation"], event["user_id"]) == ("signOut", account.id)


def test_whoever_fails_to_sign_in_as_nobody_is_nobody_s_event(address: Address, nobody: Client) -> None:
    response = try_to_sign_in(nobody, "nobody.at.all@demo.clinic", WRONG)
    assert response.json()["data"]["signIn"]["token"] is None
    # What comes later is written with it or after it.
    test_signing_in_and_out_and_failing_to_leave_events(address, nobody)
    assert rows(address, "select 1 from audit_events where request_id = $1", response.headers["x-request-id"]) == []


def test_the_trail_holds_neither_passwords_nor_texts_nor_amounts_nor_addresses(
    address: Address, nobody: Client
) -> None:
    test_signing_in_and_out_and_failing_to_leave_events(address, nobody)
    [[whole]] = rows(address, "select string_agg(e::text, ' ') from audit_events e")
    assert "signIn refused" in whole
    for secret in (_TEXT, WRONG, PASSWORD, "91.27", "@demo.clinic", "SEEN-1", "scan.pdf"):
        assert secret not in whole, secret
