"""Which callers may run the mutations that create and change records: anonymous callers, other roles, and foreign records are refused."""

from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import document, done, refused
from tests.support.api.records import Found, Ids, changed_by
from tests.support.client import Client

_DAY = "2026-03-02"
_LINES = [{"code": "A4556"}]


def _case_input(ids: Ids) -> dict[str, Any]:
    return {"caseId": ids["Case"], "payerId": ids["Payer"], "serviceDate": _DAY, "lines": _LINES}


# Mutation → its payload's selection, the type of the record that it names, and an input that is valid for a permitted user.
STAFF: dict[str, tuple[str, str, Any]] = {
    "createInvoice": ("invoice { id }", "Case", _case_input),
    "replaceInvoiceLines": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "lines": _LINES}),
    "setNegotiationLimits": (
        "invoice { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "floorAmount": "1"},
    ),
    "addInternalNote": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "body": "Mind this"}),
    "createDeposit": (
        "deposit { id }",
        "Cheque",
        lambda ids: {"bankAccount": "Operating", "depositedOn": "2026-06-30", "chequeIds": [ids["Cheque"]]},
    ),
    "depositCheques": (
        "deposit { id }",
        "Deposit",
        lambda ids: {"depositId": ids["Deposit"], "chequeIds": [ids["OtherCheque"]]},
    ),
    "recordRecoupmentRequest": (
        "recoupmentRequest { id }",
        "Payer",
        lambda ids: {
            "payerId": ids["Payer"],
            "amount": "1.00",
            "reason": "Paid twice",
            "requestedOn": "2026-06-30",
            "dueOn": "2035-01-01",
        },
    ),
    "answerRecoupmentRequest": (
        "recoupmentRequest { id }",
        "RecoupmentRequest",
        lambda ids: {"requestId": ids["RecoupmentRequest"], "step": "APPEAL"},
    ),
    "recordRemittance": (
        "remittance { id }",
        "Payer",
        lambda ids: {
            "payerId": ids["Payer"],
            "method": "ACH",
            "number": "INTEREST-1",
            "amount": "1.00",
            "receivedOn": "2026-06-30",
            "claims": [],
            "providerAdjustments": [{"code": "L6", "amount": "-1.00"}],
        },
    ),
    "identifyRemittancePayer": (
        "remittance { id }",
        "RemittancePayment",
        lambda ids: {"paymentId": ids["RemittancePayment"], "payerId": ids["Payer"]},
    ),
    "matchRemittanceClaim": (
        "remittanceClaim { id }",
        "RemittanceClaim",
        lambda ids: {"claimId": ids["RemittanceClaim"], "invoiceId": ids["Invoice"]},
    ),
    "closeRemittanceClaim": (
        "remittanceClaim { id }",
        "RemittanceClaim",
        lambda ids: {"claimId": ids["RemittanceClaim"], "reason": "Not ours"},
    ),
    "clearCheque": ("cheque { id }", "Cheque", lambda ids: {"chequeId": ids["Cheque"], "clearedOn": "2026-07-01"}),
    # The code of the scenarios, which is then the only one that can be recorded.
    "createReasonCode": ("reasonCode { id }", "", lambda ids: {"code": "X1", "label": "Our words", "group": "CO"}),
    "updateReasonCode": (
        "reasonCode { id }",
        "ReasonCode",
        lambda ids: {"reasonCodeId": ids["ReasonCode"], "label": "Other words"},
    ),
    "retireReasonCode": ("reasonCode { id }", "ReasonCode", lambda ids: {"reasonCodeId": ids["ReasonCode"]}),
    "appealDenial": (
        "denial { id }",
        "Denial",
        lambda ids: {"denialId": ids["Denial"], "appealedOn": "2026-06-30"},
    ),
    "closeDenial": (
        "denial { id }",
        "Denial",
        lambda ids: {"denialId": ids["Denial"], "outcome": "OVERTURNED", "closedOn": "2026-06-30"},
    ),
    "placeHold": (
        "hold { id }",
        "Payer",
        lambda ids: {"payerId": ids["Payer"], "untilOn": "2035-01-01", "reason": "Wait"},
    ),
    "releaseHold": ("hold { id }", "Hold", lambda ids: {"holdId": ids["Hold"]}),
    "scheduleReminder": (
        "reminder { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "targetDate": "2035-01-01", "subject": "Call them"},
    ),
    "updateReminder": (
        "reminder { id }",
        "Reminder",
        lambda ids: {"reminderId": ids["Reminder"], "subject": "Call them again"},
    ),
    "completeReminder": (
        "reminder { id }",
        "Reminder",
        lambda ids: {"reminderId": ids["Reminder"], "outcome": "Called them"},
    ),
    "cancelReminder": ("reminder { id }", "Reminder", lambda ids: {"reminderId": ids["Reminder"]}),
    "saveReminderTemplate": (
        "reminderTemplate { id }",
        "",
        lambda ids: {"name": "Viewed", "subject": "Open", "body": "{{ invoices }}"},
    ),
    "previewReminderTemplate": (
        "message { body }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "subject": "Open", "body": "{{ invoices }}"},
    ),
    "saveReminderPolicy": (
        "reminderPolicy { id }",
        "ReminderPolicy",
        lambda ids: {
            "reminderPolicyId": ids["ReminderPolicy"],
            "name": "Viewed",
            "active": False,
            "levels": [
                {
                    "afterDays": 9,
                    "inStatus": "PENDING_INVOICE",
                    "reminderTemplateId": ids["ReminderTemplate"],
                    "recipient": "PAYER",
                }
            ],
        },
    ),
    "previewReminders": ("dryRun { token }", "", lambda ids: {}),
    "stopReminders": ("reminderConfirmation { id }", "", lambda ids: {}),
    "suppressAddress": ("suppressedAddress { id }", "", lambda ids: {"email": "viewer@firm.example"}),
    "allowAddress": ("suppressedAddress { id }", "", lambda ids: {"email": "viewer@firm.example"}),
    "resendMessage": (
        "outboundMessage { id }",
        "OutboundMessage",
        lambda ids: {"outboundMessageId": ids["OutboundMessage"]},
    ),
    "createCase": ("case { id }", "Patient", lambda ids: {"patientId": ids["Patient"], "dateOfInjury": _DAY}),
    "updateCase": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"], "openedOn": "2026-06-30"}),
    "assignAttorney": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"], "attorneyId": None}),
    "addCoverage": (
        "coverage { id }",
        "Case",
        lambda ids: {"caseId": ids["Case"], "payerId": ids["Payer"], "kind": "LIABILITY"},
    ),
    "updateCoverage": (
        "coverage { id }",
        "Coverage",
        lambda ids: {"coverageId": ids["Coverage"], "version": 1, "claimNumber": "CLM-1"},
    ),
    "verifyCoverage": ("coverage { id }", "Coverage", lambda ids: {"coverageId": ids["Coverage"]}),
    "closeCoverage": (
        "coverage { id }",
        "Coverage",
        lambda ids: {"coverageId": ids["Coverage"], "status": "EXHAUSTED"},
    ),
    "cancelAttorneyChange": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"]}),
    "transferFromFormerFirm": (
        "case { id }",
        "Case",
        lambda ids: {"caseId": ids["Case"], "payerId": ids["Payer"], "keepAgreements": False},
    ),
    "createFirm": ("firm { id }", "", lambda ids: {"name": "Viewed & Viewed"}),
    "updateFirm": ("firm { id }", "Firm", lambda ids: {"firmId": ids["Firm"], "phone": "555-0100"}),
    "retireFirm": ("firm { id }", "Firm", lambda ids: {"firmId": ids["Firm"]}),
    "createPatient": (
        "patient { id }",
        "",
        lambda ids: {"firstName": "Pat", "lastName": "Smith", "mrn": "MRN-VIEWERS"},
    ),
    "updatePatient": ("patient { id }", "Patient", lambda ids: {"patientId": ids["Patient"], "phone": "555-0100"}),
    "retirePatient": ("patient { id }", "Patient", lambda ids: {"patientId": ids["Patient"]}),
    "createPayer": ("payer { id }", "", lambda ids: {"name": "Some payer", "kind": "INSURANCE"}),
    "updatePayer": ("payer { id }", "Payer", lambda ids: {"payerId": ids["Payer"], "phone": "555-0100"}),
    "retirePayer": ("payer { id }", "Payer", lambda ids: {"payerId": ids["Payer"]}),
    "createAttorney": ("attorney { id }", "", lambda ids: {"name": "Al Viewer", "firm": "Viewer & Viewer"}),
    "updateAttorney": ("attorney { id }", "Attorney", lambda ids: {"attorneyId": ids["Attorney"], "phone": "555-0100"}),
    "retireAttorney": ("attorney { id }", "Attorney", lambda ids: {"attorneyId": ids["Attorney"]}),
}
ADMINISTRATION: dict[str, tuple[str, str, Any]] = {
    "createPhysician": ("physician { id }", "", lambda ids: {"name": "Dr. Viewer"}),
    "updatePhysician": (
        "physician { id }",
        "Physician",
        lambda ids: {"physicianId": ids["Physician"], "name": "Dr. No"},
    ),
    "retirePhysician": ("physician { id }", "Physician", lambda ids: {"physicianId": ids["Physician"]}),
    "createFacility": ("facility { id }", "", lambda ids: {"name": "Viewer's place"}),
    "updateFacility": ("facility { id }", "Facility", lambda ids: {"facilityId": ids["Facility"], "name": "Nowhere"}),
    "refundCheque": (
        "cheque { id }",
        "Cheque",
        lambda ids: {
            "chequeId": ids["Cheque"],
            "amount": "1.00",
            "payee": "Al Viewer",
            "reason": "Paid twice",
            "refundedOn": "2026-06-30",
            "method": "PAPER",
        },
    ),
    "returnRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "returnedOn": "2026-07-01", "reason": "Unknown address"},
    ),
    "coverRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "chequeId": ids["OtherCheque"], "reason": "Paid back"},
    ),
    "giveUpRefund": (
        "cheque { id }",
        "Refund",
        lambda ids: {"refundId": ids["Refund"], "reason": "The insurer is insolvent"},
    ),
    "updateClinic": ("clinic { id }", "", lambda ids: {"phone": "(555) 555-0100"}),
    "createUser": (
        "user { id }",
        "",
        lambda ids: {"email": "viewer@demo.example", "name": "Al Viewer", "role": "ANALYST"},
    ),
    "updateUser": ("user { id }", "User", lambda ids: {"userId": ids["User"], "name": "Al Viewer"}),
    "inviteUserAgain": ("user { id }", "User", lambda ids: {"userId": ids["User"]}),
    "createApiToken": ("apiToken { id }", "User", lambda ids: {"userId": ids["User"], "name": "Reports"}),
    "revokeApiToken": ("apiToken { id }", "ApiToken", lambda ids: {"apiTokenId": ids["ApiToken"]}),
    "retireFacility": ("facility { id }", "Facility", lambda ids: {"facilityId": ids["Facility"]}),
    "mergePatients": (
        "merge { id }",
        "Patient",
        lambda ids: {"mergedId": ids["Patient"], "survivingId": ids["OtherPatient"]},
    ),
    "mergePayers": (
        "merge { id }",
        "Payer",
        lambda ids: {"mergedId": ids["Payer"], "survivingId": ids["OtherPayer"]},
    ),
    "undoMerge": ("merge { id }", "Merge", lambda ids: {"mergeId": ids["Merge"]}),
}
EXAMPLES = STAFF | ADMINISTRATION


