"""A command that changes an invoice twice refers to its case anew, and does not meet the lock of who waits for the invoice."""

from functools import partial

from tests.api.billing.concurrency.meeting import outcomes, while_locked
from tests.api.payments.paying import CHEQUE, electronic
from tests.support.api.mutations import answered
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import SETTLED, TODAY, Clinic, age


def test_a_payment_that_lets_an_agreement_lapse_while_the_case_is_settled(clinic: Clinic) -> None:
    """The invoice is changed twice: by the lapse, and by the payment."""
    invoice = clinic.submitted("100.00")
    clinic.step("requestReduction", invoice, amount="60.00")
    clinic.step("agreeReduction", invoice, conditionalUntil=TODAY)
    age(clinic.address, invoice)
    settle = {"caseId": clinic.look(invoice)["case"]["id"]}
    answers = while_locked(
        clinic,
        f"select from invoices where id = '{uuid_of(invoice)}' for update",
        partial(answered, clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, "10.00", {invoice: "10.00"})),
        partial(answered, clinic.billing, "settleCase", SETTLED, **settle),
    )
    assert outcomes(answers) == ["done", "ILLEGAL_TRANSITION"]
