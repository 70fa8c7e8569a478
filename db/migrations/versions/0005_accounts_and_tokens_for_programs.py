"""What the database guards of accounts: tokens for programs are analysts' alone, and what has ended does not begin again.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    # A token for programs is made before it is used.
    "alter table sessions alter column last_used_at drop not null",
    """create function guard_api_token() returns trigger language plpgsql as $$
begin
    if not exists (select from users u where u.clinic_id = new.clinic_id and u.id = new.user_id and u.role = 'analyst') then
        raise exception 'a token for programs is an analyst''s' using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    """create trigger guard_api_token before insert on sessions
        for each row when (new.kind = 'api_token') execute function guard_api_token()""",
    """create function guard_session_end() returns trigger language plpgsql as $$
begin
    raise exception 'what has ended does not begin again' using errcode = 'check_violation';
end $$""",
    """create trigger guard_session_end before update of revoked_at on sessions
        for each row when (old.revoked_at is not null and new.revoked_at is null) execute function guard_session_end()""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for name in ("guard_session_end", "guard_api_token"):
        op.execute(f"drop trigger {name} on sessions")
        op.execute(f"drop function {name}")
    op.execute("update sessions set last_used_at = recorded_at where last_used_at is null")
    op.execute("alter table sessions alter column last_used_at set not null")
