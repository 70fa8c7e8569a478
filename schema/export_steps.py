"""Decides how files are asked for and called off."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.exports import ExportKind
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import exports
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.enums import ExportFormat
from schema.errors import UserError
from schema.exports import Export
from schema.invoices import InvoiceFilter
from schema.payloads import told

_CHOSEN = "Which invoices are meant; all in reach when nothing is said."
_COLUMNS = "Which columns, in this order, each by its path such as patient.name; the usual ones when nothing is said."


@strawberry.type(description="The answer to asking for a file, or to calling one off.")
class ExportPayload:
    done: Private[Done]

    @asked("signed_in", "The file; nothing when it was refused. Ask again, or subscribe, until it is ready.")
    async def export(self, info: Info) -> Export | None:
        return await follow(info, "Export", self.done.record)  # type: ignore[return-value]

    @asked("signed_in", "Why it was refused; empty when it was not.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A file of invoices, one row for each.")
class ExportInvoicesInput:
    format: ExportFormat = given("signed_in", "The kind of file.")
    filter: InvoiceFilter | None = given("signed_in", _CHOSEN)
    columns: list[str] | None = given("signed_in", _COLUMNS)


@strawberry.input(description="A file of what cheques paid: a row for each invoice that a cheque pays a part of.")
class ExportPaymentsInput:
    format: ExportFormat = given("records", "The kind of file.")
    filter: InvoiceFilter | None = given("records", _CHOSEN)
    columns: list[str] | None = given("records", _COLUMNS)


@strawberry.input(
    description="A file of reductions, write-offs and voids: a row for each day on which one changed what is owed."
)
class ExportAdjustmentsInput:
    format: ExportFormat = given("records", "The kind of file.")
    filter: InvoiceFilter | None = given("records", _CHOSEN)
    columns: list[str] | None = given("records", _COLUMNS)


@strawberry.input(description="A CSV file of invoices, as QuickBooks takes it in.")
class ExportQuickbooksInvoicesInput:
    filter: InvoiceFilter | None = given("records", _CHOSEN)


@strawberry.input(description="A file that is not needed any more.")
class CancelExportInput:
    export_id: strawberry.ID = given("signed_in", "The file that is meant.")


@strawberry.type
class ExportSteps:
    """The mutations of files."""

    @done(ACTIONS["export_invoices"], "Ask for a file of the invoices in reach; a small one is ready with the answer.")
    async def export_invoices(
        self, info: Info, input: Annotated[ExportInvoicesInput, takes("What goes into the file.", "signed_in")]
    ) -> ExportPayload:
        return ExportPayload(done=await exports.ask(info, ExportKind.INVOICES))

    @done(
        ACTIONS["export_payments"],
        "Ask for a file of what cheques paid; what a returned cheque took back has a minus.",
    )
    async def export_payments(
        self, info: Info, input: Annotated[ExportPaymentsInput, takes("What goes into the file.", "records")]
    ) -> ExportPayload:
        return ExportPayload(done=await exports.ask(info, ExportKind.PAYMENTS))

    @done(
        ACTIONS["export_adjustments"],
        "Ask for a file of reductions, write-offs and voids: billed less these and less payments is what is still owed.",
    )
    async def export_adjustments(
        self, info: Info, input: Annotated[ExportAdjustmentsInput, takes("What goes into the file.", "records")]
    ) -> ExportPayload:
        return ExportPayload(done=await exports.ask(info, ExportKind.ADJUSTMENTS))

    @done(
        ACTIONS["export_quickbooks_invoices"],
        "Ask for a CSV file of invoices that QuickBooks takes in, by payer, without patients; void ones are left out.",
    )
    async def export_quickbooks_invoices(
        self, info: Info, input: Annotated[ExportQuickbooksInvoicesInput, takes("What goes into the file.", "records")]
    ) -> ExportPayload:
        return ExportPayload(done=await exports.ask(info, ExportKind.QUICKBOOKS_INVOICES))

    @done(ACTIONS["cancel_export"], "Call off a file that is waited for; nobody builds it any further.")
    async def cancel_export(
        self, info: Info, input: Annotated[CancelExportInput, takes("The file.", "signed_in")]
    ) -> ExportPayload:
        return ExportPayload(done=await run(info, "cancel_export", input, exports.cancel))
