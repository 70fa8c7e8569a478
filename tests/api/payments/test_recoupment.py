"""Money that payers ask back: the request, its answers, and how it opens again."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.payments.paying import day, paid, refund_of, returned
from tests.api.payments.test_refunds import new_payer
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, broken_laws
from tests.support.databases import rows

REQUEST = """recoupmentRequest { id status amount openAmount reason reference requestedOn dueOn documentUrl
    payer { id } cheque { id } invoice { id } recordedBy { name } proposedAdjustments { id }
    answers { step amount answeredOn dueOn note refund { id amount } providerAdjustment { id } answeredBy { name } } }"""
_REFUNDS = (
    "cheque { id unappliedAmount refunds { id amount reversalKind refundedOn reason reverses { id } carries { id } } }"
)


def ask(clinic: Clinic, **values: Any) -> Any:
    """A request of the clinic's payer for 40.00, due in three weeks."""
    told = {"payerId": clinic.payer, "amount": "40.00", "reason": "Paid by another insurer, too"}
    days = {"requestedOn": TODAY, "dueOn": day(21)}
    return done(clinic.billing, "recordRecoupmentRequest", REQUEST, **{**told, **days, **values})


def answer(clinic: Clinic, request: str, step: str, **values: Any) -> Any:
    """The request after an answer today."""
    return done(clinic.billing, "answerRecoupmentRequest", REQUEST, requestId=request, step=step, **values)


def refund(clinic: Clinic, cheque: str, amount: str, **values: Any) -> str:
    """The id of a new refund of a payment."""
    found = done(clinic.admin, "refundCheque", _REFUNDS, **refund_of(cheque, amount, **values))["refunds"]
    identity: str = found[-1]["id"]
    return identity


def adjusted(clinic: Clinic, cheque: str, amount: str, reference: str | None = None, on: str | None = None) -> str:
    """The id of a new row of a payment that concerns no claim, as a remittance has it."""
    [(identity,)] = rows(
        clinic.address,
        """insert into provider_adjustments (clinic_id, id, cheque_id, code, reference, amount, effective_on)
        select clinic_id, gen_random_uuid(), id, 'WO', $2, $3::text::numeric, coalesce($4::text::date, received_on) from cheques
        where id = $1 returning translate(encode('pa'::bytea || uuid_send(id), 'base64'), '+/', '-_')""",
        uuid_of(cheque),
        reference,
        amount,
        on,
    )
    text: str = identity
    return text


def items(clinic: Clinic, request: str, on: str) -> list[tuple[str, str, str]]:
    """The action items of a request by a day: kind, day and subject."""
    query = """query ($on: Date) { actionItems(asOf: $on, first: 500) { nodes { kind dueOn subject recoupmentRequest { id } } } }"""
    found = clinic.billing.read(query, on=on)["actionItems"]["nodes"]
    mine = [item for item in found if item["recoupmentRequest"] and item["recoupmentRequest"]["id"] == request]
    return [(item["kind"], item["dueOn"], item["subject"]) for item in mine]


def test_a_request_is_recorded_with_what_it_is_about_and_due_a_week_before_its_last_day(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    cheque = paid(clinic, "100.00", {invoice: "100.00"})["id"]
    letter = clinic.upload(clinic.billing)
    request = ask(clinic, chequeId=cheque, invoiceId=invoice, reference=" ask-1 ", documentId=letter)
    assert request.pop("documentUrl") is not None
    assert request.pop("recordedBy")["name"]
    identity = request.pop("id")
    assert request == {
        "status": "OPEN",
        "amount": "40.00",
        "openAmount": "40.00",
        "reason": "Paid by another insurer, too",
        "reference": "ASK-1",
        "requestedOn": TODAY,
        "dueOn": day(21),
        "payer": {"id": clinic.payer},
        "cheque": {"id": cheque},
        "invoice": {"id": invoice},
        "proposedAdjustments": [],
        "answers": [],
    }
    assert items(clinic, identity, day(13)) == []
    [(kind, due_on, words)] = items(clinic, identity, day(14))
    assert (kind, due_on) == ("RECOUPMENT_DUE", day(14))
    assert words.endswith(f"asks for $40.00 back by {day(21)}: refund it (refundCheque), or appeal")
    of_cheque = "query ($id: ID!) { node(id: $id) { ... on Cheque { recoupmentRequests { id } } } }"
    assert clinic.billing.read(of_cheque, id=cheque)["node"]["recoupmentRequests"] == [{"id": identity}]


def test_an_invalid_request_is_refused(clinic: Clinic) -> None:
    cheque = paid(clinic, "50.00")["id"]
    other = new_payer(clinic, "Asks nothing")
    elsewhere = clinic.submitted("10.00")
    told = {"payerId": clinic.payer, "amount": "40.00", "reason": "Paid twice", "requestedOn": TODAY, "dueOn": day(21)}
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"amount": "0.00"}, "INVALID_INPUT", ["amount"]),
        ({"reason": " "}, "INVALID_INPUT", ["reason"]),
        ({"requestedOn": day(1)}, "INVALID_INPUT", ["requestedOn"]),
        ({"dueOn": day(-1)}, "INVALID_INPUT", ["dueOn"]),
        ({"payerId": clinic.found.foreign["Payer"]}, "NOT_FOUND", ["payerId"]),
        ({"chequeId": cheque, "amount": "50.01"}, "INVALID_INPUT", ["amount"]),
        ({"chequeId": cheque, "requestedOn": day(-1)}, "INVALID_INPUT", ["requestedOn"]),
        ({"chequeId": cheque, "payerId": other}, "INVALID_INPUT", ["chequeId"]),
        ({"chequeId": clinic.found.foreign["Cheque"]}, "NOT_FOUND", ["chequeId"]),
        ({"invoiceId": elsewhere, "payerId": other}, "INVALID_INPUT", ["invoiceId"]),
        ({"invoiceId": clinic.found.foreign["Invoice"]}, "NOT_FOUND", ["invoiceId"]),
        ({"documentId": clinic.found.unknown("Upload")}, "INVALID_INPUT", ["documentId"]),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordRecoupmentRequest", REQUEST, **{**told, **changes})
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes


