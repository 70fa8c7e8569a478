"""The entity ids in the audit log: the records with patient data that a read or a write is about."""

from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from db.global_ids import TAGS
from db.row import Row
from db.tables import metadata

Expression = ColumnElement[Any]
NOTHING: Expression = literal_column("''::bytea")
# Types whose ids the audit log records wherever they are read.
ENTITIES = ("Case", "Cheque", "Coverage", "Encounter", "Invoice", "Patient", "Payer", "Upload")
# Relations whose target follows from the source, so that it is not recorded again: neither an invoice nor a coverage changes its
# case, nor a case its patient (the database enforces it), and the payer is a column of the invoice.
IMPLIED = frozenset(
    {
        ("Case", "patient"),
        ("Cheque", "payer"),
        ("Coverage", "case"),
        ("Coverage", "payer"),
        ("Encounter", "case"),
        ("Encounter", "patient"),
        ("Invoice", "case"),
        ("Invoice", "patient"),
        ("Invoice", "payer"),
        # Of the invoice that is recorded with the claim.
        ("RemittedLine", "line"),
    }
)
# A record that belongs to an invoice is recorded by the invoice's id, unless it is read below that invoice.
_OWNER, _OWNED_BY = "Invoice", "invoice_id"
_OWNERS = {
    "invoice_id": "Invoice",
    "encounter_id": "Encounter",
    "case_id": "Case",
    "payer_id": "Payer",
    "cheque_id": "Cheque",
}
# Type of records about several invoices → the table that lists them, and its column for the record.
_LISTS = {"OutboundMessage": ("message_invoices", "message_id")}
COUNTED = b"#n"
_COUNT_BYTES = 8


def entity_ids_of(type_name: str, row: Row, via: tuple[str, str] | None = None) -> list[Expression]:
    """The binary entity ids of a row of a type; `via` is the field by which it was reached, None for a root field."""
    if via in IMPLIED:
        return []
    if type_name in ENTITIES:
        return [entity_id(type_name, row.id)]
    if type_name in _LISTS:
        return [_listed(row, *_LISTS[type_name])]
    if _OWNED_BY not in row.table.c or (via is not None and via[0] == _OWNER):
        return []
    if row.table.c[_OWNED_BY].nullable:
        # A hold is on an invoice, on a case or on a payer; an action item is about an invoice, a payment or a visit.
        owners = {name: of_type for name, of_type in _OWNERS.items() if name in row.table.c}
        return [func.coalesce(entity_id(of_type, getattr(row, name)), NOTHING) for name, of_type in owners.items()]
    return [entity_id(_OWNER, getattr(row, _OWNED_BY))]


def _listed(row: Row, table: str, column: str) -> Expression:
    """The ids of all invoices that a record is about, whether they are selected or not."""
    link = row.scope.row(metadata.tables[table])
    ids = func.string_agg(entity_id(_OWNER, link.invoice_id), NOTHING)
    about = (link.clinic_id == row.clinic_id) & (getattr(link, column) == row.id)
    return func.coalesce(select(ids).select_from(link.source).where(about).scalar_subquery(), NOTHING)


def entity_id(type_name: str, identity: Expression) -> Expression:
    """The binary entity id of one record."""
    return _tagged(TAGS[type_name].encode(), func.uuid_send(identity))


def counted(number: Expression) -> Expression:
    """A count of records, in the format of an entity id."""
    return _tagged(COUNTED + bytes(_COUNT_BYTES), func.int8send(number))


def _tagged(tag: bytes, value: Expression) -> Expression:
    return literal_column(f"'\\x{tag.hex()}'::bytea").op("||")(value)


def together(parts: list[Expression]) -> Expression:
    """Several entity ids, concatenated."""
    whole, *others = parts
    for part in others:
        whole = whole.op("||")(part)
    return whole
