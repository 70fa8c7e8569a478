"""The tables of cases: the case, its history, its representations by attorneys with their coming changes, and its treating physicians."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import clinic_table, index, is_duplicate, metadata, moment, normal_form, one_of, refers, words
from domain.billing.cases import CaseStatus, CloseReason
from domain.billing.representations import AttorneyChangeStatus

cases = clinic_table(
    "cases",
    words("number"),
    normal_form("number_key"),
    is_duplicate(),
    *refers("patient_id", "patients"),
    *refers("attorney_id", "attorneys", nullable=True),
    Column("status", Text, nullable=False, server_default="open"),
    Column("date_of_injury", Date, nullable=False),
    Column("opened_on", Date, nullable=False),
    Column("settled_on", Date),
    # A case that was dropped or lost is closed without a settlement.
    Column("closed_on", Date),
    Column("closed_reason", Text),
    Column("version", Integer, nullable=False, server_default=text("1")),
    UniqueConstraint("clinic_id", "number"),
    UniqueConstraint("clinic_id", "id", "patient_id"),
    one_of("status", CaseStatus),
    one_of("closed_reason", CloseReason),
    CheckConstraint("(status = 'closed') = (closed_on is not null)", name="closed_has_a_day"),
    CheckConstraint("(status = 'settled') = (settled_on is not null)", name="settled_has_a_day"),
    index("ix_cases_opened", "opened_on desc", "id desc"),
    index("ix_cases_patient", "patient_id", "opened_on desc", "id desc"),
    index("ix_cases_attorney", "attorney_id", "date_of_injury desc", "id desc"),
    index("ix_cases_injured", "date_of_injury desc", "id desc"),
    index("ix_cases_attorney_patient", "attorney_id", "patient_id"),
    index("ix_cases_number_key", "number_key"),
    index("uq_cases_number_key", "number_key", where="not is_duplicate and number_key is not null", unique=True),
)

# What was changed in a case, append-only.
case_events = clinic_table(
    "case_events",
    *refers("case_id", "cases"),
    moment("at"),
    *refers("by_user_id", "users", nullable=True),
    Column("action", Text, nullable=False),
    Column("changes", JSON, nullable=False, server_default=text("'[]'")),
    Column("request_id", Text),
    index("ix_case_events_case", "case_id", "at"),
)

# The periods of a case, each from from_on until before until_on. A change that is recorded later than the day on which it counts
# ends what was known before and adds what is known since: known_from and known_until are days of the clinic. Null means since
# from_on, and still.
representations = clinic_table(
    "representations",
    *refers("case_id", "cases"),
    *refers("attorney_id", "attorneys"),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("known_from", Date),
    Column("known_until", Date),
    CheckConstraint("until_on is null or until_on >= from_on", name="ends_after_it_begins"),
    CheckConstraint("known_until >= known_from", name="known_until_after_known_from"),
    index("ix_representations_case", "case_id", "from_on"),
    index("ix_representations_over", "case_id", where="until_on is not null or known_until is not null"),
)

# Changes of attorney that are recorded before the day on which they take effect; at most one of a case is pending.
attorney_changes = clinic_table(
    "attorney_changes",
    *refers("case_id", "cases"),
    *refers("attorney_id", "attorneys", nullable=True),
    Column("effective_on", Date, nullable=False),
    Column("status", Text, nullable=False, server_default=AttorneyChangeStatus.PENDING),
    *refers("requested_by", "users", nullable=True),
    moment("requested_at"),
    *refers("ended_by", "users", nullable=True),
    moment("ended_at", nullable=True),
    one_of("status", AttorneyChangeStatus),
    CheckConstraint("(status = 'pending') = (ended_at is null)", name="pending_has_no_end"),
    index("uq_attorney_changes_pending", "case_id", where="status = 'pending'", unique=True),
    index("ix_attorney_changes_due", "effective_on", where="status = 'pending'"),
)

# Which physician treats in which case: maintained by triggers on encounters and invoices, never by the application.
treating_physicians = Table(
    "treating_physicians",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("physician_id", Uuid, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    PrimaryKeyConstraint("clinic_id", "physician_id", "case_id"),
    ForeignKeyConstraint(["clinic_id", "physician_id"], ["physicians.clinic_id", "physicians.id"]),
    ForeignKeyConstraint(["clinic_id", "case_id", "patient_id"], ["cases.clinic_id", "cases.id", "cases.patient_id"]),
    index("ix_treating_physicians_patient", "physician_id", "patient_id"),
)
