"""The queries of the clinic's records: invoices, cases, people, lists of codes and prices, and visits."""

# A compiled read returns encoded JSON, not a Python object of the published type.
# mypy: disable-error-code="no-any-return"

from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from permissions.classes import argument, query_field
from resolvers.commands.billing import quotes
from schema.access.viewer import Viewer, present
from schema.billing.cases import Case, CaseConnection, CaseFilter
from schema.billing.invoices import Invoice, InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.billing.patients import Patient, PatientConnection, PatientFilter
from schema.billing.payers import Payer, PayerConnection, PayerFilter
from schema.billing.quotes import PriceQuoteInput, PriceQuotePayload
from schema.connections import After, Before, Connection, First, Last, Node
from schema.enums import Direction, EncounterOrderField, InvoiceOrderField
from schema.reading import compiled_root, read
from schema.records.attorneys import Attorney, AttorneyFilter
from schema.records.cpt_codes import CptCode, CptCodeFilter
from schema.records.encounters import EncounterConnection, EncounterFilter, EncounterOrder
from schema.records.exam_types import ExamType
from schema.records.facilities import Facility
from schema.records.fee_schedules import FeeSchedule
from schema.records.firms import Firm
from schema.records.physicians import Physician
from schema.records.reason_codes import ReasonCode, ReasonCodeFilter

Id = Annotated[strawberry.ID, argument("The id of the record.", "signed_in")]
Ids = Annotated[list[strawberry.ID], argument("The ids of the records.", "signed_in")]
Number = Annotated[str, argument("The complete invoice number.", ("Invoice.number",))]
InvoicesWanted = Annotated[InvoiceFilter | None, argument("Only invoices that match this filter.", "signed_in")]
InvoicesSorted = Annotated[InvoiceOrder | None, argument("A sort order of invoices.", "signed_in")]
CasesWanted = Annotated[CaseFilter | None, argument("Only cases that match this filter.", "signed_in")]
PatientsWanted = Annotated[PatientFilter | None, argument("Filter for patients.", "signed_in")]
PayersWanted = Annotated[PayerFilter | None, argument("Only payers that match this filter.", "signed_in")]
AttorneysWanted = Annotated[AttorneyFilter | None, argument("Only attorneys that match this filter.", "staff")]
CodesWanted = Annotated[CptCodeFilter | None, argument("Only codes that match this filter.", "signed_in")]
ReasonsWanted = Annotated[ReasonCodeFilter | None, argument("Only reason codes that match this filter.", "records")]
ActiveOnly = Annotated[
    bool | None, argument("If true, only active exams; if false, retired exams as well.", "treatment")
]
NegotiatedWith = Annotated[
    strawberry.ID | None,
    argument("Only schedules negotiated with this payer.", ("FeeSchedule.payer", "Payer.id")),
]
Search = Annotated[str | None, argument("The start of any word of the name.", "staff")]
EncountersWanted = Annotated[EncounterFilter | None, argument("Only visits that match this filter.", "treatment")]
EncountersSorted = Annotated[EncounterOrder | None, argument("A sort order of visits.", "treatment")]
NEWEST_VISITS_FIRST = EncounterOrder(field=EncounterOrderField.SERVICE_DATE, direction=Direction.DESC)
NEWEST_FIRST = InvoiceOrder(field=InvoiceOrderField.CREATED_ON, direction=Direction.DESC)


