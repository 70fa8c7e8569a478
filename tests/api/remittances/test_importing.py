"""Importing remittance files: payers, invoices and lines are found by what payers write of them; the same payment again is a duplicate."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.api.payments.paying import electronic
from tests.api.remittances.remitting import (
    REMITTANCE,
    claim,
    claims_of,
    imported,
    look,
    number_of,
    of_lines,
    payer_name,
    payment,
    posted,
    remitted_line,
    upload,
)
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import Clinic, line
from tests.support.x12.writer import written


def new_payer(clinic: Clinic, name: str) -> str:
    """The id of a new insurer."""
    identity: str = done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    return identity


@pytest.mark.parametrize(
    "spelt", ["{}", " {} ", "{}-01", "{} A", "{}*2"], ids=["as it is", "blanks", "suffix", "letter", "star"]
)
def test_an_invoice_is_found_by_the_spellings_of_its_number(clinic: Clinic, spelt: str) -> None:
    invoice = clinic.submitted("100.00")
    number = number_of(clinic, invoice)
    for one in (number, number.lower(), number.replace("-", ""), number.replace("-", " ")):
        came = imported(clinic, payment(claim(spelt.format(one).replace("*", "/"), "100.00", "100.00")), dryRun=True)
        [found] = claims_of(came)
        assert (found["status"], found["invoice"]["id"]) == ("MATCHED", invoice), one


def test_a_number_that_no_invoice_has_waits_and_is_matched_by_hand(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    came = imported(clinic, payment(claim("9-NOBODY", "100.00", "100.00")))
    [found] = claims_of(came)
    assert (found["status"], found["isWaiting"], found["invoice"]) == ("UNMATCHED", True, None)
    assert "matchRemittanceClaim" in found["reason"]
    assert (
        "matchRemittanceClaim"
        in refused(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])["message"]
    )
    matched = {"claimId": found["id"], "invoiceId": invoice}
    now = done(clinic.billing, "matchRemittanceClaim", "remittanceClaim { status reason invoice { id } }", **matched)
    assert now == {"status": "MATCHED", "reason": None, "invoice": {"id": invoice}}
    assert posted(clinic, came)["postedCount"] == 1
    assert clinic.look(invoice)["balance"] == "0.00"
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "matchRemittanceClaim", "remittanceClaim { id }", **matched)
    assert "moveAllocation" in error["message"]


def test_a_replaced_invoice_means_the_one_that_replaces_it(clinic: Clinic) -> None:
    old = clinic.submitted("100.00")
    new = clinic.step("replaceInvoice", old, lines=[line("90.00")], reason="Wrong", confirmDuplicate=True)["id"]
    new = clinic.billing.read("query ($id: ID!) { invoice(id: $id) { replacedBy { id } } }", id=old)["invoice"][
        "replacedBy"
    ]["id"]
    [found] = claims_of(imported(clinic, payment(claim(number_of(clinic, old), "100.00", "90.00", "CO-45 10.00"))))
    assert (found["status"], found["invoice"]["id"]) == ("MATCHED", new)
    void = clinic.submitted("100.00")
    clinic.step("voidInvoice", void, clinic.admin, reason="Wrong")
    [found] = claims_of(imported(clinic, payment(claim(number_of(clinic, void), "100.00", "100.00"))))
    assert found["status"] == "UNMATCHED"
    assert "void" in found["reason"]


def test_lines_are_found_by_reference_then_by_code_and_charge_and_ambiguous_ones_by_nothing(clinic: Clinic) -> None:
    invoice = of_lines(clinic, ("A4556", "50.00"), ("A4556", "50.00"), ("L0120", "70.00"), ("A4556", "30.00"))
    read = clinic.billing.read("query ($id: ID!) { invoice(id: $id) { lines { id position } } }", id=invoice)
    ids = {one["position"]: one["id"] for one in read["invoice"]["lines"]}
    sent = (
        remitted_line(1, "50.00", "50.00", code="A4556"),
        remitted_line(2, "70.00", "70.00", code="L0120", modifiers=("59",)),
        remitted_line(3, "30.00", "30.00", code="XXXXX", reference="4"),
        remitted_line(4, "50.00", "50.00", code="A4556"),
    )
    [found] = claims_of(imported(clinic, payment(claim(number_of(clinic, invoice), "200.00", "200.00", lines=sent))))
    assert [one["line"] and one["line"]["id"] for one in found["lines"]] == [None, ids[3], ids[4], None]
    assert found["lines"][1]["modifiers"] == ["59"]


def test_the_payer_of_a_file_is_learned_from_the_choice_of_a_user(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Quiet Water Mutual")
    before, clinic.payer = clinic.payer, payer
    try:
        first, second, third = (number_of(clinic, clinic.submitted("100.00")) for _ in range(3))
    finally:
        clinic.payer = before
    unknown = {"payer_identifier": "1777000222", "payer_name": "QWM OF FLORIDA INC"}
    came = imported(clinic, payment(claim(first, "100.00", "100.00"), **unknown))
    [of] = came["payments"]
    assert (of["status"], of["payer"], claims_of(came)[0]["status"]) == ("UNMATCHED", None, "UNMATCHED")
    assert "identifyRemittancePayer" in of["reason"]
    chosen = done(clinic.billing, "identifyRemittancePayer", REMITTANCE, paymentId=of["id"], payerId=payer)
    assert (chosen["payments"][0]["status"], claims_of(chosen)[0]["status"]) == ("MATCHED", "MATCHED")
    # The next file of this payer is known; another name under the number is so, too, as long as it belongs to one payer.
    for number, name in ((second, "QWM of Florida Inc."), (third, "QWM OF FLORIDA INC")):
        again = imported(clinic, payment(claim(number, "100.00", "100.00"), **{**unknown, "payer_name": name}))
        assert again["payments"][0]["payer"]["id"] == payer
    assert posted(clinic, chosen)["postedCount"] == 1


def test_the_payer_can_be_named_with_the_file(clinic: Clinic) -> None:
    invoice = number_of(clinic, clinic.submitted("100.00"))
    sent = payment(claim(invoice, "100.00", "100.00"), payer_identifier="1888000333", payer_name="UNHEARD OF")
    came = imported(clinic, sent, payerId=clinic.payer)
    assert came["payments"][0]["payer"]["id"] == clinic.payer
    other = replace(sent, trace="OTHER-TRACE", payer_name="NOR OF THIS", payer_identifier="1888000444")
    more = replace(sent, trace="MORE-TRACE", payer_name="NOR OF THAT", payer_identifier="1888000555")
    data = written(replace(other, place=1), replace(more, place=2))
    values = {"uploadId": upload(clinic.billing, data), "payerId": clinic.payer}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "importRemittance", REMITTANCE, **values)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "payerId"])
    assert "identifyRemittancePayer" in error["message"]


def test_the_same_payment_again_is_a_duplicate_also_from_another_file(clinic: Clinic) -> None:
    first, second = (number_of(clinic, clinic.submitted("100.00")) for _ in range(2))
    sent = payment(claim(first, "100.00", "100.00"))
    came = imported(clinic, sent)
    again = imported(clinic, replace(sent, payer_identifier="1999000999", claims=(claim(second, "100.00", "100.00"),)))
    assert (again["payments"][0]["status"], claims_of(again)[0]["status"]) == ("DUPLICATE", "DUPLICATE")
    assert (again["waitingCount"], claims_of(again)[0]["isWaiting"]) == (0, False)
    twice = payment(claim(second, "100.00", "100.00"))
    both = imported(clinic, twice, twice)
    assert [one["status"] for one in both["payments"]] == ["MATCHED", "DUPLICATE"]
    posted(clinic, came)
    with nothing_changes(clinic.address):
        for chosen in ({}, {"claimIds": [claims_of(again)[0]["id"]]}):
            error = refused(clinic.billing, "postRemittance", REMITTANCE, remittanceId=again["id"], **chosen)
            assert "before" in error["message"]


def test_a_dry_run_shows_what_would_be_found_and_keeps_nothing(clinic: Clinic) -> None:
    number = number_of(clinic, clinic.submitted("100.00"))
    sent = replace(payment(claim(number, "100.00", "80.00", "CO-45 20.00")), payer_name=payer_name(clinic))
    values = {"uploadId": upload(clinic.billing, written(sent))}
    with nothing_changes(clinic.address):
        shown = done(clinic.billing, "importRemittance", REMITTANCE, **values, dryRun=True)
    assert [one["status"] for one in claims_of(shown)] == ["MATCHED"]
    assert shown["claims"]["totalCount"] == 1
    assert look(clinic.billing, shown) is None
    came = done(clinic.billing, "importRemittance", REMITTANCE, **values)
    assert look(clinic.billing, came)["fileName"] == "payments.835"
    assert refused(clinic.billing, "importRemittance", REMITTANCE, **values)["path"] == ["input", "uploadId"]


def test_a_file_that_is_no_remittance_is_refused(clinic: Clinic) -> None:
    for data in (b"Hello", b"ISA*00*", b"\x00\xff" * 100):
        identity = upload(clinic.billing, data)
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "importRemittance", REMITTANCE, uploadId=identity)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "uploadId"])
    scan = clinic.upload()
    assert "edi-x12" in refused(clinic.billing, "importRemittance", REMITTANCE, uploadId=scan)["message"]
    foreign = clinic.found.unknown("Upload")
    assert refused(clinic.billing, "importRemittance", REMITTANCE, uploadId=foreign)["code"] == "NOT_FOUND"


def test_the_queue_lists_what_waits_until_it_is_posted_or_closed(clinic: Clinic) -> None:
    number = number_of(clinic, clinic.submitted("100.00"))
    came = imported(
        clinic, payment(claim(number, "100.00", "60.00", "CO-45 40.00"), claim("9-NOT-OURS", "50.00", "50.00"))
    )
    posted(clinic, came)
    query = """query ($f: RemittanceClaimFilter) { remittanceClaims(filter: $f, first: 500) { nodes { id number remittance { id } } } }"""
    waiting = clinic.billing.read(query, f={"isWaiting": True, "remittanceId": [came["id"]]})["remittanceClaims"][
        "nodes"
    ]
    assert [one["number"] for one in waiting] == ["9-NOT-OURS"]
    words = "1 claim of a remittance waits, $50.00: post them (postRemittance), or match or close what cannot be posted"
    assert _items(clinic, came) == [words]
    for filters in ({"status": ["UNMATCHED"], "isPosted": False}, {"isWaiting": True}):
        found = clinic.billing.read(query, f=filters)["remittanceClaims"]["nodes"]
        assert waiting[0] in found
    closed = {"claimId": waiting[0]["id"], "reason": "It was sent to us by mistake"}
    now = done(clinic.billing, "closeRemittanceClaim", "remittanceClaim { isWaiting isPosted closingReason }", **closed)
    assert now == {"isWaiting": False, "isPosted": False, "closingReason": closed["reason"]}
    assert (
        clinic.billing.read(query, f={"isWaiting": True, "remittanceId": [came["id"]]})["remittanceClaims"]["nodes"]
        == []
    )
    assert _items(clinic, came) == []
    with nothing_changes(clinic.address):
        chosen = {"remittanceId": came["id"], "claimIds": [waiting[0]["id"]]}
        assert "closed" in refused(clinic.billing, "postRemittance", REMITTANCE, **chosen)["message"]


def _items(clinic: Clinic, remittance: Any) -> list[str]:
    query = "query { actionItems(first: 500) { nodes { kind subject remittance { id } } } }"
    found = clinic.billing.read(query)["actionItems"]["nodes"]
    mine = [one for one in found if one["remittance"] and one["remittance"]["id"] == remittance["id"]]
    assert {one["kind"] for one in mine} <= {"REMITTANCE_UNMATCHED"}
    return [one["subject"] for one in mine]


def test_a_payment_of_a_day_to_come_waits_for_it(clinic: Clinic) -> None:
    number = number_of(clinic, clinic.submitted("100.00"))
    came = imported(clinic, payment(claim(number, "100.00", "100.00"), paid_on=today() + timedelta(days=3)))
    now = posted(clinic, came)
    assert (now["postedCount"], now["payments"][0]["cheque"]) == (0, None)
    assert "settled on" in now["payments"][0]["reason"]


def test_a_remittance_is_read_by_billing_and_admin_alone(clinic: Clinic) -> None:
    came = imported(clinic, payment(claim("9-NOBODY", "100.00", "100.00")))
    assert look(clinic.admin, came)["id"] == came["id"]
    found = electronic(clinic)
    assert found["payerId"] == clinic.payer
