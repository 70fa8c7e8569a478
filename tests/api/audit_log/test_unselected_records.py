"""A list that shows patients' data names the records behind it in the audit log, whether they are selected or not."""

from typing import Any

import pytest

from db.global_ids import make_id
from server.database_urls import DatabaseUrls
from tests.api.audit_log.test_audit_events import event_of, names_in
from tests.support.client import Client
from tests.support.databases import rows

_MESSAGE = """with m as (insert into outbound_messages (clinic_id, id, recipient, subject, body, status, due_on)
        select clinic_id, gen_random_uuid(), 'payer@firm.example', 'Open', 'Case PI-1, invoice INV-1', 'sent', '2030-01-01'
        from clinics returning clinic_id, id)
    insert into message_invoices (clinic_id, id, message_id, invoice_id, policy_id, level, template_id)
    select m.clinic_id, gen_random_uuid(), m.id, i.id, p.id, i.place, t.id from m,
        (select id, row_number() over (order by id) as place from invoices order by id limit 2) i,
        (select id from reminder_policies limit 1) p, (select id from reminder_templates limit 1) t
    returning message_id, invoice_id"""
_HOLD = """insert into holds (clinic_id, id, {column}, until_on, reason, placed_at)
    select clinic_id, gen_random_uuid(), $1, '2035-01-01', 'Patient asked for it', now() from clinics returning id"""


@pytest.mark.parametrize("selection", ["recipient body", "recipient", "id", "body invoices { level }"])
def test_a_page_of_messages_names_their_invoices(address: DatabaseUrls, billing: Client, selection: str) -> None:
    made = rows(address, _MESSAGE)
    _, event = event_of(address, billing, f"{{ outboundMessages(first: 1) {{ nodes {{ {selection} }} }} }}")
    assert names_in(event["entities"]) == {make_id("Invoice", row["invoice_id"]) for row in made}
    assert len(event["entities"]) == 18 * len(made)
    rows(address, "delete from message_invoices where message_id = $1", made[0]["message_id"])
    rows(address, "delete from outbound_messages where id = $1", made[0]["message_id"])


@pytest.mark.parametrize(
    ("column", "table", "type_name"), [("case_id", "cases", "Case"), ("payer_id", "payers", "Payer")]
)
def test_a_hold_of_a_case_or_payer_names_it(
    address: DatabaseUrls, billing: Client, column: str, table: str, type_name: str
) -> None:
    rows(address, "update holds set released_at = now() where released_at is null")
    (record,) = rows(address, f"select id from {table} order by id limit 1")
    (hold,) = rows(address, _HOLD.format(column=column), record["id"])
    query: Any = "mutation ($id: ID!) { releaseHold(input: {holdId: $id}) { hold { reason } errors { message } } }"
    data, event = event_of(address, billing, query, id=make_id("Hold", hold["id"]))
    assert data["releaseHold"]["errors"] == []
    assert make_id(type_name, record["id"]) in names_in(event["entities"])
