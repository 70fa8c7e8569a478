"""The GraphQL types of `transitions`: the domain's transition table as data, from which an app draws the life cycle of an invoice."""

import strawberry

from domain.api_names import camel
from domain.billing.transition import Transition as Row
from domain.billing.transitions import TRANSITIONS
from permissions.classes import output_field
from schema.enums import InvoiceStatus, Role


@strawberry.type(description="An input of a transition.")
class TransitionInput:
    name: str = output_field("workflow", "The name of the input's field in the input of the mutation.")
    label: str = output_field("workflow", "The caption of a form's field.")
    explanation: str = output_field("workflow", "What it means.")
    is_required: bool = output_field("workflow", "Whether it must be given.")
    is_list: bool = output_field("workflow", "Whether it is a list.")


@strawberry.type(description="A way that leads an invoice from a status to a status.")
class TransitionMove:
    from_status: InvoiceStatus = output_field("workflow", "The status before.")
    to_status: InvoiceStatus = output_field("workflow", "A status after; the amounts decide where there are several.")


@strawberry.type(description="A row of the transition table: a step in the life cycle of an invoice.")
class Transition:
    name: str = output_field("workflow", "The name of the transition, such as submit_invoice.")
    mutation: str | None = output_field("workflow", "The mutation that makes it; null for what only the worker does.")
    label: str = output_field("workflow", "The caption of a button.")
    explanation: str = output_field("workflow", "What the mutation does.")
    roles: list[Role] = output_field("workflow", "The roles that may make it.")
    admin_start: list[InvoiceStatus] = output_field(
        "workflow", "The statuses from which only an administrator may make it."
    )
    moves: list[TransitionMove] = output_field("workflow", "From which status it leads to which.")
    inputs: list[TransitionInput] = output_field("workflow", "What it asks for besides the record and its version.")


def transitions() -> list[Transition]:
    """All rows of the table, in its order."""
    return [_present(row) for row in TRANSITIONS]


def _present(row: Row) -> Transition:
    starts = (*row.start, *row.admin_start)
    return Transition(
        name=row.name,
        mutation=camel(row.name) if row.roles else None,
        label=row.label,
        explanation=row.description,
        roles=[role for role in Role if role in row.roles],
        admin_start=list(row.admin_start),
        moves=[TransitionMove(from_status=start, to_status=end) for start in starts for end in row.ends(start)],
        inputs=[
            TransitionInput(
                name=camel(one.name),
                label=one.label,
                explanation=one.description,
                is_required=one.is_required,
                is_list=one.is_list,
            )
            for one in row.inputs
        ],
    )
