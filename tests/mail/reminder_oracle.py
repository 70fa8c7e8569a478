"""The test oracle for dunning: which payers get which reminders on a day, computed from the rows without any code of the product."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

FACTS = {
    "invoices": "select * from invoices where facility_id = $1 and status like 'pending%'",
    "payers": "select p.*, coalesce(p.email, a.email) as reached_at from payers p left join attorneys a on a.id = p.attorney_id",
    "attorneys": "select * from attorneys",
    "holds": "select * from holds where released_at is null",
    "offers": "select * from reduction_offers where status = 'open'",
}
Expected = dict[tuple[str, str], set[tuple[int, str]]]


@dataclass
class _Sent:
    """The last level sent about an invoice: the days of its first and its last message, and whether that one failed."""

    level: int
    repetition: int
    first_on: date
    last_on: date
    has_failed: bool


@dataclass
class Oracle:
    """The reminders sent so far; `policies` are (kind of payer or None, levels), the more specific first."""

    policies: list[tuple[str | None, list[dict[str, Any]]]]
    lead: str
    # Invoice, status, and the day on which it entered it → what was sent since.
    sent: dict[tuple[Any, str, date], _Sent] = field(default_factory=dict)
    # How many reminders were sent altogether.
    count: int = 0

    def expected(self, today: date, facts: dict[str, list[Any]]) -> Expected:
        """The reminders of a day: (recipient, copy) → the invoices with their levels."""
        reminders: Expected = defaultdict(set)
        payers = {payer["id"]: payer for payer in facts["payers"]}
        for invoice in facts["invoices"]:
            payer = payers[invoice["payer_id"]]
            since = invoice["agreed_on"] if invoice["status"] == "pending_cheque" else invoice["submitted_on"]
            if since is None or self._is_on_hold(invoice, today, facts):
                continue
            levels = next(levels for kind, levels in self.policies if kind in (None, payer["kind"]))
            key = (invoice["id"], invoice["status"], since)
            found = _next_level(levels, invoice, since, today, self.sent.get(key))
            if found is None:
                continue
            level, repetition = found
            addresses = self._addresses(levels[level - 1], invoice, payer, facts)
            before = self.sent.get(key)
            first_on = before.first_on if before and repetition else today
            self.sent[key] = _Sent(level, repetition, first_on, today, has_failed=not addresses[0])
            self.count += 1
            reminders[addresses].add((level, invoice["number"]))
        return reminders

    def _is_on_hold(self, invoice: Any, today: date, facts: dict[str, list[Any]]) -> bool:
        has_hold = any(
            hold["until_on"] >= today
            and (
                hold["invoice_id"] == invoice["id"]
                or hold["case_id"] == invoice["case_id"]
                or hold["payer_id"] == invoice["payer_id"]
            )
            for hold in facts["holds"]
        )
        offer_expiries = [offer["expires_on"] for offer in facts["offers"] if offer["invoice_id"] == invoice["id"]]
        return has_hold or any(day is None or day > today - timedelta(days=1) for day in offer_expiries)

    def _addresses(
        self, level: dict[str, Any], invoice: Any, payer: Any, facts: dict[str, list[Any]]
    ) -> tuple[str, str]:
        attorney_emails = {attorney["id"]: attorney["email"] for attorney in facts["attorneys"]}
        addresses = {
            None: "",
            "payer": payer["reached_at"],
            "attorney": attorney_emails.get(invoice["attorney_id"]),
            "billing_lead": self.lead,
        }
        to = addresses[level["recipient"]] or ""
        return to, (addresses[level.get("copy_to")] or "") if to else payer["name"]


def _next_level(
    levels: list[dict[str, Any]], invoice: Any, since: date, today: date, sent: _Sent | None
) -> tuple[int, int] | None:
    """Level and repetition of the next reminder, if it is due: the first level first, then one after the other."""
    age = (today - since).days
    usable = [
        (number, level)
        for number, level in enumerate(levels, 1)
        if level["in_status"] == invoice["status"] and invoice["balance"] >= (level.get("minimum_balance") or 0)
    ]
    if sent is None:
        return next(((number, 0) for number, level in usable if age >= level["after_days"]), None)
    if sent.has_failed:
        return None
    since_first, since_last = (today - sent.first_on).days, (today - sent.last_on).days
    of_sent = levels[sent.level - 1]
    for number, level in usable:
        pause = level["after_days"] - of_sent["after_days"]
        if number > sent.level and age >= level["after_days"] and since_first >= pause:
            return number, 0
    may_repeat = any(number == sent.level for number, _ in usable) and sent.repetition < of_sent.get("repeat_times", 0)
    return (sent.level, sent.repetition + 1) if may_repeat and since_last >= of_sent["repeat_days"] else None
