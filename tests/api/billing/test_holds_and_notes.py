"""Negotiation limits, internal notes and holds of invoices, cases and payers."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.api.mutations import HOLD, NEW, done, refused
from tests.support.api.records import Found, today
from tests.support.client import Client


def test_each_limit_is_set_kept_and_cleared_independently(billing: Client, invoice: Any) -> None:
    identity = {"invoiceId": invoice["id"]}
    made = done(billing, "setNegotiationLimits", NEW, **identity, floorAmount="10.00", targetAmount="20.00")
    assert (made["negotiation"], made["version"]) == ({"floorAmount": "10.00", "targetAmount": "20.00"}, 2)
    made = done(billing, "setNegotiationLimits", NEW, **identity, floorAmount=None)
    assert made["negotiation"] == {"floorAmount": None, "targetAmount": "20.00"}
    assert made["history"][-1]["changes"] == [{"field": "floorAmount", "before": "10.00", "after": None}]


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"floorAmount": "26.91"}, "floorAmount"),
        ({"targetAmount": "26.91"}, "targetAmount"),
        ({"floorAmount": "-0.01"}, "floorAmount"),
        ({"floorAmount": "20.00", "targetAmount": "19.99"}, "floorAmount"),
        ({}, "floorAmount"),
    ],
)
def test_invalid_limits_are_refused(billing: Client, invoice: Any, limits: dict[str, str], field: str) -> None:
    error = refused(billing, "setNegotiationLimits", NEW, invoiceId=invoice["id"], **limits)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])


def test_lines_never_bill_less_than_the_limits(billing: Client, invoice: Any) -> None:
    done(billing, "setNegotiationLimits", NEW, invoiceId=invoice["id"], floorAmount="26.90")
    error = refused(billing, "replaceInvoiceLines", NEW, invoiceId=invoice["id"], lines=[{"code": "A4556"}])
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "lines"])


def test_a_void_invoice_takes_no_limits_but_still_takes_notes(billing: Client, admin: Client, invoice: Any) -> None:
    identity = {"invoiceId": invoice["id"]}
    done(admin, "voidInvoice", NEW, **identity, reason="Wrong patient")
    assert refused(billing, "setNegotiationLimits", NEW, **identity, floorAmount="1.00")["code"] == "ILLEGAL_TRANSITION"
    noted = done(billing, "addInternalNote", NEW, **identity, body="Billed again on the right case.\nSee there.")
    assert noted["internalNotes"] == [{"body": "Billed again on the right case.\nSee there."}]


def test_a_note_enters_the_history_without_its_text_and_does_not_change_the_version(
    billing: Client, invoice: Any
) -> None:
    noted = done(billing, "addInternalNote", NEW, invoiceId=invoice["id"], body="They will not pay before May")
    assert noted["version"] == 1
    assert (noted["history"][-1]["transition"], noted["history"][-1]["changes"]) == ("add_internal_note", [])
    for body in ("", " \n", "x" * 10_001):
        assert refused(billing, "addInternalNote", NEW, invoiceId=invoice["id"], body=body)["path"] == ["input", "body"]


def test_an_invoice_is_held_until_a_day_and_released_before(billing: Client, invoice: Any) -> None:
    until = (today() + timedelta(days=30)).isoformat()
    hold = done(billing, "placeHold", HOLD, invoiceId=invoice["id"], untilOn=until, reason="The firm asked for time")
    assert (hold["untilOn"], hold["releasedAt"], hold["placedBy"]["name"]) == (until, None, "Bill Ingfield")
    read = billing.read(
        "query ($id: ID!) { invoice(id: $id) { hold { reason } version history { transition } } }", id=invoice["id"]
    )
    assert read["invoice"]["hold"] == {"reason": "The firm asked for time"}
    again = refused(billing, "placeHold", HOLD, invoiceId=invoice["id"], untilOn=until, reason="Once more")
    assert (again["code"], again["path"]) == ("CONFLICT", ["input", "invoiceId"])
    assert done(billing, "releaseHold", HOLD, holdId=hold["id"])["releasedAt"]
    assert refused(billing, "releaseHold", HOLD, holdId=hold["id"])["code"] == "CONFLICT"
    read = billing.read(
        "query ($id: ID!) { invoice(id: $id) { hold { id } version history { transition } } }", id=invoice["id"]
    )
    assert (read["invoice"]["hold"], read["invoice"]["version"]) == (None, 1)
    assert [event["transition"] for event in read["invoice"]["history"]][1:] == ["place_hold", "release_hold"]


def test_a_hold_on_a_case_or_a_payer_applies_to_its_invoices(
    billing: Client, invoice: Any, draft: dict[str, Any]
) -> None:
    until = today().isoformat()
    reading = "query ($id: ID!) { invoice(id: $id) { hold { reason } history { transition } } }"
    payer = done(billing, "createPayer", "payer { id }", name="Slow Payers Inc", kind="INSURANCE")["id"]
    other = done(billing, "createInvoice", NEW, **{**draft, "payerId": payer})
    for target, seen in (({"caseId": draft["caseId"]}, invoice), ({"payerId": payer}, other)):
        hold = done(billing, "placeHold", HOLD, **target, untilOn=until, reason="Wait a little")
        read = billing.read(reading, id=seen["id"])["invoice"]
        assert read == {"hold": {"reason": "Wait a little"}, "history": [{"transition": "create_invoice"}]}
        done(billing, "releaseHold", HOLD, holdId=hold["id"])
        assert billing.read(reading, id=seen["id"])["invoice"]["hold"] is None


def test_a_hold_needs_one_target_a_future_day_and_a_reason(billing: Client, invoice: Any, found: Found) -> None:
    right = {"invoiceId": invoice["id"], "untilOn": today().isoformat(), "reason": "Wait"}
    wrong = (
        ({"invoiceId": None}, "invoiceId"),
        ({"payerId": found.own["Payer"]}, "invoiceId"),
        ({"untilOn": (today() - timedelta(days=1)).isoformat()}, "untilOn"),
        ({"reason": " "}, "reason"),
    )
    for part, field in wrong:
        error = refused(billing, "placeHold", HOLD, **{**right, **part})
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])
