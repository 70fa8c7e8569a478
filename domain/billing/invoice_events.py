"""The changed values of an event in an invoice's history: fields by their API names, values as text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.api_names import camel
from domain.billing.money import format_money

Change = Mapping[str, Any]
# An event has its statuses itself.
_STATUSES = frozenset({"status", "open_status"})


def change_of(column: str, before: Any, after: Any) -> Change:
    """One changed value: the field by its API name, both values as text (null: none); money as in the API."""
    return {"field": camel(column), "before": _text(before), "after": _text(after)}


def changes_of(before: Mapping[str, Any], changed: Mapping[str, Any], reason: str | None) -> list[Change]:
    """The changes of a transition: the changed columns of the invoice but its status, and the reason if there is one."""
    found = [change_of(column, before[column], value) for column, value in changed.items() if column not in _STATUSES]
    return [*found, change_of("reason", None, reason)] if (reason or "").strip() else found


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return format_money(value) if isinstance(value, Decimal) else str(value)
