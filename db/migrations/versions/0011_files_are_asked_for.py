"""Files that are asked for: as what, which cases are in them, and a job of the worker for each.

The job is asked for by the database in the transaction that asks for the file, so that there is never the one without the other.
What stands in the queue is what pgqueuer itself would put there; a test compares them.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHECKS = {
    "role": "'admin', 'billing', 'physician', 'attorney', 'analyst'",
    "kind": "'invoices', 'payments', 'adjustments', 'quickbooks_invoices'",
    "format": "'csv', 'xlsx'",
    "status": "'queued', 'running', 'ready', 'failed', 'expired'",
}
TOTALS = ("billed_total", "received_total")
STATEMENTS = (
    """create function ask_for_file() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
    job bigint;
begin
    insert into jobs.pgqueuer (priority, entrypoint, payload, headers, status)
    values (0, 'build_export', convert_to(new.clinic_id || ' ' || new.id, 'UTF8'), 'null', 'queued') returning id into job;
    insert into jobs.pgqueuer_log (job_id, status, entrypoint, priority) values (job, 'queued', 'build_export', 0);
    return null;
end $$""",
    """create trigger ask_for_file after insert on exports
        for each row when (new.status = 'queued') execute function ask_for_file()""",
    """create function tell_export_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('export_changed', json_build_object('clinic', new.clinic_id, 'export', new.id)::text);
    return null;
end $$""",
    """create trigger tell_export_changed after update of status, rows_written on exports
        for each row execute function tell_export_changed()""",
)


def upgrade() -> None:
    op.add_column("exports", sa.Column("role", sa.Text, nullable=False))
    op.add_column("exports", sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("exports", sa.Column("case_ids", sa.ARRAY(sa.Uuid)))
    for column in TOTALS:
        op.alter_column("exports", column, type_=sa.Numeric(16, 2))
    for column, values in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_exports_{column}_known"), "exports", f"{column} in ({values})")
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for name in ("tell_export_changed", "ask_for_file"):
        op.execute(f"drop trigger {name} on exports")
        op.execute(f"drop function {name}")
    for column in CHECKS:
        op.drop_constraint(op.f(f"ck_exports_{column}_known"), "exports")
    for column in TOTALS:
        op.alter_column("exports", column, type_=sa.Numeric(12, 2))
    for column in ("case_ids", "attempts", "role"):
        op.drop_column("exports", column)
