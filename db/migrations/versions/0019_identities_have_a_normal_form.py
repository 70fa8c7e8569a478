"""Record numbers, case numbers, names and codes have a normal form, by which they are unique and are found.

Stored texts are brought into their normal form where no other record has it. Where several records of a clinic have the same one,
nothing is changed or lost: all but the oldest are marked as duplicates, which `billing duplicates` lists.

Laws of a migration: it goes down as well as up; it waits for no lock longer than the limit of env.py; it first adds
(expand), then moves (migrate), and takes away only in a later release (contract); every key begins with clinic_id.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from domain.normal_forms import clean_text, code_form, name_fragments, normal_key, phone_key

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_BATCH = 5_000
_LIKE_OURS = re.compile("INV-[0-9]{4}-[0-9]{6,12}")
_TEXT = sa.Text(collation="C")
# Table → its columns with text that identifies a record.
_TEXTS = {
    "patients": ("mrn", "first_name", "last_name"),
    "attorneys": ("name", "firm"),
    "payers": ("name",),
    "physicians": ("name",),
    "facilities": ("name",),
    "fee_schedules": ("name",),
    "cases": ("number",),
}
_KEYS = {"patients": "mrn_key", "cases": "number_key", "attorneys": "name_key"}
_NAMED = ("attorneys", "payers", "physicians", "facilities")
# The normal form of such a text is its small letters; what a name with a hyphen or an apostrophe is found by, changes.
_PLAIN = "~ '^[!-_a-~]+( [!-_a-~]+)*$'"
_PLAIN_NAME = "~ '^[!-&(-,.-_a-~]+( [!-&(-,.-_a-~]+)*$'"
# Columns with codes of the master list, all of which change together.
_CODES = ("cpt_codes", "fee_schedule_rates", "exam_types")


def upgrade() -> None:
    for table, key in (("patients", "mrn_key"), ("patients", "phone_key"), ("fee_schedules", "name_key")):
        op.add_column(table, sa.Column(key, _TEXT, nullable=True))
    for table in _KEYS:
        op.add_column(table, sa.Column("is_duplicate", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    # Before the texts are cleaned, which makes the odd ones look like all others.
    _fragments()
    for table in _TEXTS:
        _clean(table)
    for table in _NAMED:
        key = f"coalesce(name_fragments[1], lower({_name_of(table)}))"
        op.add_column(table, sa.Column("name_key", _TEXT, sa.Computed(key, persisted=True)))
    _keys()
    _capitals()
    _numbers()
    for table, key in _KEYS.items():
        op.execute(
            f"""update {table} t set is_duplicate = true from (select clinic_id, id, row_number() over (
            partition by clinic_id, {key} order by recorded_at, id) as place from {table} where {key} is not null) ranked
            where place > 1 and (t.clinic_id, t.id) = (ranked.clinic_id, ranked.id)"""
        )
    for table, key in (*_KEYS.items(), ("patients", "phone_key"), ("payers", "name_key")):
        if table not in ("cases", "attorneys"):
            op.create_index(f"ix_{table}_{key}", table, ["clinic_id", key])
        if _KEYS.get(table) == key:
            op.create_index(
                f"uq_{table}_{key}",
                table,
                ["clinic_id", key],
                unique=True,
                postgresql_where=sa.text(f"not is_duplicate and {key} is not null"),
                postgresql_nulls_not_distinct=True,
            )


def downgrade() -> None:
    for table, key in _KEYS.items():
        op.drop_index(f"uq_{table}_{key}", table)
        op.drop_column(table, "is_duplicate")
    for table in (*_NAMED, "fee_schedules"):
        op.drop_column(table, "name_key")
    for key in ("mrn_key", "phone_key"):
        op.drop_column("patients", key)


def _name_of(table: str) -> str:
    return " || ' ' || ".join(_TEXTS[table])


def _rows(query: str, *values: Any) -> list[Any]:
    return list(op.get_bind().exec_driver_sql(query, values or None).fetchall())


def _update(table: str, assigned: str, types: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Update rows by clinic and id; the further values are v3, v4 …"""
    every = list(rows)
    names = ", ".join(f"v{place}" for place in range(3, 3 + len(types.split())))
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(("uuid", "uuid", *types.split()), 1))
    for at in range(0, len(every), _BATCH):
        op.get_bind().exec_driver_sql(
            f"""update {table} t set {assigned} from unnest({arrays}) as new_row (clinic_id, id, {names})
            where t.clinic_id = new_row.clinic_id and t.id = new_row.id""",
            tuple(map(list, zip(*every[at : at + _BATCH], strict=True))),
        )


