"""A visit is billed by one invoice that is not void, is corrected and cancelled with a history, and is known while it is unbilled.

Invoices that bill a visit twice, treatment before the day of injury and repeated lines that an earlier release stored are kept and
marked as exceptions, which `billing verify` lists.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_UNBILLED_AFTER = "ck_clinics_unbilled_after"
_EARLIER = "Stored by a release that did not compare the day of treatment with the day of injury"
_APPEND_ONLY = ("case_events", "encounter_events", "encounter_states")
_CORE = "case_id, patient_id, physician_id, facility_id, service_date, cancelled_at"
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in _CORE.split(", ")) for row in ("old", "new"))

# What an earlier release stored against the new guards, and the invoice of each visit.
_MARKS = (
    """update invoices i set is_billed_twice = true from (select clinic_id, id, row_number() over (
        partition by clinic_id, encounter_id order by created_on, number, id) as nth from invoices
        where encounter_id is not null and status <> 'void') n
    where n.nth > 1 and (i.clinic_id, i.id) = (n.clinic_id, n.id)""",
    """update encounters e set invoice_id = i.id from invoices i where (i.clinic_id, i.encounter_id) = (e.clinic_id, e.id)
        and i.status <> 'void' and not i.is_billed_twice""",
    *(
        f"""update {table} t set before_injury_reason = '{_EARLIER}' from cases c
        where (c.clinic_id, c.id) = (t.clinic_id, t.case_id) and t.service_date < c.date_of_injury"""
        for table in ("encounters", "invoices")
    ),
    """update invoice_lines l set is_repeated = true from (select l.clinic_id, l.id, row_number() over (
        partition by i.clinic_id, i.patient_id, l.code, i.service_date, i.physician_id, l.bilateral
        order by i.created_on, i.number, l.position, l.id) as nth
        from invoice_lines l join invoices i on (i.clinic_id, i.id) = (l.clinic_id, l.invoice_id)
        where i.status <> 'void' and l.code <> 'OPENING') n
    where n.nth > 1 and (l.clinic_id, l.id) = (n.clinic_id, n.id)""",
)
_FUNCTIONS = {
    # Both keep encounters.invoice_id.
    "keep_encounter_invoice": """security definer set search_path = public, pg_temp as $$
begin
    update encounters e set invoice_id = n.id from new_rows n
    where (e.clinic_id, e.id) = (n.clinic_id, n.encounter_id) and n.status <> 'void' and not n.is_billed_twice
        and e.invoice_id is distinct from n.id;
    return null;
end $$""",
    "change_encounter_invoice": """security definer set search_path = public, pg_temp as $$
begin
    update encounters e set invoice_id = (select i.id from invoices i
        where (i.clinic_id, i.encounter_id) = (e.clinic_id, e.id) and i.status <> 'void'
        order by i.is_billed_twice, i.created_on, i.number limit 1)
    where e.clinic_id = new.clinic_id and e.id in (old.encounter_id, new.encounter_id);
    return null;
end $$""",
    "guard_encounter": f"""set search_path = public, pg_temp as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'a visit is cancelled, and never deleted' using errcode = 'check_violation';
    end if;
    if ({_NEW}) is distinct from ({_OLD}) and (old.cancelled_at is not null or old.invoice_id is not null) then
        raise exception 'a visit that is billed or cancelled is not changed' using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    # Who has no visit and no invoice of a case any more does not treat in it.
    "move_treating_physician": """security definer set search_path = public, pg_temp as $$
begin
    insert into treating_physicians (clinic_id, physician_id, case_id, patient_id)
    values (new.clinic_id, new.physician_id, new.case_id, new.patient_id) on conflict do nothing;
    delete from treating_physicians t
    where (t.clinic_id, t.physician_id, t.case_id) = (old.clinic_id, old.physician_id, old.case_id)
        and not exists (select from encounters e
            where (e.clinic_id, e.physician_id, e.case_id) = (old.clinic_id, old.physician_id, old.case_id))
        and not exists (select from invoices i
            where (i.clinic_id, i.physician_id, i.case_id) = (old.clinic_id, old.physician_id, old.case_id));
    return null;
end $$""",
}
_TRIGGERS = (
    """create trigger keep_encounter_invoice after insert on invoices
        referencing new table as new_rows for each statement execute function keep_encounter_invoice()""",
    """create trigger change_encounter_invoice after update of status, encounter_id on invoices for each row
        when ((old.status = 'void', old.encounter_id) is distinct from (new.status = 'void', new.encounter_id))
        execute function change_encounter_invoice()""",
    """create trigger guard_encounter before update or delete on encounters
        for each row execute function guard_encounter()""",
    """create trigger move_treating_physician after update of physician_id on encounters for each row
        when (old.physician_id is distinct from new.physician_id) execute function move_treating_physician()""",
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
)
_INDEXES: dict[str, tuple[str, list[Any]]] = {
    "ix_encounters_patient": ("encounters", ["clinic_id", sa.text("patient_id"), sa.text("service_date")]),
    "ix_encounters_service": ("encounters", ["clinic_id", sa.text("service_date desc"), sa.text("id desc")]),
    "ix_encounters_recorded": ("encounters", ["clinic_id", sa.text("recorded_at desc"), sa.text("id desc")]),
}


