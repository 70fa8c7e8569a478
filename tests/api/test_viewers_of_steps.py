"""Decides who may take the steps that create and change records: nobody, the wrong role, and whoever names a foreign record."""

from typing import Any

import pytest

from domain.people import Role
from server.addresses import Address
from tests.api.records import Found, Ids, changed_by
from tests.api.steps import document, done, refused
from tests.client import Client
from tests.conftest import SignIn

_DAY = "2026-03-02"
_LINES = [{"code": "A4556"}]


def _case_input(ids: Ids) -> dict[str, Any]:
    return {"caseId": ids["Case"], "payerId": ids["Payer"], "serviceDate": _DAY, "lines": _LINES}


# Step → what it answers, the record that it names, and an input that would be right for somebody who may take it.
STAFF: dict[str, tuple[str, str, Any]] = {
    "createInvoice": ("invoice { id }", "Case", _case_input),
    "replaceInvoiceLines": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "lines": _LINES}),
    "setNegotiationLimits": (
        "invoice { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "floorAmount": "1"},
    ),
    "addInternalNote": ("invoice { id }", "Invoice", lambda ids: {"invoiceId": ids["Invoice"], "body": "Mind this"}),
    "placeHold": (
        "hold { id }",
        "Payer",
        lambda ids: {"payerId": ids["Payer"], "untilOn": "2099-01-01", "reason": "Wait"},
    ),
    "releaseHold": ("hold { id }", "Hold", lambda ids: {"holdId": ids["Hold"]}),
    "scheduleReminder": (
        "reminder { id }",
        "Invoice",
        lambda ids: {"invoiceId": ids["Invoice"], "targetDate": "2099-01-01", "subject": "Call them"},
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
    "resendMessage": (
        "outboundMessage { id }",
        "OutboundMessage",
        lambda ids: {"outboundMessageId": ids["OutboundMessage"]},
    ),
    "createCase": ("case { id }", "Patient", lambda ids: {"patientId": ids["Patient"], "dateOfInjury": _DAY}),
    "assignAttorney": ("case { id }", "Case", lambda ids: {"caseId": ids["Case"], "attorneyId": None}),
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
    "createUser": (
        "user { id }",
        "",
        lambda ids: {"email": "viewer@demo.clinic", "name": "Al Viewer", "role": "ANALYST", "password": "ten letters!"},
    ),
    "updateUser": ("user { id }", "User", lambda ids: {"userId": ids["User"], "name": "Al Viewer"}),
    "createApiToken": ("apiToken { id }", "User", lambda ids: {"userId": ids["User"], "name": "Reports"}),
    "revokeApiToken": ("apiToken { id }", "ApiToken", lambda ids: {"apiTokenId": ids["ApiToken"]}),
    "retireFacility": ("facility { id }", "Facility", lambda ids: {"facilityId": ids["Facility"]}),
}
STEPS = STAFF | ADMINISTRATION


def _errors(client: Client, name: str, selection: str, given: dict[str, Any]) -> list[str]:
    return client.refusals(document(name, selection), input=given)


def _unmet(role: Role | None) -> dict[str, tuple[str, str, Any]]:
    """The steps that are not meant for a role."""
    return ADMINISTRATION if role is Role.BILLING else STEPS


@pytest.mark.parametrize("role", [None, Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, Role.BILLING])
def test_for_whom_a_step_is_not_meant_it_does_not_exist(
    address: Address, found: Found, nobody: Client, sign_in: SignIn, role: Role | None
) -> None:
    client = sign_in(role) if role else nobody
    answers: dict[str, tuple[list[str], list[str]]] = {}

    def attempt() -> None:
        for step, (selection, _, given) in _unmet(role).items():
            names = (step, f"never{step}")
            told, of_invented = (_errors(client, name, selection, given(found.own)) for name in names)
            answers[step] = told, [_renamed(message, step) for message in of_invented]

    assert changed_by(address, attempt) == set()
    # The answer is the one for a step that nobody ever wrote, but for its name.
    assert {step: told for step, (told, _) in answers.items()} == {step: told for step, (_, told) in answers.items()}


def _renamed(message: str, step: str) -> str:
    return message.replace(f"Never{step}Input", f"{step[0].upper()}{step[1:]}Input").replace(f"never{step}", step)


@pytest.mark.parametrize("step", [step for step, (_, named, _) in STEPS.items() if named])
def test_a_record_of_another_clinic_is_answered_like_one_that_does_not_exist(
    address: Address, found: Found, billing: Client, admin: Client, step: str
) -> None:
    client = billing if step in STAFF else admin
    selection, named, given = STEPS[step]
    answers: list[Any] = []

    def attempt() -> None:
        named_so = ({**found.own, named: identity} for identity in (found.foreign[named], found.unknown(named)))
        answers.extend(refused(client, step, selection, **given(ids)) for ids in named_so)

    assert changed_by(address, attempt) == set()
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("step", "field", "named"),
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
    ],
)
def test_whoever_else_is_named_must_be_of_the_clinic_too(
    address: Address, found: Found, billing: Client, step: str, field: str, named: str
) -> None:
    selection, _, given = STEPS[step]
    extra = {"kind": "ATTORNEY"} if step == "createPayer" else {}
    answers: list[Any] = []

    def attempt() -> None:
        right = {**given(found.own), **extra}
        identities = (found.foreign[named], found.unknown(named))
        answers.extend(refused(billing, step, selection, **{**right, field: identity}) for identity in identities)

    assert changed_by(address, attempt) == set()
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("step", STEPS)
def test_whoever_may_take_a_step_takes_it(billing: Client, admin: Client, found: Found, step: str) -> None:
    """Last in the file, since it changes what the others begin with; every step before it is refused."""
    client = billing if step in STAFF else admin
    selection, named, given = STEPS[step]
    ids = dict(found.own)
    if named == "Reminder":
        # One reminder is closed once.
        ids["Reminder"] = done(client, "scheduleReminder", "reminder { id }", **STEPS["scheduleReminder"][2](ids))["id"]
    answer = client.read(document(step, selection), input=given(ids))[step]
    assert answer["errors"] == []
