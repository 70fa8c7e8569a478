"""Two patients, or two payers, are merged by a link that can be taken back: merges, and the links that readers follow.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_REFERS = {
    "merged_patient_id": "patients",
    "surviving_patient_id": "patients",
    "merged_payer_id": "payers",
    "surviving_payer_id": "payers",
    "part_of_id": "merges",
    "merged_by": "users",
    "undone_by": "users",
}
_PARTIES = ("patients", "payers")

# The links of the records around some that were merged or taken apart, from the merges that stand: the column of the record, and
# the table by which row policies and reads find them. Both rows are locked first, so that of two merges at once the second sees the first.
_LINK = """create function link_merged(clinic uuid, party text, changed uuid[]) returns void language plpgsql
set search_path = public, pg_temp as $$
declare around uuid[]; begin
    execute format('with recursive walk (start_id, id) as (
            select id, id from %1$I where clinic_id = $1 and (id = any($2) or merged_into_id = any($2))
            union all select w.start_id, m.%2$I from walk w join merges m on m.clinic_id = $1 and m.%3$I = w.id and m.undone_at is null
        ), ends as (select w.start_id, w.id from walk w where not exists (
            select from merges m where m.clinic_id = $1 and m.%3$I = w.id and m.undone_at is null)
        ), linked as (update %1$I p set merged_into_id = nullif(e.id, p.id) from ends e where p.clinic_id = $1 and p.id = e.start_id
            and p.merged_into_id is distinct from nullif(e.id, p.id))
        select array(select start_id from walk union select id from walk)',
        party || 's', 'surviving_' || party || '_id', 'merged_' || party || '_id') using clinic, changed into around;
    execute format('delete from %I where clinic_id = $1 and (id = any($2) or survivor_id = any($2))', 'merged_' || party || 's')
        using clinic, around;
    execute format('insert into %1$I (clinic_id, id, survivor_id, group_ids) select p.clinic_id, p.id, p.merged_into_id,
            array(select o.id from %2$I o where o.clinic_id = $1 and (o.id = p.merged_into_id or o.merged_into_id = p.merged_into_id)
                order by o.id)
        from %2$I p where p.clinic_id = $1 and p.merged_into_id is not null and (p.id = any($2) or p.merged_into_id = any($2))',
        'merged_' || party || 's', party || 's') using clinic, around;
end $$"""
_KEEP = """create function keep_merges() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare party text; parted uuid[]; begin
    if tg_op = 'DELETE' or tg_op = 'UPDATE' and (old.undone_at is not null
            or to_jsonb(new) - '{undone_at,undone_by}'::text[] is distinct from to_jsonb(old) - '{undone_at,undone_by}'::text[]) then
        raise exception 'a merge is never changed or deleted, it is undone once' using errcode = 'check_violation';
    end if;
    party := case when new.merged_patient_id is null then 'payer' else 'patient' end;
    parted := array[coalesce(new.merged_patient_id, new.merged_payer_id), coalesce(new.surviving_patient_id, new.surviving_payer_id)];
    if tg_op = 'INSERT' and exists (select from merged_patients l where party = 'patient' and l.clinic_id = new.clinic_id and l.id = any(parted)
            union all select from merged_payers l where party = 'payer' and l.clinic_id = new.clinic_id and l.id = any(parted)) then
        raise exception 'what is merged already is not merged again' using errcode = 'check_violation';
    end if;
    if tg_op = 'UPDATE' and exists (select from merges m where m.clinic_id = new.clinic_id and m.undone_at is null
            and coalesce(m.merged_patient_id, m.merged_payer_id) = parted[2]) then
        raise exception 'a later merge is undone first' using errcode = 'check_violation';
    end if;
    perform link_merged(new.clinic_id, party, parted);
    return null;