def upgrade() -> None:
    op.add_column(
        "clinics", sa.Column("unbilled_after_days", sa.Integer(), server_default=sa.text("7"), nullable=False)
    )
    op.create_check_constraint(op.f(_UNBILLED_AFTER), "clinics", "unbilled_after_days between 0 and 365")
    op.add_column("encounters", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    for name in ("changed_at", "cancelled_at"):
        op.add_column("encounters", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("encounters", sa.Column("invoice_id", sa.Uuid(), nullable=True))
    is_billed = sa.Computed("invoice_id is not null", persisted=True)
    op.add_column("encounters", sa.Column("is_billed", sa.Boolean(), is_billed, nullable=True))
    op.add_column("encounter_exams", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "invoices", sa.Column("is_billed_twice", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column(
        "invoice_lines", sa.Column("is_repeated", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    for table in ("encounters", "invoices"):
        op.add_column(table, sa.Column("before_injury_reason", sa.Text(), nullable=True))
    for table, column in _USERS.items():
        _add_user(table, column)
    _create_histories()
    for statement in _MARKS:
        op.execute(statement)
    op.create_check_constraint(
        op.f("ck_encounters_cancelled_is_not_billed"), "encounters", "cancelled_at is null or invoice_id is null"
    )
    op.create_check_constraint(
        op.f("ck_invoice_lines_only_repeats_are_confirmed"),
        "invoice_lines",
        "is_repeated or repeat_confirmed_by is null",
    )
    _create_indexes()
    for name, body in _FUNCTIONS.items():
        op.execute(f"create function {name}() returns trigger language plpgsql {body}")
    for statement in _TRIGGERS:
        op.execute(statement)


_USERS = {
    "encounters": "before_injury_by",
    "invoices": "before_injury_by",
    "invoice_lines": "repeat_confirmed_by",
}


def _add_user(table: str, column: str) -> None:
    op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f(f"fk_{table}_clinic_id_{column}"), table, "users", ["clinic_id", column], ["clinic_id", "id"]
    )


def _create_histories() -> None:
    for noun in ("case", "encounter"):
        table, plural = f"{noun}_events", f"{noun}s"
        op.create_table(
            table,
            sa.Column("clinic_id", sa.Uuid(), nullable=False),
            sa.Column("id", sa.Uuid(), nullable=False),
            sa.Column(f"{noun}_id", sa.Uuid(), nullable=False),
            sa.Column("at", sa.DateTime(timezone=True), nullable=False),
            sa.Column("by_user_id", sa.Uuid(), nullable=True),
            sa.Column("action", sa.Text(), nullable=False),
            sa.Column("changes", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
            sa.Column("request_id", sa.Text(), nullable=True),
            sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
            sa.ForeignKeyConstraint(
                ["clinic_id", f"{noun}_id"],
                [f"{plural}.clinic_id", f"{plural}.id"],
                name=op.f(f"fk_{table}_clinic_id_{noun}_id"),
            ),
            sa.ForeignKeyConstraint(
                ["clinic_id", "by_user_id"],
                ["users.clinic_id", "users.id"],
                name=op.f(f"fk_{table}_clinic_id_by_user_id"),
            ),
            sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{table}_clinic_id")),
            sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_{noun}", table, ["clinic_id", sa.text(f"{noun}_id"), sa.text("at")])
    op.create_table(
        "encounter_states",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=False),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("physician_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Uuid(), nullable=True),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "encounter_id"],
            ["encounters.clinic_id", "encounters.id"],
            name=op.f("fk_encounter_states_clinic_id_encounter_id"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "encounter_id", "known_from", name=op.f("pk_encounter_states")),
    )
    op.create_index("ix_encounter_states_until", "encounter_states", ["clinic_id", sa.text("known_until")])


def _create_indexes() -> None:
    for name, (table, columns) in _INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index(
        "ix_encounters_unbilled",
        "encounters",
        ["clinic_id", sa.text("service_date"), sa.text("id")],
        postgresql_where=sa.text("not is_billed and cancelled_at is null"),
    )
    op.create_index(
        "ix_invoices_encounter",
        "invoices",
        ["clinic_id", sa.text("encounter_id")],
        postgresql_where=sa.text("encounter_id is not null"),
    )
    op.create_index(
        "uq_invoices_encounter",
        "invoices",
        ["clinic_id", sa.text("encounter_id")],
        unique=True,
        postgresql_where=sa.text("encounter_id is not null and status <> 'void' and not is_billed_twice"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    for name, table in (
        ("keep_encounter_invoice", "invoices"),
        ("change_encounter_invoice", "invoices"),
        ("guard_encounter", "encounters"),
        ("move_treating_physician", "encounters"),
    ):
        op.execute(f"drop trigger {name} on {table}")
        op.execute(f"drop function {name}")
    for table in _APPEND_ONLY:
        op.drop_table(table)
    for name, table in (
        ("uq_invoices_encounter", "invoices"),
        ("ix_invoices_encounter", "invoices"),
        ("ix_encounters_unbilled", "encounters"),
        *((name, table) for name, (table, _) in _INDEXES.items()),
    ):
        op.drop_index(name, table)
    op.drop_constraint(op.f("ck_invoice_lines_only_repeats_are_confirmed"), "invoice_lines")
    op.drop_constraint(op.f("ck_encounters_cancelled_is_not_billed"), "encounters")
    for table, column in _USERS.items():
        op.drop_constraint(op.f(f"fk_{table}_clinic_id_{column}"), table)
        op.drop_column(table, column)
    # The release before shows every exam of a visit.
    op.execute("delete from encounter_exams where removed_at is not null")
    op.drop_column("encounter_exams", "removed_at")
    for name in ("version", "changed_at", "cancelled_at", "is_billed", "invoice_id", "before_injury_reason"):
        op.drop_column("encounters", name)
    for name in ("is_billed_twice", "before_injury_reason"):
        op.drop_column("invoices", name)
    op.drop_column("invoice_lines", "is_repeated")
    op.drop_constraint(op.f(_UNBILLED_AFTER), "clinics")
    op.drop_column("clinics", "unbilled_after_days")
