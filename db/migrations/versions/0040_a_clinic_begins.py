"""Mappings of files of exams can be saved.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_BEFORE = """('codes', 'fee_schedules', 'reason_codes', 'payers', 'attorneys', 'physicians', 'facilities', 'patients', 'cases',
    'invoices')"""
_NOW = _BEFORE.replace("'payers'", "'exam_types', 'payers'")
_NAME = "ck_import_mappings_kind_known"


def upgrade() -> None:
    _replace_check(f"kind in {_NOW}")


def downgrade() -> None:
    op.execute("delete from import_mappings where kind = 'exam_types'")
    _replace_check(f"kind in {_BEFORE}")


def _replace_check(condition: str) -> None:
    """Replace a check; it is validated while others read and write."""
    op.drop_constraint(op.f(_NAME), "import_mappings", type_="check")
    op.create_check_constraint(op.f(_NAME), "import_mappings", condition, postgresql_not_valid=True)
    op.execute(f"alter table import_mappings validate constraint {_NAME}")
