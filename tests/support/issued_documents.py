"""Issued documents of a clinic, and the texts of a kind, for tests that need one of each."""

from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_ADD = """with numbered as (insert into document_counters (clinic_id, kind, last_number)
        select clinic_id, $2, 1 from clinics where short_name = $1
        on conflict (clinic_id, kind) do update set last_number = document_counters.last_number + 1 returning clinic_id, last_number)
    insert into issued_documents (clinic_id, id, kind, origin, number, case_id, recipient, as_of, contents, data_hash, issued_at,
        file_status, statement_id)
    select n.clinic_id, gen_random_uuid(), $2, 'drawn', $3 || lpad(n.last_number::text, 6, '0'), c.id, 'Somebody', '2026-06-01', '{}',
        sha256('{}'), '2026-06-01T12:00:00Z', 'failed', $4
    from numbered n, lateral (select id from cases where clinic_id = n.clinic_id order by id limit 1) c returning id"""


def add_document(address: DatabaseUrls, clinic: str) -> None:
    """An affidavit and its statement, without files, of a case of a clinic with a short name, and the clinic's texts of a kind."""
    rows(
        address,
        """insert into document_templates (clinic_id, id, kind, version, texts) select clinic_id, gen_random_uuid(), 'LIEN_NOTICE', 1, '[]'
        from clinics where short_name = $1""",
        clinic,
    )
    [statement] = rows(address, _ADD, clinic, "ITEMISED_STATEMENT", "STMT-", None)
    rows(address, _ADD, clinic, "BILLING_AFFIDAVIT", "AFF-", statement["id"])
