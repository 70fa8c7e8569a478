"""The tables of follow-ups: holds, reminders for staff, templates, reminder policies (dunning schedules) and messages to payers."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from db.tables.base import clinic_table, index, moment, money, one_of, refers, words
from domain.access.people import PayerKind
from domain.reminders.reminders import REMINDED_IN, MessageStatus, ReminderRecipient, ReminderStatus

holds = clinic_table(
    "holds",
    *refers("invoice_id", "invoices", nullable=True),
    *refers("case_id", "cases", nullable=True),
    *refers("payer_id", "payers", nullable=True),
    Column("until_on", Date, nullable=False),
    Column("reason", Text, nullable=False),
    *refers("placed_by", "users", nullable=True),
    moment("placed_at"),
    moment("released_at", nullable=True),
    CheckConstraint("num_nonnulls(invoice_id, case_id, payer_id) = 1", name="holds_one_thing"),
    index("ix_holds_invoice", "invoice_id", where="released_at is null"),
    index("ix_holds_case", "case_id", where="released_at is null"),
    index("ix_holds_payer", "payer_id", where="released_at is null"),
)

reminders = clinic_table(
    "reminders",
    *refers("invoice_id", "invoices"),
    Column("target_date", Date, nullable=False),
    # The working day on which it is due instead of a target date that is none; null where it was not moved.
    Column("moved_to", Date),
    Column("subject", Text, nullable=False),
    Column("notes", Text),
    *refers("assignee_id", "users", nullable=True),
    Column("status", Text, nullable=False, server_default=ReminderStatus.SCHEDULED.value),
    Column("outcome", Text),
    *refers("created_by", "users", nullable=True),
    moment("created_at"),
    moment("closed_at", nullable=True),
    one_of("status", ReminderStatus),
    CheckConstraint("moved_to > target_date", name="moved_later"),
    index("ix_reminders_invoice", "invoice_id", "target_date"),
    index("ix_reminders_due", "coalesce(moved_to, target_date)", "invoice_id", where="status = 'scheduled'"),
)

# Each version of a template is a separate row, so that sent messages can be shown as they were written.
reminder_templates = clinic_table(
    "reminder_templates",
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    *refers("created_by", "users", nullable=True),
    UniqueConstraint("clinic_id", "name", "version"),
)

# No two active policies have the same kind of payer and facility, so that at most one policy applies to an invoice.
reminder_policies = clinic_table(
    "reminder_policies",
    Column("name", Text, nullable=False),
    Column("payer_kind", Text),
    *refers("facility_id", "facilities", nullable=True),
    *refers("billing_lead_id", "users", nullable=True),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    UniqueConstraint("clinic_id", "name"),
    one_of("payer_kind", PayerKind),
    index("uq_reminder_policies_reach", "payer_kind", "facility_id", where="active", unique=True),
)

reminder_levels = clinic_table(
    "reminder_levels",
    *refers("policy_id", "reminder_policies"),
    Column("level", Integer, nullable=False),
    Column("after_days", Integer, nullable=False),
    Column("in_status", Text, nullable=False),
    *refers("template_id", "reminder_templates"),
    Column("recipient", Text, nullable=False),
    Column("recipient_address", Text),
    Column("copy_to", Text),
    Column("copy_address", Text),
    money("minimum_balance", nullable=True),
    Column("repeat_days", Integer),
    Column("repeat_times", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("clinic_id", "policy_id", "level"),
    one_of("in_status", REMINDED_IN),
    one_of("recipient", ReminderRecipient),
    one_of("copy_to", ReminderRecipient),
    CheckConstraint("(recipient = 'address') = (recipient_address is not null)", name="recipient_is_somebody"),
    CheckConstraint(
        "(copy_to is not distinct from 'address') = (copy_address is not null)", name="copy_is_for_somebody"
    ),
    CheckConstraint(
        "after_days >= 0 and repeat_times >= 0 and (repeat_times = 0 or repeat_days > 0)", name="days_pass"
    ),
)

# Reminders are sent in a clinic in which somebody has seen a dry run and confirmed it: while a row has not ended.
reminder_confirmations = clinic_table(
    "reminder_confirmations",
    # Null for a clinic that sent reminders before there were confirmations.
    *refers("confirmed_by", "users", nullable=True),
    moment("confirmed_at"),
    # What the dry run showed.
    Column("day", Date, nullable=False),
    Column("message_count", Integer, nullable=False),
    Column("invoice_count", Integer, nullable=False),
    *refers("ended_by", "users", nullable=True),
    moment("ended_at", nullable=True),
    index("uq_reminder_confirmations_in_force", where="ended_at is null", unique=True),
)

# The suppression list: no message goes to these addresses, in lower case, until staff remove them.
suppressed_addresses = clinic_table(
    "suppressed_addresses",
    words("email"),
    Column("reason", Text),
    *refers("added_by", "users", nullable=True),
    moment("added_at"),
    *refers("removed_by", "users", nullable=True),
    moment("removed_at", nullable=True),
    CheckConstraint("email = lower(email)", name="email_lower"),
    index("uq_suppressed_addresses_in_force", "email", where="removed_at is null", unique=True),
)

# A message is queued until the mail server has accepted it for all recipients, or has refused it permanently.
outbound_messages = clinic_table(
    "outbound_messages",
    Column("recipient", Text, nullable=False),
    Column("copy_to", Text),
    Column("subject", Text, nullable=False),
    Column("body", Text),
    Column("status", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    moment("sent_at", nullable=True),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("accepted_for", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("failure", Text),
    # The issued document that it sends, attached or by a link; null for reminders.
    *refers("issued_document_id", "issued_documents", nullable=True),
    Column("attaches_document", Boolean, nullable=False, server_default=text("false")),
    one_of("status", MessageStatus),
    index("ix_outbound_messages_queued", "next_attempt_at", where="status = 'queued'"),
    index("ix_outbound_messages_due", "due_on", "id"),
    index("ix_outbound_messages_issued_document", "issued_document_id", where="issued_document_id is not null"),
    index("ix_outbound_messages_failed", "due_on", "id", where="status = 'failed'"),
)

# The invoices of a message and their levels: one message per policy, level, invoice and repetition for each time that the invoice
# entered its status (the day from which the level counted), by constraint. Messages of earlier releases have no such day.
message_invoices = clinic_table(
    "message_invoices",
    *refers("message_id", "outbound_messages"),
    *refers("invoice_id", "invoices"),
    *refers("policy_id", "reminder_policies"),
    Column("level", Integer, nullable=False),
    *refers("template_id", "reminder_templates"),
    Column("repetition", Integer, nullable=False, server_default=text("0")),
    Column("counted_from", Date),
    UniqueConstraint(
        *("clinic_id", "policy_id", "level", "invoice_id", "repetition", "counted_from"),
        name="uq_message_invoices_repetition",
        postgresql_nulls_not_distinct=True,
    ),
    index("ix_message_invoices_invoice", "invoice_id"),
    index("ix_message_invoices_message", "message_id"),
)
