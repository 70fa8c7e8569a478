"""Every operation of the API leaves an audit event: each query and each mutation, accepted or refused."""

from typing import Any

import pytest
from graphql import get_named_type

from db.global_ids import make_id
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.api.audit_log.test_audit_events import event_of, events_of
from tests.api.billing.mutation_examples import EXAMPLES
from tests.api.billing.test_square import MUTATIONS as TRANSITIONS
from tests.domain.test_transitions import BY_ADMIN, cells
from tests.support.api.accounts import ACCEPT, invited_account, new_account
from tests.support.api.mutations import done
from tests.support.api.records import Found, uuid_of
from tests.support.api.scenarios import Clinic, mutation
from tests.support.api.selections import everything
from tests.support.api.sign_in_attempts import WRONG, add_account, try_to_sign_in
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows

ADMIN = role_schemas()[Role.ADMIN]
assert ADMIN.query_type
assert ADMIN.mutation_type
QUERIES, MUTATIONS = ADMIN.query_type.fields, ADMIN.mutation_type.fields
_DAY, _TEXT = "2026-03-02", "A secret that must not be in the audit log"


def _by_id(name: str) -> Any:
    return lambda ids: {"id": ids[get_named_type(QUERIES[name].type).name]}


# Root field → valid arguments, from the ids of records. A field without an example fails.
_QUERY_INPUTS: dict[str, Any] = {
    **dict.fromkeys(
        (
            "viewer",
            "examTypes",
            "feeSchedules",
            "reminderTemplates",
            "reminderPolicies",
            "aging",
            "agingByPayer",
            "agingByPayerPage",
            "importMappings",
            "reminderConfirmations",
            "clinic",
            "labels",
            "transitions",
            "worklists",
        ),
        lambda ids: {},
    ),
    "analytics": lambda ids: {"filter": {"from": _DAY, "to": _DAY}},
    **dict.fromkeys(
        """invoices cases patients payers cheques firms attorneys physicians facilities cptCodes reasonCodes actionItems outboundMessages exports
        users auditTrail suppressedAddresses deposits encounters remittances remittanceClaims merges recoupmentRequests
        issuedDocuments documentTemplates""".split(),
        lambda ids: {"first": 2},
    ),
    **{name: _by_id(name) for name in ("invoice", "case", "patient", "payer", "export", "remittance")},
    "node": lambda ids: {"id": ids["Invoice"]},
    "nodes": lambda ids: {"ids": [ids["Invoice"]]},
    "invoiceByNumber": lambda ids: {"number": ids["number"]},
    "priceQuote": lambda ids: {
        "input": {"payerId": ids["Payer"], "serviceDate": _DAY, "lines": [{"code": "A4556", "units": 2}]}
    },
    "mergePreview": lambda ids: {
        "input": {"kind": "PAYER", "mergedId": ids["Payer"], "survivingId": ids["OtherPayer"]}
    },
    "explainAccess": lambda ids: {"role": "ATTORNEY", "coordinate": "Invoice.balance"},
}
_NEW_CODE = {"label": _TEXT, "basePrice": "91.27", "validFrom": _DAY}
_MUTATION_INPUTS: dict[str, Any] = {
    **{name: inputs for name, (_, _, inputs) in EXAMPLES.items()},
    "transferFromFormerFirm": lambda ids: {
        **EXAMPLES["transferFromFormerFirm"][2](ids),
        "payerId": ids["NextPayer"],
    },
    # The lines of the example are billed already.
    "createInvoice": lambda ids: {**EXAMPLES["createInvoice"][2](ids), "confirmDuplicate": True},
    # Nothing is open of them.
    "retirePayer": lambda ids: {"payerId": ids["NextPayer"]},
    "retirePatient": lambda ids: {"patientId": ids["NextPatient"]},
    "confirmReminders": lambda ids: {"token": "none"},
    "createUpload": lambda ids: {"fileName": "scan.pdf", "contentType": "application/pdf", "byteSize": 9},
    "recordEncounter": lambda ids: {
        "caseId": ids["Case"],
        "physicianId": ids["Physician"],
        "serviceDate": _DAY,
        "exams": [{"examTypeId": ids["ExamType"]}],
    },
    "updateEncounter": lambda ids: {"encounterId": ids["Unbilled"], "facilityId": None},
    "cancelEncounter": lambda ids: {"encounterId": ids["Unbilled"], "reason": _TEXT},
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
    # There is no such export.
    "cancelExport": lambda ids: {"exportId": ids["Case"]},
    **dict.fromkeys(("importRecords", "importPreview"), lambda ids: {"kind": "CODES", "documentId": ids["Case"]}),
    "importRemittance": lambda ids: {"uploadId": ids["Case"]},
    "recordRemittance": lambda ids: {
        "payerId": ids["Payer"],
        "method": "ACH",
        "number": "SEEN-1",
        "amount": "1.00",
        "receivedOn": _DAY,
        "claims": [],
        "providerAdjustments": [{"code": "L6", "amount": "-1.00"}],
    },
    "identifyRemittancePayer": lambda ids: {"paymentId": ids["RemittancePayment"], "payerId": ids["Payer"]},
    "matchRemittanceClaim": lambda ids: {"claimId": ids["RemittanceClaim"], "invoiceId": ids["Invoice"]},
    "closeRemittanceClaim": lambda ids: {"claimId": ids["RemittanceClaim"], "reason": _TEXT},
    "saveImportMapping": lambda ids: {
        "kind": "PATIENTS",
        "name": _TEXT,
        "mapping": {"columns": [{"column": "mrn", "sources": [{"name": "Chart"}]}]},
    },
    # There is no such mapping.
    "deleteImportMapping": lambda ids: {"mappingId": ids["Case"], "version": 1},
    "extendSession": lambda ids: {},
    "changePassword": lambda ids: {"oldPassword": WRONG, "newPassword": _TEXT},
    "revokeSession": lambda ids: {"sessionId": ids["Session"]},
    "enrolSecondFactor": lambda ids: {"password": PASSWORD},
    "confirmSecondFactor": lambda ids: {"code": "000000"},
    "removeSecondFactor": lambda ids: {"password": WRONG},
    "renewRecoveryCodes": lambda ids: {"password": WRONG},
    "resetSecondFactor": lambda ids: {"userId": ids["User"]},
    "setSecondFactorRoles": lambda ids: {"roles": []},
    "inviteUserAgain": lambda ids: {"userId": ids["Invited"]},
    "switchClinic": lambda ids: {"clinic": "nowhere"},
    "joinLogins": lambda ids: {"password": WRONG, "otherClinic": "nowhere", "otherPassword": _TEXT},
    # By somebody who is signed in, too.
    "requestPasswordReset": lambda ids: {"email": f"{_TEXT}@demo.example"},
    **dict.fromkeys(
        ("acceptInvitation", "resetPassword", "removeLostSecondFactor"),
        lambda ids: {"token": _TEXT, "password": _TEXT},
    ),
}
_TRANSITION_OF = {mutation(name): name for name in TRANSITIONS}
# They have a test of their own below.
_SIGN_IN_AND_OUT = {"signIn", "signOut"}
_REFUSED = {
    *("importPreview", "deleteImportMapping"),
    *(
        "cancelExport",
        "changePassword",
        "confirmReminders",
        "confirmSecondFactor",
        "importRecords",
        "importRemittance",
        # Without an upload.
        "recordDocument",
        "removeSecondFactor",
        # Nothing is owed of a refund whose payment was not returned.
        *("coverRefund", "giveUpRefund"),
        # The codes of the demo clinic are retired for the tests.
        "retireReasonCode",
    ),
    *(
        "renewRecoveryCodes",
        "switchClinic",
        "joinLogins",
        "acceptInvitation",
        "resetPassword",
        "removeLostSecondFactor",
        # Without a mail server.
        "resetSecondFactor",
    ),
}


