"""The tables of coverages: what obliges payers to pay for the treatment of a case, and the history of each coverage."""

from sqlalchemy import JSON, CheckConstraint, Column, Date, Integer, Numeric, Text, UniqueConstraint, text

from db.tables.base import clinic_table, index, moment, money, one_of, refers, words
from domain.billing.coverages import BalanceBilling, CoverageKind, CoverageStatus, InsuredRelationship

coverages = clinic_table(
    "coverages",
    *refers("case_id", "cases"),
    *refers("payer_id", "payers"),
    Column("kind", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    words("policy_number", nullable=True),
    words("claim_number", nullable=True),
    Column("insured_name", Text),
    Column("insured_relationship", Text),
    Column("adjuster_name", Text),
    Column("adjuster_phone", Text),
    Column("adjuster_email", Text),
    # From the first day until before the last one.
    Column("effective_from", Date),
    Column("effective_to", Date),
    money("limit_amount", nullable=True),
    money("deductible_amount", nullable=True),
    Column("pays_percent", Numeric(5, 2)),
    # What the payer says that it paid to others under this coverage, and the day of that figure.
    money("other_payments_amount", nullable=True),
    Column("other_payments_on", Date),
    Column("file_within_days", Integer),
    Column("balance_billing", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=CoverageStatus.UNVERIFIED.value),
    Column("exhausted_on", Date),
    # The day of a refusal, or of another end.
    Column("closed_on", Date),
    Column("closing_reason", Text),
    *refers("letter_id", "documents", nullable=True),
    *refers("closing_letter_id", "documents", nullable=True),
    *refers("verified_by", "users", nullable=True),
    moment("verified_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("kind", CoverageKind),
    one_of("insured_relationship", InsuredRelationship),
    one_of("balance_billing", BalanceBilling),
    one_of("status", CoverageStatus),
    CheckConstraint("effective_to > effective_from", name="ends_after_it_begins"),
    CheckConstraint("limit_amount > 0 and deductible_amount >= 0", name="amounts_not_negative"),
    CheckConstraint("pays_percent > 0 and pays_percent <= 100", name="percent_is_part_of_a_whole"),
    CheckConstraint("priority >= 1 and file_within_days >= 1", name="numbers_positive"),
    CheckConstraint(
        "(other_payments_amount is null) = (other_payments_on is null) and coalesce(other_payments_amount, 0) >= 0",
        name="other_payments_have_a_day",
    ),
    CheckConstraint("(status = 'exhausted') = (exhausted_on is not null)", name="exhausted_has_a_day"),
    CheckConstraint("(status in ('refused', 'closed')) = (closed_on is not null)", name="closed_has_a_day"),
    index("ix_coverages_case", "case_id", "priority", "id"),
    index("ix_coverages_payer", "payer_id", "case_id"),
)

# The history of a coverage, append-only.
coverage_events = clinic_table(
    "coverage_events",
    *refers("coverage_id", "coverages"),
    Column("seq", Integer, nullable=False),
    moment("at"),
    *refers("by_user_id", "users", nullable=True),
    Column("action", Text, nullable=False),
    Column("changes", JSON, nullable=False, server_default=text("'[]'")),
    Column("request_id", Text),
    UniqueConstraint("clinic_id", "coverage_id", "seq"),
)
