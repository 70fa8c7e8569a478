"""A corrected payment that had paid an invoice which is void, because another one replaced it."""

from typing import Any

from tests.api.payments.paying import paid
from tests.api.payments.test_corrections import CHEQUE, YESTERDAY, at, corrected
from tests.support.api.scenarios import Clinic, broken_laws, line


def steps(clinic: Clinic, invoice: str) -> tuple[int, list[Any]]:
    """The version of an invoice, and its history."""
    query = "query ($id: ID!) { invoice(id: $id) { version history { transition toStatus } } }"
    now = clinic.billing.read(query, id=invoice)["invoice"]
    return now["version"], now["history"]


def look_at(clinic: Clinic, cheque: str) -> Any:
    """A payment as it is now."""
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Cheque {CHEQUE.removeprefix('cheque ')} }} }}"
    return clinic.billing.read(query, id=cheque)["node"]


def test_the_history_of_a_void_invoice_ends_and_that_of_the_one_in_its_place_tells_of_a_correction(
    clinic: Clinic,
) -> None:
    old = clinic.agreed("100.00")
    wrong = paid(clinic, "40.00", {old: "40.00"}, receivedOn=YESTERDAY, chequeDate=YESTERDAY)
    of = {"lines": [line("70.00")], "reason": "A wrong line", "confirmDuplicate": True}
    new = clinic.step("replaceInvoice", old, clinic.admin, **of)["id"]
    before = steps(clinic, old)
    right = corrected(clinic, wrong["id"], amount="50.00", allocations=[{"invoiceId": new, "amount": "50.00"}])
    assert steps(clinic, old) == before
    assert before[1][-1]["toStatus"] == "VOID"
    assert steps(clinic, new)[1][-1]["transition"] == "correct_cheque"
    # The allocations of both payments say what was corrected.
    assert sorted(part["amount"] for part in at(right, old)) == ["-50.00", "50.00"]
    assert {part["reversalKind"] for part in at(look_at(clinic, wrong["id"]), old)} >= {"CORRECTED", "REPLACED"}
    assert broken_laws(clinic.address) == ()
