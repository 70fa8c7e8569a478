"""What was typed wrong of a payment is corrected by another row; allocations say how they were reversed, and are moved (decision 27).

Reversals of earlier releases were made by returns and by the replacement of invoices: they are marked accordingly.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_KINDS = "return_kind in ('nsf', 'stopped', 'stale', 'lost', 'replaced'{more})"
_FACTS = "fact in ('receipt', 'return', 'denial'{more})"
_REVERSALS = "('returned', 'replaced', 'moved', 'corrected', 'taken_back')"
_CHECKS = (
    ("cheques", "corrected_was_returned", "corrected_at is null or returned_on is not null"),
    ("cheques", "correction_is_marked", "return_kind <> 'corrected' or corrected_at is not null"),
    ("cheques", "correction_has_a_reason", "(corrects_id is null) = (correction_reason is null)"),
    ("cheque_allocations", "reversal_kind_known", f"reversal_kind in {_REVERSALS}"),
    ("cheque_allocations", "only_reversals_have_a_kind", "reversal_kind is null or reverses_id is not null"),
)
_NEGATIVE = "amount <> 0 and (amount < 0) = (reverses_id is not null)"
_DOCUMENT = "imported or document_id is not null or method <> 'paper'"
# What a later payment took back is positive again where that payment is corrected.
_NEGATIVE_OR_CORRECTED = f"{_NEGATIVE} or amount > 0 and reversal_kind = 'corrected'"

_FIXED = "clinic_id id payer_id method bank bank_key number number_key amount cheque_date held_from replaces_id".split()
_MORE_FIXED = (*_FIXED, "corrects_id", "correction_reason")
_GUARD = """create or replace function guard_cheque() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'DELETE'
        or ({new}) is distinct from ({old})
        or (new.received_on, new.released_at) is distinct from (old.received_on, old.released_at)
            and not (old.held_from is not null and old.released_at is null and new.released_at is not null)
        or new.deposit_id is distinct from old.deposit_id and old.deposit_id is not null
        {corrected}
        or old.returned_on is not null
            and to_jsonb(new) - '{{applied_amount,unapplied_amount,number_likeness{beside}}}'::text[]
            is distinct from to_jsonb(old) - '{{applied_amount,unapplied_amount,number_likeness{beside}}}'::text[] then
        raise exception 'a cheque is never edited or deleted' using errcode = 'check_violation';
    end if;
    return new;
end $$"""
# A returned cheque changes no more, but for the mark that it was corrected, which is set once.
_CORRECTED = "or new.corrected_at is distinct from old.corrected_at and old.corrected_at is not null"
# Rows that this release wrote before a database went down and up again are told apart, too.
_MARK = """update cheque_allocations r set reversal_kind = case
        when exists (select from cheque_allocations a where (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
            and a.cheque_id <> r.cheque_id) then 'taken_back'
        when exists (select from invoice_events e where (e.clinic_id, e.invoice_id) = (r.clinic_id, r.invoice_id)
            and e.transition = 'replace_invoice' and e.at <= r.recorded_at) then 'replaced'
        when exists (select from cheques c where (c.clinic_id, c.id) = (r.clinic_id, r.cheque_id)
            and c.returned_on is null) then 'moved' else 'returned' end
    where r.reverses_id is not null"""


def _guard(fixed: tuple[str, ...] | list[str], corrected: str, beside: str) -> str:
    new, old = (", ".join(f"{row}.{name}" for name in fixed) for row in ("new", "old"))
    return _GUARD.format(new=new, old=old, corrected=corrected, beside=beside)


def upgrade() -> None:
    for column in (
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("correction_reason", sa.Text(), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("cheques", column)
    op.create_foreign_key(
        op.f("fk_cheques_clinic_id_corrects_id"),
        "cheques",
        "cheques",
        ["clinic_id", "corrects_id"],
        ["clinic_id", "id"],
    )
    op.create_index(
        "ix_cheques_corrects",
        "cheques",
        ["clinic_id", sa.text("corrects_id")],
        unique=True,
        postgresql_where=sa.text("corrects_id is not null"),
        postgresql_nulls_not_distinct=True,
    )
    op.add_column("cheque_allocations", sa.Column("reversal_kind", sa.Text(), nullable=True))
    op.add_column("cheque_allocations", sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=True))
    # Reversals are written once and kept; the mark is no part of what was written.
    op.execute("alter table cheque_allocations disable trigger user")
    op.execute(_MARK)
    op.execute("alter table cheque_allocations enable trigger user")
    op.add_column("invoice_adjustments", sa.Column("undoes_number", sa.Integer(), nullable=True))
    _replace_check("cheque_allocations", "reversal_is_negative", _NEGATIVE_OR_CORRECTED)
    _replace_check("cheques", "return_kind_known", _KINDS.format(more=", 'corrected'"))
    _replace_check("cheques", "has_a_document", f"{_DOCUMENT} or corrects_id is not null")
    _replace_check("late_facts", "fact_known", _FACTS.format(more=", 'correction'"))
    for table, name, condition in _CHECKS:
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.execute(_guard(_MORE_FIXED, _CORRECTED, ",corrected_at"))


def _replace_check(table: str, name: str, condition: str) -> None:
    """Replace a check; it is validated while others read and write."""
    whole = f"ck_{table}_{name}"
    op.drop_constraint(op.f(whole), table, type_="check")
    op.create_check_constraint(op.f(whole), table, condition, postgresql_not_valid=True)
    op.execute(f"alter table {table} validate constraint {whole}")


def downgrade() -> None:
    # The release before knows no corrections: the wrong rows stay returned, as lost, and the right ones are payments of their own.
    for table in ("cheques", "cheque_allocations", "late_facts"):
        op.execute(f"alter table {table} disable trigger user")
    op.execute("update cheques set return_kind = 'lost' where return_kind = 'corrected'")
    op.execute("update cheques set imported = true where document_id is null and method = 'paper' and not imported")
    op.execute("update late_facts set fact = 'receipt' where fact = 'correction'")
    for table in ("cheques", "cheque_allocations", "late_facts"):
        op.execute(f"alter table {table} enable trigger user")
    for table, name, _ in _CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
    op.execute(_guard(_FIXED, "", ""))
    _replace_check("late_facts", "fact_known", _FACTS.format(more=""))
    _replace_check("cheques", "return_kind_known", _KINDS.format(more=""))
    _replace_check("cheques", "has_a_document", _DOCUMENT)
    _replace_check("cheque_allocations", "reversal_is_negative", _NEGATIVE)
    op.drop_column("invoice_adjustments", "undoes_number")
    op.drop_column("cheque_allocations", "ordered_at")
    op.drop_column("cheque_allocations", "reversal_kind")
    op.drop_index("ix_cheques_corrects", "cheques")
    op.drop_constraint(op.f("fk_cheques_clinic_id_corrects_id"), "cheques", type_="foreignkey")
    # Policies of the later release name it: those of the release before are set by its `billing migrate`.
    for name in ("corrected_at", "correction_reason", "corrects_id"):
        op.execute(f"alter table cheques drop column {name} cascade")
