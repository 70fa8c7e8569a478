"""The tables of encounters (visits): what was done, what was corrected, and the history of the corrections."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import clinic_table, index, metadata, moment, refers, words

encounters = clinic_table(
    "encounters",
    *refers("case_id", "cases"),
    *refers("patient_id", "patients"),
    *refers("physician_id", "physicians"),
    *refers("facility_id", "facilities", nullable=True),
    Column("service_date", Date, nullable=False),
    words("external_key", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    # Since when its day, physician and facility are as they are, if they were corrected; what they were is in encounter_states.
    moment("changed_at", nullable=True),
    moment("cancelled_at", nullable=True),
    # The invoice that bills it: the one that is not void. A trigger maintains it, so that visits that are not billed are found by an index.
    Column("invoice_id", Uuid),
    # All that physicians see of its billing.
    Column("is_billed", Boolean, Computed("invoice_id is not null", persisted=True)),
    # Why treatment before the day of injury is accepted, and by whom: an administrator, or null for what an earlier release stored.
    Column("before_injury_reason", Text),
    *refers("before_injury_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "external_key"),
    ForeignKeyConstraint(["clinic_id", "case_id", "patient_id"], ["cases.clinic_id", "cases.id", "cases.patient_id"]),
    CheckConstraint("cancelled_at is null or invoice_id is null", name="cancelled_is_not_billed"),
    index("ix_encounters_physician", "physician_id", "service_date"),
    index("ix_encounters_case", "case_id", "service_date"),
    index("ix_encounters_patient", "patient_id", "service_date"),
    index("ix_encounters_physician_facility", "physician_id", "facility_id"),
    index("ix_encounters_service", "service_date desc", "id desc"),
    index("ix_encounters_recorded", "recorded_at desc", "id desc"),
    index("ix_encounters_unbilled", "service_date", "id", where="not is_billed and cancelled_at is null"),
)

encounter_exams = clinic_table(
    "encounter_exams",
    *refers("encounter_id", "encounters"),
    *refers("exam_type_id", "exam_types"),
    Column("bilateral", Boolean, nullable=False, server_default=text("false")),
    Column("units", Integer, nullable=False, server_default=text("1")),
    Column("position", Integer, nullable=False, server_default=text("0")),
    # When a correction replaced it; reports on earlier days still count it.
    moment("removed_at", nullable=True),
    CheckConstraint("units between 1 and 999", name="units_in_range"),
    index("ix_encounter_exams_encounter", "encounter_id"),
)

# Day, physician and facility of a visit before they were corrected, from known_from until before known_until, for reports on past days.
encounter_states = Table(
    "encounter_states",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("encounter_id", Uuid, nullable=False),
    Column("known_from", DateTime(timezone=True), nullable=False),
    Column("known_until", DateTime(timezone=True), nullable=False),
    Column("physician_id", Uuid, nullable=False),
    Column("facility_id", Uuid),
    Column("service_date", Date, nullable=False),
    PrimaryKeyConstraint("clinic_id", "encounter_id", "known_from"),
    ForeignKeyConstraint(["clinic_id", "encounter_id"], ["encounters.clinic_id", "encounters.id"]),
    index("ix_encounter_states_until", "known_until"),
)

# What was corrected or cancelled, append-only: a version of a visit counts its events.
encounter_events = clinic_table(
    "encounter_events",
    *refers("encounter_id", "encounters"),
    moment("at"),
    *refers("by_user_id", "users", nullable=True),
    Column("action", Text, nullable=False),
    Column("changes", JSON, nullable=False, server_default=text("'[]'")),
    Column("request_id", Text),
    index("ix_encounter_events_encounter", "encounter_id", "at"),
)
