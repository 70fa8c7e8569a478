"""The tables of cheques (payments), of their allocations, deposits, refunds and provider adjustments, of recoupment, and of scanned documents."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    text,
)

from db.tables.base import clinic_table, index, is_duplicate, moment, money, normal_form, one_of, refers, words
from domain.payments.cheques import CORRECTED, PaymentMethod, ReturnKind, ReversalKind
from domain.payments.recoupment import RecoupmentStatus, RecoupmentStep, RowReversal

documents = clinic_table(
    "documents",
    *refers("uploaded_by", "users"),
    Column("file_name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    Column("sha256", LargeBinary),
    Column("blob_key", Text),
    moment("expires_at"),
    moment("stored_at", nullable=True),
    moment("consumed_at", nullable=True),
)

# Payments that were brought to a bank account together.
deposits = clinic_table(
    "deposits",
    Column("bank_account", Text, nullable=False),
    Column("deposited_on", Date, nullable=False),
    *refers("recorded_by", "users", nullable=True),
    index("ix_deposits_deposited", "deposited_on desc", "id desc"),
)

# A payment is money unless it is held (a post-dated cheque whose deposit is not recorded) or was returned.
IS_MONEY = "returned_on is null and (held_from is null or released_at is not null)"

cheques = clinic_table(
    "cheques",
    *refers("payer_id", "payers"),
    Column("method", Text, nullable=False, server_default=text("'paper'")),
    # The bank or account on which it is drawn, where that is known.
    Column("bank", Text),
    normal_form("bank_key"),
    words("number"),
    # Filled by a trigger for a process of the release before.
    normal_form("number_key"),
    # By which similar numbers are found: domain/payments/cheques.py computes the same.
    normal_form("number_likeness", computed="ltrim(regexp_replace(upper(number_key), '[^0-9A-Z]', '', 'g'), '0')"),
    is_duplicate(),
    money("amount"),
    Column("cheque_date", Date, nullable=False),
    # Of a held cheque the day of its arrival, until its deposit makes it money received on that day.
    Column("received_on", Date, nullable=False),
    Column("held_from", Date),
    moment("released_at", nullable=True),
    # An earlier release recorded it as received before the day written on it.
    Column("is_post_dated", Boolean, nullable=False, server_default=text("false")),
    *refers("deposit_id", "deposits", nullable=True),
    Column("cleared_on", Date),
    Column("returned_on", Date),
    Column("return_reason", Text),
    # Null in rows of earlier releases, whose returns count as NSF.
    Column("return_kind", Text),
    moment("returned_at", nullable=True),
    *refers("replaces_id", "cheques", nullable=True),
    # The payment that was typed wrong, in whose place this one stands, and why.
    *refers("corrects_id", "cheques", nullable=True),
    Column("correction_reason", Text),
    # When another row took the place of this one. Where it had not been returned, it then counts as returned on its own day of
    # receipt, with a kind of its own, so that it is money on no day.
    moment("corrected_at", nullable=True),
    *refers("document_id", "documents", nullable=True),
    # Imported records have no scanned document and are marked as imported.
    Column("imported", Boolean, nullable=False, server_default=text("false")),
    words("external_key", nullable=True),
    # Posted from a remittance, in which allocations and provider adjustments may add up to 0.00.
    Column("is_remitted", Boolean, nullable=False, server_default=text("false")),
    # Its allocations, reversals included, and its refunds, less its provider adjustments: kept by triggers.
    Column("applied_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    Column(
        "unapplied_amount",
        Numeric(12, 2),
        Computed(f"case when {IS_MONEY} then amount else 0 end - applied_amount", persisted=True),
    ),
    one_of("method", PaymentMethod),
    one_of("return_kind", (*ReturnKind, CORRECTED)),
    CheckConstraint("corrected_at is null or returned_on is not null", name="corrected_was_returned"),
    CheckConstraint(f"return_kind <> '{CORRECTED}' or corrected_at is not null", name="correction_is_marked"),
    CheckConstraint("(corrects_id is null) = (correction_reason is null)", name="correction_has_a_reason"),
    CheckConstraint("amount > 0 or amount = 0 and is_remitted", name="amount_positive"),
    # The correction of an imported cheque has no scan, either.
    CheckConstraint(
        "imported or document_id is not null or method <> 'paper' or corrects_id is not null", name="has_a_document"
    ),
    CheckConstraint("released_at is null or held_from is not null", name="released_after_held"),
    CheckConstraint(
        "cheque_date <= received_on or is_post_dated or (held_from is not null and released_at is null)",
        name="post_dated_is_held",
    ),
    index("ix_cheques_received", "received_on desc", "id desc"),
    index("ix_cheques_likeness", "payer_id", "number_likeness"),
    index("ix_cheques_deposit", "deposit_id", where="deposit_id is not null"),
    index("ix_cheques_replaces", "replaces_id", where="replaces_id is not null"),
    index("ix_cheques_corrects", "corrects_id", where="corrects_id is not null", unique=True),
    index("ix_cheques_unapplied", "payer_id", where="unapplied_amount <> 0"),
    index(
        "ix_cheques_held",
        "cheque_date",
        where="held_from is not null and released_at is null and returned_on is null",
    ),
    # A trigger refuses what this index cannot: that one of two cheques names a bank, and the other none.
    index(
        "uq_cheques_number_key",
        *("payer_id", "method", "number_key", "bank_key"),
        where="returned_on is null and method <> 'cash' and not is_duplicate",
        unique=True,
    ),
)

# What went back to a payer: rows are never changed or deleted.
refunds = clinic_table(
    "refunds",
    *refers("cheque_id", "cheques"),
    money("amount"),
    Column("payee", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("refunded_on", Date, nullable=False),
    Column("method", Text, nullable=False),
    *refers("document_id", "documents", nullable=True),
    *refers("refunded_by", "users", nullable=True),
    # A refund that came back, or that counts on another payment, is reversed by an equal and opposite row.
    *refers("reverses_id", "refunds", nullable=True),
    Column("reversal_kind", Text),
    # The reversed refund that this one carries over to another payment.
    *refers("carries_id", "refunds", nullable=True),
    # The row of a later payment by which the payer withheld it: no money left the bank.
    *refers("provider_adjustment_id", "provider_adjustments", nullable=True),
    one_of("method", PaymentMethod),
    one_of("reversal_kind", RowReversal),
    CheckConstraint("amount <> 0 and (amount < 0) = (reverses_id is not null)", name="reversal_is_negative"),
    CheckConstraint("(reversal_kind is null) = (reverses_id is null)", name="reversal_has_a_kind"),
    index("ix_refunds_cheque", "cheque_id"),
    index("uq_refunds_reverses", "reverses_id", where="reverses_id is not null", unique=True),
    index("ix_refunds_carries", "carries_id", where="carries_id is not null"),
    index("ix_refunds_provider_adjustment", "provider_adjustment_id", where="provider_adjustment_id is not null"),
)

# Rows of a remittance that concern the payment and no claim (PLB): a positive amount lowers the payment. Never changed or deleted.
provider_adjustments = clinic_table(
    "provider_adjustments",
    *refers("cheque_id", "cheques"),
    Column("code", Text, nullable=False),
    Column("reference", Text),
    money("amount"),
    Column("effective_on", Date, nullable=False),
    Column("note", Text),
    *refers("reverses_id", "provider_adjustments", nullable=True),
    Column("reversal_kind", Text),
    # The reversed row that this one carries over to the right payment.
    *refers("carries_id", "provider_adjustments", nullable=True),
    *refers("recorded_by", "users", nullable=True),
    one_of("reversal_kind", RowReversal),
    CheckConstraint("amount <> 0", name="amount_not_zero"),
    CheckConstraint("(reversal_kind is null) = (reverses_id is null)", name="reversal_has_a_kind"),
    index("ix_provider_adjustments_cheque", "cheque_id"),
    index("uq_provider_adjustments_reverses", "reverses_id", where="reverses_id is not null", unique=True),
    index("ix_provider_adjustments_carries", "carries_id", where="carries_id is not null"),
)

# Money that a payer asks back. Its answers are rows of their own; the status follows from the last of them.
recoupment_requests = clinic_table(
    "recoupment_requests",
    *refers("payer_id", "payers"),
    *refers("cheque_id", "cheques", nullable=True),
    *refers("invoice_id", "invoices", nullable=True),
    Column("reference", Text),
    money("amount"),
    Column("answered_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    Column("reason", Text, nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    *refers("document_id", "documents", nullable=True),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    *refers("recorded_by", "users", nullable=True),
    one_of("status", RecoupmentStatus),
    CheckConstraint("amount > 0 and answered_amount between 0 and amount", name="amounts"),
    CheckConstraint("due_on >= requested_on", name="due_after_request"),
    index("ix_recoupment_requests_requested", "requested_on desc", "id desc"),
    index("ix_recoupment_requests_payer", "payer_id"),
    index("ix_recoupment_requests_due", "due_on", where="status = 'open'"),
)

# What became of a recoupment request, numbered: rows are never changed or deleted.
recoupment_answers = clinic_table(
    "recoupment_answers",
    *refers("request_id", "recoupment_requests"),
    Column("number", Integer, nullable=False),
    Column("step", Text, nullable=False),
    # Of a refund or a provider adjustment, what of the request it answers; negative where that was reversed.
    money("amount", nullable=True),
    Column("answered_on", Date, nullable=False),
    *refers("refund_id", "refunds", nullable=True),
    *refers("provider_adjustment_id", "provider_adjustments", nullable=True),
    Column("due_on", Date),
    Column("note", Text),
    *refers("document_id", "documents", nullable=True),
    *refers("answered_by", "users", nullable=True),
    one_of("step", RecoupmentStep),
    CheckConstraint(
        """case when step in ('refund', 'withholding') then coalesce(amount > 0, false)
        when step = 'reopening' then coalesce(amount < 0, false) else amount is null end""",
        name="amount_of_step",
    ),
    CheckConstraint("step <> 'refund' or refund_id is not null", name="refund_is_named"),
    CheckConstraint("step <> 'withholding' or provider_adjustment_id is not null", name="withholding_is_named"),
    index("uq_recoupment_answers_number", "request_id", "number", unique=True),
    index("uq_recoupment_answers_refund", "refund_id", "step", where="refund_id is not null", unique=True),
    index(
        "ix_recoupment_answers_provider_adjustment",
        "provider_adjustment_id",
        where="provider_adjustment_id is not null",
    ),
)

cheque_allocations = clinic_table(
    "cheque_allocations",
    *refers("cheque_id", "cheques"),
    *refers("invoice_id", "invoices"),
    money("amount"),
    Column("effective_on", Date, nullable=False),
    *refers("reverses_id", "cheque_allocations", nullable=True),
    # Null in reversals of a process of the release before, which knows returns and replaced invoices.
    Column("reversal_kind", Text),
    # The moment that orders it among the facts of its day, where that is not when it was recorded: that of the row which it corrects.
    moment("ordered_at", nullable=True),
    # The payer's coverage under which it counts; null where the payer has none in the case of the invoice.
    *refers("coverage_id", "coverages", nullable=True),
    one_of("reversal_kind", ReversalKind),
    CheckConstraint("reversal_kind is null or reverses_id is not null", name="only_reversals_have_a_kind"),
    # What a later payment took back is positive again where one of the two payments is returned or corrected.
    CheckConstraint(
        "amount <> 0 and (amount < 0) = (reverses_id is not null) or amount > 0 and reversal_kind in ('corrected', 'returned', 'moved')",
        name="reversal_is_negative",
    ),
    index("ix_cheque_allocations_invoice", "invoice_id", "effective_on"),
    index("ix_cheque_allocations_cheque", "cheque_id"),
    index(
        "ix_cheque_allocations_coverage",
        "coverage_id",
        where="coverage_id is not null",
        beside=("invoice_id", "amount"),
    ),
)
