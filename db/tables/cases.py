"""The tables of cases: the case, its history, its representations by attorneys, and its treating physicians."""

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
    Column("version", Integer, nullable=False, server_default=text("1")),
    UniqueConstraint("clinic_id", "number"),
    UniqueConstraint("clinic_id", "id", "patient_id"),
    one_of("status", ("open", "settled")),
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

representations = clinic_table(
    "representations",
    *refers("case_id", "cases"),
    *refers("attorney_id", "attorneys"),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    CheckConstraint("until_on is null or until_on >= from_on", name="ends_after_it_begins"),
    index("ix_representations_case", "case_id", "from_on"),
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
