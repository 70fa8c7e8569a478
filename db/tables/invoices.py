"""The tables of invoices: amounts, past states, lines, offers, denials, notes and history."""

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    FetchedValue,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import (
    clinic_table,
    index,
    listed,
    metadata,
    moment,
    money,
    one_of,
    refers,
    remark_codes,
    words,
)
from domain.billing.claims.denials import RECOVERS, DenialStatus
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.negotiation import OfferStatus, Party, SubmissionMethod
from domain.pricing.pricing import PriceSource

# The amounts and the status of an invoice must agree; the database refuses a row in which they do not.
_STATUS_AGREES_WITH_LEDGER = """case status
    when 'pending_invoice' then agreed_amount is null and (balance > 0 or billed_amount = contractual_amount)
    when 'pending_reduction' then agreed_amount is null and balance > 0
    when 'pending_cheque' then agreed_amount is not null and balance > 0
    when 'cheque_received' then balance = 0 and (fully_paid_on is not null or billed_amount = 0)
    when 'paid' then balance = 0 and (fully_paid_on is not null or billed_amount = 0) and paid_on is not null
    when 'void' then received_amount = 0
    else balance = 0 end"""
_OPEN_PART = "billed_amount - contractual_amount - earlier_received_amount"
_BALANCE = f"""case when status = '{InvoiceStatus.VOID}' then 0 else coalesce(agreed_amount, {_OPEN_PART})
    - (received_amount - earlier_received_amount) - small_balance_amount - written_off_amount end"""

# Open invoices, and the columns that aging reads: aging reports use index-only scans.
_OPEN = f"status in {listed(OPEN)}"
_AGED = ("status", "payer_id", "balance", "submitted_on", "service_date", "agreed_on", "responsible_since")


def _computed_amounts() -> tuple[Column[Any], ...]:
    """The amounts that are computed from the facts behind an invoice, besides those received, agreed upon and written off."""
    names = ("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount")
    return tuple(Column(name, Numeric(12, 2), nullable=False, server_default=text("0")) for name in names)


def _balance() -> Column[Any]:
    return Column("balance", Numeric(12, 2), Computed(_BALANCE, persisted=True), nullable=False)


