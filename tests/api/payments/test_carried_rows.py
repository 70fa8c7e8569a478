"""The refunds and provider adjustments of a payment go along when it is corrected."""

from datetime import timedelta
from typing import Any

from domain.remittances.remittance import ProviderAdjustment
from tests.api.payments.paying import CHEQUE, day, deposited, look, paid, returned
from tests.api.payments.test_recoupment import REQUEST, adjusted, answer, ask, refund
from tests.api.payments.test_refunds import new_payer
from tests.api.remittances.remitting import claim, imported, money, number_of, payment, posted
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import TODAY, Clinic, broken_laws

_ROWS = """cheque { id number unappliedAmount status refunds { id amount reversalKind refundedOn carries { id } }
    providerAdjustments { id amount code reversalKind effectiveOn } }"""


def corrected(clinic: Clinic, cheque: str, **values: Any) -> Any:
    """The payment that takes the place of one that was typed wrong."""
    return done(clinic.admin, "correctCheque", _ROWS, chequeId=cheque, reason="A typing error", **values)


def look_at(clinic: Clinic, cheque: str) -> Any:
    """A payment with its rows."""
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Cheque {_ROWS.removeprefix('cheque ')} }} }}"
    return clinic.billing.read(query, id=cheque)["node"]


def test_a_corrected_payment_takes_its_refunds_and_rows_along_on_their_days(clinic: Clinic) -> None:
    invoice = clinic.agreed("60.00")
    days: dict[str, Any] = {"receivedOn": day(-9), "chequeDate": day(-9)}
    cheque = paid(clinic, "100.00", {invoice: "60.00"}, **days)["id"]
    identity = refund(clinic, cheque, "25.00", refundedOn=day(-5))
    adjusted(clinic, cheque, "-5.00", "INTEREST")
    deposited(clinic, cheque)
    right = corrected(clinic, cheque, amount="110.00", number="carried-1")
    # 110.00 is 60.00 allocated, 25.00 refunded, 5.00 added by the row, and 20.00.
    assert (right["number"], right["unappliedAmount"]) == ("CARRIED-1", "20.00")
    [carried] = right["refunds"]
    assert (carried["amount"], carried["refundedOn"], carried["carries"]) == ("25.00", day(-5), {"id": identity})
    assert [(one["amount"], one["effectiveOn"]) for one in right["providerAdjustments"]] == [("-5.00", day(-9))]
    wrong = look_at(clinic, cheque)
    assert (wrong["status"], wrong["unappliedAmount"]) == ("CORRECTED", "0.00")
    assert sorted((one["amount"], one["reversalKind"]) for one in wrong["refunds"]) == [
        ("-25.00", "CORRECTED"),
        ("25.00", None),
    ]
    with nothing_changes(clinic.address):
        back = {"refundId": identity, "returnedOn": TODAY, "reason": "Unknown address"}
        error = refused(clinic.admin, "returnRefund", CHEQUE, **back)
    assert error["message"] == "This refund was carried over to payment CARRIED-1: name the one there"
    now = done(clinic.admin, "returnRefund", _ROWS, **{**back, "refundId": carried["id"]})
    assert now["unappliedAmount"] == "45.00"


def test_a_request_that_a_carried_refund_answers_opens_again_when_that_comes_back(clinic: Clinic) -> None:
    cheque = paid(clinic, "100.00")["id"]
    request, identity = ask(clinic, chequeId=cheque)["id"], refund(clinic, cheque, "40.00")
    assert answer(clinic, request, "REFUND", refundId=identity)["status"] == "REFUNDED"
    [carried] = corrected(clinic, cheque, amount="101.00")["refunds"]
    done(clinic.admin, "returnRefund", _ROWS, refundId=carried["id"], returnedOn=TODAY, reason="Unknown address")
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on RecoupmentRequest {REQUEST.removeprefix('recoupmentRequest ')} }} }}"
    assert clinic.billing.read(query, id=request)["node"]["status"] == "OPEN"