end $$"""
# Payments of merged payers are of one payer: none has the number of another one, and one replaces a returned one. The lock of the
# statement is that of refuse_same_cheque, which fires before.
_REPLACES = """create or replace function complete_cheque() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.number_key := coalesce(new.number_key, new.number);
    if new.replaces_id is not null and not exists (select from cheques c where c.clinic_id = new.clinic_id
        and c.id = new.replaces_id and {same} and c.returned_on <= new.received_on) then
        raise exception 'a payment replaces one of its payer that was returned before' using errcode = 'check_violation';
    end if;
    return new;
end $$"""
_REPLACES_OF = """(c.payer_id = new.payer_id or exists (select from merged_payers l where l.clinic_id = new.clinic_id
            and l.group_ids @> array[c.payer_id, new.payer_id]))"""
_SAME_CHEQUE = """create function refuse_same_cheque_of_merged() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare grouped uuid; begin
    -- Most clinics have merged no payers. Of those that have, payments of one payer under two ids wait for each other.
    for grouped in select distinct l.survivor_id from new_rows mine join merged_payers l on l.clinic_id = mine.clinic_id
            and l.group_ids @> array[mine.payer_id] order by 1 loop
        perform pg_advisory_xact_lock(hashtextextended('cheques of ' || grouped::text, 0));
    end loop;
    if grouped is not null and exists (select from new_rows mine join merged_payers l on l.clinic_id = mine.clinic_id
            and l.group_ids @> array[mine.payer_id]
        join cheques other on other.clinic_id = mine.clinic_id and other.payer_id = any(l.group_ids)
            and (other.method, other.number_key) = (mine.method, mine.number_key) and other.id <> mine.id
        where other.returned_on is null and mine.returned_on is null and mine.method <> 'cash' and not mine.is_duplicate
            and not other.is_duplicate
            and (other.bank_key is null or mine.bank_key is null or other.bank_key = mine.bank_key)) then
        raise exception 'a cheque of this payer has this number' using errcode = 'unique_violation';
    end if;
    return null;
end $$"""
_PRICES = """create function refuse_prices_of_merged() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare taken text; begin
    if not exists (select from merged_payers) then
        return null;
    end if;
    select rate.code into taken from fee_schedules mine join merged_payers l on l.clinic_id = mine.clinic_id
            and l.group_ids @> array[mine.payer_id]
        join fee_schedules other on other.clinic_id = mine.clinic_id and other.id <> mine.id and other.payer_id = any(l.group_ids)
            and other.facility_id is not distinct from mine.facility_id
            and greatest(mine.valid_from, other.valid_from)
                < least(coalesce(mine.valid_to, 'infinity'), coalesce(other.valid_to, 'infinity'))
        join fee_schedule_rates rate on rate.clinic_id = mine.clinic_id and rate.fee_schedule_id = mine.id
        join fee_schedule_rates taken_rate on taken_rate.clinic_id = mine.clinic_id
            and taken_rate.fee_schedule_id = other.id and taken_rate.code = rate.code
        where (mine.clinic_id, mine.id) in (select clinic_id, {schedule} from new_rows) limit 1;
    if taken is not null then
        raise exception 'a price would be valid twice on the same day'
            using errcode = 'exclusion_violation', constraint = tg_name, detail = taken;
    end if;
    return null;
