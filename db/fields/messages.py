"""The SQL of messages to payers, of their templates, and of reminder policies (dunning schedules)."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Date, Text, Uuid, and_, any_, case, func, not_

from db import tables
from db.fields.base import (
    Expression,
    Filter,
    Many,
    One,
    Order,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
    there_is,
)
from db.fields.parties import TEXTS
from db.global_ids import id_expression
from db.row import Row


def _is_newest(t: Row) -> Expression:
    later = t.scope.row(tables.reminder_templates)
    return not_(there_is(later, and_(same_clinic(t, later), later.name == t.name, later.version > t.version)))


def _of_message(column: str) -> Callable[[Row, Any], Expression]:
    """That a message refers to the invoice, or belongs to the policy, with that id."""

    def joined(m: Row, wanted: Any) -> Expression:
        link = m.scope.row(tables.message_invoices)
        return there_is(link, and_(same_clinic(m, link), link.message_id == m.id, getattr(link, column) == wanted))

    return joined


REMINDER_TEMPLATE = View(
    tables.reminder_templates,
    {
        "id": lambda t: id_expression("ReminderTemplate", t.id),
        **plain("name", "version", "subject", "body"),
        "createdBy": One("User", by_id("created_by")),
        "createdAt": lambda t: t.recorded_at,
    },
    order=Order(lambda t: t.name, Text()),
    listed_as="reminderTemplates",
    whole=True,
    top=_is_newest,
)

REMINDER_POLICY = View(
    tables.reminder_policies,
    {
        "id": lambda p: id_expression("ReminderPolicy", p.id),
        **plain("name", "active"),
        "payerKind": name_of("payer_kind"),
        "facility": One("Facility", by_id("facility_id")),
        "billingLead": One("User", by_id("billing_lead_id")),
        "levels": Many("ReminderLevel", owned("policy_id"), lambda level: [level.level]),
    },
    order=Order(lambda p: p.name, Text()),
    listed_as="reminderPolicies",
    whole=True,
)

REMINDER_CONFIRMATION = View(
    tables.reminder_confirmations,
    {
        "id": lambda c: id_expression("ReminderConfirmation", c.id),
        **plain("confirmed_at", "message_count", "invoice_count", "ended_at", dryRunOn="day"),
        "confirmedBy": One("User", by_id("confirmed_by")),
        "endedBy": One("User", by_id("ended_by")),
    },
    order=Order(lambda c: c.id, Uuid(), descending=True),
    listed_as="reminderConfirmations",
    whole=True,
)

SUPPRESSED_ADDRESS = View(
    tables.suppressed_addresses,
    {
        "id": lambda a: id_expression("SuppressedAddress", a.id),
        **plain("email", "reason", "added_at", "removed_at"),
        "addedBy": One("User", by_id("added_by")),
        "removedBy": One("User", by_id("removed_by")),
    },
    order=Order(lambda a: a.id, Uuid(), descending=True),
    listed_as="suppressedAddresses",
)

REMINDER_LEVEL = View(
    tables.reminder_levels,
    {
        **plain("level", "after_days", "recipient_address", "copy_address", "repeat_days", "repeat_times"),
        **amounts("minimum_balance"),
        "inStatus": name_of("in_status"),
        "recipient": name_of("recipient"),
        "copyTo": name_of("copy_to"),
        "template": One("ReminderTemplate", by_id("template_id")),
    },
)

OUTBOUND_MESSAGE = View(
    tables.outbound_messages,
    {
        "id": lambda m: id_expression("OutboundMessage", m.id),
        **plain("recipient", "copy_to", "subject", "body", "due_on", "sent_at", "attempts", "failure"),
        "status": name_of("status"),
        "nextAttemptAt": lambda m: case((m.status == "queued", m.next_attempt_at)),
        "invoices": Many("MessageInvoice", owned("message_id"), lambda link: [link.level.desc(), link.id]),
    },
    {
        "status": Filter(lambda m, wanted: m.status == any_(wanted), TEXTS),
        "recipient": Filter(lambda m, address: func.lower(m.recipient) == func.lower(address), Text()),
        "invoiceId": Filter(_of_message("invoice_id"), Uuid()),
        "reminderPolicyId": Filter(_of_message("policy_id"), Uuid()),
        "dueFrom": Filter(lambda m, day: m.due_on >= day, Date()),
        "dueTo": Filter(lambda m, day: m.due_on <= day, Date()),
    },
    order=Order(lambda m: m.due_on, Date(), descending=True),
    listed_as="outboundMessages",
)

MESSAGE_INVOICE = View(
    tables.message_invoices,
    {
        **plain("level", "repetition"),
        "invoice": One("Invoice", by_id("invoice_id")),
        "policy": One("ReminderPolicy", by_id("policy_id")),
        "template": One("ReminderTemplate", by_id("template_id")),
    },
)
