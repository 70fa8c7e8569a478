"""Over HTTP, every transition that the square of the life cycle does not allow is refused by name and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from server.database_urls import DatabaseUrls
from tests.domain.test_transitions import BY_ADMIN, BY_BILLING, cells
from tests.support.api.mutations import refused
from tests.support.api.records import Found, nothing_changes, uuid_of
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, allocations, mutation, selection
from tests.support.databases import rows

BY_THE_WORKER = {"lapse_agreement", "revive_agreement"}
MUTATIONS = [name for name in dict.fromkeys(name for name, _, _ in cells(BY_ADMIN)) if name not in BY_THE_WORKER]
ADMIN_ALONE = {"void_invoice", "write_off_invoice", "reverse_write_off", "reopen_case"}
# An invoice without a cheque cannot be the one whose cheque is returned.
WITHOUT_CHEQUE = {
    InvoiceStatus.PENDING_INVOICE,
    InvoiceStatus.PENDING_REDUCTION,
    InvoiceStatus.VOID,
    InvoiceStatus.WRITTEN_OFF,
}
# A case in which nothing is left to do is closed and opened again, whatever became of its invoices.
_NOT_ALONE = {
    "return_cheque": WITHOUT_CHEQUE,
    "close_case": {InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF},
    "reopen_case": {InvoiceStatus.VOID, InvoiceStatus.WRITTEN_OFF},
}


@pytest.fixture(scope="module")
def by_state(clinic: Clinic) -> dict[InvoiceStatus, Any]:
    """An invoice in each state, alone in its case."""
    return {status: clinic.look(clinic.in_state(status)) for status in InvoiceStatus}


@pytest.fixture(scope="module")
def scans(clinic: Clinic) -> dict[Role, str]:
    """A scan of each of the two roles, which no refusal uses up."""
    return {Role.BILLING: clinic.upload(clinic.billing), Role.ADMIN: clinic.upload(clinic.admin)}


@pytest.fixture(scope="module")
def open_cheque(clinic: Clinic) -> str:
    """A cheque without allocations."""
    identity: str = clinic.pays("500.00", {})["id"]
    return identity


# A claim that its invoice cannot take waits with the reason, and the remittance is not refused.
WAITS = {"post_remittance"}


def illegal() -> Iterator[Any]:
    """Every pair that the squares forbid to a role that has the mutation."""
    for role, square in ((Role.BILLING, BY_BILLING), (Role.ADMIN, BY_ADMIN)):
        for name, start, ends in cells(square):
            has_mutation = name not in (BY_THE_WORKER | WAITS) and (role is Role.ADMIN or name not in ADMIN_ALONE)
            is_possible = start not in _NOT_ALONE.get(name, ())
            if not ends and has_mutation and is_possible:
                yield pytest.param(role, name, start, id=f"{role}-{name}-{start}")


def legal_for(role: Role, status: InvoiceStatus) -> set[str]:
    square = BY_BILLING if role is Role.BILLING else BY_ADMIN
    return {name for name, start, ends in cells(square) if start is status and ends}


@pytest.mark.parametrize(("role", "name", "start"), illegal())
def test_an_illegal_transition_is_refused_by_name_and_changes_no_row(
    clinic: Clinic,
    by_state: dict[InvoiceStatus, Any],
    scans: dict[Role, str],
    open_cheque: str,
    role: Role,
    name: str,
    start: InvoiceStatus,
) -> None:
    client = clinic.billing if role is Role.BILLING else clinic.admin
    valid = clinic.inputs(name, by_state[start], scans[role], open_cheque)
    with nothing_changes(clinic.address):
        error = refused(client, mutation(name), selection(name), **valid)
    assert (error["__typename"], error["code"]) == ("IllegalTransition", "ILLEGAL_TRANSITION"), error
    assert (error["currentStatus"], error["transition"]) == (start.name, name)
    # The legal transitions are those of the square whose guards hold: the ones that the invoice itself lists.
    now = clinic.look(by_state[start]["id"], client)
    assert error["legalNow"] == [step["name"] for step in now["availableTransitions"] if step["allowed"]]
    assert set(error["legalNow"]) <= legal_for(role, start)
    assert error["path"][0] == "input"


def test_most_of_the_square_is_illegal() -> None:
    assert len(list(illegal())) == 93 + 106


# Refusals by guards, which have the same error code.


def test_an_invoice_that_was_not_submitted_is_neither_accepted_nor_reduced_nor_denied(clinic: Clinic) -> None:
    draft = clinic.invoice()
    for name, more in (
        ("acceptInFull", {}),
        ("requestReduction", {"amount": "1.00"}),
        ("recordDenial", {"deniedOn": TODAY, "reasonCode": "X1"}),
    ):
        error = refused(clinic.billing, name, INVOICE, invoiceId=draft, **more)
        words = "The invoice was never submitted" if name == "recordDenial" else "The invoice is not submitted"
        assert (error["__typename"], error["message"]) == (
            "IllegalTransition",
            f"{words}; first: Submit (submitInvoice)",
        )
        assert error["legalNow"] == ["submit_invoice", "change_payer"]


def test_an_invoice_is_not_submitted_twice(clinic: Clinic) -> None:
    error = refused(
        clinic.billing, "submitInvoice", INVOICE, invoiceId=clinic.submitted(), submittedOn=TODAY, method="FAX"
    )
    words = "next: Accept in full (acceptInFull) or Record a reduction request (requestReduction)"
    assert error["message"] == f"The invoice is already submitted; {words}"
    assert error["legalNow"] == [
        "accept_in_full",
        "request_reduction",
        "record_denial",
        "record_adjustment",
        "record_cheque",
        "allocate_cheque",
        "post_remittance",
        "correct_cheque",
        "move_allocation",
        "change_payer",
        "transfer_balance",
        "replace_invoice",
    ]


def test_what_is_left_of_a_partly_paid_invoice_is_negotiated_again_and_a_paid_one_is_not(clinic: Clinic) -> None:
    invoice = clinic.agreed()
    clinic.pays("5.00", {invoice: "5.00"})
    reopened = clinic.step("reopenReduction", invoice, reason="They can pay no more")
    assert (reopened["status"], reopened["balance"]) == ("PENDING_REDUCTION", "995.00")
    paid = clinic.in_state(InvoiceStatus.CHEQUE_RECEIVED)
    error = refused(clinic.admin, "reopenReduction", INVOICE, invoiceId=paid, reason="A call")
    words = "instead: Move an allocation (moveAllocation) or Void (voidInvoice, by an administrator)"
    assert error["message"] == f"Nothing is due, and nothing was reduced; {words}"


# Ids of other clinics and invalid ids.


@pytest.fixture(scope="module")
def foreign_cheque(found: Found, address: DatabaseUrls) -> str:
    """The id of a cheque of another clinic."""
    query = """insert into cheques (clinic_id, id, payer_id, number, amount, cheque_date, received_on, imported)
        select clinic_id, gen_random_uuid(), id, 'F-1', 100, '2026-06-01', '2026-06-01', true from payers where id = $1
        returning id"""
    return make_id("Cheque", rows(address, query, uuid_of(found.foreign["Payer"]))[0]["id"])


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_id_of_another_clinic_is_answered_like_an_unknown_id(
    clinic: Clinic, by_state: dict[InvoiceStatus, Any], scans: dict[Role, str], foreign_cheque: str, name: str
) -> None:
    covered = by_state[InvoiceStatus.CHEQUE_RECEIVED]
    valid = clinic.inputs(name, covered, scans[Role.ADMIN], foreign_cheque)

    def answer(invoice: str, case: str, cheque: str, remittance: str) -> Any:
        named = {
            "invoiceId": invoice,
            "caseId": case,
            "chequeId": cheque,
            "remittanceId": remittance,
            "allocations": allocations({invoice: "1.00"}),
        }
        inputs = {key: named.get(key, value) for key, value in valid.items()}
        return refused(clinic.admin, mutation(name), selection(name), **inputs)

    own, foreign, unknown = covered["id"], clinic.found.foreign, clinic.found.unknown
    with nothing_changes(clinic.address):
        answers = [
            answer(foreign["Invoice"], foreign["Case"], foreign_cheque, foreign["Remittance"]),
            answer(unknown("Invoice"), unknown("Case"), unknown("Cheque"), unknown("Remittance")),
            answer(foreign["Invoice"], unknown("Case"), unknown("Cheque"), unknown("Remittance")),
            answer(
                own if "chequeId" in valid else unknown("Invoice"),
                foreign["Case"],
                foreign_cheque,
                foreign["Remittance"],
            ),
        ]
    assert answers[0]["code"] == "NOT_FOUND"
    assert all(answer == answers[0] for answer in answers)


def test_a_payer_of_another_clinic_can_be_named_neither_by_an_invoice_nor_by_a_cheque(
    clinic: Clinic, scans: dict[Role, str]
) -> None:
    invoice = clinic.submitted()
    for payer in (clinic.found.foreign["Payer"], clinic.found.unknown("Payer")):
        moved = refused(clinic.billing, "changePayer", INVOICE, invoiceId=invoice, payerId=payer, reason="Moved")
        valid = clinic.cheque_of("5.00", {}, documentId=scans[Role.BILLING], payerId=payer)
        sent = refused(clinic.billing, "recordCheque", CHEQUE, **valid)
        assert {moved["code"], sent["code"]} == {"NOT_FOUND"}


@pytest.mark.parametrize("identity", ["", "7", "0190", "aW4", "'; drop table invoices; --"])
def test_an_invalid_id_is_an_invalid_input(clinic: Clinic, identity: str) -> None:
    error = refused(clinic.billing, "acceptInFull", INVOICE, invoiceId=identity)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "invoiceId"])
