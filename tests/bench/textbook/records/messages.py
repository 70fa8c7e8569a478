"""The resolvers of the textbook for messages to payers, and for their templates and reminder policies (dunning schedules)."""

from datetime import date
from typing import Any
from uuid import UUID

from tests.bench.textbook.fields import Args, Fields, listing, one
from tests.bench.textbook.models import (
    Facility,
    Invoice,
    MessageInvoice,
    OutboundMessage,
    ReminderConfirmation,
    ReminderLevel,
    ReminderPolicy,
    ReminderTemplate,
    SuppressedAddress,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


async def _newest(records: Records, source: Any, args: Args) -> list[Any]:
    newest: dict[str, Any] = {}
    for template in sorted(await records.all(ReminderTemplate), key=lambda one: one.version):
        newest[template.name] = template
    return sorted(newest.values(), key=lambda one: (one.name, one.id))


async def _policies(records: Records, source: Any, args: Args) -> list[Any]:
    return sorted(await records.all(ReminderPolicy), key=lambda policy: (policy.name, policy.id))


async def _levels(records: Records, policy: Any, args: Args) -> list[Any]:
    return sorted(await records.many(ReminderLevel, "policy_id", policy.id), key=lambda level: level.level)


def _word(column: str) -> Any:
    async def resolve(records: Records, source: Any, args: Args) -> Any:
        value = getattr(source, column)
        return value and value.upper()

    return resolve


async def _next_attempt(records: Records, message: Any, args: Args) -> Any:
    return message.next_attempt_at if message.status == "queued" else None


async def _written_at(records: Records, template: Any, args: Args) -> Any:
    return template.recorded_at


async def _links(records: Records, message: Any, args: Args) -> list[Any]:
    found = await records.many(MessageInvoice, "message_id", message.id)
    return sorted(found, key=lambda link: (-link.level, link.id))


async def _fits(records: Records, message: Any, wanted: Args) -> bool:
    if "status" in wanted and message.status.upper() not in wanted["status"]:
        return False
    if "recipient" in wanted and message.recipient.lower() != wanted["recipient"].lower():
        return False
    for name, column, kind in (
        ("invoiceId", "invoice_id", "Invoice"),
        ("reminderPolicyId", "policy_id", "ReminderPolicy"),
    ):
        links = await _links(records, message, {}) if name in wanted else []
        if name in wanted and not any(is_among([wanted[name]], kind, getattr(link, column)) for link in links):
            return False
    if "dueFrom" in wanted and message.due_on < date.fromisoformat(wanted["dueFrom"]):
        return False
    return "dueTo" not in wanted or not message.due_on > date.fromisoformat(wanted["dueTo"])


async def _confirmations(records: Records, source: Any, args: Args) -> list[Any]:
    return sorted(await records.all(ReminderConfirmation), key=lambda confirmation: confirmation.id, reverse=True)


async def _day(records: Records, confirmation: Any, args: Args) -> Any:
    return confirmation.day


async def _every(records: Records, row: Any, wanted: Args) -> bool:
    return True


def _newest_address_first(records: Records, args: Args) -> Sorting:
    return Sorting("SuppressedAddress.DEFAULT", lambda entry: entry.id, UUID, descending=True)


def _latest_first(records: Records, args: Args) -> Sorting:
    return Sorting("OutboundMessage.DEFAULT", lambda message: message.due_on, date, descending=True)


MESSAGE_FIELDS: Fields = {
    "Query.reminderTemplates": _newest,
    "Query.reminderPolicies": _policies,
    "Query.outboundMessages": listing(OutboundMessage, _fits, _latest_first),
    "Query.reminderConfirmations": _confirmations,
    "Query.suppressedAddresses": listing(SuppressedAddress, _every, _newest_address_first),
    "ReminderConfirmation.confirmedBy": one(User, "confirmed_by"),
    "ReminderConfirmation.endedBy": one(User, "ended_by"),
    "ReminderConfirmation.dryRunOn": _day,
    "SuppressedAddress.addedBy": one(User, "added_by"),
    "SuppressedAddress.removedBy": one(User, "removed_by"),
    "ReminderTemplate.createdBy": one(User, "created_by"),
    "ReminderTemplate.createdAt": _written_at,
    "ReminderPolicy.facility": one(Facility, "facility_id"),
    "ReminderPolicy.billingLead": one(User, "billing_lead_id"),
    "ReminderPolicy.levels": _levels,
    "ReminderLevel.template": one(ReminderTemplate, "template_id"),
    **{
        f"ReminderLevel.{name}": _word(column)
        for name, column in {"inStatus": "in_status", "copyTo": "copy_to"}.items()
    },
    "ReminderLevel.recipient": _word("recipient"),
    "ReminderPolicy.payerKind": _word("payer_kind"),
    "OutboundMessage.nextAttemptAt": _next_attempt,
    "OutboundMessage.invoices": _links,
    "MessageInvoice.invoice": one(Invoice, "invoice_id"),
    "MessageInvoice.policy": one(ReminderPolicy, "policy_id"),
    "MessageInvoice.template": one(ReminderTemplate, "template_id"),
}
