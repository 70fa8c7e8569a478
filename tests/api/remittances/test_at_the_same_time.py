"""Remittances at the same time: a file that is imported or posted twice, and a cheque that is typed meanwhile, count once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tests.api.payments.paying import CHEQUE, electronic
from tests.api.remittances.remitting import (
    REMITTANCE,
    claim,
    claims_of,
    imported,
    look,
    number_of,
    payer_name,
    payment,
    upload,
)
from tests.support.api.mutations import answered, done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.x12.writer import written

_ALLOCATED = "select count(*), sum(amount)::text from cheque_allocations where invoice_id = any($1)"


def at_once(*calls: Any) -> list[Any]:
    """The results of calls that begin together."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


def test_the_same_file_posted_twice_at_the_same_time_is_posted_once(clinic: Clinic) -> None:
    invoices = [clinic.submitted("100.00") for _ in range(5)]
    came = imported(clinic, payment(*(claim(number_of(clinic, one), "100.00", "100.00") for one in invoices)))

    def post(client: Client) -> Any:
        return answered(client, "postRemittance", REMITTANCE, remittanceId=came["id"])

    answers = at_once(*(lambda client=client: post(client) for client in (clinic.billing, clinic.admin) * 3))
    assert sum(not one["errors"] for one in answers) == 1
    assert {one["errors"][0]["code"] for one in answers if one["errors"]} == {"CONFLICT"}
    assert tuple(rows(clinic.address, _ALLOCATED, list(map(uuid_of, invoices)))[0]) == (5, "500.00")
    assert look(clinic.billing, came)["payments"][0]["cheque"]["unappliedAmount"] == "0.00"


def test_the_same_file_imported_twice_at_the_same_time_is_a_duplicate_once(clinic: Clinic) -> None:
    sent = replace(
        payment(claim(number_of(clinic, clinic.submitted("100.00")), "100.00", "100.00")), payer_name=payer_name(clinic)
    )
    uploads = [upload(clinic.billing, written(sent)) for _ in range(4)]
    came = at_once(
        *(lambda one=one: done(clinic.billing, "importRemittance", REMITTANCE, uploadId=one) for one in uploads)
    )
    assert sorted(one["payments"][0]["status"] for one in came) == ["DUPLICATE"] * 3 + ["MATCHED"]
    assert sorted(claims_of(one)[0]["status"] for one in came) == ["DUPLICATE"] * 3 + ["MATCHED"]


def test_a_cheque_that_is_typed_while_its_file_is_posted_is_one_payment(clinic: Clinic) -> None:
    for round_ in range(4):
        invoice = clinic.submitted("100.00")
        trace = f"AT-ONCE-{round_}"
        came = imported(clinic, payment(claim(number_of(clinic, invoice), "100.00", "100.00"), trace=trace))
        typed = electronic(clinic, "100.00", number=trace)
        at_once(
            lambda came=came: answered(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"]),
            lambda typed=typed: answered(clinic.admin, "recordCheque", CHEQUE, **typed),
        )
        answered(clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])
        assert look(clinic.billing, came)["postedCount"] == 1
        found = rows(clinic.address, "select count(*) from cheques where number = $1 and returned_on is null", trace)
        assert found[0][0] == 1
        assert tuple(rows(clinic.address, _ALLOCATED, [uuid_of(invoice)])[0]) == (1, "100.00")


def test_two_remittances_of_the_same_invoices_in_opposite_order_do_not_wait_for_each_other(clinic: Clinic) -> None:
    invoices = [number_of(clinic, clinic.submitted("100.00")) for _ in range(6)]
    first = imported(clinic, payment(*(claim(one, "100.00", "50.00", "PR-2 50.00") for one in invoices)))
    second = imported(clinic, payment(*(claim(one, "100.00", "50.00", "PR-2 50.00") for one in reversed(invoices))))
    answers = at_once(
        *(
            lambda one=one: answered(clinic.billing, "postRemittance", REMITTANCE, remittanceId=one["id"])
            for one in (first, second)
        )
    )
    assert [one["errors"] for one in answers] == [[], []]
    assert [one["remittance"]["postedCount"] for one in answers] == [6, 6]


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
