"""The ledger of an invoice history agrees with its transitions."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import Party, SubmissionMethod
from domain.errors import IllegalTransition, InvalidInput
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch, Rows
from imports.history.invoice_history import HistoryError, HistoryLine, HistoryStart, InvoiceHistory

CLINIC, CASE, PATIENT, PAYER, CHEQUE, USER, OTHER = (UUID(int=number) for number in range(1, 8))
CREATED_ON = date(2026, 3, 1)
Status = InvoiceStatus


def day(number: int) -> date:
    """The date `number` days after the creation."""
    return CREATED_ON + timedelta(days=number)


def new_history(*amounts: str) -> InvoiceHistory:
    """The history of a new invoice of 1000.00, or with lines of the given amounts."""
    lines = tuple(
        HistoryLine(code=f"OWN-{place}", label="Visit", units=1, unit_price=Decimal(amount), amount=Decimal(amount))
        for place, amount in enumerate(amounts or ("600.00", "400.00"), 1)
    )
    start = HistoryStart(CLINIC, "INV-2026-000001", CASE, PATIENT, PAYER, CREATED_ON, CREATED_ON, lines)
    return InvoiceHistory(start, SeededRandom(7), by=USER)


def submitted() -> InvoiceHistory:
    history = new_history()
    history.submit_invoice(day(1), SubmissionMethod.FAX)
    return history


def in_reduction() -> InvoiceHistory:
    history = submitted()
    history.request_reduction(day(2), Decimal("500.00"), "Limits", expires_on=day(20))
    return history


def agreed(until: date | None = None) -> InvoiceHistory:
    history = in_reduction()
    history.agree_reduction(day(3), Decimal("700.00"), until)
    return history


def received() -> InvoiceHistory:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("700.00"))
    return history


def paid() -> InvoiceHistory:
    history = received()
    history.settle_case(day(5))
    return history


def void() -> InvoiceHistory:
    history = new_history()
    history.void_invoice(day(1), "Twice")
    return history


def written_off() -> InvoiceHistory:
    history = agreed()
    history.write_off_invoice(day(9), "Lost")
    return history


def rows(history: InvoiceHistory) -> dict[str, Rows]:
    batch = Batch()
    history.write(batch)
    return batch.rows


def test_a_new_invoice_is_billed_for_its_lines_and_its_history_begins_with_its_creation() -> None:
    history = new_history("133.35", "0.65")
    written = rows(history)
    assert history.billed == Decimal("134.00")
    assert [line["position"] for line in written["invoice_lines"]] == [1, 2]
    [event] = written["invoice_events"]
    assert (event["seq"], event["transition"], event["from_status"]) == (1, "create_invoice", None)
    assert json.loads(event["changes"]) == [{"field": "billedAmount", "before": None, "after": "134.00"}]


def test_changes_are_recorded_in_the_history_by_the_field_names_of_the_api() -> None:
    changes = json.loads(rows(agreed(until=day(30)))["invoice_events"][-1]["changes"])
    assert changes == [
        {"field": "agreedAmount", "before": None, "after": "700.00"},
        {"field": "agreedOn", "before": None, "after": "2026-03-04"},
        {"field": "conditionalUntil", "before": None, "after": "2026-03-31"},
    ]


def test_a_reason_is_recorded_in_the_history() -> None:
    assert {"field": "reason", "before": None, "after": "Twice"} in json.loads(
        rows(void())["invoice_events"][-1]["changes"]
    )


def test_a_reduction_changes_the_ledger_only_when_it_is_agreed() -> None:
    history = in_reduction()
    assert "agreedAmount" not in rows(history)["invoice_events"][-1]["changes"]
    history.counter_reduction(day(4), Party.CLINIC, Decimal("850.00"))
    assert history.unpaid == Decimal("1000.00")
    history.agree_reduction(day(5))
    assert (history.row["agreed_amount"], history.row["agreed_on"]) == (Decimal("850.00"), day(5))


def test_each_round_of_a_negotiation_is_an_offer_and_only_the_newest_is_open() -> None:
    history = in_reduction()
    history.counter_reduction(day(3), Party.CLINIC, Decimal("900.00"))
    history.counter_reduction(day(4), Party.PAYER, Decimal("600.00"))
    offers = rows(history)["reduction_offers"]
    assert [(offer["round"], offer["party"], offer["status"]) for offer in offers] == [
        (1, "payer", "superseded"),
        (2, "clinic", "superseded"),
        (3, "payer", "open"),
    ]
    assert history.open_offer is not None
    assert history.open_offer["amount"] == Decimal("600.00")


@pytest.mark.parametrize(
    ("apply", "status"),
    [
        (lambda history: history.agree_reduction(day(5)), "accepted"),
        (lambda history: history.agree_reduction(day(5), Decimal("650.00")), "superseded"),
        (lambda history: history.decline_reduction(day(5), "Too little"), "declined"),
        (lambda history: history.record_denial(day(5), "LATE"), "declined"),
        (lambda history: history.write_off_invoice(day(5), "Lost"), "declined"),
        (lambda history: history.expire_offer(), "expired"),
    ],
)
def test_an_open_offer_ends_in_the_status_that_the_negotiation_implies(
    apply: Callable[[InvoiceHistory], None], status: str
) -> None:
    history = in_reduction()
    apply(history)
    assert rows(history)["reduction_offers"][0]["status"] == status
    assert history.open_offer is None


def test_an_agreement_on_another_amount_than_the_open_offer_is_an_accepted_offer_of_that_amount() -> None:
    history = in_reduction()
    history.agree_reduction(day(5), Decimal("650.00"))
    offers = rows(history)["reduction_offers"]
    assert [(offer["round"], offer["party"], offer["amount"], offer["status"]) for offer in offers] == [
        (1, "payer", Decimal("500.00"), "superseded"),
        (2, "clinic", Decimal("650.00"), "accepted"),
    ]


def test_a_returned_cheque_adds_to_the_amount_that_was_written_off() -> None:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("150.00"))
    history.write_off_invoice(day(8), "Lost")
    history.return_cheque(day(9), CHEQUE, "Not covered")
    assert history.status is Status.WRITTEN_OFF
    assert (history.received, history.row["written_off_amount"]) == (Decimal("0.00"), Decimal("700.00"))


def test_a_lapsed_agreement_has_no_user_and_leaves_no_agreed_amount() -> None:
    history = in_reduction()
    history.agree_reduction(day(3), conditional_until=day(10))
    with pytest.raises(IllegalTransition):
        history.lapse_agreement(day(10))
    history.lapse_agreement(day(11))
    assert (history.status, history.row["agreed_amount"], history.row["conditional_until"]) == (
        Status.PENDING_REDUCTION,
        None,
        None,
    )
    assert rows(history)["invoice_events"][-1]["by_user_id"] is None
    assert rows(history)["reduction_offers"][0]["status"] == "lapsed"
    assert history.by == USER


def test_a_partial_cheque_leaves_a_balance_and_the_completing_cheque_sets_the_day_fully_paid() -> None:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("699.99"))
    assert (history.status, history.unpaid, history.row["fully_paid_on"]) == (
        Status.PENDING_CHEQUE,
        Decimal("0.01"),
        None,
    )
    history.apply_cheque(day(9), OTHER, Decimal("0.01"), received_on=day(7))
    assert (history.status, history.unpaid, history.row["fully_paid_on"]) == (
        Status.CHEQUE_RECEIVED,
        Decimal("0.00"),
        day(7),
    )
    last = rows(history)["cheque_allocations"][-1]
    assert (last["effective_on"], last["recorded_at"].date()) == (day(7), day(9))


def test_the_unapplied_amount_of_an_old_cheque_pays_on_the_day_of_its_receipt_or_of_the_agreement() -> None:
    for received_on, paid_on in ((day(6), day(6)), (day(2), day(3))):
        history = agreed()
        history.allocate_cheque(day(9), CHEQUE, Decimal("700.00"), received_on)
        assert history.row["fully_paid_on"] == paid_on
        [allocation] = rows(history)["cheque_allocations"]
        assert (allocation["effective_on"], allocation["recorded_at"].date()) == (received_on, day(9))


def test_no_allocation_exceeds_what_is_unpaid() -> None:
    history = agreed()
    with pytest.raises(InvalidInput):
        history.apply_cheque(day(4), CHEQUE, Decimal("700.01"))
    assert history.received == 0


def test_a_returned_cheque_is_taken_back_by_equal_and_opposite_allocations() -> None:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("200.00"))
    history.apply_cheque(day(5), OTHER, Decimal("500.00"))
    history.settle_case(day(6))
    history.return_cheque(day(7), CHEQUE, "Not covered")
    first, second, reversal = rows(history)["cheque_allocations"]
    assert (reversal["amount"], reversal["reverses_id"], reversal["effective_on"]) == (
        Decimal("-200.00"),
        first["id"],
        day(7),
    )
    assert second["reverses_id"] is None
    assert (history.status, history.received) == (Status.PENDING_CHEQUE, Decimal("500.00"))
    assert (history.row["fully_paid_on"], history.row["paid_on"]) == (None, None)
    with pytest.raises(InvalidInput):
        history.return_cheque(day(8), CHEQUE, "Not covered")


def test_an_agreement_cannot_lapse_after_a_payment_but_what_is_left_of_it_is_negotiated_again() -> None:
    history = agreed(until=day(5))
    history.apply_cheque(day(4), CHEQUE, Decimal("1.00"))
    with pytest.raises(IllegalTransition):
        history.lapse_agreement(day(9))
    assert history.row["agreed_amount"] == Decimal("700.00")
    history.reopen_reduction(day(9), "Lien")
    assert (history.status, history.unpaid) == (Status.PENDING_REDUCTION, Decimal("999.00"))
    assert (history.row["earlier_received_amount"], history.row["agreed_amount"]) == (Decimal("1.00"), None)


def test_the_written_off_amount_is_the_remaining_balance() -> None:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("150.00"))
    history.write_off_invoice(day(8), "Lost")
    assert history.row["written_off_amount"] == Decimal("550.00")
    history = submitted()
    history.write_off_invoice(day(8), "Lost")
    assert history.row["written_off_amount"] == Decimal("1000.00")


def test_an_invoice_is_voided_when_nothing_is_received_also_after_a_return() -> None:
    history = received()
    history.return_cheque(day(5), CHEQUE, "Not covered")
    history.record_denial(day(6), "LATE")
    history.void_invoice(day(8), "Twice")
    assert (history.status, history.received) == (Status.VOID, Decimal("0.00"))


def test_a_transfer_is_a_second_responsibility_and_a_reversed_write_off_has_its_day() -> None:
    history = agreed(until=day(9))
    history.apply(day(5), "transfer_balance", payer_id=OTHER, reason="other", keep_agreement=True)
    history.write_off_invoice(day(6), "Lost")
    history.apply(day(7), "reverse_write_off", reason="Found")
    written = rows(history)
    assert [(row["number"], row["payer_id"], row["from_on"]) for row in written["responsibilities"]] == [
        (1, PAYER, CREATED_ON),
        (2, OTHER, day(5)),
    ]
    assert [(row["kind"], row["ended_by"], row["conditional_until"]) for row in written["agreements"]] == [
        ("negotiated", "transferred", day(9)),
        ("continued", None, day(9)),
    ]
    assert [(row["written_off_on"], row["reversed_on"]) for row in written["write_offs"]] == [(day(6), day(7))]
    assert (history.status, history.unpaid) == (Status.PENDING_CHEQUE, Decimal("700.00"))
    assert (history.row["payer_id"], history.row["responsible_since"]) == (OTHER, day(5))


@pytest.mark.parametrize(
    "apply",
    [
        lambda history: history.record_denial(day(5), "LATE", Decimal("10.00"), "Said so", day(40)),
        lambda history: history.change_payer(day(5), OTHER, "Wrong one"),
    ],
)
def test_after_a_denial_or_a_change_of_payer_the_invoice_has_to_be_submitted_again(
    apply: Callable[[InvoiceHistory], None],
) -> None:
    history = submitted()
    apply(history)
    assert (history.status, history.row["submitted_on"], history.row["submission_method"]) == (
        Status.PENDING_INVOICE,
        None,
        None,
    )
    with pytest.raises(IllegalTransition):
        history.accept_in_full(day(6))
    history.submit_invoice(day(7), SubmissionMethod.PORTAL)
    history.accept_in_full(day(8))


def test_a_denial_is_a_record_with_its_day_and_its_appeal() -> None:
    history = submitted()
    history.record_denial(day(5), "LATE", Decimal("10.00"), "Said so", day(40))
    [denial] = rows(history)["denials"]
    assert (denial["denied_on"], denial["reason_code"], denial["appeal_due_on"]) == (day(5), "LATE", day(40))
    assert denial["recorded_by"] == USER


def test_an_invoice_that_bills_nothing_is_not_submitted() -> None:
    history = new_history("0.00")
    with pytest.raises(IllegalTransition):
        history.submit_invoice(day(1), SubmissionMethod.FAX)


def test_a_transition_before_the_previous_one_is_refused() -> None:
    history = submitted()
    with pytest.raises(HistoryError):
        history.accept_in_full(day(0))
    assert history.status is Status.PENDING_INVOICE
    assert history.row["agreed_amount"] is None


def test_events_are_recorded_on_their_day_and_events_of_one_day_keep_their_order() -> None:
    history = new_history()
    history.submit_invoice(CREATED_ON, SubmissionMethod.HAND)
    history.accept_in_full(CREATED_ON)
    history.add_internal_note(CREATED_ON, "All at once")
    history.apply_cheque(CREATED_ON, CHEQUE, Decimal("1000.00"))
    written = rows(history)
    moments = [event["at"] for event in written["invoice_events"]]
    assert moments == sorted(set(moments))
    assert all(row["recorded_at"].date() == CREATED_ON for table in written.values() for row in table)
    assert history.row["updated_at"] == moments[-1]
    assert written["internal_notes"][0]["written_by"] == USER


def test_the_same_history_with_the_same_seed_has_the_same_rows() -> None:
    assert rows(paid()) == rows(paid())
