"""The rules about an invoice's history find violations: each rule is broken once, by hand."""

from pathlib import Path

import pytest

from tests.imports.database import Database
from tests.imports.history_rules import broken_rules

SMALL = Path(__file__).parent / "data" / "synthea"
_INVOICE_OF = "(select id from invoices where external_key = '{}')"
A1, B1, B2 = _INVOICE_OF.format("claim-a1"), _INVOICE_OF.format("claim-b1"), _INVOICE_OF.format("claim-b2")
CASE_A, CASE_B = (f"(select case_id from invoices where id = {claim})" for claim in (A1, B1))

VIOLATIONS = [
    ("billed is the sum of the lines", f"delete from invoice_lines where invoice_id = {B1}"),
    ("an amount is units times unit price", f"update invoice_lines set units = 2 where invoice_id = {B1}"),
    ("received is the sum of the allocations", f"delete from cheque_allocations where invoice_id = {B2}"),
    ("no cheque pays more than its amount", "update cheques set amount = 1 where number = 'row-12'"),
    (
        "a cheque pays invoices of its payer",
        "update cheques set payer_id = (select id from payers where name = 'First Mutual') where number = 'row-12'",
    ),
    (
        "fully paid on the day of the cheque that completed it",
        "update cheques set received_on = received_on - 1, cheque_date = cheque_date - 1 where number = 'row-10'",
    ),
    ("the dates of an invoice are in order", f"update invoices set submitted_on = created_on - 1 where id = {B1}"),
    (
        "an invoice is paid exactly when its case is settled",
        f"update cases set status = 'settled', settled_on = opened_on where id = {CASE_B}",
    ),
    (
        "a case without open invoices and with a received one is settled",
        f"""update invoices set status = 'cheque_received', paid_on = null where case_id = {CASE_A};
        update cases set status = 'open', settled_on = null where id = {CASE_A}""",
    ),
    (
        "an event is recorded at the time at which it happened",
        f"update invoice_events set recorded_at = now() where invoice_id = {B1}",
    ),
    ("the history is a legal path to the status", f"delete from invoice_events where seq = 3 and invoice_id = {A1}"),
    ("the history is a legal path to the status", f"delete from invoice_events where invoice_id = {A1}"),
    ("numbers of a year have no gaps", "update invoice_counters set last_number = last_number + 1 where year = 2025"),
]


@pytest.mark.parametrize(("rule", "violation"), VIOLATIONS)
def test_a_broken_rule_is_found(database: Database, rule: str, violation: str) -> None:
    database.import_synthea(SMALL)
    assert broken_rules(database) == {}
    database.execute(violation)
    assert rule in broken_rules(database)
