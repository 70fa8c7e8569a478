"""The query type of the schema: all queries, each with its access rule."""

# A compiled read returns encoded JSON, not a Python object of the published type.
# mypy: disable-error-code="no-any-return"

from datetime import date
from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from permissions.classes import argument, query_field
from resolvers.commands.access import clinics
from resolvers.commands.billing import quotes
from resolvers.commands.records import import_mappings
from schema.access import explain_access as access
from schema.access.audit import AuditEvent, AuditFilter
from schema.access.clinics import ClinicProfile, present_profile
from schema.access.users import User
from schema.access.viewer import Viewer, present
from schema.billing.cases import Case, CaseConnection, CaseFilter
from schema.billing.invoices import Invoice, InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.billing.patients import Patient, PatientConnection, PatientFilter
from schema.billing.payers import Payer, PayerConnection, PayerFilter
from schema.billing.quotes import PriceQuoteInput, PriceQuotePayload
from schema.connections import After, Before, Connection, First, Last, Node
from schema.enums import AgingBasis, Direction, EncounterOrderField, ImportKind, InvoiceOrderField
from schema.payments.queries import PaymentQueries, cheques
from schema.reading import compiled_root, read
from schema.records.attorneys import Attorney, AttorneyFilter
from schema.records.cpt_codes import CptCode, CptCodeFilter
from schema.records.encounters import EncounterConnection, EncounterFilter, EncounterOrder
from schema.records.exam_types import ExamType
from schema.records.facilities import Facility
from schema.records.fee_schedules import FeeSchedule
from schema.records.firms import Firm
from schema.records.import_mappings import SavedImportMapping, published_mapping
from schema.records.merges import MergeQueries
from schema.records.physicians import Physician
from schema.records.reason_codes import ReasonCode, ReasonCodeFilter
from schema.reminders.confirmations import ReminderConfirmation
from schema.reminders.outbound_messages import OutboundMessageConnection, OutboundMessageFilter
from schema.reminders.policies import ReminderPolicy, ReminderTemplate
from schema.reminders.reminders import ActionItemConnection
from schema.reminders.suppressed_addresses import SuppressedAddress
from schema.reports.aging import REPORT_FILTER, AgingReport, AsOf, Basis, IsRestated, PayerAging
from schema.reports.analytics import Analytics, AnalyticsFilter
from schema.reports.exports import Export

Id = Annotated[strawberry.ID, argument("The id of the record.", "signed_in")]
Number = Annotated[str, argument("The complete invoice number.", ("Invoice.number",))]
InvoicesWanted = Annotated[InvoiceFilter | None, argument("Only invoices that match this filter.", "signed_in")]
InvoicesReported = Annotated[
    InvoiceFilter | None,
    argument("Only invoices that match this filter.", "figures", narrowed=REPORT_FILTER),
]
InvoicesSorted = Annotated[InvoiceOrder | None, argument("A sort order of invoices.", "signed_in")]
FiguresWanted = Annotated[AnalyticsFilter, argument("The period and the filter of invoices.", "productivity")]
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
ActOn = Annotated[
    date | None,
    argument(
        "Only items that are due by this day; a future day also shows items that will be due by then.",
        ("ActionItem.dueOn",),
    ),
]
Assignee = Annotated[
    strawberry.ID | None, argument("Only items assigned to this user.", ("ActionItem.assignee", "User.id"))
]
MessagesWanted = Annotated[
    OutboundMessageFilter | None, argument("Only messages that match this filter.", "negotiation")
]
EventsWanted = Annotated[AuditFilter | None, argument("Only events that match this filter.", "administration")]
Search = Annotated[str | None, argument("The start of any word of the name.", "staff")]
EncountersWanted = Annotated[EncounterFilter | None, argument("Only visits that match this filter.", "treatment")]
EncountersSorted = Annotated[EncounterOrder | None, argument("A sort order of visits.", "treatment")]
NEWEST_VISITS_FIRST = EncounterOrder(field=EncounterOrderField.SERVICE_DATE, direction=Direction.DESC)
NEWEST_FIRST = InvoiceOrder(field=InvoiceOrderField.CREATED_ON, direction=Direction.DESC)


