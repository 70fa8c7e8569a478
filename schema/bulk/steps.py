"""GraphQL inputs, results and mutations of steps on many records."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from types import GenericAlias
from typing import Annotated, Any

import strawberry
from strawberry import Info, Private
from strawberry.tools import create_type

from db.global_ids import make_id
from domain.api_names import snake
from domain.records.bulk_steps import MOST_AT_ONCE, MOST_SELECTED
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from permissions.graphql_adapter import core_info
from resolvers.commands import selections
from resolvers.commands.billing import invoices
from resolvers.commands.billing.submissions import submit_invoice
from resolvers.commands.bulk_steps import StepResult, StepsResult, run_steps
from resolvers.commands.reminders import holds, reminders
from resolvers.commands.unit_of_work import Command, CommandResult
from resolvers.compiler.reading import resolve_payload
from schema.billing.invoices import Invoice, InvoiceFilter, InvoiceSums
from schema.enums import SubmissionMethod
from schema.errors import ChangeWarning, UserError, change_warnings, user_errors
from schema.reminders.reminders import Hold, Reminder

_SELECTION = "The token of a selection of selectInvoices, in place of ids."
_SKIP = (
    f"How many invoices of the selection to leave out, from the start: a request takes {MOST_AT_ONCE} of them, and says in "
    "remainingCount how many come after these."
)
_IDS = f"The ids of the invoices, 1 to {MOST_AT_ONCE}, in place of a token; one that is named twice counts once."
_KEY = (
    "An idempotency key of your choice, 1 to 163 characters. The result of each record is kept under it for 24 hours: "
    "the same request sent again goes on where it was cut off, and does nothing twice."
)


@strawberry.input(description="A submission of many invoices to their payers, on one day and by one method.")
class SubmitInvoicesInput:
    token: str | None = input_field("staff", _SELECTION)
    skip: int = input_field("staff", _SKIP, default=0)
    invoice_ids: list[strawberry.ID] | None = input_field("staff", _IDS)
    submitted_on: date = input_field("staff", "The day of submission.")
    method: SubmissionMethod = input_field("staff", "How the invoices were sent.")
    idempotency_key: str = input_field("staff", _KEY)


@strawberry.input(description="The same reminder for many open invoices.")
class ScheduleRemindersInput:
    token: str | None = input_field("staff", _SELECTION)
    skip: int = input_field("staff", _SKIP, default=0)
    invoice_ids: list[strawberry.ID] | None = input_field("staff", _IDS)
    target_date: date = input_field("staff", "The day from which they are due.")
    subject: str = input_field("staff", "What to do.")
    notes: str | None = input_field("staff", "Notes that help to do it.")
    assignee_id: strawberry.ID | None = input_field(
        "staff", "The user to whom they are assigned; any member of billing staff by default."
    )
    idempotency_key: str = input_field("staff", _KEY)


@strawberry.input(description="The same note about many invoices, for billing staff only.")
class AddInternalNotesInput:
    token: str | None = input_field("staff", _SELECTION)
    skip: int = input_field("staff", _SKIP, default=0)
    invoice_ids: list[strawberry.ID] | None = input_field("staff", _IDS)
    body: str = input_field("staff", "The text of the note.")
    idempotency_key: str = input_field("staff", _KEY)


@strawberry.input(description="A hold on each of many invoices.")
class PlaceHoldsInput:
    token: str | None = input_field("staff", _SELECTION)
    skip: int = input_field("staff", _SKIP, default=0)
    invoice_ids: list[strawberry.ID] | None = input_field("staff", _IDS)
    until_on: date = input_field("staff", "The last day of the holds.")
    reason: str = input_field("staff", "The reason for the holds.")
    idempotency_key: str = input_field("staff", _KEY)


def _result_of(record: type, word: str) -> Any:
    """The type of what came of a step on one invoice: the record that it made or changed, or the errors."""
    type_name = record.__name__
    field = snake(type_name)

    async def resolve(self: Any, info: Info) -> Any:
        return await resolve_payload(info, type_name, self.result.record, self.result.known)

    def errors(self: Any) -> list[UserError]:
        return user_errors(self.result.errors)

    def warnings(self: Any) -> list[ChangeWarning]:
        return change_warnings(self.result.warnings)

    resolve.__name__ = field
    resolve.__annotations__["return"] = record | None
    members = {
        "__annotations__": {"result": Private[CommandResult], "invoice_id": strawberry.ID, "is_done": bool},
        "__module__": record.__module__,
        "invoice_id": output_field("staff", "The id of the invoice."),
        "is_done": output_field("staff", "Whether the step was taken, by this request or by the same one before."),
        field: query_field("staff", f"The {word}; null if the step was rejected.")(resolve),
        "errors": query_field("staff", "Why the step was rejected; empty on success.")(errors),
        "warnings": query_field("staff", "Warnings about the step, with its first result alone.")(warnings),
    }
    return strawberry.type(description="What came of a step on one invoice.")(
        type(f"{type_name}StepOutcome", (), members)
    )


def _payload_of(record: type, word: str) -> Any:
    """The payload of a step on many invoices."""
    of_one = _result_of(record, word)

    def outcomes(self: Any) -> Any:
        return [_present(of_one, one) for one in self.found.results]

    def done_count(self: Any) -> int:
        return sum(one.result.record is not None for one in self.found.results)

    def remaining_count(self: Any) -> int:
        remaining: int = self.found.remaining
        return remaining

    def errors(self: Any) -> list[UserError]:
        return user_errors(self.found.errors)

    outcomes.__annotations__["return"] = GenericAlias(list, of_one)
    members = {
        "__annotations__": {"found": Private[StepsResult]},
        "__module__": record.__module__,
        "outcomes": query_field("staff", "What came of each invoice, in the order of the request.")(outcomes),
        "done_count": query_field("staff", "With how many invoices the step was taken.")(done_count),
        "remaining_count": query_field("staff", "How many invoices of the selection come after those of this request.")(
            remaining_count
        ),
        "errors": query_field(
            "staff",
            "Why the request as a whole was rejected: nothing was done. Empty where each invoice has its own result.",
        )(errors),
    }
    return strawberry.type(description="The result of a step on many invoices.")(
        type(f"{record.__name__}StepsPayload", (), members)
    )


def _present(of_one: Any, one: StepResult) -> Any:
    identity = strawberry.ID(make_id("Invoice", one.invoice_id))
    return of_one(result=one.result, invoice_id=identity, is_done=one.result.record is not None)


def _steps(name: str, single: Command, description: str, input_type: Any, payload: Any) -> Any:
    """The mutation that runs the command of a single step for many invoices."""

    async def resolve(self: Any, info: Info, input: Any) -> Any:
        return payload(found=await run_steps(core_info(info), single, input))

    described = argument("The invoices, and what is the same for all of them.", ACTIONS[name])
    resolve.__annotations__ |= {"input": Annotated[input_type, described], "return": payload}
    resolve.__name__ = name
    return mutation(ACTIONS[name], description)(resolve)


InvoiceStepsPayload: Any = _payload_of(Invoice, "invoice after the step")
_STEPS: Sequence[Any] = [
    _steps(
        "submit_invoices",
        Command("submit_invoice", submit_invoice),
        "Submit many invoices, each as submitInvoice does: their documents are issued, and the worker draws and sends them.",
        SubmitInvoicesInput,
        InvoiceStepsPayload,
    ),
    _steps(
        "schedule_reminders",
        Command("schedule_reminder", reminders.schedule),
        "Create a reminder for billing staff about each of many invoices.",
        ScheduleRemindersInput,
        _payload_of(Reminder, "new reminder"),
    ),
    _steps(
        "add_internal_notes",
        Command("add_internal_note", invoices.add_note),
        "Add an internal note to each of many invoices.",
        AddInternalNotesInput,
        InvoiceStepsPayload,
    ),
    _steps(
        "place_holds",
        Command("place_hold", holds.place),
        "Put each of many invoices on hold: no reminders are sent until the given day.",
        PlaceHoldsInput,
        _payload_of(Hold, "new hold"),
    ),
]
BulkStepMutations: Any = create_type("BulkStepMutations", [*_STEPS])


@strawberry.input(description="The invoices to select.")
class SelectInvoicesInput:
    filter: InvoiceFilter | None = input_field("staff", "Only invoices that match this filter.")


@strawberry.type(
    description="Invoices that a filter found at one moment, for steps on many by the same user: what matches later is not among them."
)
class InvoiceSelection:
    token: str = output_field("staff", "The token of the selection; it is valid for ten minutes.")
    count: int = output_field("staff", f"How many invoices it has, at most {MOST_SELECTED:,}.")
    sums: InvoiceSums = output_field("staff", "Sums over these invoices.")


@strawberry.type(description="The result of selecting invoices.")
class SelectInvoicesPayload:
    selection: InvoiceSelection | None = output_field("staff", "The selection; null if the request was rejected.")
    errors: list[UserError] = output_field("staff", "Why the request was rejected; empty on success.")


@strawberry.type
class SelectionMutations:
    """The mutation that selects the invoices of steps on many."""

    @mutation(
        ACTIONS["select_invoices"],
        "Select the invoices that match a filter now, to look at their number and sums and then to take a step with exactly these.",
    )
    async def select_invoices(
        self, info: Info, input: Annotated[SelectInvoicesInput, argument("The invoices to select.", "staff")]
    ) -> SelectInvoicesPayload:
        done, found = await selections.select_invoices(info)
        return SelectInvoicesPayload(selection=_selection(found) if found else None, errors=user_errors(done.errors))


def _selection(found: selections.Selection) -> InvoiceSelection:
    sums = InvoiceSums(**{name: Decimal(amount) for name, amount in found.sums.items()})
    return InvoiceSelection(token=found.token, count=found.count, sums=sums)
