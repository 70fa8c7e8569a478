"""Every function looks up names in the schema public, and in a session's temporary objects last.

Functions with the search path "$user", public resolved the name of a table to a temporary table of the caller, and those with
pg_catalog alone the name of a type to a temporary type; a trigger of that table, or a check of that type, then ran with the
rights of the function's owner.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# The functions are taken from the catalog, so that none is forgotten; those of extensions belong to somebody else.
SAFE_SEARCH_PATH = """do $$ declare ours regprocedure; begin
    for ours in select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname in ('public', 'jobs') and p.prokind in ('f', 'p') and p.proowner = current_user::regrole
    loop
        execute format('alter routine %s set search_path = public, pg_temp', ours);
    end loop;
end $$"""


def upgrade() -> None:
    op.execute(SAFE_SEARCH_PATH)


def downgrade() -> None:
    # Earlier releases work with the safe search path as well; the unsafe one is not brought back.
    pass
