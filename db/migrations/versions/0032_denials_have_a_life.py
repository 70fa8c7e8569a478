"""Contractual adjustments say why, of which line and with which payment; denials are appealed and closed; reason codes have a list.

Stored denials are open where their invoice is; of an invoice that is paid, void or written off nothing was pursued any more, so that
its denials are closed, without an outcome, on the day on which it got that status.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_GROUPS = "adjustment_group in ('co', 'pr', 'oa', 'pi')"
_CHECKS = {
    ("denials", "adjustment_group_known"): _GROUPS,
    ("invoice_adjustments", "adjustment_group_known"): "adjustment_group in ('co', 'oa', 'pi')",
    (
        "invoice_adjustments",
        "explained_by_contract",
    ): """kind = 'contractual' or coalesce(adjustment_group, reason_code, note) is null
        and line_id is null and cheque_id is null and remark_codes = '{}'""",
    ("invoice_adjustments", "reason_has_a_group"): "(adjustment_group is null) = (reason_code is null)",
}
# Table → column → the table that it refers to, of which an index knows the rows.
_REFERENCES = {
    "denials": {"cheque_id": "cheques"},
    "invoice_adjustments": {"line_id": "invoice_lines", "cheque_id": "cheques"},
}
_LISTS, _OTHERS = (
    ("codes", "fee_schedules"),
    ("payers", "attorneys", "physicians", "facilities", "patients", "cases", "invoices"),
)
# What of the histories and denials of invoices the states depend on: a denial that came with a payment moves nothing, as one of a line.
_BESIDE = (
    *("add_internal_note", "place_hold", "release_hold", "schedule_reminder", "update_reminder", "complete_reminder"),
    "cancel_reminder",
)
_STEPS = f"""create or replace function invoice_steps(clinic uuid, ids uuid[]) returns table (invoice_id uuid, transition text,
    at timestamptz, day date, from_status text, to_status text, denied_on date, has_submission boolean, submitted_on date,
    billed numeric) language plpgsql stable security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    return query select e.invoice_id, e.transition, e.at, (e.at at time zone c.time_zone)::date, e.from_status, e.to_status, d.denied_on,
        t.has_submission, t.submitted_on, t.billed
    from invoice_events e join clinics c on c.clinic_id = e.clinic_id
    left join denials d on e.transition = 'record_denial' and d.clinic_id = e.clinic_id and d.invoice_id = e.invoice_id
        and d.recorded_at = e.at and d.line_id is null{{more}}
    cross join lateral (select bool_or(x.field = 'submittedOn') as has_submission,
        max(x.after) filter (where x.field = 'submittedOn')::date as submitted_on,
        max(x.after) filter (where x.field = 'billedAmount')::numeric as billed
        from json_to_recordset(e.changes) x (field text, after text)) t
    where e.clinic_id = clinic and clinic = nullif(current_setting('app.clinic_id', true), '')::uuid
        and e.invoice_id = any(ids) and e.transition <> all('{{{{{",".join(_BESIDE)}}}}}')
    order by e.invoice_id, e.seq;