invoices = clinic_table(
    "invoices",
    words("number"),
    *refers("case_id", "cases"),
    *refers("patient_id", "patients"),
    *refers("payer_id", "payers"),
    *refers("physician_id", "physicians", nullable=True),
    *refers("facility_id", "facilities", nullable=True),
    *refers("encounter_id", "encounters", nullable=True),
    # The attorney who represents the case now, maintained by a trigger, so that an attorney's page is one index range.
    *refers("attorney_id", "attorneys", nullable=True),
    Column("status", Text, nullable=False, server_default=InvoiceStatus.PENDING_INVOICE.value),
    # The status that it has while something is left to pay.
    Column("open_status", Text, nullable=False, server_default=InvoiceStatus.PENDING_INVOICE.value),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("created_on", Date, nullable=False),
    Column("service_date", Date, nullable=False),
    Column("submitted_on", Date),
    # Unchanged when the payer denies the invoice and it has to be submitted again; maintained by a trigger.
    Column("first_submitted_on", Date),
    Column("submission_method", Text),
    Column("agreed_on", Date),
    Column("fully_paid_on", Date),
    Column("paid_on", Date),
    money("billed_amount"),
    money("agreed_amount", nullable=True),
    Column("received_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    Column("written_off_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    *_computed_amounts(),
    _balance(),
    # Since when the present payer owes the open part; earlier payers are in responsibilities.
    Column("responsible_since", Date, nullable=False, server_default=FetchedValue()),
    money("floor_amount", nullable=True),
    money("target_amount", nullable=True),
    Column("conditional_until", Date),
    words("external_key", nullable=True),
    # The void invoice with wrong lines that this one replaces.
    *refers("replaces_id", "invoices", nullable=True),
    # Stored by an earlier release although another invoice that is not void bills the same visit.
    Column("is_billed_twice", Boolean, nullable=False, server_default=text("false")),
    # Why treatment before the day of injury is accepted, and by whom: an administrator, or null for what an earlier release stored.
    Column("before_injury_reason", Text),
    *refers("before_injury_by", "users", nullable=True),
    # The clinic's day since which the row is as it is; earlier states are in invoice_states. Maintained by a trigger.
    Column("known_from", Date, nullable=False, server_default=FetchedValue()),
    moment("updated_at"),
    UniqueConstraint("clinic_id", "number"),
    UniqueConstraint("clinic_id", "external_key"),
    ForeignKeyConstraint(["clinic_id", "case_id", "patient_id"], ["cases.clinic_id", "cases.id", "cases.patient_id"]),
    one_of("status", InvoiceStatus),
    one_of("open_status", OPEN),
    one_of("submission_method", SubmissionMethod),
    CheckConstraint("length(number) <= 21", name="number_fits_accounting"),
    CheckConstraint("billed_amount >= 0", name="billed_not_negative"),
    CheckConstraint(f"agreed_amount >= 0 and agreed_amount <= {_OPEN_PART}", name="agreed_within_open_part"),
    CheckConstraint(
        "earlier_received_amount >= 0 and received_amount >= earlier_received_amount and balance >= 0",
        name="received_within_agreed",
    ),
    CheckConstraint("small_balance_amount >= 0 and recovered_amount >= 0", name="computed_not_negative"),
    CheckConstraint(
        "written_off_amount >= 0 and (written_off_amount = 0 or status = 'written_off')", name="written_off"
    ),
    CheckConstraint("floor_amount >= 0 and target_amount >= 0", name="limits_not_negative"),
    CheckConstraint(_STATUS_AGREES_WITH_LEDGER, name="status_agrees_with_ledger"),
    index("ix_invoices_created", "created_on desc", "id desc"),
    index("ix_invoices_service", "service_date desc", "id desc"),
    index("ix_invoices_billed", "billed_amount desc", "id desc"),
    index("ix_invoices_balance", "balance desc", "id desc"),
    index("ix_invoices_status", "status", "created_on desc", "id desc"),
    index("ix_invoices_payer", "payer_id", "created_on desc", "id desc"),
    index("ix_invoices_physician", "physician_id", "created_on desc", "id desc"),
    index("ix_invoices_facility", "facility_id", "created_on desc", "id desc"),
    index("ix_invoices_case", "case_id", "created_on desc", "id desc"),
    index("ix_invoices_patient", "patient_id", "created_on desc", "id desc"),
    index("ix_invoices_attorney", "attorney_id", "created_on desc", "id desc", where="status <> 'void'"),
    index("ix_invoices_attorney_payer", "attorney_id", "payer_id", where="status <> 'void'"),
    index("ix_invoices_attorney_physician", "attorney_id", "physician_id", where="status <> 'void'"),
    index("ix_invoices_attorney_facility", "attorney_id", "facility_id", where="status <> 'void'"),
    index("ix_invoices_physician_payer", "physician_id", "payer_id"),
    index("ix_invoices_physician_facility", "physician_id", "facility_id"),
    index("ix_invoices_open", "created_on", where=_OPEN, beside=(*_AGED, "known_from")),
    index("ix_invoices_replaces", "replaces_id", where="replaces_id is not null", unique=True),
    index(
        "uq_invoices_encounter",
        "encounter_id",
        where="encounter_id is not null and status <> 'void' and not is_billed_twice",
        unique=True,
    ),
    index("ix_invoices_encounter", "encounter_id", where="encounter_id is not null"),
    index("ix_invoices_conditional", "conditional_until", where="conditional_until is not null"),
)


def _state_columns() -> tuple[Column[Any], ...]:
    """The columns of an invoice from which figures are computed.

    `responsible_since` is null in states of earlier releases, in which the present payer owed from the creation on.
    """
    return (
        Column("case_id", Uuid, nullable=False),
        Column("patient_id", Uuid, nullable=False),
        Column("payer_id", Uuid, nullable=False),
        Column("physician_id", Uuid),
        Column("facility_id", Uuid),
        Column("encounter_id", Uuid),
        Column("attorney_id", Uuid),
        Column("status", Text, nullable=False),
        Column("created_on", Date, nullable=False),
        Column("service_date", Date, nullable=False),
        Column("submitted_on", Date),
        Column("first_submitted_on", Date),
        Column("agreed_on", Date),
        Column("fully_paid_on", Date),
        Column("paid_on", Date),
        money("billed_amount"),
        money("agreed_amount", nullable=True),
        money("received_amount"),
        Column("written_off_amount", Numeric(12, 2), nullable=False),
        *_computed_amounts(),
        _balance(),
        Column("responsible_since", Date),
    )


# The state of an invoice at the end of past days: from known_from until before known_until, in the clinic's calendar. A trigger
# adds a row when an invoice changes for the first time on a day; besides, only imports add rows, for states before the import.
invoice_states = Table(
    "invoice_states",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("known_from", Date, nullable=False),
    Column("known_until", Date, nullable=False),
    *_state_columns(),
    PrimaryKeyConstraint("clinic_id", "invoice_id", "known_from"),
    ForeignKeyConstraint(["clinic_id", "invoice_id"], ["invoices.clinic_id", "invoices.id"]),
    CheckConstraint("known_until > known_from", name="lasts_a_day"),
    index("ix_invoice_states_until", "known_until", "known_from"),
    index("ix_invoice_states_open", "known_until", "known_from", where=_OPEN, beside=("created_on", *_AGED)),
)

# The states of an invoice by the days on which its facts count, with all that is known now: of invoices with a fact that was recorded
# on another day, for which figures as they were known differ. The function restate_invoice writes them with the transition.
restated_states = Table(
    "restated_states",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    Column("from_on", Date, nullable=False),
    # Null in the present state.
    Column("until_on", Date),
    # Who represented the case is read from representations.
    *(column for column in _state_columns() if column.name != "attorney_id"),
    PrimaryKeyConstraint("clinic_id", "invoice_id", "from_on"),
    ForeignKeyConstraint(["clinic_id", "invoice_id"], ["invoices.clinic_id", "invoices.id"]),
    CheckConstraint("until_on > from_on", name="lasts_a_day"),
    index("ix_restated_states_present", "invoice_id", where="until_on is null", unique=True),
    index("ix_restated_states_until", "until_on", "from_on"),
    index("ix_restated_states_open", "until_on", "from_on", where=_OPEN, beside=("created_on", *_AGED)),
)

invoice_lines = clinic_table(
    "invoice_lines",
    *refers("invoice_id", "invoices"),
    Column("position", Integer, nullable=False),
    words("code"),
    Column("label", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("bilateral", Boolean, nullable=False, server_default=text("false")),
    money("unit_price"),
    money("amount"),
    # The origin of the price, immutable after the line is written.
    Column("price_source", Text, nullable=False),
    money("price_rate"),
    Column("geographic_factor", Numeric(6, 4), nullable=False, server_default=text("1.0000")),
    Column("bilateral_factor", Numeric(3, 1), nullable=False, server_default=text("1.0")),
    Column("override_reason", Text),
    # What the fee schedule was called, and from when until before when it or the code was valid.
    Column("price_schedule", Text),
    Column("price_valid_from", Date),
    Column("price_valid_to", Date),
    # Whether it repeats another line, and who confirmed that it is meant: null for what an earlier release or an import stored.
    Column("is_repeated", Boolean, nullable=False, server_default=text("false")),
    *refers("repeat_confirmed_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "invoice_id", "position"),
    one_of("price_source", PriceSource),
    CheckConstraint("units >= 1", name="units_positive"),
    CheckConstraint("unit_price >= 0 and amount >= 0", name="amounts_not_negative"),
    CheckConstraint("is_repeated or repeat_confirmed_by is null", name="only_repeats_are_confirmed"),
)

reduction_offers = clinic_table(
    "reduction_offers",
    *refers("invoice_id", "invoices"),
    Column("round", Integer, nullable=False),
    Column("party", Text, nullable=False),
    money("amount"),
    Column("reason", Text),
    Column("expires_on", Date),
    Column("status", Text, nullable=False),
    *refers("document_id", "documents", nullable=True),
    *refers("made_by", "users", nullable=True),
    moment("made_at"),
    UniqueConstraint("clinic_id", "invoice_id", "round"),
    one_of("party", Party),
    one_of("status", OfferStatus),
    CheckConstraint("amount > 0", name="amount_positive"),
)

denials = clinic_table(
    "denials",
    *refers("invoice_id", "invoices"),
    # The line that is denied; null for a denial of the whole invoice.
    *refers("line_id", "invoice_lines", nullable=True),
    Column("denied_on", Date, nullable=False),
    Column("reason_code", Text, nullable=False),
    money("amount", nullable=True),
    Column("note", Text),
    Column("appeal_due_on", Date),
    # Why it was denied, as a remittance says it: the group, and the remark codes beside the reason.
    Column("adjustment_group", Text),
    remark_codes(),
    # The payment with which the denial came.
    *refers("cheque_id", "cheques", nullable=True),
    # Stored by an earlier release before the first submission, or after the last day for an appeal.
    Column("is_out_of_order", Boolean, nullable=False, server_default=text("false")),
    *refers("recorded_by", "users", nullable=True),
    one_of("adjustment_group", AdjustmentGroup),
    index("ix_denials_invoice", "invoice_id", "denied_on"),
    index("ix_denials_line", "line_id", where="line_id is not null"),
    index("ix_denials_cheque", "cheque_id", where="cheque_id is not null"),
    index("ix_denials_appeal", "appeal_due_on", "invoice_id", where="appeal_due_on is not null"),
)

# What became of a denial: appeals and outcomes; the last one says its status, and without one it is open. Append-only.
denial_events = clinic_table(
    "denial_events",
    *refers("denial_id", "denials"),
    Column("number", Integer, nullable=False),
    # The status of the denial from then on.
    Column("status", Text, nullable=False),
    Column("happened_on", Date, nullable=False),
    # What the payer pays after all.
    money("recovered_amount", nullable=True),
    *refers("document_id", "documents", nullable=True),
    Column("note", Text),
    *refers("recorded_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "denial_id", "number"),
    one_of("status", [one for one in DenialStatus if one is not DenialStatus.OPEN]),
    CheckConstraint(f"(status in {listed(RECOVERS)}) = (recovered_amount is not null)", name="recovers_an_amount"),
    CheckConstraint("recovered_amount > 0", name="recovered_positive"),
)

internal_notes = clinic_table(
    "internal_notes",
    *refers("invoice_id", "invoices"),
    Column("body", Text, nullable=False),
    *refers("written_by", "users", nullable=True),
    moment("written_at"),
    index("ix_internal_notes_invoice", "invoice_id", "written_at"),
)

# The history of an invoice, append-only; seq keeps the order of events within one transaction.
invoice_events = clinic_table(
    "invoice_events",
    *refers("invoice_id", "invoices"),
    Column("seq", Integer, nullable=False),
    moment("at"),
    *refers("by_user_id", "users", nullable=True),
    Column("transition", Text, nullable=False),
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("changes", JSON, nullable=False, server_default=text("'[]'")),
    Column("request_id", Text),
    UniqueConstraint("clinic_id", "invoice_id", "seq"),
    index("ix_invoice_events_lapsed", "invoice_id", "seq", where="transition = 'lapse_agreement'"),
)

# The keys of an element of invoice_events.changes: not a table of the database, but read like one.
changes = Table("changes", MetaData(), Column("field", Text), Column("before", Text), Column("after", Text))

invoice_counters = Table(
    "invoice_counters",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("year", Integer, nullable=False),
    Column("last_number", Integer, nullable=False),
    PrimaryKeyConstraint("clinic_id", "year"),
    ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"]),
)
