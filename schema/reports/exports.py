"""GraphQL types and mutations of exports: files that users request and download."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.exports import ExportKind as Kind
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field, query_field
from resolvers.commands import exports
from resolvers.commands.unit_of_work import CommandResult, run_command
from resolvers.compiler.reading import resolve_payload
from schema.access.users import User
from schema.billing.invoices import InvoiceFilter
from schema.connections import Node
from schema.enums import ExportFormat, ExportKind, ExportStatus
from schema.errors import UserError, user_errors


@strawberry.type(description="An export file; only the account that requested it can see it.")
class Export(Node):
    id: strawberry.ID = output_field("signed_in", "The id of the export.")
    status: ExportStatus = output_field("signed_in", "The status of the export.")
    format: ExportFormat = output_field("signed_in", "The file format.")
    file_name: str = output_field("signed_in", "The file name, with the day of the request.")
    content_type: str = output_field("signed_in", "The media format of the file (MIME), such as text/csv.")
    row_count: int | None = output_field(
        "signed_in",
        "The number of rows without headers; null until the export has started, and when the file is gone.",
    )
    rows_written: int = output_field("signed_in", "The number of rows written so far; 0 when the file is gone.")
    byte_size: int | None = output_field(
        "signed_in", "The file size in bytes; null until the file is ready, and when it is gone."
    )
    sha256: str | None = output_field(
        "signed_in",
        "The SHA-256 checksum of the file in hexadecimal digits, to verify the download; null when the file is gone.",
    )
    billed_total: Decimal | None = output_field(
        "existence",
        "The sum of the billed amounts in the file in US dollars, as a control sum; null if the rows are not invoices, and when the file is gone.",
    )
    received_total: Decimal | None = output_field(
        "ledger",
        "The sum of the received amounts in the file in US dollars, as a control sum; of payments the sum of the rows, which is that of "
        "the payments. Null if the rows have no such amount, and when the file is gone.",
    )
    download_url: str | None = output_field(
        "signed_in",
        "A signed URL of the file, valid for one hour and until the session ends; null unless the file is ready, and when it is gone: "
        "after seven days, or when one of its records is no longer accessible.",
    )
    expires_at: datetime | None = output_field(
        "signed_in", "When the file is deleted; request a new export afterwards."
    )
    created_at: datetime = output_field("signed_in", "When it was created.")
    requested_by: User = output_field("staff", "The user who created it.")
    failure: str | None = output_field("signed_in", "Why the export failed; null unless it failed.")
    kind: ExportKind = output_field("signed_in", "The kind of rows.")
    filter: str = output_field("signed_in", "The filter of the export as JSON, with the names of the filter input.")
    columns: list[str] = output_field("signed_in", "The columns, each as the path of fields that leads to it.")


_CHOSEN = "Only invoices that match this filter; all that you can access by default."
_MARK = (
    "Whether a CSV file begins with a byte order mark, by which Excel and LibreOffice know that it is UTF-8; true by default. "
    "It has no effect on XLSX."
)
_COLUMNS = "The columns in this order, each as a path such as patient.name; the standard columns by default."


@strawberry.type(description="The result of requesting or cancelling an export.")
class ExportPayload:
    result: Private[CommandResult]

    @query_field(
        "signed_in", "The export; null if the request was rejected. Poll it, or subscribe to it, until it is ready."
    )
    async def export(self, info: Info) -> Export | None:
        return await resolve_payload(info, "Export", self.result.record)  # type: ignore[return-value]

    @query_field(
        "signed_in",
        "Whether a worker is running. Without one the export stays QUEUED until a worker is started: tell the operator.",
    )
    async def is_worker_running(self, info: Info) -> bool:
        return await exports.is_worker_running(info)

    @query_field("signed_in", "Why the request was rejected; empty on success.")
    def errors(self) -> list[UserError]:
        return user_errors(self.result.errors)


@strawberry.input(description="An export of invoices, one row each.")
class ExportInvoicesInput:
    format: ExportFormat = input_field("signed_in", "The file format.")
    filter: InvoiceFilter | None = input_field("signed_in", _CHOSEN)
    columns: list[str] | None = input_field("signed_in", _COLUMNS)
    byte_order_mark: bool | None = input_field("signed_in", _MARK)


@strawberry.input(
    description="An export of payments: a row for each allocation to an invoice, reversal, refund, refund that came back, provider adjustment (PLB), "
    "amount that a later payment took back, unapplied rest and return of a payment; none for a payment that was recorded wrongly. "
    "The rows of a payment add up to its amount, and those of a deposit to its total."
)
class ExportPaymentsInput:
    format: ExportFormat = input_field("records", "The file format.")
    filter: InvoiceFilter | None = input_field(
        "records", f"{_CHOSEN} With conditions, only what was allocated to these invoices."
    )
    deposit_id: strawberry.ID | None = input_field("records", "Only the payments of this deposit.")
    columns: list[str] | None = input_field("records", _COLUMNS)
    byte_order_mark: bool | None = input_field("records", _MARK)


@strawberry.input(
    description="An export of adjustments (reductions, contractual adjustments, small balances, write-offs and voids): one row for "
    "each day on which one "
    "changed the amount owed."
)
class ExportAdjustmentsInput:
    format: ExportFormat = input_field("records", "The file format.")
    filter: InvoiceFilter | None = input_field("records", _CHOSEN)
    columns: list[str] | None = input_field("records", _COLUMNS)
    byte_order_mark: bool | None = input_field("records", _MARK)


@strawberry.input(description="An export of invoices as a set of CSV files that QuickBooks imports.")
class ExportQuickbooksInvoicesInput:
    filter: InvoiceFilter | None = input_field(
        "records", "Only invoices that match this filter. Without statuses in it, open invoices; never voided ones."
    )


@strawberry.input(description="The export to cancel.")
class CancelExportInput:
    export_id: strawberry.ID = input_field("signed_in", "The id of the export.")


@strawberry.type
class ExportMutations:
    """The mutations of exports."""

    @mutation(
        ACTIONS["export_invoices"], "Export the invoices that you can access; a small file is ready with the response."
    )
    async def export_invoices(
        self, info: Info, input: Annotated[ExportInvoicesInput, argument("The content of the file.", "signed_in")]
    ) -> ExportPayload:
        return ExportPayload(result=await exports.ask(info, Kind.INVOICES))

    @mutation(
        ACTIONS["export_payments"],
        "Export the payments: what each was allocated to, what is unapplied, and what was refunded or returned; reversals for returned "
        "payments have negative amounts.",
    )
    async def export_payments(
        self, info: Info, input: Annotated[ExportPaymentsInput, argument("The content of the file.", "records")]
    ) -> ExportPayload:
        return ExportPayload(result=await exports.ask(info, Kind.PAYMENTS))

    @mutation(
        ACTIONS["export_adjustments"],
        "Export reductions, contractual adjustments, small balances, write-offs and voids: billed less these adjustments and less payments is the "
        "outstanding amount.",
    )
    async def export_adjustments(
        self, info: Info, input: Annotated[ExportAdjustmentsInput, argument("The content of the file.", "records")]
    ) -> ExportPayload:
        return ExportPayload(result=await exports.ask(info, Kind.ADJUSTMENTS))

    @mutation(
        ACTIONS["export_quickbooks_invoices"],
        "Export invoices by payer with their adjustments and payments, as a ZIP of CSV files for QuickBooks, "
        "without data of patients who are not payers: "
        "by default what is open, so that QuickBooks shows the balance that each payer owes.",
    )
    async def export_quickbooks_invoices(
        self,
        info: Info,
        input: Annotated[ExportQuickbooksInvoicesInput, argument("The content of the file.", "records")],
    ) -> ExportPayload:
        return ExportPayload(result=await exports.ask(info, Kind.QUICKBOOKS_INVOICES))

    @mutation(ACTIONS["cancel_export"], "Cancel an export that is not ready; its job ends.")
    async def cancel_export(
        self, info: Info, input: Annotated[CancelExportInput, argument("The announced file.", "signed_in")]
    ) -> ExportPayload:
        return ExportPayload(result=await run_command(info, "cancel_export", input, exports.cancel))
