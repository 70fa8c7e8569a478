"""The query type of the schema: all queries, each with its access rule."""

# A compiled read returns encoded JSON, not a Python object of the published type.
# mypy: disable-error-code="no-any-return"

from datetime import date
from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from permissions.classes import argument, query_field
from permissions.graphql_adapter import core_info
from resolvers.commands.access import clinics
from resolvers.commands.records import import_mappings
from schema.access import explain_access as access
from schema.access.audit import AuditEvent, AuditFilter
from schema.access.clinics import ClinicProfile, present_profile
from schema.access.users import User
from schema.billing.invoices import InvoiceFilter, Worklist
from schema.connections import After, Connection, First
from schema.documents.queries import DocumentQueries
from schema.enums import AgingBasis
from schema.forms.enum_labels import EnumLabels, labels_in
from schema.forms.transition_rows import Transition, transitions
from schema.payments.queries import PaymentQueries
from schema.reading import compiled_root, read
from schema.record_queries import RecordQueries
from schema.records.import_enums import ImportKind
from schema.records.import_mappings import SavedImportMapping, published_mapping
from schema.records.merges import MergeQueries
from schema.reminders.confirmations import ReminderConfirmation
from schema.reminders.outbound_messages import OutboundMessageConnection, OutboundMessageFilter
from schema.reminders.policies import ReminderPolicy, ReminderTemplate
from schema.reminders.reminders import ActionItemConnection
from schema.reminders.suppressed_addresses import SuppressedAddress
from schema.reports.aging import REPORT_FILTER, AgingReport, AsOf, Basis, IsRestated, PayerAging, PayerGroupAging
from schema.reports.analytics import Analytics, AnalyticsFilter
from schema.reports.exports import Export

Id = Annotated[strawberry.ID, argument("The id of the record.", "signed_in")]
InvoicesReported = Annotated[
    InvoiceFilter | None,
    argument("Only invoices that match this filter.", "figures", narrowed=REPORT_FILTER),
]
FiguresWanted = Annotated[AnalyticsFilter, argument("The period and the filter of invoices.", "productivity")]
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
PatientsSeparately = Annotated[
    bool | None,
    argument(
        "Whether each patient who pays is a row of his or her own; by default all patients are one row.", "figures"
    ),
]
EventsWanted = Annotated[AuditFilter | None, argument("Only events that match this filter.", "administration")]


@strawberry.type(description="The queries of the API.")
class Query(RecordQueries, PaymentQueries, DocumentQueries, MergeQueries):
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

    @compiled_root(
        "figures",
        "The aging of accounts receivable by payer in pages, the largest outstanding amounts first; all patients are one row.",
    )
    async def aging_by_payer_page(
        self,
        info: Info,
        filter: InvoicesReported = UNSET,
        as_of: AsOf = UNSET,
        restated: IsRestated = False,
        basis: Basis = AgingBasis.CREATED,
        *,
        patients_separately: PatientsSeparately = False,
        first: First = UNSET,
        after: After = UNSET,
    ) -> Connection[PayerGroupAging]:
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

    @compiled_root("records", "The work lists: what somebody has to look at today, with counts and sums.")
    async def worklists(self, info: Info) -> list[Worklist]:
        return await read(info)

    @query_field("signed_in", "What screens write for the values of enums: of each enum that you see, short labels.")
    def labels(self, info: Info) -> list[EnumLabels]:
        return labels_in(core_info(info).schema)

    @query_field(
        "workflow",
        "The life cycle of an invoice as data: every transition, from which status to which, and what it asks for.",
    )
    def transitions(self) -> list[Transition]:
        return transitions()
