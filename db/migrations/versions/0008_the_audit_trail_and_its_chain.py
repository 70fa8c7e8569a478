"""The audit trail: compact events that nobody changes, the chain over them, and who they are about.

The table of events was laid out in the beginning and never written, so that it is laid out anew.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEPT = ("audit_events", "audit_chain")
_MOMENT = sa.DateTime(timezone=True)

# Whoever is represented, treated and billed stays the same person: what the trail finds of a patient follows these links.
STAYS = (
    """create function refuse_another_patient() returns trigger language plpgsql as $$
begin
    raise exception '% belong to the same patient for ever', tg_table_name using errcode = 'check_violation';
end $$""",
    """create trigger cases_keep_their_patient before update of patient_id on cases
        for each row when (old.patient_id is distinct from new.patient_id) execute function refuse_another_patient()""",
    """create trigger invoices_keep_their_case before update of case_id, patient_id on invoices
        for each row when ((old.case_id, old.patient_id) is distinct from (new.case_id, new.patient_id))
        execute function refuse_another_patient()""",
)

# Row security lets no index answer whether arrays overlap; the owner's function may ask it, for the clinic of the transaction.
ABOUT = (
    """create function audit_events_about(wanted uuid[]) returns setof uuid
        language sql stable security definer set search_path = public, pg_temp rows 100 as $$
    select event_id from audit_chain
    where subjects && wanted and clinic_id = nullif(current_setting('app.clinic_id', true), '')::uuid
$$""",
    "revoke execute on function audit_events_about(uuid[]) from public",
)


def _events(*columns: sa.Column[object]) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        *columns,
        sa.Column("recorded_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_audit_events")),
    )


def _index(*columns: str) -> None:
    op.create_index("ix_audit_events_at", "audit_events", ["clinic_id", *map(sa.literal_column, columns)])


def upgrade() -> None:
    op.drop_index("ix_audit_events_at", table_name="audit_events")
    op.drop_table("audit_events")
    op.create_table(
        "audit_events",
        *_events(
            sa.Column("entities", sa.LargeBinary(), server_default=sa.text("''"), nullable=False),
            sa.Column("fields", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
            sa.Column("filters", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
            sa.Column("row_count", sa.BigInteger(), nullable=True),
            sa.Column("request_id", sa.Text(), nullable=False),
            sa.Column("at", _MOMENT, nullable=False),
        ),
        sa.CheckConstraint("length(entities) % 18 = 0", name=op.f("ck_audit_events_entities_are_whole")),
    )
    _index("at desc", "id desc")
    op.create_table(
        "audit_pending",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_audit_pending")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("subjects", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_audit_chain_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "seq", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("clinic_id", "event_id", name=op.f("uq_audit_chain_clinic_id_event_id")),
    )
    op.create_index("ix_audit_chain_subjects", "audit_chain", ["subjects"], postgresql_using="gin")
    for table in _KEPT:
        op.execute(f"""create trigger {table}_append_only before update or delete on {table}
            for each row execute function refuse_rewriting()""")
        op.execute(f"""create trigger {table}_not_emptied before truncate on {table}
            for each statement execute function refuse_rewriting()""")
    for statement in (*STAYS, *ABOUT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function audit_events_about(uuid[])")
    op.execute("drop trigger invoices_keep_their_case on invoices")
    op.execute("drop trigger cases_keep_their_patient on cases")
    op.execute("drop function refuse_another_patient()")
    op.drop_table("audit_chain")
    op.drop_table("audit_pending")
    op.drop_table("audit_events")
    op.create_table(
        "audit_events",
        *_events(
            sa.Column("entities", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
            sa.Column("fields", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
            sa.Column("row_count", sa.BigInteger(), nullable=True),
            sa.Column("request_id", sa.Text(), nullable=True),
            sa.Column("at", _MOMENT, nullable=False),
            sa.Column("chain_seq", sa.BigInteger(), nullable=True),
            sa.Column("chain_hash", sa.LargeBinary(), nullable=True),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "user_id"], ["users.clinic_id", "users.id"], name=op.f("fk_audit_events_clinic_id_user_id")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_audit_events_clinic_id")),
        sa.UniqueConstraint("clinic_id", "chain_seq", name=op.f("uq_audit_events_clinic_id_chain_seq")),
    )
    _index("at desc")
