"""The database itself guards the lifecycle: no status change that the table does not allow, no history rewritten.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Every change of state that some transition makes; a test compares it with domain/billing/transitions.py.
LEGAL = (
    ("pending_invoice", "pending_cheque"),
    ("pending_invoice", "pending_reduction"),
    ("pending_invoice", "void"),
    ("pending_invoice", "written_off"),
    ("pending_reduction", "pending_cheque"),
    ("pending_reduction", "pending_invoice"),
    ("pending_reduction", "written_off"),
    ("pending_cheque", "cheque_received"),
    ("pending_cheque", "pending_reduction"),
    ("pending_cheque", "written_off"),
    ("cheque_received", "paid"),
    ("cheque_received", "pending_cheque"),
    ("paid", "cheque_received"),
    ("paid", "pending_cheque"),
)
_PAIRS = ", ".join(f"('{start}', '{end}')" for start, end in LEGAL)
_APPEND_ONLY = ("invoice_events", "cheque_allocations", "denials")

STATEMENTS = (
    f"""create function guard_invoice_status() returns trigger language plpgsql as $$
begin
    if (old.status, new.status) not in ({_PAIRS}) then
        raise exception 'an invoice does not go from % to %', old.status, new.status using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    """create trigger guard_invoice_status before update of status on invoices
        for each row when (old.status is distinct from new.status) execute function guard_invoice_status()""",
    """create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception '% is written once and kept', tg_table_name using errcode = 'check_violation';
end $$""",
    *(
        f"""create trigger {table}_append_only before update or delete on {table}
        for each row execute function refuse_rewriting()"""
        for table in _APPEND_ONLY
    ),
    *(
        f"""create trigger {table}_not_emptied before truncate on {table}
        for each statement execute function refuse_rewriting()"""
        for table in _APPEND_ONLY
    ),
    """create function guard_cheque() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.returned_on is not null
        or (new.clinic_id, new.id, new.payer_id, new.number, new.amount, new.received_on, new.cheque_date)
        is distinct from (old.clinic_id, old.id, old.payer_id, old.number, old.amount, old.received_on, old.cheque_date) then
        raise exception 'a cheque is never edited or deleted' using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    "create trigger guard_cheque before update or delete on cheques for each row execute function guard_cheque()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger guard_cheque on cheques")
    for table in _APPEND_ONLY:
        op.execute(f"drop trigger {table}_append_only on {table}")
        op.execute(f"drop trigger {table}_not_emptied on {table}")
    op.execute("drop trigger guard_invoice_status on invoices")
    for function in ("guard_cheque", "refuse_rewriting", "guard_invoice_status"):
        op.execute(f"drop function {function}")
