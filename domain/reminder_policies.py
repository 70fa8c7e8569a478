"""Decides which levels a reminder policy may have: when each is due, whom it writes to, and how often it is repeated."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import InvalidInput
from domain.reminders import REMINDED_IN, ReminderRecipient
from domain.texts import EMAIL, said

MOST_LEVELS, LONGEST_DAYS, MOST_REPETITIONS = 20, 3_650, 365
_WHO = {"recipient": "recipient_address", "copy_to": "copy_address"}


def check_levels(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The levels as they are kept, the first of them level 1; InvalidInput names the level and the field that is wrong."""
    if not 1 <= len(levels) <= MOST_LEVELS:
        raise InvalidInput(f"A policy has 1 to {MOST_LEVELS} levels", ("levels",))
    latest: dict[Any, int] = {}
    kept = []
    for place, level in enumerate(levels):
        path = ("levels", str(place))
        if level["in_status"] not in REMINDED_IN:
            raise InvalidInput("Payers are reminded of open invoices alone", (*path, "in_status"))
        _check_days(level, path)
        if level["after_days"] <= latest.get(level["in_status"], -1):
            raise InvalidInput("A level is due later than the one before it", (*path, "after_days"))
        latest[level["in_status"]] = level["after_days"]
        kept.append({**_row(level, path), "level": place + 1})
    return kept


def _check_days(level: Mapping[str, Any], path: tuple[str, ...]) -> None:
    days, times = level.get("repeat_days"), level.get("repeat_times") or 0
    if not 0 <= level["after_days"] <= LONGEST_DAYS:
        raise InvalidInput(f"This is a number of days from 0 to {LONGEST_DAYS:,}", (*path, "after_days"))
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"This is a number of days from 1 to {LONGEST_DAYS:,}", (*path, "repeat_days"))
    if not 0 <= times <= MOST_REPETITIONS:
        raise InvalidInput(f"A level is repeated at most {MOST_REPETITIONS} times", (*path, "repeat_times"))
    if times and days is None:
        raise InvalidInput("Say after how many days it is repeated", (*path, "repeat_days"))
    balance = level.get("minimum_balance")
    if balance is not None and balance < 0:
        raise InvalidInput("The least balance is not negative", (*path, "minimum_balance"))


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
            address = said(level, where, EMAIL)
        except InvalidInput as error:
            raise InvalidInput(error.message, (*path, where)) from error
        if (whom is ReminderRecipient.ADDRESS) != (address is not None):
            words = "Say the e-mail address" if address is None else "An address goes with ADDRESS alone"
            raise InvalidInput(words, (*path, where))
        row |= {who: whom.value if whom else None, where: address}
    return row


def names_lead(levels: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the levels writes to the billing lead."""
    return any(level.get(who) is ReminderRecipient.BILLING_LEAD for level in levels for who in _WHO)
