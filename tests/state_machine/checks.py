"""What must be true after each phase: every law holds, and every step that was answered as done is in the records once."""

from collections import Counter
from dataclasses import dataclass

from server.database_urls import DatabaseUrls
from tests.api.billing.test_machine import breaches
from tests.state_machine.steps import TRANSITION_NAMES, Step
from tests.support.api.records import uuid_of
from tests.support.databases import rows

_EVENTS = "select transition, count(*) from invoice_events group by 1"
_KEYS = "select key, result_id from idempotency_keys"
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
# What only the step for a former firm does to an invoice; one that replaces another begins with a copy of its responsibilities.
_BY_FORMER_FIRM = """select (select count(*) from responsibilities r join invoices i on (i.clinic_id, i.id) = (r.clinic_id, r.invoice_id)
        where r.reason = 'representation_ended' and r.recorded_at > i.recorded_at)
    + (select count(*) from invoice_events where transition = 'change_payer' and changes::text like '%The former firm%')"""
# Who treats in a case: whoever has a visit or an invoice of it, and nobody else.
_TREATING = """(select clinic_id, physician_id, case_id from encounters
        union select clinic_id, physician_id, case_id from invoices where physician_id is not null)
    {} select clinic_id, physician_id, case_id from treating_physicians"""
# The steps of denials; an invoice that replaces another begins with a copy of them.
_STEPS = """select count(*) from denial_events e join denials d on (d.clinic_id, d.id) = (e.clinic_id, e.denial_id)
    join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id)
    where not (i.replaces_id is not null and e.recorded_at = i.recorded_at)"""
# The payments with which remittances came, however often each was corrected.
_PAYMENTS = "payments of remittances"
_ROWS = {
    "record_cheque": "select count(*) from cheques where corrects_id is null and not is_remitted",
    _PAYMENTS: "select count(*) from cheques where corrects_id is null and is_remitted",
    "return_cheque": "select count(*) from cheques where returned_on is not null and corrected_at is null",
    "correct_cheque": "select count(*) from cheques where corrects_id is not null",
    # What a later payment took back of one that is corrected is moved with it.
    "move_allocation": """select count(*) from cheque_allocations r join cheque_allocations a on (a.clinic_id, a.id)
        = (r.clinic_id, r.reverses_id) where r.reversal_kind = 'moved' and a.reverses_id is null""",
    "refund_cheque": "select count(*) from refunds where reverses_id is null and carries_id is null",
    "return_refund": "select count(*) from refunds where reversal_kind = 'returned'",
    "cover_refund": "select count(*) from refunds where reversal_kind = 'moved'",
    "give_up_refund": "select count(*) from provider_adjustments where code = 'LOSS' and reverses_id is null and carries_id is null",
    "record_recoupment_request": "select count(*) from recoupment_requests",
    "answer_recoupment_request": "select count(*) from recoupment_answers where step <> 'reopening'",
    "create_deposit": "select count(*) from deposits",
    "create_case": "select count(*) from cases",
    "add_coverage": "select count(*) from coverages",
    "merge_payers": "select count(*) from merges",
    "undo_merge": "select count(*) from merges where undone_at is not null",
    "record_encounter": "select count(*) from encounters",
    "cancel_encounter": "select count(*) from encounter_events where action = 'cancel_encounter'",
    "schedule_reminder": "select count(*) from reminders",
    "settle_case": "select count(*) from case_events where action = 'settle_case'",
    "close_case": "select count(*) from case_events where action = 'close_case'",
    "reopen_case": "select count(*) from case_events where action = 'reopen_case'",
    "appeal_denial": f"{_STEPS} and e.status = 'appealed'",
    "close_denial": f"{_STEPS} and e.status <> 'appealed'",
    "verify_coverage": "select count(*) from coverage_events where action = 'verified'",
    "close_coverage": "select count(*) from coverage_events where action in ('exhausted', 'refused', 'closed')",
}
_POSTED_PAYMENTS = "select count(*) from remittance_payments where posted_at is not null and not is_attached"
# One event for each step of these, and in no other step.
_ONCE = frozenset(TRANSITION_NAMES) - {
    *("record_cheque", "allocate_cheque", "return_cheque", "settle_case", "close_case", "reopen_case"),
    *("correct_cheque", "move_allocation", "post_remittance"),
    *("lapse_agreement", "revive_agreement", "change_payer", "transfer_balance"),
}


