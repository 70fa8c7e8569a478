"""Decides what can be asked, and by whom."""

# What a compiled read answers is no Python object of the published type.
# mypy: disable-error-code="no-any-return"

from datetime import date
from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from db.identity import make_id
from permissions import viewers
from permissions.classes import asked, takes
from resolvers import quotes
from schema import access
from schema.aging import AgingReport, AsOf, Basis, PayerAging
from schema.analytics import Analytics, AnalyticsFilter
from schema.attorneys import Attorney
from schema.audit import AuditEvent, AuditFilter
from schema.cases import Case, CaseConnection, CaseFilter
from schema.cheques import ChequeConnection, ChequeFilter
from schema.connections import After, Before, Connection, First, Last, Node
from schema.enums import AgingBasis, Direction, InvoiceOrderField
from schema.exam_types import ExamType
from schema.exports import Export
from schema.facilities import Facility
from schema.fee_schedules import FeeSchedule
from schema.invoices import Invoice, InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.outbound_messages import OutboundMessageConnection, OutboundMessageFilter
from schema.patients import Patient, PatientConnection, PatientFilter
from schema.payers import Payer, PayerConnection, PayerFilter
from schema.physicians import Physician
from schema.pricing import CptCode, CptCodeFilter
from schema.quotes import PriceQuoteInput, PriceQuotePayload
from schema.reading import compiled_root, read
from schema.reminder_policies import ReminderPolicy, ReminderTemplate
from schema.reminders import ActionItemConnection
from schema.users import Clinic, User, Viewer

Id = Annotated[strawberry.ID, takes("The id of the record.", "signed_in")]
Number = Annotated[str, takes("The whole invoice number.", ("Invoice.number",))]
InvoicesWanted = Annotated[InvoiceFilter | None, takes("Which invoices are wanted.", "signed_in")]
InvoicesSorted = Annotated[InvoiceOrder | None, takes("How invoices are sorted.", "signed_in")]
FiguresWanted = Annotated[AnalyticsFilter, takes("The period and the invoices that are looked at.", "productivity")]
ChequesWanted = Annotated[ChequeFilter | None, takes("Which cheques are wanted.", "records")]
CasesWanted = Annotated[CaseFilter | None, takes("Which cases are wanted.", "signed_in")]
PatientsWanted = Annotated[PatientFilter | None, takes("Which patients are wanted.", "signed_in")]
PayersWanted = Annotated[PayerFilter | None, takes("Which payers are wanted.", "signed_in")]
CodesWanted = Annotated[CptCodeFilter | None, takes("Which codes are wanted.", "signed_in")]
ActiveOnly = Annotated[
    bool | None, takes("Only exams that may still be selected; retired ones, too, when it is false.", "treatment")
]
NegotiatedWith = Annotated[
    strawberry.ID | None,
    takes("Only what was negotiated with this payer.", ("FeeSchedule.payer", "Payer.id")),
]
ActOn = Annotated[
    date | None,
    takes("What is due by this day and not done yet; a day to come shows what will be.", ("ActionItem.dueOn",)),
]
Assignee = Annotated[
    strawberry.ID | None, takes("Only what this account is to do.", ("ActionItem.assignee", "User.id"))
]
MessagesWanted = Annotated[OutboundMessageFilter | None, takes("Which messages are wanted.", "negotiation")]
EventsWanted = Annotated[AuditFilter | None, takes("Which events are wanted.", "administration")]
Search = Annotated[str | None, takes("The beginning of any word of the name.", "staff")]
NEWEST_FIRST = InvoiceOrder(field=InvoiceOrderField.CREATED_ON, direction=Direction.DESC)


def present(viewer: viewers.Viewer) -> Viewer:
    """Somebody who is signed in, as the API shows them."""
    clinic = Clinic(
        id=strawberry.ID(make_id("Clinic", viewer.clinic_id)),
        name=viewer.clinic_name,
        short_name=viewer.clinic_short_name,
        time_zone=viewer.time_zone,
    )
    identity = strawberry.ID(make_id("User", viewer.user_id))
    return Viewer(id=identity, email=viewer.email, name=viewer.name, role=viewer.role, clinic=clinic)


