"""Payments have a method and a bank; they are held, deposited, cleared, returned with a kind, replaced and refunded.

The number of a payment is unique in its normal form, for each payer, method and bank. Where several cheques that were not returned
have the same one, nothing is changed or lost: all but the oldest are marked as duplicates, which `billing duplicates` lists. Cheques
that were recorded as received before the day written on them are marked, too: from now on such a cheque is held.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.normal_forms import code_form

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_MONEY = sa.Numeric(precision=12, scale=2)
_METHODS = "('paper', 'ach', 'wire', 'card', 'virtual_card', 'cash')"
_IS_MONEY = "returned_on is null and (held_from is null or released_at is not null)"
_UNAPPLIED = f"case when {_IS_MONEY} then amount else 0 end - applied_amount"
_LIKENESS = "ltrim(regexp_replace(upper(number_key), '[^0-9A-Z]', '', 'g'), '0')"
_HELD = "held_from is not null and released_at is null and returned_on is null"
_INDEXES = (
    ("ix_cheques_likeness", ("payer_id", "number_likeness"), None),
    ("ix_cheques_deposit", ("deposit_id",), "deposit_id is not null"),
    ("ix_cheques_replaces", ("replaces_id",), "replaces_id is not null"),
    ("ix_cheques_unapplied", ("payer_id",), "unapplied_amount <> 0"),
    ("ix_cheques_held", ("cheque_date",), _HELD),
)
_CHECKS = (
    ("method_known", f"method in {_METHODS}"),
    ("return_kind_known", "return_kind in ('nsf', 'stopped', 'stale', 'lost', 'replaced')"),
    ("has_a_document", "imported or document_id is not null or method <> 'paper'"),
    ("released_after_held", "released_at is null or held_from is not null"),
    (
        "post_dated_is_held",
        "cheque_date <= received_on or is_post_dated or (held_from is not null and released_at is null)",
    ),
)
_APPEND_ONLY = ("deposits", "refunds")

_FIXED = "clinic_id id payer_id method bank bank_key number number_key amount cheque_date held_from replaces_id".split()
_GUARD = """create or replace function guard_cheque() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if {refused} then
        raise exception 'a cheque is never edited or deleted' using errcode = 'check_violation';
    end if;
    return new;
end $$"""
_GUARDED_BEFORE = """tg_op = 'DELETE' or old.returned_on is not null
        or (new.clinic_id, new.id, new.payer_id, new.number, new.amount, new.received_on, new.cheque_date)
        is distinct from (old.clinic_id, old.id, old.payer_id, old.number, old.amount, old.received_on, old.cheque_date)"""
# A deposit releases a held cheque: only then its day of receipt changes. A returned cheque changes no more, but for the sum of what
# it was used for, and for columns that are computed after this trigger.
_GUARDED = f"""tg_op = 'DELETE'
        or ({", ".join(f"new.{name}" for name in _FIXED)}) is distinct from ({", ".join(f"old.{name}" for name in _FIXED)})
        or (new.received_on, new.released_at) is distinct from (old.received_on, old.released_at)
            and not (old.held_from is not null and old.released_at is null and new.released_at is not null)
        or new.deposit_id is distinct from old.deposit_id and old.deposit_id is not null
        or old.returned_on is not null
            and to_jsonb(new) - '{{applied_amount,unapplied_amount,number_likeness}}'::text[]
            is distinct from to_jsonb(old) - '{{applied_amount,unapplied_amount,number_likeness}}'::text[]"""

STATEMENTS = (
    _GUARD.format(refused=_GUARDED),
    """create function complete_cheque() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.number_key := coalesce(new.number_key, new.number);
    if new.replaces_id is not null and not exists (select from cheques c where c.clinic_id = new.clinic_id
        and c.id = new.replaces_id and c.payer_id = new.payer_id and c.returned_on <= new.received_on) then
        raise exception 'a payment replaces one of its payer that was returned before' using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    """create trigger complete_cheque before insert on cheques for each row
        when (new.number_key is null or new.replaces_id is not null) execute function complete_cheque()""",
    # The index refuses cheques of the same bank, and those of which no bank is known. Cheques with a bank take the lock of their
    # clinic alone, so that none without is recorded meanwhile; those without share it.
    """create function refuse_same_cheque() returns trigger language plpgsql security definer
    set search_path = public, pg_temp as $$
begin
    perform case when with_bank then pg_advisory_xact_lock(hashtextextended('cheques ' || clinic_id::text, 0))
            else pg_advisory_xact_lock_shared(hashtextextended('cheques ' || clinic_id::text, 0)) end
        from (select clinic_id, bool_or(bank_key is not null) as with_bank from new_rows group by clinic_id order by 1) changed;
    if exists (select from new_rows mine join cheques other on (other.clinic_id, other.payer_id, other.method, other.number_key)
            = (mine.clinic_id, mine.payer_id, mine.method, mine.number_key)
        where other.returned_on is null and mine.returned_on is null and mine.method <> 'cash'
            and not other.is_duplicate and not mine.is_duplicate and (other.bank_key is null) <> (mine.bank_key is null)) then
        raise exception 'a cheque of this payer has this number' using errcode = 'unique_violation';
    end if;
    return null;
end $$""",
    """create trigger refuse_same_cheque after insert on cheques referencing new table as new_rows
        for each statement execute function refuse_same_cheque()""",
    """create function keep_applied_amount() returns trigger language plpgsql security definer
    set search_path = public, pg_temp as $$
begin
    -- Locked before the sums are read, so that they include what others have committed.
    perform from cheques c where (c.clinic_id, c.id) in (select clinic_id, cheque_id from new_rows)
        order by c.clinic_id, c.id for no key update;
    update cheques c set applied_amount = found.applied from (select k.clinic_id, k.cheque_id,
            (select coalesce(sum(a.amount), 0) from cheque_allocations a
                where (a.clinic_id, a.cheque_id) = (k.clinic_id, k.cheque_id))
            + (select coalesce(sum(r.amount), 0) from refunds r
                where (r.clinic_id, r.cheque_id) = (k.clinic_id, k.cheque_id)) as applied
            from (select distinct clinic_id, cheque_id from new_rows) k) found
        where (c.clinic_id, c.id) = (found.clinic_id, found.cheque_id) and c.applied_amount <> found.applied;
    return null;
end $$""",
    *(
        f"""create trigger {table}_applied after insert on {table} referencing new table as new_rows
        for each statement execute function keep_applied_amount()"""
        for table in ("cheque_allocations", "refunds")
    ),
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
_SPELT_TWICE = """update cheques c set is_duplicate = true from (select clinic_id, id, row_number() over (
        partition by clinic_id, payer_id, number_key order by recorded_at, id) as place
        from cheques where returned_on is null) ranked
    where place > 1 and (c.clinic_id, c.id) = (ranked.clinic_id, ranked.id)"""
