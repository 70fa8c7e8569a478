"""Adjustments, denials and appeals of earlier days: the invoices are made older than they are, so that no law is checked here."""

from datetime import timedelta
from typing import Any

from tests.support.api.mutations import answered, done
from tests.support.api.records import today
from tests.support.api.scenarios import TODAY, Clinic, backdate

DENIALS = "invoice { denials { id } }"


def _day(ahead: int) -> str:
    return (today() + timedelta(days=ahead)).isoformat()


def _denied(clinic: Clinic, invoice: str, **more: Any) -> Any:
    """The denials of an invoice after another one."""
    values = {"invoiceId": invoice, "reasonCode": "50", **more}
    return done(clinic.billing, "recordDenial", DENIALS, **values)["denials"]


def test_an_adjustment_of_an_earlier_day_counts_from_then_on_in_restated_figures(clinic: Clinic) -> None:
    payer = done(clinic.billing, "createPayer", "payer { id }", name="Late contract", kind="INSURANCE")["id"]
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = payer
    invoice = own.submitted("1000.00")
    backdate(own, invoice)
    values = {"invoiceId": invoice, "group": "CO", "reasonCode": "45", "amount": "100.00", "adjustedOn": _day(-3)}
    done(clinic.billing, "recordAdjustment", "invoice { id }", **values)
    query = """query ($of: InvoiceFilter, $day: Date) {
        aging(filter: $of, asOf: $day, restated: true) { outstanding } }"""
    for ago, expected in ((-4, "1000.00"), (-3, "900.00"), (0, "900.00")):
        found = clinic.billing.read(query, of={"payerId": [payer]}, day=_day(ago))
        assert found["aging"]["outstanding"] == expected


def test_an_appeal_after_its_last_day_is_recorded_with_a_warning(clinic: Clinic) -> None:
    codes = []
    for appealed in (-3, -2):
        invoice = clinic.submitted("400.00")
        backdate(clinic, invoice)
        [denial] = _denied(clinic, invoice, deniedOn=_day(-5), appealDueOn=_day(-3))
        selection, values = "denial { status } warnings { code path message }", {"denialId": denial["id"]}
        answer = answered(clinic.billing, "appealDenial", selection, **values, appealedOn=_day(appealed))
        assert answer["denial"]["status"] == "APPEALED"
        codes.append([(one["code"], one["path"], _day(-3) in one["message"]) for one in answer["warnings"]])
    assert codes == [[], [("LATE_APPEAL", ["input", "appealedOn"], True)]]


def test_a_payer_who_denies_after_another_one_denies_for_the_first_time(clinic: Clinic) -> None:
    invoice = clinic.submitted("400.00")
    backdate(clinic, invoice)
    payer = clinic.another_payer(clinic.look(invoice))
    _denied(clinic, invoice, deniedOn=_day(-5))
    _denied(clinic, invoice, deniedOn=_day(-4))
    clinic.step("transferBalance", invoice, payerId=payer, reason="OTHER", note="As it happens", effectiveOn=_day(-2))
    _denied(clinic, invoice, deniedOn=TODAY)
    # An earlier one that is recorded last is the first one.
    _denied(clinic, invoice, deniedOn=_day(-6))
    query = "query ($id: ID!) { invoice(id: $id) { denials { deniedOn isFirst } } }"
    found = {one["deniedOn"]: one["isFirst"] for one in clinic.billing.read(query, id=invoice)["invoice"]["denials"]}
    assert found == {_day(-6): True, _day(-5): False, _day(-4): False, TODAY: True}