@dataclass
class Records:
    """The number of rows and events before the first step, with the breaches that the test data has."""

    address: DatabaseUrls
    known_breaches: set[tuple[str, str]]
    counts: Counter[str]

    @classmethod
    def of(cls, address: DatabaseUrls) -> "Records":
        """The records as they are now."""
        return cls(address, breaches(address), _counted(address))

    def events(self, transition: str) -> int:
        """How many events of a transition there are since then."""
        return _counted(self.address)[f"event {transition}"] - self.counts[f"event {transition}"]

    def faults(self, steps: list[Step]) -> list[str]:
        """What is not as it must be after some steps, in sentences."""
        broken = breaches(self.address) - self.known_breaches
        found = [f"the law is broken: {words} ({identity})" for words, identity in sorted(broken)]
        found += [f"{word}: {count}" for word, count in self._deadlocks()]
        found += [
            f"the physicians who treat in a case are not kept: {len(wrong)}"
            for word in ("except", "")
            if (wrong := self._treating(word))
        ]
        return [*found, *self._keys(steps), *self._counts(steps)]

    def _deadlocks(self) -> list[tuple[str, int]]:
        (count,) = rows(self.address, _DEADLOCKS)[0]
        return [("deadlocks", count)] if count else []

    def _treating(self, word: str) -> list[object]:
        if word:
            return list(rows(self.address, _TREATING.format("except")))
        known = "select clinic_id, physician_id, case_id from treating_physicians except "
        return list(rows(self.address, known + _TREATING.split("{}", maxsplit=1)[0]))

    def _keys(self, steps: list[Step]) -> list[str]:
        """Every step that is done has its key with its record, and no other step has one."""
        kept = {row["key"]: row["result_id"] for row in rows(self.address, _KEYS)}
        found = []
        for step in steps:
            wanted = None if step.record is None else uuid_of(step.record)
            if kept.get(step.key) != wanted:
                found.append(
                    f"{step.name} {step.key} was answered {wanted or step.refusal}, and kept as {kept.get(step.key)}"
                )
        return found

    def _counts(self, steps: list[Step]) -> list[str]:
        now = _counted(self.address)
        done = Counter(step.name for step in steps if step.record is not None)
        wanted = {f"event {name}": done[name] for name in _ONCE} | {name: done[name] for name in _ROWS}
        wanted["event create_invoice"] = done["create_invoice"] + done["replace_invoice"]
        # A step may post several claims of a remittance, or none; each payment that it posts is recorded, or was before.
        wanted["event post_remittance"] = sum(step.posted for step in steps)
        wanted[_PAYMENTS] = now["posted payments"] - self.counts["posted payments"]
        moved = "event change_payer", "event transfer_balance"
        found = {name: now[name] - self.counts[name] for name in wanted}
        wanted["moved"] = done["change_payer"] + done["transfer_balance"] + now["moved"] - self.counts["moved"]
        found["moved"] = sum(now[name] - self.counts[name] for name in moved)
        return [
            f"{name}: {wanted[name]} were answered, {found[name]} are kept"
            for name in wanted
            if found[name] != wanted[name]
        ]


def _counted(address: DatabaseUrls) -> Counter[str]:
    counts: Counter[str] = Counter({f"event {row['transition']}": row["count"] for row in rows(address, _EVENTS)})
    counts |= Counter({name: rows(address, query)[0][0] for name, query in _ROWS.items()})
    counts["posted payments"] = rows(address, _POSTED_PAYMENTS)[0][0]
    counts["moved"] = rows(address, _BY_FORMER_FIRM)[0][0]
    return counts
