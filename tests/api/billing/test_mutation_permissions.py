"""Which callers may run the mutations that create and change records: anonymous callers, other roles, and foreign records are refused."""

from typing import Any

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.billing.mutation_examples import ADMINISTRATION, EXAMPLES, STAFF
from tests.conftest import SignIn
from tests.support.api.mutations import document, done, refused
from tests.support.api.records import Found, Ids, changed_by
from tests.support.api.scans import sent
from tests.support.client import Client


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
    if name == "recordDocument":
        ids["SentFile"] = sent(client)
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
    "retireAttorney": ("createAttorney", {"name": "Idle Ida", "firm": "Idle LLP"}),
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
    draft = {"caseId": case, "payerId": payers[0]["id"], "serviceDate": "2026-03-02", "lines": [{"code": "A4556"}]}
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
