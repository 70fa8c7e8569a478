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
class Oracle:
    """The reminders sent so far; `policies` are (kind of payer or None, levels), the more specific first."""

    policies: list[tuple[str | None, list[dict[str, Any]]]]
    lead: str
    sent: set[tuple[int, int, Any, int]] = field(default_factory=set)

    def expected(self, today: date, facts: dict[str, list[Any]]) -> Expected:
        """The reminders of a day: (recipient, copy) → the invoices with their levels."""
        reminders: Expected = defaultdict(set)
        payers = {payer["id"]: payer for payer in facts["payers"]}
        for invoice in facts["invoices"]:
            payer = payers[invoice["payer_id"]]
            since = invoice["agreed_on"] if invoice["status"] == "pending_cheque" else invoice["submitted_on"]
            if since is None or self._is_on_hold(invoice, today, facts):
                continue
            number, levels = next(
                (n, levels) for n, (kind, levels) in enumerate(self.policies) if kind in (None, payer["kind"])
            )
            for position in range(len(levels), 0, -1):
                level = levels[position - 1]
                overdue_days = (today - since).days - level["after_days"]
                reaches_minimum = invoice["balance"] >= (level.get("minimum_balance") or 0)
                if level["in_status"] == invoice["status"] and overdue_days >= 0 and reaches_minimum:
                    times = level.get("repeat_times", 0)
                    reminder = (
                        number,
                        position,
                        invoice["id"],
                        min(times, overdue_days // level["repeat_days"]) if times else 0,
                    )
                    if reminder not in self.sent:
                        self.sent.add(reminder)
                        reminders[self._addresses(level, invoice, payer, facts)].add((position, invoice["number"]))
                    break
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
