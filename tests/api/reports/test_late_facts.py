"""A fact that contradicts a decision made before it was recorded: an action item of staff names both until the next step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.payments.paying import WARNED, day, electronic
from tests.api.reports.test_action_items import ITEMS, items, kinds
from tests.api.reports.test_action_kinds import lapse
from tests.conftest import SignIn
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic, backdate, broken_laws
from tests.support.databases import rows


def recorded(clinic: Clinic, amount: str, invoice: str, **values: Any) -> list[str]:
    """The messages of the warnings about late facts of a payment that is recorded now."""
    answer = answered(clinic.billing, "recordCheque", WARNED, **electronic(clinic, amount, {invoice: amount}, **values))
    assert answer["errors"] == [], answer
    return [one["message"] for one in answer["warnings"] if one["code"] == "LATE_FACT"]


def late(clinic: Clinic, invoice: str, **variables: Any) -> list[tuple[str, str]]:
    """The day and the text of the items about late facts of an invoice."""
    found = items(clinic.billing, invoice, **variables)
    return [(item["dueOn"], item["subject"]) for item in found if item["kind"] == "LATE_FACT"]


def test_a_payment_before_a_write_off_is_an_item_until_the_next_step(clinic: Clinic) -> None:
    case = clinic.case()
    invoice = clinic.submitted(case=case)
    backdate(clinic, invoice)
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="They do not answer")
    words = (
        f"The payment of {day(-3)} was recorded after the write-off of {TODAY}, which it contradicts: "
        "settle the case, or reverse the write-off if it still stands"
    )
    assert recorded(clinic, "1000.00", invoice, receivedOn=day(-3), chequeDate=day(-3)) == [f"{words}."]
    assert late(clinic, invoice) == [(TODAY, words)]
    done(clinic.billing, "addInternalNote", "invoice { id }", invoiceId=invoice, body="It came by mail")
    clinic.settles(case)
    assert late(clinic, invoice) == []
    assert broken_laws(clinic.address) == ()


def test_a_recovery_is_no_item(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="They do not answer")
    assert recorded(clinic, "999.99", invoice) == []
    assert kinds(clinic.billing, invoice) == []


def test_a_payment_before_a_transfer_that_left_nothing_is_an_item(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    backdate(clinic, invoice)
    firm = done(clinic.billing, "createPayer", "payer { id }", name="Late & Partners", kind="ATTORNEY")["id"]
    clinic.step("transferBalance", invoice, payerId=firm, reason="OTHER")
    recorded(clinic, "1000.00", invoice, receivedOn=day(-3), chequeDate=day(-3))
    assert clinic.look(invoice)["status"] == "CHEQUE_RECEIVED"
    [(_, words)] = late(clinic, invoice)
    assert words.startswith(
        f"The payment of {day(-3)} was recorded after the transfer of {TODAY}, which it contradicts: "
    )


def test_a_return_before_an_agreement_warns_by_how_much_its_reduction_grows(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    cheque = done(clinic.billing, "recordCheque", "cheque { id }", **electronic(clinic, "400.00", {invoice: "400.00"}))
    rows(clinic.address, "alter table cheques disable trigger user")
    moved = "update cheques set received_on = received_on - 10, cheque_date = cheque_date - 10 where id = $1"
    rows(clinic.address, moved, uuid_of(cheque["id"]))
    rows(clinic.address, "alter table cheques enable trigger user")
    backdate(clinic, invoice)
    firm = done(clinic.billing, "createPayer", "payer { id }", name="Grown & Partners", kind="ATTORNEY")["id"]
    clinic.step("transferBalance", invoice, payerId=firm, reason="OTHER")
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    clinic.step("requestReduction", invoice, amount="500.00")
    clinic.step("agreeReduction", invoice)
    returned = {"chequeId": cheque["id"], "returnedOn": day(-2), "reason": "Not covered"}
    [warning] = answered(clinic.billing, "returnCheque", WARNED, **returned)["warnings"]
    assert (warning["code"], warning["amount"]) == ("LATE_FACT", "400.00")
    assert warning["message"].endswith(" The reduction grows by $400.00.")
    assert [words.split(",")[0] for _, words in late(clinic, invoice)] == [
        f"The return of {day(-2)} was recorded after the agreement of {TODAY}"
    ]
    # Both are named: that it was returned, and that this contradicts the agreement.
    assert {kind for kind, _ in kinds(clinic.billing, invoice)} == {"RETURNED_CHEQUE", "LATE_FACT"}
    # What others did, and is recorded next, is no decision.
    clinic.step("recordDenial", invoice, deniedOn=day(-3), reasonCode="50")
    assert {kind for kind, _ in kinds(clinic.billing, invoice)} == {"RETURNED_CHEQUE", "LATE_FACT"}


def test_a_denial_before_an_agreement_is_an_item_until_the_agreement_is_reopened(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    backdate(clinic, invoice)
    clinic.step("acceptInFull", invoice)
    denied = clinic.step("recordDenial", invoice, deniedOn=day(-4), reasonCode="X1")
    assert denied["status"] == "PENDING_CHEQUE"
    [(_, words)] = late(clinic, invoice)
    assert words == (
        f"The denial of {day(-4)} was recorded after the agreement of {TODAY}, which it contradicts: "
        "keep the agreement, or reopen the negotiation"
    )
    clinic.step("reopenReduction", invoice, reason="They had denied it")
    assert late(clinic, invoice) == []


def test_money_in_time_for_a_lapsed_agreement_is_an_item_while_a_newer_offer_stands(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    clinic.step("requestReduction", invoice, amount="600.00")
    clinic.step("agreeReduction", invoice, conditionalUntil=TODAY)
    lapse(clinic.address, datetime.now(UTC) + timedelta(days=2))
    clinic.step("counterReduction", invoice, party="CLINIC", amount="700.00")
    [warning] = recorded(clinic, "600.00", invoice)
    words = f"The payment of {TODAY} was recorded after the lapse of the agreement on {day(1)}, which it contradicts: "
    assert warning.startswith(words)
    assert clinic.look(invoice)["status"] == "PENDING_REDUCTION"
    assert [subject for _, subject in late(clinic, invoice, on=day(2))] == [warning[:-1]]
    clinic.step("agreeReduction", invoice, amount="600.00")
    assert late(clinic, invoice, on=day(2)) == []


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_nobody_but_staff_has_action_items(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).refusals(ITEMS) != []
