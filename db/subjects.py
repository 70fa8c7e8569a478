"""Decides which records the audit trail names when rows are read or written: those that hold what patients told the clinic."""

from typing import Any

from sqlalchemy import func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from db.identity import TAGS
from db.row import Row
from db.views import VIEWS

Expression = ColumnElement[Any]
NOTHING: Expression = literal_column("''::bytea")
# Types whose ids the trail keeps wherever they are read.
SUBJECTS = ("Case", "Cheque", "Encounter", "Invoice", "Patient", "Payer", "Upload")
# Links that lead from one of them to another without saying anything new: an invoice keeps its case and a case its patient for
# ever (the database sees to it), and who pays is named on the invoice.
IMPLIED = frozenset(
    {
        ("Case", "patient"),
        ("Cheque", "payer"),
        ("Encounter", "case"),
        ("Encounter", "patient"),
        ("Invoice", "case"),
        ("Invoice", "patient"),
        ("Invoice", "payer"),
    }
)
# What belongs to an invoice is named by its invoice, unless it is read from there.
_OWNER, _OWNED_BY = "Invoice", "invoice_id"
COUNTED = b"#n"
_COUNT_BYTES = 8


def subjects_of(type_name: str, row: Row, via: tuple[str, str] | None = None) -> list[Expression]:
    """What the trail names of a row of a type, in bytes; `via` is the field by which it was reached, None for a root field."""
    if via in IMPLIED:
        return []
    if type_name in SUBJECTS:
        return [subject(type_name, row.id)]
    if _OWNED_BY in row.table.c and (via is None or via[0] != _OWNER):
        owned = subject(_OWNER, getattr(row, _OWNED_BY))
        return [func.coalesce(owned, NOTHING) if row.table.c[_OWNED_BY].nullable else owned]
    return []


def subject(type_name: str, identity: Expression) -> Expression:
    """One record as the trail names it."""
    return _tagged(TAGS[type_name].encode(), func.uuid_send(identity))


def counted(number: Expression) -> Expression:
    """How many records were counted, in the form of a name of a record."""
    return _tagged(COUNTED + bytes(_COUNT_BYTES), func.int8send(number))


def _tagged(tag: bytes, value: Expression) -> Expression:
    return literal_column(f"'\\x{tag.hex()}'::bytea").op("||")(value)


def together(parts: list[Expression]) -> Expression:
    """Several names, one after the other."""
    whole, *others = parts
    for part in others:
        whole = whole.op("||")(part)
    return whole


def written_names(table: str, row: dict[str, Any]) -> list[tuple[str, Any]]:
    """The records that a written row is or belongs to, each by type and id."""
    found = [(_TYPES[table], row["id"])] if table in _TYPES and row.get("id") else []
    return found + [(of_type, row[column]) for column, of_type in _NAMED.items() if row.get(column)]


_WRITTEN = (*SUBJECTS, "Attorney", "Facility", "Hold", "Physician", "User")
_TYPES = {VIEWS[name].table.name: name for name in _WRITTEN}
_NAMED = {"invoice_id": "Invoice", "case_id": "Case", "patient_id": "Patient", "cheque_id": "Cheque"}
