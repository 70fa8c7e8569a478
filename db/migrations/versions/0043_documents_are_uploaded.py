"""Documents can be uploaded: letters of protection, W-9 forms, explanations of benefits, authorizations, disbursement sheets.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_UPLOADED = "'LETTER_OF_PROTECTION', 'W9', 'EXPLANATION_OF_BENEFITS', 'AUTHORIZATION', 'DISBURSEMENT_SHEET'"
_BEFORE = """'INVOICE', 'ITEMISED_STATEMENT', 'PAYOFF_LETTER', 'LIEN_NOTICE', 'LIEN_RELEASE', 'BILLING_AFFIDAVIT',
    'PATIENT_STATEMENT', 'GOOD_FAITH_ESTIMATE'"""
_TABLES = ("document_counters", "issued_documents")
_DRAWN_KIND = "ck_issued_documents_drawn_kind"
# What refers to a document, and the column with which it does, before the documents themselves.
_ROWS = (
    ("document_deliveries", "document_id"),
    ("issued_document_invoices", "document_id"),
    ("issued_documents", "id"),
)


def upgrade() -> None:
    for table in _TABLES:
        _replace_check(table, f"kind in ({_BEFORE}, {_UPLOADED})")
    _add_check("issued_documents", _DRAWN_KIND, f"origin = 'uploaded' or kind in ({_BEFORE})")


def _replace_check(table: str, condition: str) -> None:
    name = f"ck_{table}_kind_known"
    op.drop_constraint(op.f(name), table, type_="check")
    _add_check(table, name, condition)


def _add_check(table: str, name: str, condition: str) -> None:
    """Add a check; it is validated while others read and write."""
    op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)
    op.execute(f"alter table {table} validate constraint {name}")


def downgrade() -> None:
    # The release before knows no such documents: their uploads stay, as used.
    for table, _ in _ROWS:
        op.execute(f"alter table {table} disable trigger user")
    for table, column in _ROWS:
        op.execute(f"""delete from {table} r using issued_documents d
            where d.clinic_id = r.clinic_id and d.id = r.{column} and d.kind in ({_UPLOADED})""")
    for table, _ in _ROWS:
        op.execute(f"alter table {table} enable trigger user")
    op.execute(f"delete from document_counters where kind in ({_UPLOADED})")
    op.drop_constraint(op.f(_DRAWN_KIND), "issued_documents", type_="check")
    for table in _TABLES:
        _replace_check(table, f"kind in ({_BEFORE})")
