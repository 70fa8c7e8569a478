"""The tables of remittances: what payers say about their payments, the claims that they pay, and what became of each."""

from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Date, Integer, Numeric, Text, text

from db.tables.base import clinic_table, index, listed, moment, money, normal_form, one_of, refers, words
from domain.billing.ledger.facts import ResponsibilityReason
from domain.payments.cheques import PaymentMethod
from domain.remittances.statuses import NEVER_POSTED, OF_PAYMENTS, RemittanceOrigin, RemittanceStatus


def _list(name: str) -> Column[Any]:
    """A list as JSON: what is shown with its row and never searched by."""
    return Column(name, JSON, nullable=False, server_default=text("'[]'"))


# A file, or the paper that was typed. Append-only.
remittances = clinic_table(
    "remittances",
    Column("origin", Text, nullable=False),
    *refers("document_id", "documents", nullable=True),
    *refers("imported_by", "users"),
    # What of the file could not be read.
    _list("problems"),
    one_of("origin", RemittanceOrigin),
    index("ix_remittances_recorded", "recorded_at desc", "id desc"),
)

# The payments of a remittance (the transaction sets of a file); a trigger keeps what the payer says.
remittance_payments = clinic_table(
    "remittance_payments",
    *refers("remittance_id", "remittances"),
    Column("place", Integer, nullable=False),
    *refers("payer_id", "payers", nullable=True),
    # How the payer names itself; the payer that was chosen for both last is the payer of the next file.
    words("payer_identifier", nullable=True),
    Column("payer_name", Text),
    normal_form("payer_name_key"),
    words("trace"),
    normal_form("trace_key"),
    Column("method", Text, nullable=False),
    money("amount"),
    Column("paid_on", Date, nullable=False),
    Column("status", Text, nullable=False),
    # Why it waits.
    Column("reason", Text),
    _list("broken_laws"),
    _list("provider_adjustments"),
    # The payment to which it is posted, and whether that was recorded by hand before.
    *refers("cheque_id", "cheques", nullable=True),
    Column("is_attached", Boolean, nullable=False, server_default=text("false")),
    moment("posted_at", nullable=True),
    *refers("posted_by", "users", nullable=True),
    one_of("method", PaymentMethod),
    one_of("status", OF_PAYMENTS),
    CheckConstraint("place >= 1", name="place_positive"),
    CheckConstraint("posted_at is null or cheque_id is not null", name="posted_to_a_payment"),
    CheckConstraint(f"posted_at is null or status not in {listed(NEVER_POSTED)}", name="posts_what_is_right"),
    index("ix_remittance_payments_remittance", "remittance_id", "place"),
    index("ix_remittance_payments_payer", "payer_identifier", "payer_name_key", "id"),
    index("ix_remittance_payments_cheque", "cheque_id", where="cheque_id is not null"),
    # The same trace of a payer again is a duplicate, also from another file.
    index(
        "uq_remittance_payments_trace",
        *("payer_id", "trace_key"),
        where=f"payer_id is not null and status = '{RemittanceStatus.MATCHED}'",
        unique=True,
    ),
)

# The claims of a payment; a trigger keeps what the payer says.
remittance_claims = clinic_table(
    "remittance_claims",
    *refers("remittance_id", "remittances"),
    *refers("payment_id", "remittance_payments"),
    # Within the remittance, in the order of the file.
    Column("place", Integer, nullable=False),
    words("number"),
    words("status_code"),
    money("charge_amount"),
    money("paid_amount"),
    money("patient_amount"),
    words("payer_number", nullable=True),
    _list("adjustments"),
    _list("remark_codes"),
    _list("lines"),
    # What may be transferred (groups PR and PI), of it what the patient is responsible for (PR), and whether a benefit is used up.
    Column("transfer_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    Column("responsible_amount", Numeric(12, 2), nullable=False, server_default=text("0")),
    Column("transfer_reason", Text, nullable=False, server_default=text("'other'")),
    Column("is_exhausted", Boolean, nullable=False, server_default=text("false")),
    Column("status", Text, nullable=False),
    # Why it waits.
    Column("reason", Text),
    *refers("invoice_id", "invoices", nullable=True),
    # The coverage under which it was posted.
    *refers("coverage_id", "coverages", nullable=True),
    moment("posted_at", nullable=True),
    *refers("posted_by", "users", nullable=True),
    moment("closed_at", nullable=True),
    *refers("closed_by", "users", nullable=True),
    Column("closing_reason", Text),
    one_of("status", RemittanceStatus),
    one_of("transfer_reason", ResponsibilityReason),
    CheckConstraint("place >= 1", name="place_positive"),
    CheckConstraint(
        f"posted_at is null or invoice_id is not null and closed_at is null and status not in {listed(NEVER_POSTED)}",
        name="posts_what_is_right",
    ),
    CheckConstraint("(closed_at is null) = (closing_reason is null)", name="closed_with_a_reason"),
    index("ix_remittance_claims_remittance", "remittance_id", "place", "id"),
    index("ix_remittance_claims_payment", "payment_id", "place"),
    index("ix_remittance_claims_invoice", "invoice_id", "id", where="invoice_id is not null"),
    index("ix_remittance_claims_payer_number", "payer_number", "id", where="payer_number is not null"),
    index(
        "ix_remittance_claims_waiting",
        *("recorded_at", "id"),
        where=f"posted_at is null and closed_at is null and status <> '{RemittanceStatus.DUPLICATE}'",
    ),
)