def test_refunds_answer_a_request_in_parts_and_it_opens_again_when_one_comes_back(clinic: Clinic) -> None:
    cheque = paid(clinic, "100.00")["id"]
    request = ask(clinic, chequeId=cheque)["id"]
    first, second = refund(clinic, cheque, "15.00"), refund(clinic, cheque, "30.00")
    part = answer(clinic, request, "REFUND", refundId=first)
    assert (part["status"], part["openAmount"]) == ("OPEN", "25.00")
    whole = answer(clinic, request, "REFUND", refundId=second, note="By cheque")
    # Of the second refund only what was asked for answers.
    assert (whole["status"], whole["openAmount"]) == ("REFUNDED", "0.00")
    assert [(one["step"], one["amount"], one["refund"]["id"], one["note"]) for one in whole["answers"]] == [
        ("REFUND", "15.00", first, None),
        ("REFUND", "25.00", second, "By cheque"),
    ]
    assert items(clinic, request, day(30)) == []
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "answerRecoupmentRequest", REQUEST, requestId=request, step="APPEAL")
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "step"])
    back = {"refundId": second, "returnedOn": TODAY, "reason": "The address was unknown"}
    now = done(clinic.admin, "returnRefund", _REFUNDS, **back)
    assert now["unappliedAmount"] == "85.00"
    assert [(one["amount"], one["reversalKind"]) for one in now["refunds"]] == [
        ("15.00", None),
        ("30.00", None),
        ("-30.00", "RETURNED"),
    ]
    assert (now["refunds"][-1]["reverses"], now["refunds"][-1]["reason"]) == ({"id": second}, back["reason"])
    again = _look(clinic, request)
    assert (again["status"], again["openAmount"]) == ("OPEN", "25.00")
    assert (again["answers"][-1]["step"], again["answers"][-1]["amount"]) == ("REOPENING", "-25.00")
    assert len(items(clinic, request, day(30))) == 1


def _look(clinic: Clinic, request: str) -> Any:
    selection = REQUEST.removeprefix("recoupmentRequest ")
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on RecoupmentRequest {selection} }} }}"
    return clinic.billing.read(query, id=request)["node"]


def test_an_appeal_waits_for_the_payer_and_its_refusal_opens_the_request_again(clinic: Clinic) -> None:
    request = ask(clinic)["id"]
    appealed = answer(clinic, request, "APPEAL", note="The other insurer paid for another visit")
    assert (appealed["status"], items(clinic, request, day(30))) == ("APPEALED", [])
    refused_later = answer(clinic, request, "APPEAL_REFUSED", dueOn=day(40))
    assert (refused_later["status"], refused_later["dueOn"]) == ("OPEN", day(40))
    assert [item[1] for item in items(clinic, request, day(40))] == [day(33)]
    answer(clinic, request, "APPEAL")
    won = answer(clinic, request, "WITHDRAWAL")
    assert (won["status"], won["openAmount"], won["amount"]) == ("WITHDRAWN", "0.00", "40.00")
    assert [one["step"] for one in won["answers"]] == ["APPEAL", "APPEAL_REFUSED", "APPEAL", "WITHDRAWAL"]


def test_a_row_of_a_later_payment_that_names_the_request_is_proposed_and_answers_it(clinic: Clinic) -> None:
    request = ask(clinic, reference="ask-by-name")["id"]
    later = paid(clinic, "200.00")["id"]
    row = adjusted(clinic, later, "40.00", "ASK-BY-NAME")
    adjusted(clinic, later, "-40.00", "ASK-BY-NAME")
    assert _look(clinic, request)["proposedAdjustments"] == [{"id": row}]
    withheld = answer(clinic, request, "WITHHOLDING", providerAdjustmentId=row)
    assert (withheld["status"], withheld["openAmount"], withheld["proposedAdjustments"]) == ("WITHHELD", "0.00", [])
    second = ask(clinic)["id"]
    with nothing_changes(clinic.address):
        error = _refused_answer(clinic, second, "WITHHOLDING", providerAdjustmentId=row)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "providerAdjustmentId"])
    # The payment from which it was withheld bounces: the payer has withheld nothing.
    assert returned(clinic, later)["unappliedAmount"] == "0.00"
    again = _look(clinic, request)
    assert (again["status"], again["openAmount"]) == ("OPEN", "40.00")
    assert again["answers"][-1]["step"] == "REOPENING"
    assert again["proposedAdjustments"] == []


