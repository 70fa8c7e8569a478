"""The SQL of holds, reminders and action items, and the condition that a hold is in force."""

from sqlalchemy import Date, Uuid, and_, func, or_

from db import tables
from db.action_items import action_items
from db.fields.base import Expression, Filter, One, Order, View, by_id, name_of, plain, same_clinic
from db.global_ids import id_expression
from db.row import Row


def in_force(h: Row) -> Expression:
    """That a hold was not released and its last day has not passed."""
    return and_(*h.scope.known(h), h.scope.lasting(h.released_at), h.until_on >= h.scope.today)


def hold_over(i: Row, h: Row) -> Expression:
    """That a hold stops the reminders of an invoice: a hold on the invoice, its case or its payer."""
    held = or_(h.invoice_id == i.id, h.case_id == i.case_id, h.refers("payer_id", i.stored("payer_id")))
    return and_(same_clinic(i, h), held, in_force(h))


def due_on(r: Row) -> Expression:
    """The day from which a reminder is an action item."""
    return func.coalesce(r.moved_to, r.target_date)


HOLD = View(
    tables.holds,
    {
        "id": lambda h: id_expression("Hold", h.id),
        **plain("until_on", "reason", "placed_at", "released_at"),
        "placedBy": One("User", by_id("placed_by")),
    },
)

ACTION_ITEM = View(
    action_items,
    {
        "id": lambda a: id_expression("ActionItem", a.id),
        **plain("due_on", "subject"),
        "kind": name_of("kind"),
        "assignee": One("User", by_id("assignee_id")),
        "reminder": One("Reminder", by_id("reminder_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "cheque": One("Cheque", by_id("cheque_id")),
        "encounter": One("Encounter", by_id("encounter_id")),
        "remittance": One("Remittance", by_id("remittance_id")),
        "document": One("IssuedDocument", by_id("document_id")),
        "recoupmentRequest": One("RecoupmentRequest", by_id("recoupment_request_id")),
    },
    {
        "asOf": Filter(lambda a, day: a.due_on <= day, Date()),
        "assigneeId": Filter(lambda a, who: a.assignee_id == who, Uuid()),
    },
    order=Order(lambda a: a.due_on, Date()),
    listed_as="actionItems",
    fallback={"asOf": lambda a: a.due_on <= a.scope.today},
)

REMINDER = View(
    tables.reminders,
    {
        "id": lambda r: id_expression("Reminder", r.id),
        **plain("target_date", "subject", "notes", "outcome", "created_at", "closed_at"),
        "dueOn": due_on,
        "status": name_of("status"),
        "assignee": One("User", by_id("assignee_id")),
        "createdBy": One("User", by_id("created_by")),
        "invoice": One("Invoice", by_id("invoice_id")),
    },
)
