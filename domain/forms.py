"""What the field of a form is for, so that an app shows it without knowing the mutation."""

from enum import StrEnum

from domain.billing.transitions import TRANSITIONS

# The name of each mutation that is an action of a record, in capital letters.
ActionName = StrEnum("ActionName", {row.name.upper(): row.name for row in TRANSITIONS if row.roles})  # type: ignore[misc]


class ActionInputKind(StrEnum):
    """The kind of a form's field."""

    TEXT = "text"
    AMOUNT = "amount"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    RECORD = "record"
    UPLOAD = "upload"
    OBJECT = "object"