end $$"""
_FACTS = ("receipt", "return", "denial", "correction")
_CLOSED = """insert into denial_events (clinic_id, id, denial_id, number, status, happened_on, recorded_at)
    select d.clinic_id, gen_random_uuid(), d.id, 1, 'closed', greatest(d.denied_on, (e.at at time zone c.time_zone)::date), now()
    from denials d join invoices i on (i.clinic_id, i.id) = (d.clinic_id, d.invoice_id) join clinics c on c.clinic_id = i.clinic_id
    cross join lateral (select e.at from invoice_events e where (e.clinic_id, e.invoice_id) = (i.clinic_id, i.id)
        and e.to_status = i.status and e.from_status is distinct from e.to_status order by e.seq desc limit 1) e
    where i.status in ('cheque_received', 'paid', 'void', 'written_off')"""


def upgrade() -> None:
    for table in ("denials", "invoice_adjustments"):
        op.add_column(table, sa.Column("adjustment_group", sa.Text(), nullable=True))
        op.add_column(
            table, sa.Column("remark_codes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
        )
    for name in ("reason_code", "note"):
        op.add_column("invoice_adjustments", sa.Column(name, sa.Text(), nullable=True))
    for table, references in _REFERENCES.items():
        for column, other in references.items():
            _refer(table, column, other)
    for (table, name), words in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, words, postgresql_not_valid=True)
        op.execute(f"alter table {table} validate constraint ck_{table}_{name}")
    _create_reason_codes()
    _create_events()
    op.execute(_CLOSED)
    op.execute(_STEPS.format(more=" and d.cheque_id is null"))
    _check_facts(*_FACTS, "adjustment")
    _check_kinds(*_LISTS, "reason_codes", *_OTHERS)


def _refer(table: str, column: str, other: str) -> None:
    op.add_column(table, sa.Column(column, sa.Uuid(), nullable=True))
    key = op.f(f"fk_{table}_clinic_id_{column}")
    op.create_foreign_key(key, table, other, ["clinic_id", column], ["clinic_id", "id"])
    where = sa.text(f"{column} is not null")
    index = f"ix_{table}_{column.removesuffix('_id')}"
    op.create_index(index, table, ["clinic_id", sa.text(column)], postgresql_where=where)


def _create_reason_codes() -> None:
    op.create_table(
        "reason_codes",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("adjustment_group", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(_GROUPS, name=op.f("ck_reason_codes_adjustment_group_known")),
        *_keys("reason_codes", {}),
        sa.UniqueConstraint("clinic_id", "code", name=op.f("uq_reason_codes_clinic_id_code")),
    )


def _create_events() -> None:
    op.create_table(
        "denial_events",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("denial_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("recovered_amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status in ('appealed', 'upheld', 'overturned', 'partial', 'closed')",
            name=op.f("ck_denial_events_status_known"),
        ),
        sa.CheckConstraint(
            "(status in ('overturned', 'partial')) = (recovered_amount is not null)",
            name=op.f("ck_denial_events_recovers_an_amount"),
        ),
        sa.CheckConstraint("recovered_amount > 0", name=op.f("ck_denial_events_recovered_positive")),
        *_keys("denial_events", {"denial_id": "denials", "document_id": "documents", "recorded_by": "users"}),
        sa.UniqueConstraint(
            "clinic_id", "denial_id", "number", name=op.f("uq_denial_events_clinic_id_denial_id_number")
        ),
    )
    op.execute("""create trigger denial_events_append_only before update or delete on denial_events
        for each row execute function refuse_rewriting()""")
    op.execute("""create trigger denial_events_not_emptied before truncate on denial_events
        for each statement execute function refuse_rewriting()""")


def _keys(table: str, references: dict[str, str]) -> list[sa.schema.SchemaItem]:
    """The primary key of a table of clinics, and its references."""
    return [
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", column],
                [f"{other}.clinic_id", f"{other}.id"],
                name=op.f(f"fk_{table}_clinic_id_{column}"),
            )
            for column, other in references.items()
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{table}_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{table}")),
    ]


def _check_kinds(*kinds: str) -> None:
    name = op.f("ck_import_mappings_kind_known")
    op.drop_constraint(name, "import_mappings", type_="check")
    known = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(name, "import_mappings", f"kind in ({known})")


def _check_facts(*facts: str) -> None:
    name = op.f("ck_late_facts_fact_known")
    op.drop_constraint(name, "late_facts", type_="check")
    known = ", ".join(f"'{fact}'" for fact in facts)
    op.create_check_constraint(name, "late_facts", f"fact in ({known})")


def downgrade() -> None:
    # The release before knows no late adjustment: it names the decision that one contradicts as if a payment did.
    op.execute("alter table late_facts disable trigger user")
    op.execute("update late_facts set fact = 'receipt' where fact = 'adjustment'")
    op.execute("alter table late_facts enable trigger user")
    _check_facts(*_FACTS)
    op.execute(_STEPS.format(more=""))
    op.execute("delete from import_mappings where kind = 'reason_codes'")
    _check_kinds(*_LISTS, *_OTHERS)
    op.drop_table("denial_events")
    op.drop_table("reason_codes")
    for table, name in _CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    for table, references in _REFERENCES.items():
        for column in references:
            op.drop_index(f"ix_{table}_{column.removesuffix('_id')}", table)
            op.drop_column(table, column)
    for name in ("reason_code", "note"):
        op.drop_column("invoice_adjustments", name)
    for table in ("denials", "invoice_adjustments"):
        op.drop_column(table, "remark_codes")
        op.drop_column(table, "adjustment_group")
