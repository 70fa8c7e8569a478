"""The table of what invoices were before recent transactions, by which subscribers know what a change has moved out of a list."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from db.tables.base import index, metadata, money, recorded_at, words

# The columns of an invoice that filters and row rules read. A trigger writes one row for each invoice of which a transaction changes
# what they read, before its first change; the worker erases rows after minutes (decision 36). `id` is that of the invoice: an image
# answers the same conditions as the invoice itself.
invoice_images = Table(
    "invoice_images",
    metadata,
    Column("clinic_id", Uuid, nullable=False),
    # What its notification names the transaction by.
    Column("change_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    # Images of one invoice are numbered in the order of their transactions, which wait for each other.
    Column("position", BigInteger, Identity(), nullable=False),
    # False where the transaction has created the invoice.
    Column("existed", Boolean, nullable=False),
    words("number"),
    Column("status", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("payer_id", Uuid, nullable=False),
    Column("physician_id", Uuid),
    Column("facility_id", Uuid),
    Column("attorney_id", Uuid),
    Column("created_on", Date, nullable=False),
    Column("service_date", Date, nullable=False),
    money("billed_amount"),
    # The statuses of its denials, the first day on which one of its open reminders is due, and the last day of a hold over it that is
    # not released: with a day, they say whether a reminder is due and a hold in force.
    Column("denial_statuses", ARRAY(Text), nullable=False),
    Column("reminder_due_on", Date),
    Column("held_until", Date),
    recorded_at(),
    PrimaryKeyConstraint("clinic_id", "change_id", "id"),
    ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"]),
    index("ix_invoice_images_order", "id", "position"),
)
