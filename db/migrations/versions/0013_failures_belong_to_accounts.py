"""Failures to sign in belong to accounts: a success of one account takes back none of another's, of the same e-mail.

Failures counted before are of no account: no success takes them back, and they are forgotten a quarter of an hour after the
first. An address where an account signed in before is known as its own again once it has signed in there anew. What was
counted by an older release while this one is there already begins a window at the moment at which it is written.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = "sign_in_attempts"
_BY_ACCOUNT = ("by_account", "known_accounts")


def upgrade() -> None:
    began = sa.Column("since_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column(_TABLE, began)
    for name in _BY_ACCOUNT:
        op.add_column(_TABLE, sa.Column(name, JSONB(), server_default=sa.text("'{}'"), nullable=False))
    # Windows and locks have lasted a quarter of an hour.
    op.execute("update sign_in_attempts set since_at = until_at - interval '15 minutes'")


def downgrade() -> None:
    for name in ("since_at", *_BY_ACCOUNT):
        op.drop_column(_TABLE, name)
