"""The tables of clinics (the tenants), users and sessions."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import address, clinic_table, index, metadata, moment, one_of, recorded_at, refers, words
from domain.access.people import Role
from domain.clinics import LARGEST_TOLERANCE, LONGEST_PAYMENT_TERMS_DAYS, PAYMENT_TERMS_DAYS
from domain.records.invoice_numbers import DEFAULT_PREFIX, LARGEST_FIRST
from domain.records.logos import LARGEST_LOGO
from domain.treatment.encounters import LONGEST_UNBILLED_AFTER_DAYS, UNBILLED_AFTER_DAYS

clinics = Table(
    "clinics",
    metadata,
    Column("clinic_id", Uuid, primary_key=True),
    words("short_name"),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False, server_default="America/New_York"),
    # The roles whose users need a second factor to sign in.
    Column("second_factor_roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # The last day for which the dunning run is done.
    Column("reminded_on", Date),
    # From an invoice to its due day; accounting programs are told it.
    Column("payment_terms_days", Integer, nullable=False, server_default=text(str(PAYMENT_TERMS_DAYS))),
    # The largest balance that the clinic gives up after a payment.
    Column("small_balance_tolerance", Numeric(12, 2), nullable=False, server_default=text("1.00")),
    # How many days after its day an unbilled visit is an action item.
    Column("unbilled_after_days", Integer, nullable=False, server_default=text(str(UNBILLED_AFTER_DAYS))),
    # Whether reminders and messages to payers that fall on a weekend or a federal holiday wait for the next working day.
    Column("moves_to_working_days", Boolean, nullable=False, server_default=text("true")),
    # Whether documents that are sent by e-mail to others than attorneys with an account are attached; otherwise they go on paper.
    Column("attaches_documents", Boolean, nullable=False, server_default=text("false")),
    # What the numbers of invoices begin with, and the count of the first: neither changes once an invoice has a number.
    Column("invoice_number_prefix", Text, nullable=False, server_default=text(f"'{DEFAULT_PREFIX}'")),
    Column("first_invoice_number", Integer, nullable=False, server_default=text("1")),
    # The letterhead of messages and documents, and the sender of messages: the server's where none is set.
    Column("legal_name", Text),
    Column("address", Text),
    *address("physical"),
    *address("remit"),
    Column("phone", Text),
    Column("fax", Text),
    Column("email", Text),
    words("tin", nullable=True),
    words("npi", nullable=True),
    words("taxonomy", nullable=True),
    # A PNG that the server has written itself.
    Column("logo", LargeBinary),
    Column("sender_name", Text),
    Column("sender_address", Text),
    Column("reply_to", Text),
    recorded_at(),
    UniqueConstraint("short_name"),
    CheckConstraint(f"small_balance_tolerance between 0 and {LARGEST_TOLERANCE}", name="small_balance_tolerance"),
    CheckConstraint(f"payment_terms_days between 0 and {LONGEST_PAYMENT_TERMS_DAYS}", name="payment_terms"),
    CheckConstraint("invoice_number_prefix ~ '^[A-Z]{1,4}$'", name="invoice_number_prefix"),
    CheckConstraint(f"first_invoice_number between 1 and {LARGEST_FIRST}", name="first_invoice_number"),
    CheckConstraint(f"length(logo) <= {LARGEST_LOGO}", name="logo_size"),
    CheckConstraint(f"unbilled_after_days between 0 and {LONGEST_UNBILLED_AFTER_DAYS}", name="unbilled_after"),
)

users = clinic_table(
    "users",
    words("email"),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # Of the release before, and read by no code: the columns of the login are. The next release drops both.
    Column("password_hash", Text),
    Column("oidc_subject", Text),
    # When a login accepted the invitation to this account; null until then, and again after a change of the e-mail.
    moment("joined_at", nullable=True),
    *refers("attorney_id", "attorneys", nullable=True),
    *refers("physician_id", "physicians", nullable=True),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("clinic_id", "email"),
    one_of("role", Role),
    CheckConstraint("(role = 'attorney') = (attorney_id is not null)", name="attorney_is_somebody"),
    CheckConstraint("(role = 'physician') = (physician_id is not null)", name="physician_is_somebody"),
    CheckConstraint("email = lower(email)", name="email_lower"),
)

# One table for browser sessions and for API tokens: both are bearer tokens of which only the SHA-256 is stored.
sessions = clinic_table(
    "sessions",
    *refers("user_id", "users"),
    Column("token_hash", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False, server_default="session"),
    Column("name", Text),
    # Null for an API token that was never used.
    moment("last_used_at", nullable=True),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    UniqueConstraint("clinic_id", "token_hash"),
    one_of("kind", ("session", "api_token")),
    index("ix_sessions_user", "user_id"),
)

idempotency_keys = clinic_table(
    "idempotency_keys",
    *refers("user_id", "users"),
    Column("key", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("input_hash", LargeBinary, nullable=False),
    Column("result_id", Uuid),
    UniqueConstraint("clinic_id", "user_id", "key"),
)

# The invoices that a user has chosen for steps on many, as they were found at that moment.
invoice_selections = clinic_table(
    "invoice_selections",
    *refers("user_id", "users"),
    Column("invoice_ids", ARRAY(Uuid), nullable=False),
    index("ix_invoice_selections_user", "user_id", "recorded_at"),
)