@strawberry.type(description="What can be asked.")
class Query:
    @asked("public", "Whoever is signed in; nothing without a token.")
    def viewer(self, info: Info) -> Viewer | None:
        return present(info.context.viewer) if info.context.viewer else None

    @compiled_root("signed_in", "Any record by its id; nothing when there is none in reach.")
    async def node(self, info: Info, id: Id) -> Node | None:
        return await read(info)

    @compiled_root("signed_in", "One invoice by its id; nothing when there is none in reach.")
    async def invoice(self, info: Info, id: Id) -> Invoice | None:
        return await read(info)

    @compiled_root("signed_in", "One invoice by its number; nothing when there is none in reach.")
    async def invoice_by_number(self, info: Info, number: Number) -> Invoice | None:
        return await read(info)

    @compiled_root("signed_in", "The invoices in reach, newest first when nothing else is said.")
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

    @compiled_root("case_reading", "One case by its id; nothing when there is none in reach.")
    async def case(self, info: Info, id: Id) -> Case | None:
        return await read(info)

    @compiled_root("case_reading", "One patient by id; nothing when there is none in reach.")
    async def patient(self, info: Info, id: Id) -> Patient | None:
        return await read(info)

    @compiled_root("staff", "One payer by id; nothing when there is none.")
    async def payer(self, info: Info, id: Id) -> Payer | None:
        return await read(info)

    @compiled_root("case_reading", "The cases in reach, newest first.")
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

    @compiled_root("case_reading", "The patients in reach, by last name.")
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

    @compiled_root("staff", "The attorneys, by name.")
    async def attorneys(
        self,
        info: Info,
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

    @compiled_root("master_reading", "The codes that can be billed, by code.")
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

    @compiled_root("treatment", "The main exams that can be selected, in their order, each with its sub-exams.")
    async def exam_types(self, info: Info, active_only: ActiveOnly = True) -> list[ExamType]:
        return await read(info)

    @compiled_root("pricing", "The fee schedules, the newest first.")
    async def fee_schedules(self, info: Info, payer_id: NegotiatedWith = UNSET) -> list[FeeSchedule]:
        return await read(info)

    @asked(
        "treatment",
        "What something would be billed at, worked out as for an invoice; nothing is saved.",
        metadata={"resolve": quotes.answer},
    )
    async def price_quote(
        self, info: Info, input: Annotated[PriceQuoteInput, takes("What is to be priced.", "treatment")]
    ) -> PriceQuotePayload:
        return await quotes.read(info)  # type: ignore[return-value]

    @compiled_root("records", "The cheques that came in, the latest first.")
    async def cheques(
        self,
        info: Info,
        filter: ChequesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> ChequeConnection:
        return await read(info)

    @compiled_root("negotiation", "What billing staff have to act on, the oldest first; today when no day is said.")
    async def action_items(
        self,
        info: Info,
        as_of: ActOn = UNSET,
        assignee_id: Assignee = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> ActionItemConnection:
        return await read(info)

    @compiled_root("negotiation", "What messages to payers say, by name; of each template the newest version.")
    async def reminder_templates(self, info: Info) -> list[ReminderTemplate]:
        return await read(info)

    @compiled_root("negotiation", "When payers are reminded of what, by the policies' names.")
    async def reminder_policies(self, info: Info) -> list[ReminderPolicy]:
        return await read(info)

    @compiled_root("negotiation", "The messages to payers, the latest first.")
    async def outbound_messages(
        self, info: Info, filter: MessagesWanted = UNSET, first: First = UNSET, after: After = UNSET
    ) -> OutboundMessageConnection:
        return await read(info)

    @compiled_root("figures", "What is open, by age: as of today, or as it was known at the end of a past day.")
    async def aging(
        self, info: Info, filter: InvoicesWanted = UNSET, as_of: AsOf = UNSET, basis: Basis = AgingBasis.CREATED
    ) -> AgingReport:
        return await read(info)

    @compiled_root("figures", "What is open, by payer and age; those who take longest to pay first.")
    async def aging_by_payer(
        self, info: Info, filter: InvoicesWanted = UNSET, as_of: AsOf = UNSET, basis: Basis = AgingBasis.CREATED
    ) -> list[PayerAging]:
        return await read(info)

    @compiled_root("productivity", "Measures over the invoices that were created in a period, and over what is open.")
    async def analytics(self, info: Info, filter: FiguresWanted, as_of: AsOf = UNSET) -> Analytics:
        return await read(info)

    @compiled_root("signed_in", "A file that the viewer asked for, by its id; nothing when there is none such.")
    async def export(self, info: Info, id: Id) -> Export | None:
        return await read(info)

    @compiled_root("signed_in", "The files that the viewer asked for, the latest first.")
    async def exports(self, info: Info, first: First = UNSET, after: After = UNSET) -> Connection[Export]:
        return await read(info)

    @compiled_root("administration", "The clinic's accounts, by e-mail.")
    async def users(self, info: Info, first: First = UNSET, after: After = UNSET) -> Connection[User]:
        return await read(info)

    @compiled_root("administration", "Who saw or changed what, newest first; each event within a second or two.")
    async def audit_trail(
        self,
        info: Info,
        filter: EventsWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
    ) -> Connection[AuditEvent]:
        return await read(info)

    @asked("administration", "Why a role sees something of the API or does not: by which rule, and in which words.")
    def explain_access(
        self, info: Info, role: access.RoleAsked, coordinate: access.Coordinate
    ) -> access.AccessExplanation:
        return access.explain(info, role, coordinate)
