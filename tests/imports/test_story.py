"""Decides that an invoice's past can only be told as the table of transitions allows, and what its ledger then says."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from domain.errors import IllegalTransition
from domain.invoices import InvoiceStatus
from domain.negotiation import Party, SubmissionMethod
from domain.transitions import TRANSITIONS, Transition
from imports.batch import Batch, Rows
from imports.demo_dice import Dice
from imports.story import InvoiceStory, StoryError, StoryLine, StoryStart

CLINIC, CASE, PATIENT, PAYER, CHEQUE, USER, OTHER = (UUID(int=number) for number in range(1, 8))
CREATED_ON = date(2026, 3, 1)
S = InvoiceStatus


def day(number: int) -> date:
    """So many days after the creation."""
    return CREATED_ON + timedelta(days=number)


def story(*amounts: str) -> InvoiceStory:
    """A fresh invoice over 1000.00, or over lines of the amounts given."""
    lines = tuple(
        StoryLine(code=f"OWN-{place}", label="Something", units=1, unit_price=Decimal(amount), amount=Decimal(amount))
        for place, amount in enumerate(amounts or ("600.00", "400.00"), 1)
    )
    start = StoryStart(CLINIC, "INV-2026-000001", CASE, PATIENT, PAYER, CREATED_ON, CREATED_ON, lines)
    return InvoiceStory(start, Dice(7), by=USER)


def submitted() -> InvoiceStory:
    told = story()
    told.submit_invoice(day(1), SubmissionMethod.FAX)
    return told


def in_reduction() -> InvoiceStory:
    told = submitted()
    told.request_reduction(day(2), Decimal("500.00"), "Limits", expires_on=day(20))
    return told


def agreed(until: date | None = None) -> InvoiceStory:
    told = in_reduction()
    told.agree_reduction(day(3), Decimal("700.00"), until)
    return told


def received() -> InvoiceStory:
    told = agreed()
    told.apply_cheque(day(4), CHEQUE, Decimal("700.00"))
    return told


def paid() -> InvoiceStory:
    told = received()
    told.settle_case(day(5))
    return told


def void() -> InvoiceStory:
    told = story()
    told.void_invoice(day(1), "Twice")
    return told


def written_off() -> InvoiceStory:
    told = agreed()
    told.write_off_invoice(day(9), "Lost")
    return told


IN_STATE: dict[InvoiceStatus, Callable[[], InvoiceStory]] = {
    S.PENDING_INVOICE: submitted,
    S.PENDING_REDUCTION: in_reduction,
    S.PENDING_CHEQUE: lambda: agreed(until=day(5)),
    S.CHEQUE_RECEIVED: received,
    S.PAID: paid,
    S.VOID: void,
    S.WRITTEN_OFF: written_off,
}
TELL: dict[str, Callable[[InvoiceStory], None]] = {
    "submit_invoice": lambda told: told.submit_invoice(day(10), SubmissionMethod.MAIL),
    "accept_in_full": lambda told: told.accept_in_full(day(10)),
    "request_reduction": lambda told: told.request_reduction(day(10), Decimal("400.00")),
    "counter_reduction": lambda told: told.counter_reduction(day(10), Party.CLINIC, Decimal("900.00")),
    "agree_reduction": lambda told: told.agree_reduction(day(10)),
    "decline_reduction": lambda told: told.decline_reduction(day(10), "Too little"),
    "reopen_reduction": lambda told: told.reopen_reduction(day(10), "Another lien"),
    "record_denial": lambda told: told.record_denial(day(10), "LATE"),
    "record_cheque": lambda told: told.apply_cheque(day(10), OTHER, Decimal("100.00")),
    "allocate_cheque": lambda told: told.allocate_cheque(day(10), OTHER, Decimal("100.00"), day(9)),
    "return_cheque": lambda told: told.return_cheque(day(10), CHEQUE, "Not covered"),
    "settle_case": lambda told: told.settle_case(day(10)),
    "reopen_case": lambda told: told.reopen_case(day(10), "Too early"),
    "change_payer": lambda told: told.change_payer(day(10), OTHER, "Wrong one"),
    "lapse_agreement": lambda told: told.lapse_agreement(day(10)),
    "void_invoice": lambda told: told.void_invoice(day(10), "Twice"),
    "write_off_invoice": lambda told: told.write_off_invoice(day(10), "Lost"),
}
# What the table allows but a guard refuses in the situation above: submitted already; no such cheque on the invoice.
REFUSED_BY_A_GUARD = {("submit_invoice", S.PENDING_INVOICE), ("return_cheque", S.PENDING_CHEQUE)}


def rows(told: InvoiceStory) -> dict[str, Rows]:
    batch = Batch()
    told.write(batch)
    return batch.rows


def test_every_transition_of_the_table_can_be_told() -> None:
    assert [transition.name for transition in TRANSITIONS] == list(TELL)


@pytest.mark.parametrize("status", InvoiceStatus)
@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.name)
def test_a_story_goes_where_the_table_allows_and_nowhere_else(transition: Transition, status: InvoiceStatus) -> None:
    told = IN_STATE[status]()
    assert told.status is status
    before = rows(told)
    kept = json.dumps(before, default=str)
    starts = (*transition.start, *transition.admin_start)
    if status in starts and (transition.name, status) not in REFUSED_BY_A_GUARD:
        TELL[transition.name](told)
        assert told.status in transition.end
        event = rows(told)["invoice_events"][-1]
        assert (event["transition"], event["from_status"], event["to_status"]) == (transition.name, status, told.status)
        assert event["seq"] == told.row["version"] == len(rows(told)["invoice_events"])
    else:
        with pytest.raises(StoryError if status in starts else IllegalTransition):
            TELL[transition.name](told)
        assert json.dumps(rows(told), default=str) == kept
        assert told.by == USER


def test_a_new_invoice_is_billed_for_its_lines_and_its_history_begins_with_that() -> None:
    told = story("133.35", "0.65")
    written = rows(told)
    assert told.billed == Decimal("134.00")
    assert [line["position"] for line in written["invoice_lines"]] == [1, 2]
    [event] = written["invoice_events"]
    assert (event["seq"], event["transition"], event["from_status"]) == (1, "create_invoice", None)
    assert json.loads(event["changes"]) == [{"field": "billedAmount", "before": None, "after": "134.00"}]


def test_what_changed_stands_in_the_history_in_the_words_of_the_api() -> None:
    changes = json.loads(rows(agreed(until=day(30)))["invoice_events"][-1]["changes"])
    assert changes == [
        {"field": "agreedAmount", "before": None, "after": "700.00"},
        {"field": "agreedOn", "before": None, "after": "2026-03-04"},
        {"field": "conditionalUntil", "before": None, "after": "2026-03-31"},
    ]


def test_a_reason_stands_in_the_history() -> None:
    assert {"field": "reason", "before": None, "after": "Twice"} in json.loads(
        rows(void())["invoice_events"][-1]["changes"]
    )


def test_a_reduction_changes_the_ledger_only_when_it_is_agreed() -> None:
    told = in_reduction()
    assert "agreedAmount" not in rows(told)["invoice_events"][-1]["changes"]
    told.counter_reduction(day(4), Party.CLINIC, Decimal("850.00"))
    assert told.unpaid == Decimal("1000.00")
    told.agree_reduction(day(5))
    assert (told.row["agreed_amount"], told.row["agreed_on"]) == (Decimal("850.00"), day(5))


def test_each_round_of_a_negotiation_is_an_offer_and_only_the_newest_is_open() -> None:
    told = in_reduction()
    told.counter_reduction(day(3), Party.CLINIC, Decimal("900.00"))
    told.counter_reduction(day(4), Party.PAYER, Decimal("600.00"))
    offers = rows(told)["reduction_offers"]
    assert [(offer["round"], offer["party"], offer["status"]) for offer in offers] == [
        (1, "payer", "superseded"),
        (2, "clinic", "superseded"),
        (3, "payer", "open"),
    ]
    assert told.open_offer is not None
    assert told.open_offer["amount"] == Decimal("600.00")


@pytest.mark.parametrize(
    ("tell", "status"),
    [
        (lambda told: told.agree_reduction(day(5)), "accepted"),
        (lambda told: told.agree_reduction(day(5), Decimal("650.00")), "superseded"),
        (lambda told: told.decline_reduction(day(5), "Too little"), "declined"),
        (lambda told: told.record_denial(day(5), "LATE"), "declined"),
        (lambda told: told.write_off_invoice(day(5), "Lost"), "declined"),
        (lambda told: told.expire_offer(), "expired"),
    ],
)
def test_an_open_offer_ends_with_what_becomes_of_the_negotiation(
    tell: Callable[[InvoiceStory], None], status: str
) -> None:
    told = in_reduction()
    tell(told)
    assert rows(told)["reduction_offers"][0]["status"] == status
    assert told.open_offer is None


def test_an_agreement_that_lapses_is_nobodys_doing_and_leaves_nothing_agreed() -> None:
    told = in_reduction()
    told.agree_reduction(day(3), conditional_until=day(10))
    with pytest.raises(StoryError):
        told.lapse_agreement(day(10))
    told.lapse_agreement(day(11))
    assert (told.status, told.row["agreed_amount"], told.row["conditional_until"]) == (S.PENDING_REDUCTION, None, None)
    assert rows(told)["invoice_events"][-1]["by_user_id"] is None
    assert rows(told)["reduction_offers"][0]["status"] == "lapsed"
    assert told.by == USER


def test_a_cheque_for_a_part_leaves_a_balance_and_the_one_that_completes_it_gives_the_day() -> None:
    told = agreed()
    told.apply_cheque(day(4), CHEQUE, Decimal("699.99"))
    assert (told.status, told.unpaid, told.row["fully_paid_on"]) == (S.PENDING_CHEQUE, Decimal("0.01"), None)
    told.apply_cheque(day(9), OTHER, Decimal("0.01"), received_on=day(7))
    assert (told.status, told.unpaid, told.row["fully_paid_on"]) == (S.CHEQUE_RECEIVED, Decimal("0.00"), day(7))
    last = rows(told)["cheque_allocations"][-1]
    assert (last["effective_on"], last["recorded_at"].date()) == (day(7), day(9))


def test_the_rest_of_an_old_cheque_pays_on_the_day_on_which_that_cheque_came() -> None:
    told = agreed()
    told.allocate_cheque(day(9), CHEQUE, Decimal("700.00"), received_on=day(2))
    assert told.row["fully_paid_on"] == day(2)
    assert rows(told)["cheque_allocations"][0]["effective_on"] == day(9)


def test_no_allocation_exceeds_what_is_unpaid() -> None:
    told = agreed()
    with pytest.raises(StoryError):
        told.apply_cheque(day(4), CHEQUE, Decimal("700.01"))
    assert told.received == 0


def test_a_returned_cheque_is_taken_back_by_equal_and_opposite_allocations() -> None:
    told = agreed()
    told.apply_cheque(day(4), CHEQUE, Decimal("200.00"))
    told.apply_cheque(day(5), OTHER, Decimal("500.00"))
    told.settle_case(day(6))
    told.return_cheque(day(7), CHEQUE, "Not covered")
    first, second, reversal = rows(told)["cheque_allocations"]
    assert (reversal["amount"], reversal["reverses_id"], reversal["effective_on"]) == (
        Decimal("-200.00"),
        first["id"],
        day(7),
    )
    assert second["reverses_id"] is None
    assert (told.status, told.received) == (S.PENDING_CHEQUE, Decimal("500.00"))
    assert (told.row["fully_paid_on"], told.row["paid_on"]) == (None, None)
    with pytest.raises(StoryError):
        told.return_cheque(day(8), CHEQUE, "Not covered")


def test_what_was_agreed_cannot_be_reopened_or_lapse_once_something_was_received() -> None:
    told = agreed(until=day(5))
    told.apply_cheque(day(4), CHEQUE, Decimal("1.00"))
    with pytest.raises(StoryError):
        told.reopen_reduction(day(9), "Lien")
    with pytest.raises(StoryError):
        told.lapse_agreement(day(9))
    assert told.row["agreed_amount"] == Decimal("700.00")


def test_what_is_written_off_is_what_was_left() -> None:
    told = agreed()
    told.apply_cheque(day(4), CHEQUE, Decimal("150.00"))
    told.write_off_invoice(day(8), "Lost")
    assert told.row["written_off_amount"] == Decimal("550.00")
    told = submitted()
    told.write_off_invoice(day(8), "Lost")
    assert told.row["written_off_amount"] == Decimal("1000.00")


def test_an_invoice_that_a_cheque_once_paid_is_never_void() -> None:
    told = received()
    told.return_cheque(day(5), CHEQUE, "Not covered")
    told.reopen_reduction(day(6), "Again")
    told.decline_reduction(day(7), "Too little")
    with pytest.raises(StoryError):
        told.void_invoice(day(8), "Twice")


@pytest.mark.parametrize(
    "tell",
    [
        lambda told: told.record_denial(day(5), "LATE", Decimal("10.00"), "Said so", day(40)),
        lambda told: told.change_payer(day(5), OTHER, "Wrong one"),
    ],
)
def test_after_a_denial_or_a_change_of_payer_the_invoice_has_to_be_submitted_again(
    tell: Callable[[InvoiceStory], None],
) -> None:
    told = submitted()
    tell(told)
    assert (told.status, told.row["submitted_on"], told.row["submission_method"]) == (S.PENDING_INVOICE, None, None)
    with pytest.raises(StoryError):
        told.accept_in_full(day(6))
    told.submit_invoice(day(7), SubmissionMethod.PORTAL)
    told.accept_in_full(day(8))


def test_a_denial_is_a_record_with_its_day_and_its_appeal() -> None:
    told = submitted()
    told.record_denial(day(5), "LATE", Decimal("10.00"), "Said so", day(40))
    [denial] = rows(told)["denials"]
    assert (denial["denied_on"], denial["reason_code"], denial["appeal_due_on"]) == (day(5), "LATE", day(40))
    assert denial["recorded_by"] == USER


def test_an_invoice_that_bills_nothing_is_not_submitted() -> None:
    told = story("0.00")
    with pytest.raises(StoryError):
        told.submit_invoice(day(1), SubmissionMethod.FAX)


def test_nothing_is_told_out_of_order() -> None:
    told = submitted()
    with pytest.raises(StoryError):
        told.accept_in_full(day(0))
    assert told.status is S.PENDING_INVOICE
    assert told.row["agreed_amount"] is None


def test_everything_is_known_since_the_day_it_happened_and_later_events_of_a_day_are_later() -> None:
    told = story()
    told.submit_invoice(CREATED_ON, SubmissionMethod.HAND)
    told.accept_in_full(CREATED_ON)
    told.add_internal_note(CREATED_ON, "All at once")
    told.apply_cheque(CREATED_ON, CHEQUE, Decimal("1000.00"))
    written = rows(told)
    moments = [event["at"] for event in written["invoice_events"]]
    assert moments == sorted(set(moments))
    assert all(row["recorded_at"].date() == CREATED_ON for table in written.values() for row in table)
    assert told.row["updated_at"] == moments[-1]
    assert written["internal_notes"][0]["written_by"] == USER


def test_the_same_story_with_the_same_seed_has_the_same_rows() -> None:
    assert rows(paid()) == rows(paid())
