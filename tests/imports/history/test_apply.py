"""That a transition of the table can be applied to a history by its name."""

from decimal import Decimal

from domain.billing.negotiation import SubmissionMethod
from tests.imports.test_invoice_history import day, in_reduction, new_history, rows


def test_a_transition_applied_by_its_name_has_the_same_rows_as_by_its_method() -> None:
    by_method, by_name = in_reduction(), new_history()
    by_method.agree_reduction(day(3), conditional_until=day(10))
    by_method.lapse_agreement(day(11))
    by_name.apply(day(1), "submit_invoice", submitted_on=day(1), method=SubmissionMethod.FAX)
    by_name.apply(day(2), "request_reduction", amount=Decimal("500.00"), reason="Limits", expires_on=day(20))
    by_name.apply(day(3), "agree_reduction", conditional_until=day(10))
    by_name.apply(day(11), "lapse_agreement", role=None)
    assert rows(by_name) == rows(by_method)
    assert by_name.row["first_submitted_on"] == day(1)
