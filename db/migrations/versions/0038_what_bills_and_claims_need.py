"""What bills, documents and claims need of clinics, facilities, physicians, patients, payers and firms; nothing of it is compulsory.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_PARTS = ("line1", "line2", "city", "state", "postal_code")


def _address(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{part}" for part in _PARTS)


# Table → its new columns, all of them texts.
_TEXTS = {
    "clinics": ("legal_name", "fax", "email", "tin", "npi", "taxonomy", *_address("physical"), *_address("remit")),
    "patients": ("sex", *_address("address")),
    "payers": ("fax", *_address("address")),
    "firms": ("fax", *_address("address")),
    "physicians": ("taxonomy", "licence_number", "licence_state"),
    "facilities": ("npi", "place_of_service", *_address("address")),
}
# Codes and numbers, which are compared letter by letter.
_CODES = ("tin", "npi", "taxonomy", "licence_number", "licence_state", "place_of_service")
# Table → the name of a check and its condition. No row has a value yet, so that nothing has to be validated.
_CHECKS = {
    "clinics": ("ck_clinics_logo_size", "length(logo) <= 200000"),
    "patients": ("ck_patients_sex_known", "sex in ('female', 'male', 'unknown')"),
}


def upgrade() -> None:
    for table, names in _TEXTS.items():
        for name in names:
            op.add_column(table, sa.Column(name, sa.Text(collation="C" if name in _CODES else None)))
    op.add_column("clinics", sa.Column("logo", sa.LargeBinary()))
    for table, (name, condition) in _CHECKS.items():
        op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)
        op.execute(f"alter table {table} validate constraint {name}")


def downgrade() -> None:
    for table, (name, _) in _CHECKS.items():
        op.drop_constraint(op.f(name), table, type_="check")
    op.drop_column("clinics", "logo")
    for table, names in _TEXTS.items():
        for name in names:
            op.drop_column(table, name)
