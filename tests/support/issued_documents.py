"""An issued document of a clinic, and the texts of a kind, for tests that need one of each."""

from server.database_urls import DatabaseUrls
from tests.support.databases import rows


def add_document(address: DatabaseUrls, clinic: str) -> None:
    """A document without a file, of a case of a clinic with a short name, and the clinic's texts of its kind."""
    rows(
        address,
        """insert into document_templates (clinic_id, id, kind, version, texts) select clinic_id, gen_random_uuid(), 'LIEN_NOTICE', 1, '[]'
        from clinics where short_name = $1""",
        clinic,
    )
    rows(
        address,
        """insert into issued_documents (clinic_id, id, kind, origin, number, case_id, recipient, as_of, contents, data_hash, issued_at,
            file_status) select c.clinic_id, gen_random_uuid(), 'BILLING_AFFIDAVIT', 'drawn', 'FOUND', c.id, 'Somebody', '2026-06-01', '{}',
            '\\x00', '2026-06-01T12:00:00Z', 'failed'
        from cases c where c.clinic_id = (select clinic_id from clinics where short_name = $1) order by c.id limit 1""",
        clinic,
    )
