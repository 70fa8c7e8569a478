"""Rows of remittances that concern the payment alone (PLB), refunds that come back, and money that payers ask back.

What a payment is used for is the sum of its allocations and refunds, less its provider adjustments. A payment of 0.00 is possible where it
was posted from a remittance. Requests of recoupment have answers, which are kept.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=12, scale=2)
_REVERSALS = "reversal_kind in ('returned', 'moved', 'corrected')"
_HAS_KIND = "(reversal_kind is null) = (reverses_id is null)"
_APPEND_ONLY = ("provider_adjustments", "recoupment_answers")
_KEEP = """create or replace function keep_applied_amount() returns trigger language plpgsql security definer
    set search_path = public, pg_temp as $$
begin
    -- Locked before the sums are read, so that they include what others have committed.
    perform from cheques c where (c.clinic_id, c.id) in (select clinic_id, cheque_id from new_rows)
        order by c.clinic_id, c.id for no key update;
    update cheques c set applied_amount = found.applied from (select k.clinic_id, k.cheque_id,
            (select coalesce(sum(a.amount), 0) from cheque_allocations a
                where (a.clinic_id, a.cheque_id) = (k.clinic_id, k.cheque_id))
            + (select coalesce(sum(r.amount), 0) from refunds r
                where (r.clinic_id, r.cheque_id) = (k.clinic_id, k.cheque_id)){provider} as applied
            from (select distinct clinic_id, cheque_id from new_rows) k) found
        where (c.clinic_id, c.id) = (found.clinic_id, found.cheque_id) and c.applied_amount <> found.applied;
    return null;
end $$"""
_PROVIDER = """
            - (select coalesce(sum(p.amount), 0) from provider_adjustments p
                where (p.clinic_id, p.cheque_id) = (k.clinic_id, k.cheque_id))"""
_FIXED = ("payer_id", "cheque_id", "invoice_id", "reference", "amount", "reason", "requested_on", "document_id")
_GUARD = f"""create function guard_recoupment_request() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'DELETE' or ({", ".join(f"new.{name}" for name in ("clinic_id", "id", *_FIXED))})
            is distinct from ({", ".join(f"old.{name}" for name in ("clinic_id", "id", *_FIXED))}) then
        raise exception 'a recoupment request is never edited or deleted' using errcode = 'check_violation';
    end if;
    return new;
