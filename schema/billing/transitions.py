"""The mutations that move invoices to another status, generated from the rows of the domain's transition table."""

from functools import partial
from typing import Any

from strawberry.tools import create_type

from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS
from resolvers.commands.billing import cases, cheques, replacements, submissions, transfers
from resolvers.commands.corrections.allocations import move_allocation
from resolvers.commands.corrections.cheques import correct
from resolvers.commands.corrections.returns import take_back
from resolvers.commands.remittances import posting
from resolvers.commands.transitions import locked_first, transition
from resolvers.commands.unit_of_work import CommandFunction, no_locks
from schema.billing.cases import CasePayload
from schema.billing.invoice_mutations import InvoicePayload
from schema.billing.transition_inputs import INPUTS
from schema.commands import command
from schema.payments.cheques import ChequePayload
from schema.payments.remittances import RemittancePayload

# Transitions of several invoices at once → their commands. Those of one invoice all have the same command.
COMMANDS: dict[str, CommandFunction] = {
    "record_cheque": cheques.record,
    "allocate_cheque": cheques.allocate,
    "post_remittance": posting.post,
    "return_cheque": take_back,
    "correct_cheque": correct,
    "move_allocation": move_allocation,
    "submit_invoice": submissions.submit_invoice,
    "transfer_balance": transfers.transfer,
    "replace_invoice": replacements.replace_invoice,
    "settle_case": cases.settle,
    "close_case": cases.close,
    "reopen_case": cases.open_again,
}
_PAYLOADS = {"invoice": InvoicePayload, "cheque": ChequePayload, "case": CasePayload, "remittance": RemittancePayload}


def _mutation(row: Transition) -> Any:
    run = COMMANDS.get(row.name) or partial(transition, name=row.name)
    described, payload = "The values that the transition requires.", _PAYLOADS[row.record]
    locks = no_locks if row.name in COMMANDS else locked_first
    return command(row.name, run, row.description, INPUTS[row.name], described, payload, locked_first=locks)


TransitionMutations: Any = create_type("TransitionMutations", [_mutation(row) for row in TRANSITIONS if row.roles])
