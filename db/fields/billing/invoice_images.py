"""The SQL of the filters of invoices over what an invoice was before a transaction (db/tables/invoice_images.py)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import func, not_, or_

from db import tables
from db.fields.base import Expression, View, there_is
from db.fields.billing.invoices import FILTERS
from db.fields.parties import patients_found, starts_with
from db.row import Row


def _search(i: Row, text: Expression) -> Expression:
    """As of invoices, but that the row itself is searched, which no longer has to be what the invoice is."""
    c = i.scope.row(tables.cases)
    of_case = there_is(c, (c.clinic_id == i.scope.clinic_id) & (c.id == i.case_id) & starts_with(c.number_key, text))
    of_patient = i.stored("patient_id").in_(patients_found(i.scope, text))
    return or_(starts_with(i.number, func.upper(text)), of_case, of_patient)


def _has_due_reminder(i: Row, wanted: bool) -> Expression:
    is_due = func.coalesce(i.reminder_due_on <= i.scope.today, False)
    return is_due if wanted else not_(is_due)


def _on_hold(i: Row, wanted: bool) -> Expression:
    is_held = func.coalesce(i.held_until >= i.scope.today, False)
    return is_held if wanted else not_(is_held)


def _denied(i: Row, wanted: bool) -> Expression:
    is_denied = func.cardinality(i.denial_statuses) > 0
    return is_denied if wanted else not_(is_denied)


def _has_denial_of(i: Row, wanted: Expression) -> Expression:
    return i.denial_statuses.op("&&", is_comparison=True)(wanted)


# The conditions of these filters are asked of other tables where the invoice is read as it is.
_OWN: dict[str, Callable[[Row, Any], Expression]] = {
    "search": _search,
    "hasDueReminder": _has_due_reminder,
    "denied": _denied,
    "denialStatus": _has_denial_of,
    "onHold": _on_hold,
}
IMAGE = View(
    tables.invoice_images,
    {},
    # What the day decides is not asked of what was: work lists.
    {
        name: replace(choice, narrow=_OWN.get(name, choice.narrow))
        for name, choice in FILTERS.items()
        if name != "worklist"
    },
    filter_type="InvoiceFilter",
)


def taken_before(i: Row, change: Expression, identity: Expression) -> list[Expression]:
    """The conditions for the image of an invoice that was taken before one transaction."""
    return [i.clinic_id == i.scope.clinic_id, i.change_id == change, i.id == identity]
