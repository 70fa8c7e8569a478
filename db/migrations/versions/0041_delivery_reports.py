"""The worker remembers how far it has read the mailbox of delivery reports, and which reports it has read.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.

The two tables belong to the job queue of the installation, like jobs.workers: a mailbox belongs to no clinic.
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create table jobs.report_mailboxes (name text primary key, uid_validity bigint not null, last_uid bigint not null,
        read_at timestamp with time zone not null)""")
    op.execute("create table jobs.delivery_reports (key bytea primary key, read_at timestamp with time zone not null)")


def downgrade() -> None:
    op.execute("drop table jobs.delivery_reports")
    op.execute("drop table jobs.report_mailboxes")
