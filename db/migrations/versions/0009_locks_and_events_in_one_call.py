"""Locks of invoices and a single event of the audit trail are each one call, so that they go with the begin and the commit.

A function keeps its plan in the session that calls it, also behind a pooler that lends sessions from transaction to transaction,
where a prepared statement would be somebody else's.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FUNCTIONS = (
    """create function lock_invoices(clinic uuid, wanted uuid[]) returns void language plpgsql as $$
begin
    perform id from invoices where clinic_id = clinic and id = any(wanted) order by id for update;
end $$""",
    """create function keep_event(clinic uuid, event uuid, actor uuid, acting_as text, done text, happened timestamptz,
    request text, records bytea, shown text, chosen_by text, counted bigint) returns void language plpgsql as $$
begin
    insert into audit_pending (clinic_id, id, event_ids) values (clinic, gen_random_uuid(), array[event]);
    insert into audit_events (clinic_id, id, user_id, role, operation, at, request_id, entities, fields, filters, row_count)
    values (clinic, event, actor, acting_as, done, happened, request, records, string_to_array(shown, ' '),
        string_to_array(chosen_by, ' '), counted);
end $$""",
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)


def downgrade() -> None:
    op.execute("drop function keep_event(uuid, uuid, uuid, text, text, timestamptz, text, bytea, text, text, bigint)")
    op.execute("drop function lock_invoices(uuid, uuid[])")
