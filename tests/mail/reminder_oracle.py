"""A second opinion on which payers are told what on which day, worked out in the plainest way from the rows and nothing of the project."""

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
    """What was sent so far; `policies` are (kind of payer or None, levels), the more special first."""

    policies: list[tuple[str | None, list[dict[str, Any]]]]
    lead: str
    sent: set[tuple[int, int, Any, int]] = field(default_factory=set)

    def expected(self, today: date, facts: dict[str, list[Any]]) -> Expected:
        """What a worker that runs on a day sends: to whom, with a copy to whom, and of which invoices at which level."""
        letters: Expected = defaultdict(set)
        payers = {payer["id"]: payer for payer in facts["payers"]}
        for invoice in facts["invoices"]:
            payer = payers[invoice["payer_id"]]
            since = invoice["agreed_on"] if invoice["status"] == "pending_cheque" else invoice["submitted_on"]
            if since is None or self._is_quiet(invoice, today, facts):
                continue
            number, levels = next(
                (n, levels) for n, (kind, levels) in enumerate(self.policies) if kind in (None, payer["kind"])
            )
            for place in range(len(levels), 0, -1):
                level = levels[place - 1]
                late = (today - since).days - level["after_days"]
                enough = invoice["balance"] >= (level.get("minimum_balance") or 0)
                if level["in_status"] == invoice["status"] and late >= 0 and enough:
                    times = level.get("repeat_times", 0)
                    turn = (number, place, invoice["id"], min(times, late // level["repeat_days"]) if times else 0)
                    if turn not in self.sent:
                        self.sent.add(turn)
                        letters[self._addresses(level, invoice, payer, facts)].add((place, invoice["number"]))
                    break
        return letters

    def _is_quiet(self, invoice: Any, today: date, facts: dict[str, list[Any]]) -> bool:
        held = any(
            hold["until_on"] >= today
            and (
                hold["invoice_id"] == invoice["id"]
                or hold["case_id"] == invoice["case_id"]
                or hold["payer_id"] == invoice["payer_id"]
            )
            for hold in facts["holds"]
        )
        offered = [offer["expires_on"] for offer in facts["offers"] if offer["invoice_id"] == invoice["id"]]
        return held or any(day is None or day > today - timedelta(days=1) for day in offered)

    def _addresses(
        self, level: dict[str, Any], invoice: Any, payer: Any, facts: dict[str, list[Any]]
    ) -> tuple[str, str]:
        lawyers = {one["id"]: one["email"] for one in facts["attorneys"]}
        known = {
            None: "",
            "payer": payer["reached_at"],
            "attorney": lawyers.get(invoice["attorney_id"]),
            "billing_lead": self.lead,
        }
        to = known[level["recipient"]] or ""
        return to, (known[level.get("copy_to")] or "") if to else payer["name"]
