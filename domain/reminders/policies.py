"""Checks the levels of a reminder policy (a dunning schedule): due days, recipients and repetitions."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InputReason, InvalidInput
from domain.reminders.reminders import REMINDED_IN, ReminderRecipient
from domain.texts import EMAIL, optional_text

MOST_LEVELS, LONGEST_DAYS, MOST_REPETITIONS = 20, 3_650, 365
_WHO = {"recipient": "recipient_address", "copy_to": "copy_address"}


def check_levels(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The levels as rows, numbered from 1; InvalidInput names the level and the field that is wrong."""
    if not 1 <= len(levels) <= MOST_LEVELS:
        raise InvalidInput(f"A policy has 1 to {MOST_LEVELS} levels", ("levels",))
    latest: dict[Any, int] = {}
    kept = []
    for place, level in enumerate(levels):
        path = ("levels", str(place))
        if level["in_status"] not in REMINDED_IN:
            raise InvalidInput("Reminders are sent for open invoices only", (*path, "in_status"))
        _check_days(level, path)
        if level["after_days"] <= latest.get(level["in_status"], -1):
            raise InvalidInput("A level must be due later than the level before it", (*path, "after_days"))
        latest[level["in_status"]] = level["after_days"]
        kept.append({**_row(level, path), "level": place + 1})
    return kept


def _check_days(level: Mapping[str, Any], path: tuple[str, ...]) -> None:
    days, times = level.get("repeat_days"), level.get("repeat_times") or 0
    if not 0 <= level["after_days"] <= LONGEST_DAYS:
        raise InvalidInput(f"The number of days must be 0 to {LONGEST_DAYS:,}", (*path, "after_days"))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"The number of days must be 1 to {LONGEST_DAYS:,}", (*path, "repeat_days"))
    if not 0 <= times <= MOST_REPETITIONS:
        raise InvalidInput(f"A level is repeated at most {MOST_REPETITIONS} times", (*path, "repeat_times"))
    if times and days is None:
        raise InvalidInput("Give the number of days between repetitions", (*path, "repeat_days"))
    balance = level.get("minimum_balance")
    if balance is not None and balance < 0:
        raise InvalidInput(
            "The minimum balance must not be negative", (*path, "minimum_balance"), InputReason.TOO_LOW, "0"
        )


def _row(level: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "after_days": level["after_days"],
        "in_status": level["in_status"].value,
        "template_id": level["reminder_template_id"],
        "minimum_balance": level.get("minimum_balance"),
        "repeat_days": level.get("repeat_days"),
        "repeat_times": level.get("repeat_times") or 0,
    }
    for who, where in _WHO.items():
        whom = level.get(who)
        try:
            address = optional_text(level, where, EMAIL)
        except InvalidInput as error:
            raise error.at(*path, where) from error
        if (whom is ReminderRecipient.ADDRESS) != (address is not None):
            words = "Give the e-mail address" if address is None else "An address is allowed with ADDRESS only"
            raise InvalidInput(words, (*path, where))
        row |= {who: whom.value if whom else None, where: address}
    return row


def names_lead(levels: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the levels sends to the billing lead."""
    return any(level.get(who) is ReminderRecipient.BILLING_LEAD for level in levels for who in _WHO)