def _clean(table: str) -> None:
    """Store texts in their normal form, except those of a record that would then be the same as another one."""
    columns = _TEXTS[table]
    odd = " or ".join(f"{column} !{_PLAIN}" for column in columns)
    unique = columns[:1] if table in ("patients", "cases") else columns if table == "attorneys" else ()
    taken = defaultdict[tuple[str, ...], int](int)
    found = _rows(f"select clinic_id, id, {', '.join(columns)} from {table} where {odd}")
    if unique and found:
        for row in _rows(f"select clinic_id::text, {', '.join(unique)} from {table}"):
            taken[(row[0], *map(clean_text, row[1:]))] += 1
    cleaned = []
    for clinic_id, identity, *texts in found:
        clean = [clean_text(text) or text for text in texts]
        if clean != texts and (not unique or taken[(str(clinic_id), *clean[: len(unique)])] == 1):
            cleaned.append((clinic_id, identity, *clean))
    assigned = ", ".join(f"{column} = v{place}" for place, column in enumerate(columns, 3))
    _update(table, assigned, " ".join("text" for _ in columns), cleaned)


def _fragments() -> None:
    """What a search of a name matches, for names of more than the letters and signs that are found as before."""
    for table in _NAMED:
        names = _TEXTS[table]
        odd = " or ".join(f"{name} !{_PLAIN_NAME}" for name in names)
        found = _rows(f"select clinic_id, id, {', '.join(names)} from {table} where {odd}")
        rows = [(clinic, identity, "\n".join(name_fragments(*texts))) for clinic, identity, *texts in found]
        _update(table, "name_fragments = string_to_array(v3, E'\\n')", "text", rows)
    odd = f"first_name !{_PLAIN_NAME} or last_name !{_PLAIN_NAME}"
    found = _rows(f"select clinic_id, id, first_name, last_name from patients where {odd}")
    _update(
        "patients",
        "sort_name = v3",
        "text",
        [(clinic, identity, normal_key(f"{last} {first}")) for clinic, identity, first, last in found],
    )
    _rows(
        f"""with odd as (select clinic_id, id from patients where {odd}) delete from patient_names n using odd
        where (n.clinic_id, n.patient_id) = (odd.clinic_id, odd.id) returning 1"""
    )
    parts = [
        (clinic, fragment, identity)
        for clinic, identity, first, last in found
        for fragment in name_fragments(first, last)
    ]
    for at in range(0, len(parts), _BATCH):
        op.get_bind().exec_driver_sql(
            "insert into patient_names (clinic_id, fragment, patient_id) select * from unnest($1::uuid[], $2::text[], $3::uuid[])",
            tuple(map(list, zip(*parts[at : at + _BATCH], strict=True))),
        )


def _keys() -> None:
    """The normal forms themselves."""
    keyed: tuple[tuple[str, str, str, Callable[[str], str | None]], ...] = (
        ("patients", "mrn", "mrn_key", normal_key),
        ("patients", "phone", "phone_key", phone_key),
        ("cases", "number", "number_key", normal_key),
        ("fee_schedules", "name", "name_key", normal_key),
    )
    for table, column, key, form in keyed:
        plain = f"{column} {_PLAIN}" if form is normal_key else f"{column} ~ '^[0-9]{{7,10}}$'"
        op.execute(
            f"update {table} set {key} = lower({column}) where {plain} and {key} is distinct from lower({column})"
        )
        found = _rows(f"select clinic_id, id, {column} from {table} where {column} is not null and not ({plain})")
        _update(table, f"{key} = v3", "text", [(clinic, identity, form(text)) for clinic, identity, text in found])


def _capitals() -> None:
    """Codes are stored in capital letters, unless two of them would become one."""
    spelled = defaultdict[tuple[Any, str], set[str]](set)
    for table in _CODES:
        for clinic_id, code in _rows(f"select distinct clinic_id, code from {table} where code is not null"):
            spelled[clinic_id, code_form(code)].add(code)
    for (clinic_id, form), codes in spelled.items():
        if len(codes) == 1 and form not in codes:
            for table in _CODES:
                _rows(
                    f"update {table} set code = $1 where clinic_id = $2 and code = $3 returning 1",
                    form,
                    clinic_id,
                    *codes,
                )


def _numbers() -> None:
    """The same for the numbers of invoices and cheques."""
    for table, beside in (("invoices", "null::uuid"), ("cheques", "payer_id")):
        odd = r"number !~ '^[!-_{-~]+( [!-_{-~]+)*$'"
        found = _rows(f"select clinic_id, id, {beside}, number from {table} where {odd}")
        taken = defaultdict[tuple[Any, ...], int](int)
        if found:
            for clinic_id, payer, number in _rows(f"select clinic_id, {beside}, number from {table}"):
                taken[clinic_id, payer, code_form(number)] += 1
        rows = [
            (clinic, identity, form)
            for clinic, identity, payer, number in found
            if taken[clinic, payer, form := code_form(number)] == 1 and _fits(table, form)
        ]
        if table == "cheques":
            # A cheque is never edited, but for its spelling here.
            op.execute("alter table cheques disable trigger guard_cheque")
        _update(table, "number = v3", "text", rows)
        if table == "cheques":
            op.execute("alter table cheques enable trigger guard_cheque")


def _fits(table: str, number: str) -> bool:
    """Whether a number can be stored in this form: it must be neither blank nor too long.

    An imported invoice number must not become one of the server's own format, whose numbers are consecutive.
    """
    longest = 21 if table == "invoices" else 200
    return 0 < len(number) <= longest and not (table == "invoices" and _LIKE_OURS.fullmatch(number))
