"""The invoices on which a transition is measured are owed by a payer, also after they were reset."""

from server.database_urls import DatabaseUrls
from tests.bench.measurements.pending import PREFIX, pending
from tests.support.databases import rows

_OWED = """select i.id, r.payer_id = i.payer_id as is_owed from invoices i
    left join responsibilities r on r.clinic_id = i.clinic_id and r.invoice_id = i.id where i.number like $1 || '%'"""


def test_the_invoices_of_a_measurement_are_owed_by_their_payers(own_address: DatabaseUrls) -> None:
    clinic = rows(own_address, "select clinic_id from clinics where short_name = 'demo'")[0]["clinic_id"]
    with pending(own_address.owner, clinic, 5) as made:
        assert [row["is_owed"] for row in rows(own_address, _OWED, PREFIX)] == [True] * 5
        made.reset()
        assert [row["is_owed"] for row in rows(own_address, _OWED, PREFIX)] == [True] * 5
    assert rows(own_address, _OWED, PREFIX) == []
