"""No code and no rate is valid twice at a time, and a line keeps the name and the validity of the schedule that priced it.

PostgreSQL's own exclusion constraint on a UUID needs an extension; triggers under a lock of the clinic's prices do without.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

_TRACE = (("price_schedule", sa.Text()), ("price_valid_from", sa.Date()), ("price_valid_to", sa.Date()))
_ENDS = "ck_fee_schedules_ends_after_it_begins"
# Whoever changes prices of a clinic waits for whoever does so now, so that what is compared is all there is.
_IN_TURN = """perform pg_advisory_xact_lock(hashtextextended('prices ' || changed.clinic_id::text, 0))
        from (select distinct clinic_id from new_rows order by 1) changed"""


def _overlap(one: str, other: str) -> str:
    """That two validities have a day in common; one that ends on its first day has none."""
    begins = f"greatest({one}.valid_from, {other}.valid_from)"
    return f"{begins} < least(coalesce({one}.valid_to, 'infinity'), coalesce({other}.valid_to, 'infinity'))"


def _refusal(name: str, query: str) -> str:
    return f"""create function {name}() returns trigger language plpgsql security definer set search_path from current as $$
declare
    taken text;
begin
    {_IN_TURN};
    {query} limit 1;
    if taken is not null then
        raise exception 'a price would be valid twice on the same day'
            using errcode = 'exclusion_violation', constraint = '{name}', detail = taken;
    end if;
    return null;
end $$"""


# Schedules of the same payer and facility may overlap as long as they have no code in common.
_OTHERS = f"""join fee_schedules other on other.clinic_id = mine.clinic_id and other.id <> mine.id
        and other.payer_id is not distinct from mine.payer_id and other.facility_id is not distinct from mine.facility_id
        and {_overlap("mine", "other")}
    join fee_schedule_rates taken_rate on taken_rate.clinic_id = mine.clinic_id
        and taken_rate.fee_schedule_id = other.id and taken_rate.code = rate.code"""
FUNCTIONS = {
    "refuse_overlapping_codes": f"""select mine.code into taken from new_rows mine join cpt_codes other
        on other.clinic_id = mine.clinic_id and other.code = mine.code and other.id <> mine.id
        and {_overlap("mine", "other")}""",
    "refuse_overlapping_rates": f"""select rate.code into taken from new_rows rate
        join fee_schedules mine on mine.clinic_id = rate.clinic_id and mine.id = rate.fee_schedule_id {_OTHERS}""",
    "refuse_overlapping_schedules": f"""select rate.code into taken from new_rows mine
        join fee_schedule_rates rate on rate.clinic_id = mine.clinic_id and rate.fee_schedule_id = mine.id {_OTHERS}""",
}
# A schedule that is new has no rates yet.
TRIGGERS = (
    ("refuse_overlapping_codes", "cpt_codes", "insert"),
    ("refuse_overlapping_codes", "cpt_codes", "update"),
    ("refuse_overlapping_rates", "fee_schedule_rates", "insert"),
    ("refuse_overlapping_rates", "fee_schedule_rates", "update"),
    ("refuse_overlapping_schedules", "fee_schedules", "update"),
)


def upgrade() -> None:
    for name, type_ in _TRACE:
        op.add_column("invoice_lines", sa.Column(name, type_, nullable=True))
    position = sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False)
    op.add_column("encounter_exams", position)
    columns = ["clinic_id", "physician_id", "facility_id"]
    op.create_index("ix_encounters_physician_facility", "encounters", columns)
    op.drop_constraint(op.f(_ENDS), "fee_schedules")
    op.create_check_constraint(op.f(_ENDS), "fee_schedules", "valid_to is null or valid_to >= valid_from")
    for name, query in FUNCTIONS.items():
        op.execute(_refusal(name, query))
    for name, table, event in TRIGGERS:
        op.execute(
            f"create trigger {name}_{event} after {event} on {table} referencing new table as new_rows "
            f"for each statement execute function {name}()"
        )


def downgrade() -> None:
    for name, table, event in TRIGGERS:
        op.execute(f"drop trigger {name}_{event} on {table}")
    for name in FUNCTIONS:
        op.execute(f"drop function {name}()")
    op.drop_constraint(op.f(_ENDS), "fee_schedules")
    # What was never valid had no place here before.
    op.execute(
        "delete from fee_schedule_rates r using fee_schedules s where s.clinic_id = r.clinic_id"
        " and s.id = r.fee_schedule_id and s.valid_to = s.valid_from"
    )
    op.execute("delete from fee_schedules where valid_to = valid_from")
    op.create_check_constraint(op.f(_ENDS), "fee_schedules", "valid_to is null or valid_to > valid_from")
    op.drop_index("ix_encounters_physician_facility", "encounters")
    op.drop_column("encounter_exams", "position")
    for name, _ in reversed(_TRACE):
        op.drop_column("invoice_lines", name)