def test_a_payment_that_was_refunded_and_bounced_is_corrected_and_covered_then(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Carried Mutual")
    days: dict[str, Any] = {"receivedOn": day(-9), "chequeDate": day(-9)}
    cheque = paid(clinic, "100.00", payerId=payer, **days)["id"]
    refund(clinic, cheque, "40.00", refundedOn=day(-5))
    returned(clinic, cheque, returnedOn=day(-2))
    right = corrected(clinic, cheque, amount="120.00")
    assert (right["status"], right["unappliedAmount"]) == ("RETURNED", "-40.00")
    [carried] = right["refunds"]
    again = paid(clinic, "120.00", payerId=payer)["id"]
    cover = {"refundId": carried["id"], "chequeId": again, "reason": "Paid back"}
    assert done(clinic.admin, "coverRefund", CHEQUE, **cover)["unappliedAmount"] == "80.00"
    assert look(clinic.billing, right["id"])["unappliedAmount"] == "0.00"


def test_a_correction_that_does_not_fit_what_was_refunded_is_refused(clinic: Clinic) -> None:
    days: dict[str, Any] = {"receivedOn": day(-9), "chequeDate": day(-9)}
    cheque = paid(clinic, "100.00", **days)["id"]
    refund(clinic, cheque, "25.00", refundedOn=day(-5))
    other = new_payer(clinic, "Not this one")
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"amount": "24.99"}, "INVALID_INPUT", "allocations"),
        ({"payerId": other}, "CONFLICT", "payerId"),
        ({"receivedOn": day(-4), "chequeDate": day(-4)}, "INVALID_INPUT", "receivedOn"),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            told = {"chequeId": cheque, "reason": "A typing error", **changes}
            error = refused(clinic.admin, "correctCheque", CHEQUE, **told)
        assert (error["code"], error["path"]) == (code, ["input", path]), (changes, error)
    with nothing_changes(clinic.address):
        told = {"chequeId": cheque, "reason": "A typing error", "amount": "99.00"}
        assert refused(clinic.billing, "correctCheque", CHEQUE, **told)["code"] == "CONFLICT"


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()


def test_rows_that_the_return_had_reversed_go_along_and_the_day_of_the_return_is_corrected(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    given = (ProviderAdjustment("WO", money("40.00"), "REF"),)
    number = number_of(clinic, invoice)
    came = imported(
        clinic, payment(claim(number, "100.00", "100.00"), provider_adjustments=given, paid_on=today() - timedelta(5))
    )
    cheque = posted(clinic, came)["payments"][0]["cheque"]["id"]
    error = refused(
        clinic.admin, "correctCheque", CHEQUE, chequeId=cheque, returnedOn=day(-1), reason="The bank said so"
    )
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "returnedOn"])
    assert "returnCheque" in error["message"]
    returned(clinic, cheque, returnedOn=TODAY)
    number = f"RIGHT-{number}"
    right = done(clinic.admin, "correctCheque", CHEQUE, chequeId=cheque, number=number, reason="A typing error")
    assert (right["number"], right["returnedOn"], right["unappliedAmount"]) == (number, TODAY, "0.00")
    assert broken_laws(clinic.address) == ()
    for on, words in ((day(-6), "it cannot have been received later"), (day(1), "future")):
        with nothing_changes(clinic.address):
            error = refused(
                clinic.admin, "correctCheque", CHEQUE, chequeId=right["id"], returnedOn=on, reason="The bank said so"
            )
        assert words in error["message"]
    again = done(
        clinic.admin, "correctCheque", CHEQUE, chequeId=right["id"], returnedOn=day(-1), reason="The bank said so"
    )
    assert (again["returnedOn"], again["returnKind"], again["unappliedAmount"]) == (day(-1), "NSF", "0.00")
    assert broken_laws(clinic.address) == ()