def _refused_answer(clinic: Clinic, request: str, step: str, **values: Any) -> Mapping[str, Any]:
    error: Mapping[str, Any] = refused(
        clinic.billing, "answerRecoupmentRequest", REQUEST, requestId=request, step=step, **values
    )
    return error


def test_an_answer_that_does_not_fit_is_refused(clinic: Clinic) -> None:
    request, cheque = ask(clinic)["id"], paid(clinic, "100.00")["id"]
    other = new_payer(clinic, "Owes nothing")
    of_other = refund(clinic, paid(clinic, "10.00", payerId=other)["id"], "10.00")
    own, raising = refund(clinic, cheque, "1.00"), adjusted(clinic, cheque, "-1.00")
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"step": "REFUND"}, "INVALID_INPUT", ["refundId"]),
        ({"step": "REFUND", "refundId": of_other}, "INVALID_INPUT", ["refundId"]),
        ({"step": "REFUND", "refundId": clinic.found.foreign["Refund"]}, "NOT_FOUND", ["refundId"]),
        ({"step": "APPEAL", "refundId": own}, "INVALID_INPUT", ["refundId"]),
        ({"step": "WITHHOLDING", "refundId": own}, "INVALID_INPUT", ["refundId"]),
        ({"step": "WITHHOLDING", "providerAdjustmentId": raising}, "INVALID_INPUT", ["providerAdjustmentId"]),
        ({"step": "APPEAL_REFUSED"}, "CONFLICT", ["step"]),
        ({"step": "REOPENING"}, "CONFLICT", ["step"]),
        ({"step": "APPEAL", "dueOn": day(9)}, "INVALID_INPUT", ["dueOn"]),
        ({"step": "APPEAL", "answeredOn": day(-1)}, "INVALID_INPUT", ["answeredOn"]),
        ({"step": "APPEAL", "answeredOn": day(1)}, "INVALID_INPUT", ["answeredOn"]),
        ({"step": "APPEAL", "requestId": clinic.found.unknown("RecoupmentRequest")}, "NOT_FOUND", ["requestId"]),
        ({"step": "APPEAL", "requestId": clinic.found.foreign["RecoupmentRequest"]}, "NOT_FOUND", ["requestId"]),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "answerRecoupmentRequest", REQUEST, **{"requestId": request, **changes})
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes


def test_requests_are_listed_by_payer_status_and_days_in_each_order(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Asks often")
    small = ask(clinic, payerId=payer, amount="1.00", requestedOn=day(-9), dueOn=day(30))["id"]
    large = ask(clinic, payerId=payer, amount="9.00", requestedOn=day(-2), dueOn=day(3))["id"]
    answer(clinic, large, "APPEAL")
    query = """query ($filter: RecoupmentRequestFilter, $order: RecoupmentRequestOrder) {
        recoupmentRequests(filter: $filter, orderBy: $order) { totalCount nodes { id } } }"""

    def listed(order: dict[str, str] | None = None, **condition: Any) -> list[str]:
        chosen = {"filter": {"payerId": [payer], **condition}, **({"order": order} if order else {})}
        found = clinic.billing.read(query, **chosen)["recoupmentRequests"]
        assert found["totalCount"] == len(found["nodes"])
        return [node["id"] for node in found["nodes"]]

    assert listed() == [large, small]
    assert listed({"field": "AMOUNT", "direction": "ASC"}) == [small, large]
    assert listed({"field": "DUE_ON", "direction": "ASC"}) == [large, small]
    assert listed(status=["OPEN"]) == listed(requestedTo=day(-3)) == [small]
    assert listed(dueTo=day(3)) == listed(requestedFrom=day(-3)) == [large]
    assert listed(chequeId=clinic.found.own["Cheque"]) == listed(invoiceId=clinic.found.own["Invoice"]) == []


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_nobody_else_sees_or_answers_requests(clinic: Clinic, sign_in: SignIn, role: Role) -> None:
    request, client = ask(clinic)["id"], sign_in(role)
    with nothing_changes(clinic.address):
        assert client.refusals("{ recoupmentRequests { nodes { id } } }")
        assert client.read("query ($id: ID!) { node(id: $id) { id } }", id=request)["node"] is None
        query = "mutation ($input: AnswerRecoupmentRequestInput!) { answerRecoupmentRequest(input: $input) { errors { code } } }"
        assert client.refusals(query, input={"requestId": request, "step": "APPEAL"})


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
