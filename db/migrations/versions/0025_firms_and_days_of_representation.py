"""Law firms are records, to which attorneys and payers belong; representations have the days on which they were known.

Each normal form of the firms that a clinic's attorneys name becomes one firm, under its most frequent spelling. A payer of the kind
ATTORNEY belongs to the firm of its attorney or, without one, to the firm of its name. The texts of attorneys stay as they are:
where they spell a firm in several ways, and where a payer's name names no firm or another one, `billing duplicates` lists them.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from alembic import op

from domain.normal_forms import name_fragments, normal_key

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TEXT = sa.Text(collation="C")
# Code of the release before writes the name of the firm alone. A name that is spelt as a firm's, or in its small letters, is that
# firm; any other one is a new firm.
_FIND = """create function keep_attorney_firm() returns trigger language plpgsql set search_path = public, pg_temp as $$
declare found uuid; begin
    if new.firm_id is null or (tg_op = 'UPDATE' and new.firm is distinct from old.firm and new.firm_id = old.firm_id) then
        select id into found from firms
            where clinic_id = new.clinic_id and (name = new.firm or name_key = lower(new.firm))
            order by id is not distinct from new.firm_id desc, name = new.firm desc limit 1;
        if found is null then
            found := gen_random_uuid();
            insert into firms (clinic_id, id, name, name_fragments)
                values (new.clinic_id, found, new.firm, array[lower(new.firm)]);
        end if;
        new.firm_id := found;
    end if;
    return new;
end $$"""
_FINDS = """create trigger keep_attorney_firm before insert or update of firm, firm_id on attorneys
    for each row execute function keep_attorney_firm()"""


def upgrade() -> None:
    _create_firms()
    for table in ("attorneys", "payers"):
        op.add_column(table, sa.Column("firm_id", sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_clinic_id_firm_id"), table, "firms", ["clinic_id", "firm_id"], ["clinic_id", "id"]
        )
    firms = _add_firms()
    _link_payers(firms)
    op.alter_column("attorneys", "firm_id", nullable=False)
    op.create_index("ix_attorneys_firm", "attorneys", _keys("firm_id", "name", "id"))
    op.create_index(
        "ix_payers_firm", "payers", _keys("firm_id", "name", "id"), postgresql_where=sa.text("firm_id is not null")
    )
    op.create_check_constraint(
        op.f("ck_payers_firm_pays_as_attorney"), "payers", "firm_id is null or kind = 'attorney'"
    )
    op.execute(_FIND)
    op.execute(_FINDS)
    _add_days_of_knowledge()
    _create_changes()


def _keys(*columns: str) -> list[Any]:
    return ["clinic_id", *map(sa.literal_column, columns)]


def _create_firms() -> None:
    fragments: sa.Column[Any] = sa.Column(
        "name_fragments", sa.ARRAY(_TEXT), server_default=sa.text("'{}'"), nullable=False
    )
    key = sa.Computed("coalesce(name_fragments[1], lower(name))", persisted=True)
    op.create_table(
        "firms",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        fragments,
        sa.Column("name_key", _TEXT, key, nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        *_ends_of("firms", {}),
    )
    op.create_index("ix_firms_name", "firms", _keys("name", "id"))
    op.create_index("uq_firms_name_key", "firms", _keys("name_key"), unique=True, postgresql_nulls_not_distinct=True)


def _ends_of(table: str, refers: dict[str, str]) -> list[sa.schema.SchemaItem]:
    """The time of recording, and the keys of a table of clinics."""
    return [
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", column], [f"{to}.clinic_id", f"{to}.id"], name=op.f(f"fk_{table}_clinic_id_{column}")
            )
            for column, to in refers.items()
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f(f"fk_{table}_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{table}")),
    ]


def _rows(query: str, *values: Any) -> list[Any]:
    return list(op.get_bind().exec_driver_sql(query, values or None).fetchall())


def _add_firms() -> dict[tuple[UUID, str], UUID]:
    """One firm for each normal form of a clinic, recorded with its first attorney; returns the firms by clinic and normal form."""
    named = defaultdict[tuple[UUID, str], list[Any]](list)
    for row in _rows("select clinic_id, id, firm, recorded_at from attorneys order by recorded_at, id"):
        named[row[0], normal_key(row[2])].append(row)
    firms = {key: uuid4() for key in named}
    for (clinic_id, key), attorneys in named.items():
        # Of equally frequent spellings, the oldest.
        [(name, _)] = Counter(row[2] for row in attorneys).most_common(1)
        firm, fragments = firms[clinic_id, key], "\n".join(name_fragments(name))
        _rows(
            """insert into firms (clinic_id, id, name, name_fragments, recorded_at)
            values ($1, $2, $3, string_to_array($4, E'\\n'), $5) returning 1""",
            *(clinic_id, firm, name, fragments, attorneys[0][3]),
        )
        _rows(
            "update attorneys set firm_id = $2 where clinic_id = $1 and id = any($3::uuid[]) returning 1",
            *(clinic_id, firm, [row[1] for row in attorneys]),
        )
    return firms


def _link_payers(firms: dict[tuple[UUID, str], UUID]) -> None:
    op.execute(
        """update payers p set firm_id = a.firm_id from attorneys a
        where p.kind = 'attorney' and a.clinic_id = p.clinic_id and a.id = p.attorney_id"""
    )
    for clinic_id, payer, name in _rows(
        "select clinic_id, id, name from payers where kind = 'attorney' and attorney_id is null"
    ):
        firm = firms.get((clinic_id, normal_key(name)))
        if firm is not None:
            _rows("update payers set firm_id = $3 where clinic_id = $1 and id = $2 returning 1", clinic_id, payer, firm)


def _add_days_of_knowledge() -> None:
    for column in ("known_from", "known_until"):
        op.add_column("representations", sa.Column(column, sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("ck_representations_known_until_after_known_from"), "representations", "known_until >= known_from"
    )
    op.create_index(
        "ix_representations_over",
        "representations",
        _keys("case_id"),
        postgresql_where=sa.text("until_on is not null or known_until is not null"),
    )


def _create_changes() -> None:
    op.create_table(
        "attorney_changes",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attorney_id", sa.Uuid(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('pending', 'applied', 'replaced', 'cancelled')", name=op.f("ck_attorney_changes_status_known")
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (ended_at is null)", name=op.f("ck_attorney_changes_pending_has_no_end")
        ),
        *_ends_of(
            "attorney_changes",
            {"case_id": "cases", "attorney_id": "attorneys", "requested_by": "users", "ended_by": "users"},
        ),
    )
    pending = sa.text("status = 'pending'")
    op.create_index(
        "uq_attorney_changes_pending",
        "attorney_changes",
        _keys("case_id"),
        unique=True,
        postgresql_where=pending,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("ix_attorney_changes_due", "attorney_changes", _keys("effective_on"), postgresql_where=pending)


def downgrade() -> None:
    op.drop_table("attorney_changes")
    op.drop_index("ix_representations_over", "representations")
    # What was replaced is not known to the release before.
    op.execute("delete from representations where known_until is not null")
    for column in ("known_until", "known_from"):
        op.drop_column("representations", column)
    op.execute("drop trigger keep_attorney_firm on attorneys")
    op.execute("drop function keep_attorney_firm()")
    for table in ("payers", "attorneys"):
        op.drop_column(table, "firm_id")
    op.drop_table("firms")
