"""A case number is found in capital and small letters of every alphabet, and cases are sorted by what their reader sees.

The key by which a case number is found was made by PostgreSQL, whose capitals are those of ASCII where the locale is C. From here
on whoever writes a case writes its key, as for the names of people. It may be empty: code of before this writes none.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table cases alter column number_key drop expression")
    bind = op.get_bind()
    # Which letters belong together is Python's word: the same by which a search is compared.
    plain, rare = "number ~ '^[ -~]*$' and number !~ '^ | $|  '", bind.exec_driver_sql
    rare(f"update cases set number_key = lower(number) where {plain}")
    for clinic_id, identity, number in rare(f"select clinic_id, id, number from cases where not ({plain})").fetchall():
        key = " ".join(number.casefold().split())
        rare("update cases set number_key = $1 where clinic_id = $2 and id = $3", (key, clinic_id, identity))
    op.drop_index("ix_cases_attorney", "cases")
    for name, columns in (("ix_cases_attorney", "attorney_id, "), ("ix_cases_injured", "")):
        op.execute(f"create index {name} on cases (clinic_id, {columns}date_of_injury desc, id desc)")


def downgrade() -> None:
    op.drop_index("ix_cases_injured", "cases")
    op.drop_index("ix_cases_attorney", "cases")
    op.execute("create index ix_cases_attorney on cases (clinic_id, attorney_id, opened_on desc, id desc)")
    op.drop_index("ix_cases_number_key", "cases")
    op.drop_column("cases", "number_key")
    op.execute(
        'alter table cases add column number_key text collate "C" generated always as (upper(number collate "C")) stored'
    )
    op.create_index("ix_cases_number_key", "cases", ["clinic_id", "number_key"])