def _errors(client: Client, field_name: str, selection: str, make_input: dict[str, Any]) -> list[str]:
    return client.refusals(document(field_name, selection), input=make_input)


def _not_permitted(role: Role | None) -> dict[str, tuple[str, str, Any]]:
    """The mutations that a role does not have."""
    return ADMINISTRATION if role is Role.BILLING else EXAMPLES


@pytest.mark.parametrize("role", [None, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, Role.BILLING])
def test_a_mutation_that_a_role_does_not_have_is_answered_like_one_that_does_not_exist(
    address: DatabaseUrls, found: Found, anonymous: Client, sign_in: SignIn, role: Role | None
) -> None:
    client = sign_in(role) if role else anonymous
    answers: dict[str, tuple[list[str], list[str]]] = {}

    def attempt() -> None:
        for name, (selection, _, make_input) in _not_permitted(role).items():
            field_names = (name, f"never{name}")
            messages, of_invented = (
                _errors(client, field_name, selection, make_input(found.own)) for field_name in field_names
            )
            answers[name] = messages, [_renamed(message, name) for message in of_invented]

    assert changed_by(address, attempt) == set()
    # The answer is that for a mutation that does not exist, except for its name.
    assert {name: real for name, (real, _) in answers.items()} == {
        name: unknown for name, (_, unknown) in answers.items()
    }


