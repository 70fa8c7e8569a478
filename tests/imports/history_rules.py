"""The rules that every imported invoice and its history obey (lifecycle.md)."""

from itertools import pairwise
from typing import Any

from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import BY_NAME
from tests.imports.database import Database

# Each query finds the numbers of the invoices that break the rule that is its key.
LEDGER_RULES = {
    "billed is the sum of the lines": """
        select number from invoices i where billed_amount <>
            (select coalesce(sum(amount), 0) from invoice_lines where invoice_id = i.id)""",
    "an amount is units times unit price": """
        select number from invoices i join invoice_lines l on l.invoice_id = i.id where l.amount <> l.units * l.unit_price""",
    "received is the sum of the allocations": """
        select number from invoices i where received_amount <>
            (select coalesce(sum(amount), 0) from cheque_allocations where invoice_id = i.id)""",
    "0 ≤ received ≤ agreed ≤ billed": """
        select number from invoices where not (0 <= received_amount and received_amount <= coalesce(agreed_amount, 0)
            and coalesce(agreed_amount, 0) <= billed_amount)""",
    "the balance is the amount owed": """
        select number from invoices where balance <> case when status in ('void', 'paid', 'written_off') then 0
            else coalesce(agreed_amount, billed_amount) - received_amount end""",
    "no cheque pays more than its amount": """
        select number from cheques c where amount <
            (select coalesce(sum(amount), 0) from cheque_allocations where cheque_id = c.id)""",
    "a cheque pays invoices of its payer": """
        select i.number from invoices i join cheque_allocations a on a.invoice_id = i.id
            join cheques c on c.id = a.cheque_id where c.payer_id <> i.payer_id""",
    "fully paid on the day of the cheque that completed it": """
        select number from invoices i where fully_paid_on <> (select max(received_on) from cheques c
            join cheque_allocations a on a.cheque_id = c.id where a.invoice_id = i.id)""",
    "the dates of an invoice are in order": """
        select number from invoices where not (service_date <= created_on and created_on <= coalesce(submitted_on, created_on)
            and coalesce(submitted_on, created_on) <= coalesce(agreed_on, 'infinity')
            and coalesce(agreed_on, created_on) <= coalesce(fully_paid_on, 'infinity')
            and coalesce(fully_paid_on, created_on) <= coalesce(paid_on, 'infinity'))""",
    "an invoice is paid exactly when its case is settled": """
        select i.number from invoices i join cases c on c.id = i.case_id where (i.status = 'paid') <> (c.status = 'settled')
            and i.status not in ('void', 'written_off')""",
    "a case without open invoices and with a received one is settled": """
        select c.number from cases c where status = 'open' and exists
            (select from invoices where case_id = c.id and status = 'cheque_received') and not exists
            (select from invoices where case_id = c.id and status in ('pending_invoice', 'pending_reduction', 'pending_cheque'))""",
    "an event is recorded at the time at which it happened": """
        select i.number from invoices i join invoice_events e on e.invoice_id = i.id where e.recorded_at <> e.at""",
}


def broken_rules(database: Database) -> dict[str, list[str]]:
    """The numbers of the invoices that break a rule, by the rule; empty when none does."""
    broken = {rule: [row[0] for row in database.rows(query)] for rule, query in LEDGER_RULES.items()}
    broken["the history is a legal path to the status"] = illegal_histories(database)
    broken["numbers of a year have no gaps"] = [str(year) for [year] in database.rows(_GAPS)]
    return {rule: numbers for rule, numbers in broken.items() if numbers}


_GAPS = """select c.year from invoice_counters c left join invoices i
    on i.clinic_id = c.clinic_id and substr(i.number, 5, 4)::int = c.year and extract(year from i.created_on) = c.year
    group by c.clinic_id, c.year, c.last_number
    having count(i.id) <> c.last_number or max(right(i.number, 6)::int) <> c.last_number"""


def illegal_histories(database: Database) -> list[str]:
    """The numbers of the invoices whose events are not a legal path from creation to their status."""
    events: dict[str, list[Any]] = {}
    query = """select i.number, i.status, e.* from invoices i join invoice_events e on e.invoice_id = i.id
        order by i.number, e.seq"""
    for row in database.rows(query):
        events.setdefault(row["number"], []).append(row)
    without_events = [
        row[0]
        for row in database.rows("select number from invoices where id not in (select invoice_id from invoice_events)")
    ]
    return without_events + [number for number, path in events.items() if not _is_legal(path)]


def _is_legal(path: list[Any]) -> bool:
    first, last = path[0], path[-1]
    starts_legally = first["from_status"] is None and first["to_status"] == InvoiceStatus.PENDING_INVOICE
    ends_legally = last["to_status"] == last["status"]
    return starts_legally and ends_legally and all(_follows(before, event) for before, event in pairwise(path))


def _follows(before: Any, event: Any) -> bool:
    transition = BY_NAME[event["transition"]]
    in_table = event["from_status"] in transition.start and event["to_status"] in transition.end
    in_order = event["seq"] == before["seq"] + 1 and event["at"] > before["at"]
    return in_table and in_order and event["from_status"] == before["to_status"]