@pytest.fixture
def ids(admin: Client, anonymous: Client, found: Found, address: DatabaseUrls) -> dict[str, str]:
    """Ids of records: existing ones where the operation leaves them as they are, new ones where it would use them up."""
    [[number]] = rows(address, "select number from invoices order by id desc limit 1")
    code, exam, schedule = (
        done(admin, name, f"{record} {{ id }}", **inputs)
        for name, record, inputs in (
            ("createCptCode", "cptCode", {"code": f"NEW-{len(rows(address, 'select 1 from cpt_codes'))}", **_NEW_CODE}),
            ("createExamType", "examType", {"name": _TEXT}),
            ("createFeeSchedule", "feeSchedule", {"name": _TEXT, "validFrom": "2031-01-01", "validTo": "2031-01-02"}),
        )
    )
    inputs_of_reminder = {"invoiceId": found.own["Invoice"], "targetDate": "2035-01-01", "subject": _TEXT}
    reminder = done(admin, "scheduleReminder", "reminder { id }", **inputs_of_reminder)
    anonymous.signed_in(new_account(admin).email)
    session = rows(address, "select id from sessions where kind = 'session' order by id desc limit 1")[0]["id"]
    made = {"CptCode": code["id"], "ExamType": exam["id"], "FeeSchedule": schedule["id"], "Reminder": reminder["id"]}
    visit = {"caseId": found.own["Case"], "physicianId": found.own["Physician"], "facilityId": found.own["Facility"]}
    exams = [{"examTypeId": exam["id"]}]
    recorded = done(admin, "recordEncounter", "encounter { id }", **visit, serviceDate="2026-06-29", exams=exams)
    made["Unbilled"] = recorded["id"]
    named = {"name": f"Next Firm {recorded['id']}", "kind": "ATTORNEY"}
    made["NextPayer"] = done(admin, "createPayer", "payer { id }", **named)["id"]
    person = {"mrn": f"NEXT-{recorded['id']}", "firstName": "Next", "lastName": "Patient"}
    made["NextPatient"] = done(admin, "createPatient", "patient { id }", **person)["id"]
    made["Invited"] = invited_account(admin)[0].id
    return {**found.own, **made, "number": number, "Session": make_id("Session", session)}