def _renamed(message: str, name: str) -> str:
    return message.replace(f"Never{name}Input", f"{name[0].upper()}{name[1:]}Input").replace(f"never{name}", name)


@pytest.mark.parametrize("name", [name for name, (_, named, _) in EXAMPLES.items() if named])
def test_a_record_of_another_clinic_is_answered_like_one_that_does_not_exist(
    address: DatabaseUrls, found: Found, billing: Client, admin: Client, name: str
) -> None:
    client = billing if name in STAFF else admin
    selection, named, make_input = EXAMPLES[name]
    answers: list[Any] = []

    def attempt() -> None:
        ids_by_name = ({**found.own, named: identity} for identity in (found.foreign[named], found.unknown(named)))
        answers.extend(refused(client, name, selection, **make_input(ids)) for ids in ids_by_name)

    assert changed_by(address, attempt) == set()
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("name", "field", "named"),
    [
        ("createInvoice", "payerId", "Payer"),
        ("createInvoice", "physicianId", "Physician"),
        ("createInvoice", "facilityId", "Facility"),
        ("createInvoice", "encounterId", "Encounter"),
        ("createCase", "attorneyId", "Attorney"),
        ("assignAttorney", "attorneyId", "Attorney"),
        ("placeHold", "payerId", "Payer"),
        ("scheduleReminder", "assigneeId", "User"),
        ("updateReminder", "assigneeId", "User"),
        ("createPayer", "attorneyId", "Attorney"),
        ("updatePayer", "attorneyId", "Attorney"),
        ("createPayer", "firmId", "Firm"),
        ("updatePayer", "firmId", "Firm"),
        ("createAttorney", "firmId", "Firm"),
        ("updateAttorney", "firmId", "Firm"),
    ],
)
def test_every_record_that_an_input_names_must_be_of_the_clinic(
    address: DatabaseUrls, found: Found, billing: Client, name: str, field: str, named: str
) -> None:
    selection, _, make_input = EXAMPLES[name]
    extra = {"kind": "ATTORNEY"} if name == "createPayer" else {}
    answers: list[Any] = []

    def attempt() -> None:
        right = {**make_input(found.own), **extra}
        identities = (found.foreign[named], found.unknown(named))
        answers.extend(refused(billing, name, selection, **{**right, field: identity}) for identity in identities)

    assert changed_by(address, attempt) == set()
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_permitted_user_runs_every_mutation(billing: Client, admin: Client, found: Found, name: str) -> None:
    """Last in the file, since it changes the records that the others need; every mutation before it is refused."""
    client = billing if name in STAFF else admin
    selection, named, make_input = EXAMPLES[name]
    ids = dict(found.own)
    if named == "Reminder":
        # A reminder can be closed only once.
        ids["Reminder"] = done(client, "scheduleReminder", "reminder { id }", **EXAMPLES["scheduleReminder"][2](ids))[
            "id"
        ]
    if name == "transferFromFormerFirm":
        ids |= _owed_by_former_firm(client, ids)
    if name in _RETIRED:
        create, inputs = _RETIRED[name]
        ids[named] = done(client, create, f"{named[0].lower()}{named[1:]} {{ id }}", **inputs)["id"]
    if name in ("coverRefund", "giveUpRefund"):
        ids |= _owed(admin, ids["Payer"], name)
    if name == "inviteUserAgain":
        ids["User"] = done(
            client, "createUser", "user { id }", email="invited@demo.example", name="In", role="BILLING"
        )["id"]
    answer = client.read(document(name, selection), input=make_input(ids))[name]
    assert answer["errors"] == []