@strawberry.type
class RecordQueries:
    """The queries of the clinic's records."""

    @query_field("public", "The signed-in account; null without a bearer token.")
    def viewer(self, info: Info) -> Viewer | None:
        return present(info.context.viewer) if info.context.viewer else None

    @compiled_root("signed_in", "Any record by its id; null if it does not exist or you cannot access it.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await read(info)

    @compiled_root(
        "signed_in",
        "Records by their ids, at most 100, in the order of the ids; null for each that does not exist or that you cannot access.",
    )
    async def nodes(self, info: Info, ids: Ids) -> list[Node | None]:
        return await read(info)

    @compiled_root("signed_in", "One invoice by its id; null if it does not exist or you cannot access it.")
    async def invoice(self, info: Info, id: Id) -> Invoice | None:
        return await read(info)

    @compiled_root("signed_in", "One invoice by its number; null if it does not exist or you cannot access it.")
    async def invoice_by_number(self, info: Info, number: Number) -> Invoice | None:
        return await read(info)

    @compiled_root("signed_in", "The invoices that you can access, newest first by default.")
    async def invoices(
        self,
        info: Info,
        filter: InvoicesWanted = UNSET,
        order_by: InvoicesSorted = NEWEST_FIRST,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> InvoiceConnection:
        return await read(info)

    @compiled_root("case_reading", "One case by its id; null if it does not exist or you cannot access it.")
    async def case(self, info: Info, id: Id) -> Case | None:
        return await read(info)

    @compiled_root("case_reading", "One patient by id; null if it does not exist or you cannot access it.")
    async def patient(self, info: Info, id: Id) -> Patient | None:
        return await read(info)

    @compiled_root("staff", "One payer by id; null if it does not exist.")
    async def payer(self, info: Info, id: Id) -> Payer | None:
        return await read(info)

    @compiled_root("case_reading", "The cases that you can access, newest first.")
    async def cases(
        self,
        info: Info,
        filter: CasesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> CaseConnection:
        return await read(info)

    @compiled_root("case_reading", "The patients that you can access, by last name.")
    async def patients(
        self,
        info: Info,
        filter: PatientsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> PatientConnection:
        return await read(info)

    @compiled_root("master_reading", "The payers, by name.")
    async def payers(
        self,
        info: Info,
        filter: PayersWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> PayerConnection:
        return await read(info)

    @compiled_root("staff", "The law firms, by name.")
    async def firms(
        self,
        info: Info,
        search: Search = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Firm]:
        return await read(info)

    @compiled_root("staff", "The attorneys, by name.")
    async def attorneys(
        self,
        info: Info,
        filter: AttorneysWanted = UNSET,
        search: Search = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Attorney]:
        return await read(info)

    @compiled_root("master_reading", "The physicians, by name.")
    async def physicians(
        self,
        info: Info,
        search: Search = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Physician]:
        return await read(info)

    @compiled_root("master_reading", "The facilities, by name.")
    async def facilities(
        self,
        info: Info,
        search: Search = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[Facility]:
        return await read(info)

    @compiled_root("master_reading", "The CPT codes that can be billed, by code.")
    async def cpt_codes(
        self,
        info: Info,
        filter: CodesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[CptCode]:
        return await read(info)

    @compiled_root("records", "The clinic's own list of the reason codes of adjustments and denials, by code.")
    async def reason_codes(
        self,
        info: Info,
        filter: ReasonsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> Connection[ReasonCode]:
        return await read(info)

    @compiled_root("treatment", "The visits that you can access, newest first by default.")
    async def encounters(
        self,
        info: Info,
        filter: EncountersWanted = UNSET,
        order_by: EncountersSorted = NEWEST_VISITS_FIRST,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> EncounterConnection:
        return await read(info)

    @compiled_root("treatment", "The active main exams in their order, each with its sub-exams.")
    async def exam_types(self, info: Info, active_only: ActiveOnly = True) -> list[ExamType]:
        return await read(info)

    @compiled_root("pricing", "The fee schedules, newest first.")
    async def fee_schedules(self, info: Info, payer_id: NegotiatedWith = UNSET) -> list[FeeSchedule]:
        return await read(info)

    @query_field(
        "treatment",
        "A price quote, computed as for an invoice; nothing is saved.",
        metadata={"resolve": quotes.answer},
    )
    async def price_quote(
        self, info: Info, input: Annotated[PriceQuoteInput, argument("What to price.", "treatment")]
    ) -> PriceQuotePayload:
        return await quotes.read(info)  # type: ignore[return-value]
