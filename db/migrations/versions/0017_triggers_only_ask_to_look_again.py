"""Triggers notify without a payload: whoever hears them learns nothing, and reads the tables again.

Every login hears all channels, of all clinics. What a process tells others is sealed with the server's key, which triggers do not
know.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Function → channel, and the content of its notifications before.
TOLD = {
    "tell_session_ended": ("session_ended", "json_build_object('clinic', old.clinic_id, 'session', old.id)::text"),
    "tell_user_changed": ("session_ended", "json_build_object('clinic', old.clinic_id, 'user', old.id)::text"),
    "tell_export_changed": ("export_changed", "json_build_object('clinic', new.clinic_id, 'export', new.id)::text"),
    "jobs.fn_pgqueuer_changed": (
        "ch_pgqueuer",
        """json_build_object('channel', 'ch_pgqueuer', 'operation', lower(tg_op), 'sent_at', now(), 'table', tg_table_name,
            'type', 'table_changed_event')::text""",
    ),
}


def _telling(function: str, channel: str, content: str) -> str:
    # The queue's trigger fires for whole statements; updates are those of workers, which need no look.
    told = f"perform pg_notify('{channel}', {content});"
    if channel == "ch_pgqueuer":
        told = f"if tg_op <> 'UPDATE' then {told} end if;"
    return f"""create or replace function {function}() returns trigger language plpgsql
    set search_path = public, pg_temp as $$
begin
    {told}
    return null;
end $$"""


def upgrade() -> None:
    for function, (channel, _) in TOLD.items():
        op.get_bind().exec_driver_sql(_telling(function, channel, "''"))


def downgrade() -> None:
    for function, (channel, content) in TOLD.items():
        op.get_bind().exec_driver_sql(_telling(function, channel, content))
