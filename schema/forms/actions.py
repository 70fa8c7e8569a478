"""The GraphQL types of actions: what somebody may do with a record, and the form of each mutation."""

import strawberry

from domain.api_names import enum_name
from domain.billing.transitions import TRANSITIONS
from domain.forms import ActionInputKind, ActionName
from permissions.actions import ACTIONS
from permissions.classes import enum_type, output_field
from schema.connections import Node

enum_type(
    ActionInputKind,
    "workflow",
    "What the field of a form is for. Values are spelled as the scalar of the input spells them.",
    {
        "TEXT": "A text.",
        "AMOUNT": "An amount in US dollars, such as 12.50.",
        "INTEGER": "A whole number.",
        "BOOLEAN": "Yes or no.",
        "DATE": "A day.",
        "MOMENT": "A day and time.",
        "CHOICE": "One of the choices.",
        "RECORD": "The id of a record: one of the choices, or one that `choicesFrom` finds.",
        "UPLOAD": "The id of an upload (createUpload) with one of the media formats that it accepts.",
        "OBJECT": "An object with fields of its own.",
    },
)
enum_type(
    ActionName,
    "workflow",
    "An action: the name of its mutation in capital letters.",
    {enum_name(row.name): (ACTIONS[row.name], row.description) for row in TRANSITIONS if row.roles},
)


@strawberry.type(description="A value that a form offers.")
class ActionChoice:
    value: str = output_field("workflow", "The value to send.")
    label: str = output_field("workflow", "What a screen writes for it.")


@strawberry.type(description="A field of the form of an action.")
class ActionInput:
    name: str = output_field("workflow", "The name of the field in the mutation's input, or in the object around it.")
    kind: ActionInputKind = output_field("workflow", "What it is for.")
    label: str = output_field("workflow", "Its caption.")
    is_required: bool = output_field("workflow", "Whether it must be given, as the record is now.")
    is_list: bool = output_field("workflow", "Whether it is a list.")
    is_from_context: bool = output_field("workflow", "Whether the record itself gives it, such as its id and version.")
    default: str | None = output_field("workflow", "The value to begin with; null for none.")
    minimum: str | None = output_field("workflow", "The least value that is accepted; null for no bound.")
    maximum: str | None = output_field("workflow", "The largest value that is accepted; null for no bound.")
    fields: list["ActionInput"] = output_field("workflow", "The fields of an object.")
    choices: list[ActionChoice] = output_field("workflow", "The values to choose from, at most 20 records.")
    choices_from: str | None = output_field(
        "workflow", "The root field that finds other records or codes than the choices; null where the choices are all."
    )
    accepts: list[str] = output_field(
        "workflow", "The media formats of the files that an upload accepts, such as application/pdf."
    )


@strawberry.type(description="A condition of an action that is not met.")
class ActionBlocker:
    code: str = output_field("workflow", "The name of the condition, such as SOMETHING_DUE.")
    message: str = output_field("workflow", "What is not met, and which step helps.")
    records: list[Node] = output_field("workflow", "The records that stand in the way, at most 20.")
    total: int = output_field("workflow", "How many records stand in the way.")


@strawberry.type(description="What somebody should know before an action.")
class ActionWarning:
    code: str = output_field("workflow", "The name of the warning.")
    message: str = output_field("workflow", "What it is about.")


@strawberry.type(
    description="What you may do with a record, as long as its version is the same: what is allowed succeeds with the inputs that it "
    "asks for, and what is not is refused."
)
class Action:
    name: ActionName = output_field("workflow", "The name of the action.")
    mutation: str = output_field("workflow", "The name of the mutation.")
    label: str = output_field("workflow", "The caption of a button.")
    is_allowed: bool = output_field("workflow", "Whether it is possible now.")
    blocked_by: list[ActionBlocker] = output_field("workflow", "The conditions that are not met.")
    warnings: list[ActionWarning] = output_field("workflow", "What to know before.")
    inputs: list[ActionInput] = output_field("workflow", "The fields of its form.")