end $$"""
_MORE_TRIGGERS = (
    ("refuse_same_cheque_of_merged", "cheques", "insert"),
    ("refuse_rates_of_merged", "fee_schedule_rates", "insert"),
    ("refuse_rates_of_merged", "fee_schedule_rates", "update"),
    ("refuse_schedules_of_merged", "fee_schedules", "update"),
)
_FUNCTIONS = (
    _SAME_CHEQUE,
    _PRICES.format(schedule="fee_schedule_id").replace("function refuse_prices", "function refuse_rates"),
    _PRICES.format(schedule="id").replace("function refuse_prices", "function refuse_schedules"),
)
_TRIGGERS = (
    "create trigger keep_merges after insert or update or delete on merges for each row execute function keep_merges()",
    "create trigger merges_not_emptied before truncate on merges for each statement execute function refuse_rewriting()",
)


def upgrade() -> None:
    op.create_table(
        "merges",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in [*_REFERS][:5]),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("different_attorneys", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("merged_by", sa.Uuid(), nullable=True),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.Uuid(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(merged_patient_id, merged_payer_id) = 1"
            " and (merged_patient_id is null) = (surviving_patient_id is null)"
            " and (merged_payer_id is null) = (surviving_payer_id is null)",
            name=op.f("ck_merges_merges_one_kind"),
        ),
        sa.CheckConstraint(
            "merged_patient_id is distinct from surviving_patient_id or merged_payer_id is distinct from surviving_payer_id",
            name=op.f("ck_merges_merges_two"),
        ),
        *(_refers("merges", column, to) for column, to in _REFERS.items()),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.clinic_id"], name=op.f("fk_merges_clinic_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_merged", "merges", _keys("merged_at desc", "id desc"))
    op.create_index(
        "ix_merges_part_of", "merges", _keys("part_of_id"), postgresql_where=sa.text("part_of_id is not null")
    )
    for party in ("patient", "payer"):
        op.create_index(
            f"uq_merges_{party}",
            "merges",
            _keys(f"merged_{party}_id"),
            unique=True,
            postgresql_where=sa.text(f"merged_{party}_id is not null and undone_at is null"),
            postgresql_nulls_not_distinct=True,
        )
    for parties in _PARTIES:
        _add_links(parties)
    for statement in (_LINK, _KEEP, *_TRIGGERS, *_FUNCTIONS, _REPLACES.format(same=_REPLACES_OF)):
        op.execute(statement)
    for name, table, event in _MORE_TRIGGERS:
        op.execute(
            f"create trigger {name}_{event} after {event} on {table} referencing new table as new_rows "
            f"for each statement execute function {name}()"
        )


def _add_links(parties: str) -> None:
    """The column of a party that was merged into another one, and the table of its links."""
    op.add_column(parties, sa.Column("merged_into_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f(f"fk_{parties}_clinic_id_merged_into_id"),
        parties,
        parties,
        ["clinic_id", "merged_into_id"],
        ["clinic_id", "id"],
    )
    op.create_index(
        f"ix_{parties}_merged", parties, _keys("merged_into_id"), postgresql_where=sa.text("merged_into_id is not null")
    )
    links = f"merged_{parties}"
    op.create_table(
        links,
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("clinic_id", "id", "survivor_id")),
        sa.Column("group_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.CheckConstraint("id <> survivor_id", name=op.f(f"ck_{links}_links_two")),
        *(_refers(links, column, parties) for column in ("id", "survivor_id")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f(f"pk_{links}")),
    )
    op.create_index(f"ix_{links}_survivor", links, _keys("survivor_id", "id"))


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_clinic_id_{column}")
    return sa.ForeignKeyConstraint(["clinic_id", column], [f"{to}.clinic_id", f"{to}.id"], name=name)


def _keys(*columns: str) -> list[Any]:
    return ["clinic_id", *map(sa.literal_column, columns)]


def downgrade() -> None:
    # The release before knows two patients or payers where there was one again: the links are taken away, and nothing else.
    for name, table, event in _MORE_TRIGGERS:
        op.execute(f"drop trigger {name}_{event} on {table}")
    for name in sorted({name for name, _, _ in _MORE_TRIGGERS}):
        op.execute(f"drop function {name}()")
    op.execute(_REPLACES.format(same="c.payer_id = new.payer_id"))
    op.drop_table("merges")
    op.execute("drop function keep_merges()")
    op.execute("drop function link_merged(uuid, text, uuid[])")
    for parties in _PARTIES:
        # With the row policies that ask it; the release before sets its own.
        op.execute(f"drop table merged_{parties} cascade")
        op.drop_index(f"ix_{parties}_merged", parties)
        op.drop_column(parties, "merged_into_id")
