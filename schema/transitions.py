"""Decides which mutations move one invoice: one for each row of the domain's table that has an input here."""

from functools import partial
from typing import Annotated, Any

from strawberry.tools import create_type

from domain.transitions import BY_NAME
from permissions.actions import ACTIONS
from permissions.classes import takes
from resolvers.transitions import locked_first, transition
from resolvers.writing import Step
from schema import transition_inputs as inputs
from schema.payloads import InvoicePayload
from schema.steps import step

# Transition → its input and what it says of itself.
STEPS: dict[str, tuple[type, str]] = {
    "submit_invoice": (inputs.SubmitInvoiceInput, "Say that an invoice was sent to its payer."),
    "accept_in_full": (inputs.AcceptInFullInput, "Say that the payer pays the billed amount."),
    "request_reduction": (inputs.RequestReductionInput, "Say that the payer offers less than is billed."),
    "counter_reduction": (inputs.CounterReductionInput, "Record the next offer of a negotiation."),
    "agree_reduction": (inputs.AgreeReductionInput, "Say that both sides agreed on an amount."),
    "decline_reduction": (inputs.DeclineReductionInput, "End a negotiation without a reduction."),
    "reopen_reduction": (inputs.ReopenReductionInput, "Negotiate an agreed amount again."),
    "record_denial": (inputs.RecordDenialInput, "Say that the payer refuses to pay."),
    "change_payer": (inputs.ChangePayerInput, "Have somebody else pay."),
    "void_invoice": (inputs.VoidInvoiceInput, "Void an invoice that was issued in error."),
    "write_off_invoice": (inputs.WriteOffInvoiceInput, "Write off what is left of an invoice."),
}


def _step(name: str, input_type: type, description: str) -> Any:
    taken = Annotated[input_type, takes("The invoice, and what the step needs.", ACTIONS[name])]  # type: ignore[valid-type]
    return step(Step(name, partial(transition, name=name), locked_first), description, taken, InvoicePayload)


InvoiceSteps: Any = create_type("InvoiceSteps", [_step(name, *said) for name, said in STEPS.items() if name in BY_NAME])
