"""Decides what is stored of who saw or changed what, and of the chain that shows whether somebody has tampered with it."""

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

# Neither clinic nor user is a reference: they come from the session of whoever asks, and PostgreSQL would look each of them up and
# lock it for every event. The link of the chain refers to the clinic.
audit_events = Table(
    "audit_events",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid),
    Column("role", Text, nullable=False),
    Column("operation", Text, nullable=False),
    # Global ids in their bytes, 18 each: a page of fifty records is kept in 900 bytes.
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

# What an element of a published event's entities holds: no table in the database, but read like one.
audit_entities = Table("audit_entities", MetaData(), Column("type", Text), Column("id", Text))

# Which events no link of the chain names yet: a row for all that were written together.
audit_pending = Table(
    "audit_pending",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("event_ids", ARRAY(Uuid), nullable=False),
    PrimaryKeyConstraint("clinic_id", "id"),
)

# A table of its own, so that an event is never touched again; what is looked up by record stands here, too, off the way of requests.
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