end $$"""


def upgrade() -> None:
    op.add_column("cheques", sa.Column("is_remitted", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _replace_check("cheques", "amount_positive", "amount > 0 or amount = 0 and is_remitted")
    _add_provider_adjustments()
    _add_columns_of_refunds()
    _add_requests()
    _add_answers()
    op.execute(_KEEP.format(provider=_PROVIDER))
    op.execute("""create trigger provider_adjustments_applied after insert on provider_adjustments
        referencing new table as new_rows for each statement execute function keep_applied_amount()""")
    for table in _APPEND_ONLY:
        op.execute(f"""create trigger {table}_append_only before update or delete on {table}
            for each row execute function refuse_rewriting()""")
    for table in (*_APPEND_ONLY, "recoupment_requests"):
        op.execute(f"""create trigger {table}_not_emptied before truncate on {table}
            for each statement execute function refuse_rewriting()""")
    op.execute(_GUARD)
    op.execute("""create trigger guard_recoupment_request before update or delete on recoupment_requests
        for each row execute function guard_recoupment_request()""")


def _add_provider_adjustments() -> None:
    op.create_table(
        "provider_adjustments",
        *_identity(),
        sa.Column("cheque_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("reversal_kind", sa.Text(), nullable=True),
        sa.Column("carries_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        *_ends_of(
            "provider_adjustments",
            cheque_id="cheques",
            reverses_id="provider_adjustments",
            carries_id="provider_adjustments",
            recorded_by="users",
        ),
        sa.CheckConstraint(_REVERSALS, name=op.f("ck_provider_adjustments_reversal_kind_known")),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_provider_adjustments_amount_not_zero")),
        sa.CheckConstraint(_HAS_KIND, name=op.f("ck_provider_adjustments_reversal_has_a_kind")),
    )
    _index("ix_provider_adjustments_cheque", "provider_adjustments", "cheque_id")
    _index("uq_provider_adjustments_reverses", "provider_adjustments", "reverses_id", unique=True)
    _index("ix_provider_adjustments_carries", "provider_adjustments", "carries_id")


def _add_columns_of_refunds() -> None:
    for column, other in _OF_REFUNDS:
        op.add_column("refunds", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_refunds_clinic_id_{column}"), "refunds", other, ["clinic_id", column], ["clinic_id", "id"]
        )
    op.add_column("refunds", sa.Column("reversal_kind", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_refunds_amount_positive"), "refunds")
    for name, condition in _CHECKS_OF_REFUNDS:
        op.create_check_constraint(op.f(f"ck_refunds_{name}"), "refunds", condition)
    _index("uq_refunds_reverses", "refunds", "reverses_id", unique=True)
    _index("ix_refunds_carries", "refunds", "carries_id")
    _index("ix_refunds_provider_adjustment", "refunds", "provider_adjustment_id")


_OF_REFUNDS = (
    ("reverses_id", "refunds"),
    ("carries_id", "refunds"),
    ("provider_adjustment_id", "provider_adjustments"),
)
_CHECKS_OF_REFUNDS = (
    ("reversal_kind_known", _REVERSALS),
    ("reversal_is_negative", "amount <> 0 and (amount < 0) = (reverses_id is not null)"),
    ("reversal_has_a_kind", _HAS_KIND),
)


def _add_requests() -> None:
    op.create_table(
        "recoupment_requests",
        *_identity(),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("cheque_id", sa.Uuid(), nullable=True),
        sa.Column("invoice_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("answered_amount", _MONEY, server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        *_ends_of(
            "recoupment_requests",
            payer_id="payers",
            cheque_id="cheques",
            invoice_id="invoices",
            document_id="documents",
            recorded_by="users",
        ),
        sa.CheckConstraint(
            "status in ('open', 'appealed', 'refunded', 'withheld', 'withdrawn')",
            name=op.f("ck_recoupment_requests_status_known"),
        ),
        sa.CheckConstraint(
            "amount > 0 and answered_amount between 0 and amount", name=op.f("ck_recoupment_requests_amounts")
        ),
        sa.CheckConstraint("due_on >= requested_on", name=op.f("ck_recoupment_requests_due_after_request")),
    )
    op.create_index(
        "ix_recoupment_requests_requested",
        "recoupment_requests",
        ["clinic_id", sa.literal_column("requested_on desc"), sa.literal_column("id desc")],
    )
    op.create_index("ix_recoupment_requests_payer", "recoupment_requests", ["clinic_id", "payer_id"])
    op.create_index(
        "ix_recoupment_requests_due",
        "recoupment_requests",
        ["clinic_id", "due_on"],
        postgresql_where=sa.text("status = 'open'"),
    )


def _add_answers() -> None:
    op.create_table(
        "recoupment_answers",
        *_identity(),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("amount", _MONEY, nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("provider_adjustment_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        *_ends_of(
            "recoupment_answers",
            request_id="recoupment_requests",
            refund_id="refunds",
            provider_adjustment_id="provider_adjustments",
            document_id="documents",
            answered_by="users",
        ),
        *(sa.CheckConstraint(condition, name=op.f(f"ck_recoupment_answers_{name}")) for name, condition in _OF_ANSWERS),
    )
    for name, columns, where in (
        ("uq_recoupment_answers_number", ("request_id", "number"), None),
        ("uq_recoupment_answers_refund", ("refund_id", "step"), sa.text("refund_id is not null")),
    ):
        op.create_index(
            name,
            "recoupment_answers",
            ["clinic_id", *columns],
            unique=True,
            postgresql_where=where,
            postgresql_nulls_not_distinct=True,
        )
    _index("ix_recoupment_answers_provider_adjustment", "recoupment_answers", "provider_adjustment_id")


_OF_ANSWERS = (
    ("step_known", "step in ('refund', 'appeal', 'withholding', 'withdrawal', 'appeal_refused', 'reopening')"),
    (
        "amount_of_step",
        """case when step in ('refund', 'withholding') then coalesce(amount > 0, false)
        when step = 'reopening' then coalesce(amount < 0, false) else amount is null end""",
    ),
    ("refund_is_named", "step <> 'refund' or refund_id is not null"),
    ("withholding_is_named", "step <> 'withholding' or provider_adjustment_id is not null"),
)


def _index(name: str, table: str, column: str, *, unique: bool = False) -> None:
    """An index of a reference; those that may be null are in it only where they are set."""
    where = None if column == "cheque_id" else sa.text(f"{column} is not null")
    nulls: dict[str, Any] = {"postgresql_nulls_not_distinct": True} if unique else {}
    op.create_index(name, table, ["clinic_id", column], unique=unique, postgresql_where=where, **nulls)


def _replace_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition, postgresql_not_valid=True)
    op.execute(f"alter table {table} validate constraint ck_{table}_{name}")


def _identity() -> list[sa.Column[Any]]:
    return [sa.Column("clinic_id", sa.Uuid(), nullable=False), sa.Column("id", sa.Uuid(), nullable=False)]


def _ends_of(table: str, **references: str) -> list[sa.schema.SchemaItem]:
    """The time of recording, and the keys of a table of clinics."""
    return [
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
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


# The release before knows no reversed refunds, which are as if they had not been.
_REVERSED = "delete from refunds where reverses_id is not null or id in (select reverses_id from refunds)"
_APPLIED_BEFORE = """update cheques c set applied_amount = c.applied_amount + p.amount from (select clinic_id, cheque_id, sum(amount) as amount
        from provider_adjustments group by 1, 2) p where (c.clinic_id, c.id) = (p.clinic_id, p.cheque_id) and p.amount <> 0"""


def downgrade() -> None:
    op.execute(_KEEP.format(provider=""))
    op.execute(_APPLIED_BEFORE)
    op.drop_table("recoupment_answers")
    op.drop_table("recoupment_requests")
    op.execute("drop function guard_recoupment_request()")
    for column, _ in _OF_REFUNDS:
        op.drop_constraint(op.f(f"fk_refunds_clinic_id_{column}"), "refunds")
    op.execute("alter table refunds disable trigger user")
    op.execute(_REVERSED)
    op.execute("alter table refunds enable trigger user")
    for name, _ in _CHECKS_OF_REFUNDS:
        op.drop_constraint(op.f(f"ck_refunds_{name}"), "refunds")
    for name in ("uq_refunds_reverses", "ix_refunds_carries", "ix_refunds_provider_adjustment"):
        op.drop_index(name, "refunds")
    for column in ("reversal_kind", *(name for name, _ in _OF_REFUNDS)):
        op.drop_column("refunds", column)
    op.create_check_constraint(op.f("ck_refunds_amount_positive"), "refunds", "amount > 0")
    op.drop_table("provider_adjustments")
    # Payments of 0.00 stay; the release before adds none.
    op.drop_constraint(op.f("ck_cheques_amount_positive"), "cheques", type_="check")
    op.create_check_constraint(op.f("ck_cheques_amount_positive"), "cheques", "amount > 0", postgresql_not_valid=True)
    op.drop_column("cheques", "is_remitted")
