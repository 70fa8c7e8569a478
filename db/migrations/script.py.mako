"""${message}

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
