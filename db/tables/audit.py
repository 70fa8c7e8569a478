"""The tables of the audit log: who read or changed which records, and the hash chain that makes tampering evident."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import index, metadata, moment, recorded_at

# Neither clinic nor user is a foreign key: they come from a verified session, and PostgreSQL would look up and lock each of them
# for every event. The link of the hash chain refers to the clinic.
audit_events = Table(
    "audit_events",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid),
    Column("role", Text, nullable=False),
    Column("operation", Text, nullable=False),
    # Binary global ids, 18 bytes each: a page of fifty records takes 900 bytes.
    Column("entities", LargeBinary, nullable=False, server_default=text("''")),
    Column("fields", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("filters", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("row_count", BigInteger),
    Column("request_id", Text, nullable=False),
    moment("at"),
    recorded_at(),
    PrimaryKeyConstraint("clinic_id", "id"),
    CheckConstraint("length(entities) % 18 = 0", name="entities_are_whole"),
    index("ix_audit_events_at", "at desc", "id desc"),
)

# The keys of an element of an event's entities: not a table of the database, but read like one.
audit_entities = Table("audit_entities", MetaData(), Column("type", Text), Column("id", Text))

# The events that are not yet in the hash chain: one row for all that were written together.
audit_pending = Table(
    "audit_pending",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("event_ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
)

# A separate table, so that events are never updated; the index by record is here, too, so that requests do not maintain it.
audit_chain = Table(
    "audit_chain",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("subjects", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("clinic_id", "seq"),
    UniqueConstraint("clinic_id", "event_id"),
    ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"]),
    Index("ix_audit_chain_subjects", "subjects", postgresql_using="gin"),
)
