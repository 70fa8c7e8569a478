"""The default reminder templates and the default reminder policy (dunning schedule) of a new clinic."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from domain.reminders.defaults import LEVELS, POLICY_NAME, TEMPLATES
from domain.reminders.reminders import ReminderRecipient

Row = dict[str, Any]


def default_reminders(record: Callable[[], Row], lead_id: UUID | None) -> Iterator[tuple[str, Row]]:
    """Table and row of each template, of the policy and of its levels; `record` adds the columns that every row has.

    Without a billing lead there are no copies, and the policy is inactive until it is switched on.
    """
    templates = {}
    for name, (subject, body) in TEMPLATES.items():
        row = {**record(), "name": name, "version": 1, "subject": subject, "body": body}
        templates[name] = row["id"]
        yield "reminder_templates", row
    policy = {**record(), "name": POLICY_NAME, "billing_lead_id": lead_id, "active": lead_id is not None}
    yield "reminder_policies", policy
    for number, level in enumerate(LEVELS, 1):
        copy_to = None if level.copy_to is ReminderRecipient.BILLING_LEAD and lead_id is None else level.copy_to
        yield (
            "reminder_levels",
            {
                **record(),
                "policy_id": policy["id"],
                "level": number,
                "after_days": level.after_days,
                "in_status": level.in_status.value,
                "template_id": templates[level.template],
                "recipient": ReminderRecipient.PAYER.value,
                "copy_to": copy_to.value if copy_to else None,
                "repeat_days": level.repeat_days,
                "repeat_times": level.repeat_times,
            },
        )