def _document(kind: str, name: str, field: Any, depth: int) -> str:
    variables = ", ".join(f"${argument}: {taken.type}" for argument, taken in field.args.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
    answer = get_named_type(field.type)
    below = everything(answer, depth, without=frozenset({f"{answer.name}.errors", "MergePreview.refusals"})) or "{ id }"
    if "errors" in getattr(answer, "fields", {}):
        below = f"{below.removesuffix('}')} errors {{ code }} }}"
    return f"{kind} {f'({variables})' if variables else ''} {{ {name}{f'({passed})' if passed else ''} {below} }}"


def test_every_root_field_has_an_example() -> None:
    assert set(_QUERY_INPUTS) == set(QUERIES)
    assert {*_MUTATION_INPUTS, *_TRANSITION_OF, *_SIGN_IN_AND_OUT} == set(MUTATIONS)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_leaves_an_event(address: DatabaseUrls, admin: Client, ids: dict[str, str], name: str) -> None:
    _, event = event_of(address, admin, _document("query", name, QUERIES[name], 2), **_QUERY_INPUTS[name](ids))
    assert (event["operation"], event["role"], event["email"]) == (name, "admin", "admin@demo.example")


# Transition → a state in which it is legal.
STARTS = {
    name: start
    for name, start, ends in reversed(list(cells(BY_ADMIN)))
    if ends and (name != "return_cheque" or start is InvoiceStatus.CHEQUE_RECEIVED)
}


def _ready(clinic: Clinic, name: str) -> str:
    """The id of an invoice for which a mutation is possible."""
    if name == "closeEmpty":
        return clinic.invoice("0.00")
    if name == "closeSmallBalance":
        identity = clinic.agreed("100.00")
        clinic.pays("99.50", {identity: "99.50"})
        return identity
    # In its first state a new invoice of this clinic is already submitted.
    return clinic.invoice() if name == "submitInvoice" else clinic.in_state(STARTS[_TRANSITION_OF[name]])


@pytest.mark.parametrize("name", _TRANSITION_OF)
def test_every_transition_of_an_invoice_leaves_an_event(address: DatabaseUrls, clinic: Clinic, name: str) -> None:
    invoice = clinic.look(_ready(clinic, name), clinic.admin)
    scan, cheque = clinic.upload(clinic.admin), clinic.pays("500.00", {})["id"]
    inputs = clinic.inputs(_TRANSITION_OF[name], invoice, scan, cheque)
    document = _document("mutation", name, MUTATIONS[name], 1)
    data, event = event_of(address, clinic.admin, document, input=inputs)
    assert data[name]["errors"] == []
    assert (event["operation"], event["email"]) == (name, "admin@demo.example")


@pytest.mark.parametrize("name", sorted(_MUTATION_INPUTS, key=lambda name: str(name).startswith("retire")))
def test_every_mutation_leaves_an_event(
    address: DatabaseUrls, anonymous: Client, admin: Client, ids: dict[str, str], name: str
) -> None:
    account = new_account(admin, "ADMIN")
    client, inputs = anonymous.signed_in(account.email), _MUTATION_INPUTS[name](ids)
    document = _document("mutation", name, MUTATIONS[name], 1)
    data, event = event_of(address, client, document, input=inputs)
    is_refused = bool(data[name].get("errors"))
    assert is_refused is (name in _REFUSED), data
    assert event["operation"] == (f"{name} refused" if is_refused else name)
    assert (event["role"], event["email"]) == ("admin", account.email)


def test_sign_ins_sign_outs_and_refused_sign_ins_leave_events(address: DatabaseUrls, anonymous: Client) -> None:
    account = add_account(address)
    for password, operation in ((WRONG, "signIn refused"), (PASSWORD, "signIn")):
        response = try_to_sign_in(anonymous, account.email, password)
        [event] = events_of(address, response.headers["x-request-id"])
        assert (event["operation"], event["user_id"]) == (operation, account.id)
    response = anonymous.signed_in(account.email).post("mutation { signOut { signedOut } }")
    [event] = events_of(address, response.headers["x-request-id"])
    assert (event["operation"], event["user_id"]) == ("signOut", account.id)


def test_an_accepted_invitation_leaves_an_event_of_the_account(
    address: DatabaseUrls, admin: Client, anonymous: Client
) -> None:
    account, url = invited_account(admin)
    accepted = {"token": url.partition("#")[2], "password": PASSWORD}
    response = anonymous.post(ACCEPT, input=accepted)
    assert response.json()["data"]["acceptInvitation"]["errors"] == []
    [event] = events_of(address, response.headers["x-request-id"])
    assert (event["operation"], event["user_id"]) == ("acceptInvitation", uuid_of(account.id))


def test_a_wrong_password_at_an_invitation_leaves_an_event_of_the_invited_account(
    admin: Client, anonymous: Client, address: DatabaseUrls
) -> None:
    account, url = invited_account(admin)
    add_login_of(address, account.email)
    response = anonymous.post(ACCEPT, input={"token": url.partition("#")[2], "password": WRONG})
    assert response.json()["data"]["acceptInvitation"]["email"] is None
    [event] = events_of(address, response.headers["x-request-id"])
    assert (event["operation"], event["user_id"]) == ("acceptInvitation refused", uuid_of(account.id))


def add_login_of(address: DatabaseUrls, email: str) -> None:
    """A login of an e-mail that has no account of it yet."""
    query = (
        "insert into logins (id, email, password_hash) select gen_random_uuid(), $1, password_hash from logins limit 1"
    )
    rows(address, query, email)


def test_the_audit_log_contains_neither_passwords_nor_texts_nor_amounts_nor_addresses(
    address: DatabaseUrls, anonymous: Client
) -> None:
    test_sign_ins_sign_outs_and_refused_sign_ins_leave_events(address, anonymous)
    [[whole]] = rows(address, "select string_agg(e::text, ' ') from audit_events e")
    assert "signIn refused" in whole
    for secret in (_TEXT, WRONG, PASSWORD, "91.27", "@demo.example", "SEEN-1", "scan.pdf"):
        assert secret not in whole, secret
