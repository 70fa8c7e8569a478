"""A payment of a remittance names the payment that stands, where the one to which it was posted was corrected since.

Corrections move the name along from now on; until then it followed when the rest of the remittance was posted.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_FOLLOW = """with recursive chain as (
        select p.clinic_id, p.id, p.cheque_id from remittance_payments p
            join cheques c on c.clinic_id = p.clinic_id and c.id = p.cheque_id where c.corrected_at is not null
        union all select n.clinic_id, n.id, r.id from chain n
            join cheques r on r.clinic_id = n.clinic_id and r.corrects_id = n.cheque_id)
    update remittance_payments p set cheque_id = n.cheque_id from chain n
        join cheques c on c.clinic_id = n.clinic_id and c.id = n.cheque_id
    where c.corrected_at is null and p.clinic_id = n.clinic_id and p.id = n.id"""


def upgrade() -> None:
    op.execute(_FOLLOW)


def downgrade() -> None:
    # The release before finds the payment that stands from either.
    pass
