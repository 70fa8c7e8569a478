"""Payments by each method: what they need, when two are one, how they are returned, and what replaces them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.payments.paying import CHEQUE, day, deposited, electronic, look, paid, paper, returned, warnings
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.databases import rows


@pytest.mark.parametrize("method", ["ACH", "WIRE", "CARD", "VIRTUAL_CARD", "CASH"])
def test_a_payment_that_is_no_paper_cheque_needs_no_scan_and_pays_like_one(clinic: Clinic, method: str) -> None:
    invoice = clinic.agreed("100.00")
    payment = paid(clinic, "120.00", {invoice: "100.00"}, method=method)
    assert (payment["method"], payment["status"], payment["unappliedAmount"]) == (method, "RECEIVED", "20.00")
    assert payment["documentUrl"] is None
    assert clinic.look(invoice)["status"] == "CHEQUE_RECEIVED"
    scan = clinic.upload()
    with_document = paid(clinic, method=method, documentId=scan)
    [(document,)] = rows(clinic.address, "select document_id from cheques where id = $1", uuid_of(with_document["id"]))
    assert document == uuid_of(scan)


def test_a_paper_cheque_needs_its_number_and_its_scan(clinic: Clinic) -> None:
    good = clinic.cheque_of("5.00", {})
    for name, value in (("documentId", None), ("number", "\u200b ")):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordCheque", CHEQUE, **{**good, name: value})
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", name])
    without_method = done(clinic.billing, "recordCheque", CHEQUE, **good)
    assert (without_method["method"], without_method["bank"]) == ("PAPER", None)


def test_a_number_in_another_spelling_is_the_same_number(clinic: Clinic) -> None:
    paid(clinic, number="s1001")
    for spelling in (" s1001", "s1001\u200b", "\uff531\uff10\uff101", "S1001", "s\u00ad1001"):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, number=spelling))
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"]), spelling


def test_a_number_is_unique_for_each_payer_method_and_bank_and_an_unknown_bank_equals_every_bank(
    clinic: Clinic,
) -> None:
    first = paid(clinic, number="m1", bank="First Bank 021-44")
    assert first["bank"] == "First Bank 021-44"
    paid(clinic, number="m1", bank="Second Bank")
    paid(clinic, number="m1", method="WIRE")
    for bank in (None, "first bank  021\u201144"):
        error = refused(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, number="m1", bank=bank))
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"]), bank
    paid(clinic, number="m2")
    error = refused(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, number="m2", bank="First Bank"))
    assert error["code"] == "CONFLICT"
    returned(clinic, first["id"])
    paid(clinic, number="m1", bank="First Bank 021-44")


def test_receipts_of_cash_may_have_the_same_number(clinic: Clinic) -> None:
    assert [paid(clinic, method="CASH", number="receipt 7")["number"] for _ in range(2)] == ["RECEIPT 7"] * 2
    assert warnings(clinic.billing, "recordCheque", **electronic(clinic, method="CASH", number="receipt 7")) == []


def test_of_two_cheques_recorded_at_once_one_with_a_bank_and_one_without_one_is_refused(clinic: Clinic) -> None:
    def record(inputs: dict[str, Any]) -> int:
        return len(answered(clinic.billing, "recordCheque", "cheque { id }", **inputs)["errors"])

    for attempt in range(6):
        number = f"at-once-{attempt}"
        inputs = [electronic(clinic, number=number, bank=bank) for bank in (None, "A bank")]
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(record, inputs)) == [0, 1]


def test_a_number_that_is_only_similar_warns(clinic: Clinic) -> None:
    paid(clinic, number="77001")
    for similar in ("077001", "#77001", "77-001"):
        [warning] = warnings(clinic.billing, "recordCheque", **electronic(clinic, number=similar))
        assert (warning["code"], warning["path"]) == ("SIMILAR_NUMBER", ["input", "number"])
        assert "77001" in warning["message"]
    assert warnings(clinic.billing, "recordCheque", **electronic(clinic, number="770010")) == []


def test_a_cheque_older_than_180_days_warns(clinic: Clinic) -> None:
    old, older = (clinic.cheque_of("5.00", {}, chequeDate=day(-days)) for days in (180, 181))
    assert warnings(clinic.billing, "recordCheque", **old) == []
    [warning] = warnings(clinic.billing, "recordCheque", **older)
    assert (warning["code"], warning["path"]) == ("STALE_CHEQUE", ["input", "chequeDate"])
    assert warnings(clinic.billing, "recordCheque", **electronic(clinic, chequeDate=day(-181))) == []


@pytest.mark.parametrize("kind", ["STOPPED", "STALE", "LOST", "REPLACED"])
def test_only_nsf_counts_as_bounced(clinic: Clinic, kind: str) -> None:
    invoice = clinic.agreed("100.00")
    back = returned(clinic, paid(clinic, "100.00", {invoice: "100.00"})["id"], kind=kind)
    assert (back["status"], back["returnKind"], back["isBounced"]) == ("RETURNED", kind, False)
    assert clinic.look(invoice)["status"] == "PENDING_CHEQUE"
    bounced = returned(clinic, paid(clinic)["id"])
    assert (bounced["returnKind"], bounced["isBounced"]) == ("NSF", True)
    assert look(clinic.billing, paid(clinic)["id"])["returnKind"] is None


def test_a_held_cheque_that_was_returned_has_not_bounced_and_one_that_was_deposited_has(clinic: Clinic) -> None:
    held = paper(clinic, chequeDate=day(1))
    assert (held["status"], returned(clinic, held["id"])["isBounced"]) == ("HELD", False)
    released = paper(clinic, chequeDate=day(-1), receivedOn=day(-2))
    deposited(clinic, released["id"])
    assert returned(clinic, released["id"])["isBounced"] is True


def test_a_return_is_not_before_the_day_on_which_the_bank_cleared_the_payment(clinic: Clinic) -> None:
    payment = paid(clinic, receivedOn=day(-9), chequeDate=day(-9))["id"]
    done(clinic.billing, "clearCheque", CHEQUE, chequeId=payment, clearedOn=day(-4))
    back = {"chequeId": payment, "returnedOn": day(-5), "reason": "The bank says so"}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "returnCheque", CHEQUE, **back)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "returnedOn"])
    assert error["message"] == (
        f"The bank cleared the payment on {day(-4)}: the return date must not be before that day, or correct it (clearCheque)"
    )
    done(clinic.billing, "clearCheque", CHEQUE, chequeId=payment, clearedOn=day(-6))
    assert returned(clinic, payment, returnedOn=day(-5))["returnedOn"] == day(-5)


def test_a_payment_replaces_a_returned_one_of_its_payer(clinic: Clinic) -> None:
    lost, standing = paid(clinic, receivedOn=day(-9), chequeDate=day(-9)), paid(clinic)
    returned(clinic, lost["id"], kind="LOST", returnedOn=day(-2))
    other_payer = clinic.another_payer({"payer": {"id": clinic.payer}})
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"replacesId": standing["id"]}, "CONFLICT", ["replacesId"]),
        ({"replacesId": lost["id"], "receivedOn": day(-3), "chequeDate": day(-3)}, "INVALID_INPUT", ["receivedOn"]),
        ({"replacesId": lost["id"], "payerId": other_payer}, "INVALID_INPUT", ["replacesId"]),
        ({"replacesId": clinic.found.foreign["Cheque"]}, "NOT_FOUND", ["replacesId"]),
        ({"replacesId": clinic.found.unknown("Cheque")}, "NOT_FOUND", ["replacesId"]),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, **changes))
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes
    instead = paid(clinic, replacesId=lost["id"], receivedOn=day(-2), chequeDate=day(-2))
    assert instead["replaces"] == {"id": lost["id"]}
    assert look(clinic.billing, lost["id"])["replacedBy"] == [{"id": instead["id"]}]
    assert paper(clinic)["replaces"] is None


def test_an_electronic_payment_is_not_dated_after_its_receipt(clinic: Clinic) -> None:
    error = refused(clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, chequeDate=day(1)))
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "chequeDate"])


def test_payments_are_listed_by_method_and_status(clinic: Clinic) -> None:
    wire = paid(clinic, method="WIRE", number="listed-1")
    back = returned(clinic, paid(clinic, method="WIRE", number="listed-2")["id"])

    def listed(condition: str) -> list[str]:
        query = f'{{ cheques(filter: {{number: "LISTED-", {condition}}}) {{ nodes {{ id }} }} }}'
        return [node["id"] for node in clinic.billing.read(query)["cheques"]["nodes"]]

    assert listed("method: [WIRE], status: [RECEIVED]") == [wire["id"]]
    assert listed("status: [RETURNED]") == [back["id"]]
    assert listed("status: [HELD]") == listed("method: [CASH, ACH]") == []
    assert listed("deposited: false, unapplied: true") == [wire["id"]]


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