# When a return was recorded, as far as that is known: with its reversals, or on its day.
_RETURNED_AT = """update cheques c set returned_at = coalesce((select max(a.recorded_at) from cheque_allocations a
        where (a.clinic_id, a.cheque_id) = (c.clinic_id, c.id) and a.amount < 0),
        greatest(c.recorded_at, (c.returned_on + time '12:00') at time zone 'UTC')), return_kind = 'nsf'
    where returned_on is not null"""
_APPLIED = """update cheques c set applied_amount = a.amount from (select clinic_id, cheque_id, sum(amount) as amount
        from cheque_allocations group by 1, 2) a
    where (c.clinic_id, c.id) = (a.clinic_id, a.cheque_id) and a.amount <> 0"""
# The release before knows neither held cheques nor methods, banks and refunds.
_UNHELD = f"""update cheques set returned_on = received_on,
    return_reason = 'Post-dated: record it again on its day' where {_HELD}"""
_WITHOUT_SCAN = "update cheques set imported = true where document_id is null and not imported"
_NUMBERED = """update cheques c set number = left(c.number, 160) || ' ' || c.id from (select clinic_id, id, row_number() over (
        partition by clinic_id, payer_id, number order by recorded_at, id) as place
        from cheques where returned_on is null) ranked
    where place > 1 and (c.clinic_id, c.id) = (ranked.clinic_id, ranked.id)"""


