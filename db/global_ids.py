"""Encodes and decodes global ids: two letters for the type and the UUID of the record, opaque and URL-safe."""

import base64
import binascii
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal_column
from sqlalchemy.sql.elements import ColumnElement

TAGS = {
    "ActionItem": "ai",
    "Adjustment": "aj",
    "ApiToken": "tk",
    "Attorney": "at",
    "AttorneyChange": "ac",
    "AuditEvent": "ae",
    "Case": "ca",
    "CaseEvent": "cx",
    "Cheque": "ch",
    "ChequeAllocation": "al",
    "Clinic": "cl",
    "Agreement": "ag",
    "Coverage": "cv",
    "CoverageEvent": "ce",
    "CptCode": "co",
    "Denial": "de",
    "DenialEvent": "dv",
    "Deposit": "dp",
    "DocumentDelivery": "dd",
    "DocumentTemplate": "dt",
    "Encounter": "en",
    "EncounterEvent": "ee",
    "ExamType": "et",
    "Export": "ex",
    "Facility": "fa",
    "FeeSchedule": "fs",
    "Firm": "fi",
    "Hold": "ho",
    "ImportMapping": "im",
    "InternalNote": "no",
    "Invoice": "in",
    "InvoiceEvent": "ev",
    "InvoiceLine": "li",
    "IssuedDocument": "is",
    "Merge": "mg",
    "OutboundMessage": "om",
    "Patient": "pt",
    "Payer": "py",
    "Physician": "ph",
    "ReasonCode": "rn",
    "ProviderAdjustment": "pa",
    "RecoupmentRequest": "rq",
    "ReductionOffer": "of",
    "Refund": "rd",
    "Reminder": "re",
    "ReminderConfirmation": "rc",
    "ReminderPolicy": "rl",
    "ReminderTemplate": "rt",
    "Remittance": "rm",
    "RemittanceClaim": "rk",
    "RemittancePayment": "ry",
    "Representation": "rp",
    "Responsibility": "rs",
    "Session": "se",
    "SuppressedAddress": "sa",
    "Upload": "up",
    "User": "us",
}
_TYPES = {tag.encode(): name for name, tag in TAGS.items()}
# Base64 of the 2 + 16 bytes of an id.
_TEXT_LENGTH = 24


def id_expression(type_name: str, identity: ColumnElement[Any]) -> ColumnElement[Any]:
    """The SQL expression for the global id of a row, from its UUID column."""
    tag: ColumnElement[Any] = literal_column(f"'{TAGS[type_name]}'::bytea")
    return func.translate(func.encode(tag.op("||")(func.uuid_send(identity)), "base64"), "+/", "-_")


def make_id(type_name: str, identity: UUID) -> str:
    """The global id of a record."""
    return base64.urlsafe_b64encode(TAGS[type_name].encode() + identity.bytes).decode()


def read_id(text: str) -> tuple[str, UUID] | None:
    """The type name and the UUID in a global id; None for a text that is no global id.

    Base64 can spell the same bytes in several ways; only the canonical one is an id.
    """
    if len(text) != _TEXT_LENGTH:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    name = _TYPES.get(raw[:2])
    return (name, UUID(bytes=raw[2:])) if name and base64.urlsafe_b64encode(raw).decode() == text else None