# Retiring a record → what creates one of which nothing is open.
_RETIRED = {
    "retireReasonCode": ("createReasonCode", {"code": "R-1", "label": "Our words"}),
    "retirePatient": ("createPatient", {"firstName": "Idle", "lastName": "Quiet", "mrn": "MRN-IDLE"}),
    "retirePayer": ("createPayer", {"name": "Idle Mutual", "kind": "INSURANCE"}),
}


def _owed_by_former_firm(client: Client, ids: Ids) -> Ids:
    """A case in which a law firm owes that does not represent it any more, and the next payer."""
    lawyers = [
        done(client, "createAttorney", "attorney { id lawFirm { id } }", name=name, firm=f"{name} LLP")
        for name in ("Earlier Ann", "Later Bea")
    ]
    opened = {"patientId": ids["Patient"], "dateOfInjury": "2026-01-05", "openedOn": "2026-01-06"}
    case = done(client, "createCase", "case { id }", **opened, attorneyId=lawyers[0]["id"])["id"]
    payers = [
        done(client, "createPayer", "payer { id }", name=f"Payer {place}", kind="ATTORNEY", firmId=one["lawFirm"]["id"])
        for place, one in enumerate(lawyers)
    ]
    draft = {"caseId": case, "payerId": payers[0]["id"], "serviceDate": _DAY, "lines": _LINES}
    done(client, "createInvoice", "invoice { id }", **draft, confirmDuplicate=True)
    done(client, "assignAttorney", "case { id }", caseId=case, attorneyId=lawyers[1]["id"])
    return {"Case": case, "Payer": payers[1]["id"]}


def _owed(admin: Client, payer: str, name: str) -> Ids:
    """A refund whose payment was returned, and another payment of the payer."""
    told = {
        "payerId": payer,
        "method": "WIRE",
        "amount": "5.00",
        "chequeDate": "2026-06-30",
        "receivedOn": "2026-06-30",
    }
    first, other = (
        done(admin, "recordCheque", "cheque { id }", **told, number=f"{name}-{place}", allocations=[])["id"]
        for place in (1, 2)
    )
    back = {"payee": "Al", "reason": "Paid twice", "refundedOn": "2026-06-30", "method": "WIRE"}
    refunds = done(admin, "refundCheque", "cheque { refunds { id } }", chequeId=first, amount="5.00", **back)["refunds"]
    done(admin, "returnCheque", "cheque { id }", chequeId=first, returnedOn="2026-07-01", reason="Bounced")
    return {"Refund": refunds[0]["id"], "OtherCheque": other}