@strawberry.type(description="The queries of the API.")
class Query(MergeQueries, PaymentQueries):
    @query_field("public", "The signed-in account; null without a bearer token.")
    def viewer(self, info: Info) -> Viewer | None:
        return present(info.context.viewer) if info.context.viewer else None

    @compiled_root("signed_in", "Any record by its id; null if it does not exist or you cannot access it.")
    async def node(self, info: Info, id: Id) -> Node | None:
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

    cheques = cheques

    @compiled_root(
        "negotiation",
        "The work list of billing staff: the action items that are due by a day, oldest first; today by default.",
    )
    async def action_items(
        self,
        info: Info,
        as_of: ActOn = UNSET,
        assignee_id: Assignee = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> ActionItemConnection:
        return await read(info)

    @compiled_root("negotiation", "The message templates by name, the newest version of each.")
    async def reminder_templates(self, info: Info) -> list[ReminderTemplate]:
        return await read(info)

    @compiled_root("negotiation", "The reminder policies (dunning schedules), by name.")
    async def reminder_policies(self, info: Info) -> list[ReminderPolicy]:
        return await read(info)

    @query_field("staff", "The saved mappings of files to import, by kind and name, for the kinds that you may import.")
    async def import_mappings(
        self,
        info: Info,
        kind: Annotated[ImportKind | None, argument("Only mappings of this kind of file.", "staff")] = None,
    ) -> list[SavedImportMapping]:
        return [published_mapping(saved) for saved in await import_mappings.list_mappings(info, kind)]

    @compiled_root(
        "negotiation",
        "The confirmed dry runs of reminders, newest first: reminders are sent while the first of them has not ended.",
    )
    async def reminder_confirmations(self, info: Info) -> list[ReminderConfirmation]:
        return await read(info)

    @compiled_root("negotiation", "The suppression list: addresses that get no reminders, newest first.")
    async def suppressed_addresses(
        self, info: Info, first: First = UNSET, after: After = UNSET
    ) -> Connection[SuppressedAddress]:
        return await read(info)

    @compiled_root("negotiation", "The outbound messages to payers, newest first.")
    async def outbound_messages(
        self, info: Info, filter: MessagesWanted = UNSET, first: First = UNSET, after: After = UNSET
    ) -> OutboundMessageConnection:
        return await read(info)

    @compiled_root(
        "figures",
        "The aging of accounts receivable: the outstanding amounts by age, today or as known at the end of a past day.",
    )
    async def aging(
        self,
        info: Info,
        filter: InvoicesReported = UNSET,
        as_of: AsOf = UNSET,
        restated: IsRestated = False,
        basis: Basis = AgingBasis.CREATED,
    ) -> AgingReport:
        return await read(info)

    @compiled_root("figures", "The aging of accounts receivable by payer, slowest payers first.")
    async def aging_by_payer(
        self,
        info: Info,
        filter: InvoicesReported = UNSET,
        as_of: AsOf = UNSET,
        restated: IsRestated = False,
        basis: Basis = AgingBasis.CREATED,
    ) -> list[PayerAging]:
        return await read(info)

    @compiled_root("productivity", "Measures of the invoices created in a period, and of the open invoices.")
    async def analytics(
        self, info: Info, filter: FiguresWanted, as_of: AsOf = UNSET, restated: IsRestated = False
    ) -> Analytics:
        return await read(info)

    @compiled_root("signed_in", "One of your exports by its id; null if it does not exist.")
    async def export(self, info: Info, id: Id) -> Export | None:
        return await read(info)

    @compiled_root("signed_in", "Your exports, newest first.")
    async def exports(self, info: Info, first: First = UNSET, after: After = UNSET) -> Connection[Export]:
        return await read(info)

    @compiled_root("administration", "The user accounts of the clinic, by e-mail address.")
    async def users(self, info: Info, first: First = UNSET, after: After = UNSET) -> Connection[User]:
        return await read(info)

    @compiled_root(
        "administration", "The audit log: who read or changed what, newest first; events appear within two seconds."
    )
    async def audit_trail(
        self,
        info: Info,
        filter: EventsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> Connection[AuditEvent]:
        return await read(info)

    @query_field("administration", "The clinic's own data: its letterhead, and the sender of its mail.")
    async def clinic(self, info: Info) -> ClinicProfile:
        return present_profile(await clinics.read(info))

    @query_field("administration", "Why a role can or cannot see a part of the API: the access rule and its text.")
    def explain_access(
        self, info: Info, role: access.RoleAsked, coordinate: access.Coordinate
    ) -> access.AccessExplanation:
        return access.explain(info, role, coordinate)