def upgrade() -> None:
    op.create_table(
        "deposits",
        *_identity(),
        sa.Column("bank_account", sa.Text(), nullable=False),
        sa.Column("deposited_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        *_ends_of("deposits", recorded_by="users"),
    )
    op.create_index(
        "ix_deposits_deposited",
        "deposits",
        ["clinic_id", sa.literal_column("deposited_on desc"), sa.literal_column("id desc")],
    )
    op.create_table(
        "refunds",
        *_identity(),
        sa.Column("cheque_id", sa.Uuid(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refunded_on", sa.Date(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("refunded_by", sa.Uuid(), nullable=True),
        *_ends_of("refunds", cheque_id="cheques", document_id="documents", refunded_by="users"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refunds_amount_positive")),
        sa.CheckConstraint(f"method in {_METHODS}", name=op.f("ck_refunds_method_known")),
    )
    op.create_index("ix_refunds_cheque", "refunds", ["clinic_id", "cheque_id"])
    for added in _columns():
        op.add_column("cheques", added)
    _move()
    for name, formula, type_ in (
        ("number_likeness", _LIKENESS, _KEY),
        ("unapplied_amount", _UNAPPLIED, _MONEY),
    ):
        op.add_column("cheques", sa.Column(name, type_, sa.Computed(formula, persisted=True)))
    _guard()
    for statement in STATEMENTS:
        op.execute(statement)
    op.add_column("exports", sa.Column("deposit_id", sa.Uuid(), nullable=True))
    for table, column, other in _FOREIGN:
        op.create_foreign_key(
            op.f(f"fk_{table}_clinic_id_{column}"), table, other, ["clinic_id", column], ["clinic_id", "id"]
        )


_FOREIGN = (
    ("cheques", "deposit_id", "deposits"),
    ("cheques", "replaces_id", "cheques"),
    ("exports", "deposit_id", "deposits"),
)


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("method", sa.Text(), server_default=sa.text("'paper'"), nullable=False),
        sa.Column("bank", sa.Text(), nullable=True),
        sa.Column("bank_key", _KEY, nullable=True),
        sa.Column("number_key", _KEY, nullable=True),
        sa.Column("is_duplicate", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("held_from", sa.Date(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_post_dated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=True),
        sa.Column("cleared_on", sa.Date(), nullable=True),
        sa.Column("return_kind", sa.Text(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("applied_amount", _MONEY, server_default=sa.text("0"), nullable=False),
    ]


def _move() -> None:
    """Normal forms, duplicates, returns and sums of what is stored already."""
    op.execute("alter table cheques disable trigger guard_cheque")
    op.execute(r"update cheques set number_key = number where number ~ '^[!-_{-~]+( [!-_{-~]+)*$'")
    connection = op.get_bind()
    odd = connection.exec_driver_sql("select clinic_id, id, number from cheques where number_key is null").fetchall()
    if odd:
        connection.exec_driver_sql(
            """update cheques c set number_key = v.key from unnest($1::uuid[], $2::uuid[], $3::text[]) v (clinic_id, id, key)
            where (c.clinic_id, c.id) = (v.clinic_id, v.id)""",
            tuple(
                map(
                    list, zip(*((clinic, identity, code_form(number)) for clinic, identity, number in odd), strict=True)
                )
            ),
        )
    for statement in (_SPELT_TWICE, "update cheques set is_post_dated = true where cheque_date > received_on"):
        op.execute(statement)
    op.execute(_RETURNED_AT)
    op.execute(_APPLIED)
    op.execute("alter table cheques enable trigger guard_cheque")


def _guard() -> None:
    """The new checks and indexes."""
    op.drop_constraint(op.f("ck_cheques_has_a_document"), "cheques")
    for name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"ck_cheques_{name}"), "cheques", condition)
    for name, columns, where in _INDEXES:
        op.create_index(
            name, "cheques", ["clinic_id", *map(sa.literal_column, columns)], postgresql_where=where and sa.text(where)
        )
    op.create_index(
        "uq_cheques_number_key",
        "cheques",
        ["clinic_id", *map(sa.literal_column, ("payer_id", "method", "number_key", "bank_key"))],
        unique=True,
        postgresql_where=sa.text("returned_on is null and method <> 'cash' and not is_duplicate"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("uq_cheques_number_not_returned", "cheques")


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


def downgrade() -> None:
    for table, column, _ in _FOREIGN:
        op.drop_constraint(op.f(f"fk_{table}_clinic_id_{column}"), table)
    op.drop_column("exports", "deposit_id")
    for trigger, table in (
        ("complete_cheque", "cheques"),
        ("refuse_same_cheque", "cheques"),
        ("cheque_allocations_applied", "cheque_allocations"),
    ):
        op.execute(f"drop trigger {trigger} on {table}")
    op.drop_index("uq_cheques_number_key", "cheques")
    for name, _, _ in _INDEXES:
        op.drop_index(name, "cheques")
    for name, _ in _CHECKS:
        op.drop_constraint(op.f(f"ck_cheques_{name}"), "cheques")
    op.execute("alter table cheques disable trigger guard_cheque")
    for statement in (_UNHELD, _WITHOUT_SCAN, _NUMBERED):
        op.execute(statement)
    op.execute("alter table cheques enable trigger guard_cheque")
    op.execute(_GUARD.format(refused=_GUARDED_BEFORE))
    for name in ("unapplied_amount", "number_likeness", *(column.name for column in reversed(_columns()))):
        op.drop_column("cheques", name)
    for table in ("refunds", "deposits"):
        op.drop_table(table)
    for function in ("complete_cheque", "refuse_same_cheque", "keep_applied_amount"):
        op.execute(f"drop function {function}()")
    op.create_check_constraint(op.f("ck_cheques_has_a_document"), "cheques", "imported or document_id is not null")
    op.create_index(
        "uq_cheques_number_not_returned",
        "cheques",
        ["clinic_id", "payer_id", "number"],
        unique=True,
        postgresql_where=sa.text("returned_on is null"),
    )
