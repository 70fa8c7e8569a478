"""The transition table of an invoice: every legal transition, from which mutations, forms, guards in SQL and pages are derived."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.access.people import Role
from domain.billing import outcomes
from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import Party, SubmissionMethod
from domain.billing.outcomes import Effect
from domain.payments.cheques import PaymentMethod, ReturnKind

S = InvoiceStatus
_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})
_WORKER: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of a cheque that pays one invoice, in US dollars."""

    invoice_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a transition: a type of the standard library, an enum of the domain, or a list of allocations.

    A UUID is sent as a global id, a Decimal is an amount in US dollars. `label` is the caption of a form's field.
    """

    name: str
    type_: type
    label: str
    description: str
    is_required: bool = True
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of TRANSITIONS: start and end states, effect, inputs, guards and permitted roles.

    `label` is the caption of a button, `description` says what the mutation does, `input_description` what its input is.
    `record` is the kind of record that the mutation changes: an invoice, whose id every such transition takes, or a cheque or case
    with several invoices. `admin_start` are states from which only an admin may start it.
    """

    name: str
    label: str
    description: str
    input_description: str
    start: tuple[InvoiceStatus, ...]
    end: tuple[InvoiceStatus, ...]
    effect: Effect
    inputs: tuple[Input, ...] = ()
    guards: tuple[str, ...] = ()
    roles: frozenset[Role] = _STAFF
    admin_start: tuple[InvoiceStatus, ...] = ()
    record: str = "invoice"

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the inputs that must be given."""
        return tuple(one.name for one in self.inputs if one.is_required)

    def starts(self, status: InvoiceStatus, role: Role | None) -> bool:
        """Whether a role may start it from a state (None: the worker, which may start every transition)."""
        if role is None:
            return status in (*self.start, *self.admin_start)
        return role in self.roles and (status in self.start or (role is Role.ADMIN and status in self.admin_start))


def _reason(description: str) -> Input:
    return Input("reason", str, "Reason", description)


def _optional(name: str, type_: type, label: str, description: str) -> Input:
    return Input(name, type_, label, description, is_required=False)


_PENDING, _REDUCING, _AWAITING = (S.PENDING_INVOICE,), (S.PENDING_REDUCTION,), (S.PENDING_CHEQUE,)
_PAYING = (S.CHEQUE_RECEIVED, S.PENDING_CHEQUE)
_LAST_DAY = _optional("expires_on", date, "Valid until", "The last day of the offer.")
_CHEQUE = Input("cheque_id", UUID, "Cheque", "The id of the cheque.")
_CASE = Input("case_id", UUID, "Case", "The id of the case.")
_ALLOCATIONS = Input(
    "allocations", Allocation, "Allocations", "The invoices that it pays, with the amount for each.", is_list=True
)

TRANSITIONS = (
    Transition(
        "submit_invoice",
        "Submit",
        "Submit an invoice to its payer.",
        "The submission of an invoice to its payer.",
        _PENDING,
        _PENDING,
        outcomes.submit,
        (
            Input("submitted_on", date, "Submitted on", "The day of submission."),
            Input("method", SubmissionMethod, "Method", "How it was submitted."),
        ),
        ("has_lines", "billed", "not_submitted"),
    ),
    Transition(
        "accept_in_full",
        "Accept in full",
        "Record that the payer accepts the full billed amount.",
        "The payer's acceptance of the full billed amount.",
        _PENDING,
        _AWAITING,
        outcomes.accept_in_full,
        (),
        ("submitted",),
    ),
    Transition(
        "request_reduction",
        "Record a reduction request",
        "Record that the payer requests a reduction.",
        "The payer's request for a reduction.",
        _PENDING,
        _REDUCING,
        outcomes.request_reduction,
        (
            Input("amount", Decimal, "Amount offered", "The amount that the payer offers, in US dollars."),
            _optional("reason", str, "Reason", "The payer's reason."),
            _LAST_DAY,
            _optional("document_id", UUID, "Offer letter", "The id of the uploaded offer letter."),
        ),
        ("submitted",),
    ),
    Transition(
        "counter_reduction",
        "Make a counter-offer",
        "Record the next offer of a negotiation.",
        "The next offer of a negotiation.",
        _REDUCING,
        _REDUCING,
        outcomes.counter_reduction,
        (
            Input("party", Party, "Offered by", "The side that makes the offer."),
            Input("amount", Decimal, "Amount", "The offered amount in US dollars."),
            _optional("note", str, "Note", "A note about the offer."),
            _LAST_DAY,
        ),
    ),
    Transition(
        "agree_reduction",
        "Agree on a reduction",
        "Record the agreement of both sides on a reduced amount.",
        "The agreement of both sides on an amount.",
        _REDUCING,
        _AWAITING,
        outcomes.agree_reduction,
        (
            _optional(
                "amount",
                Decimal,
                "Agreed amount",
                "The agreed amount in US dollars; the amount of the open offer by default.",
            ),
            _optional(
                "conditional_until",
                date,
                "To be paid by",
                "The day by which it must be paid; otherwise the agreement lapses.",
            ),
        ),
    ),
    Transition(
        "decline_reduction",
        "Decline the reduction",
        "Decline a reduction and end the negotiation.",
        "The end of a negotiation without a reduction.",
        _REDUCING,
        _PENDING,
        outcomes.decline_reduction,
        (_reason("Why the reduction is declined."),),
    ),
    Transition(
        "reopen_reduction",
        "Reopen the negotiation",
        "Reopen the negotiation of an agreed amount.",
        "The reopening of an agreed reduction.",
        _AWAITING,
        _REDUCING,
        outcomes.reopen_reduction,
        (_reason("Why it is reopened."),),
        ("nothing_received",),
    ),
    Transition(
        "record_denial",
        "Record a denial",
        "Record that the payer denies the invoice.",
        "A denial by the payer.",
        (*_PENDING, *_REDUCING),
        _PENDING,
        outcomes.record_denial,
        (
            Input("denied_on", date, "Denied on", "The day of the denial."),
            Input("reason_code", str, "Reason code", "The claim adjustment reason code, or the payer's own code."),
            _optional(
                "amount", Decimal, "Denied amount", "The denied amount in US dollars; the whole invoice by default."
            ),
            _optional("note", str, "Note", "A note about the denial."),
            _optional("appeal_due_on", date, "Appeal due on", "The last day for an appeal."),
        ),
        ("submitted",),
    ),
    Transition(
        "record_cheque",
        "Record a cheque",
        "Record a received cheque or another payment, and allocate it to invoices.",
        "A cheque or another payment that was received.",
        _AWAITING,
        _PAYING,
        outcomes.allocate,
        (
            Input("payer_id", UUID, "Payer", "The payer who sent it."),
            _optional("method", PaymentMethod, "Method", "How it was paid; PAPER by default."),
            Input(
                "number",
                str,
                "Cheque number",
                "The number printed on it, the reference of an electronic payment, or the clinic's receipt number for cash.",
            ),
            _optional("bank", str, "Bank", "The bank or account on which it is drawn, if that is known."),
            Input("amount", Decimal, "Amount", "Its amount in US dollars."),
            Input(
                "cheque_date",
                date,
                "Cheque date",
                "The day written on it, or the settlement day of an electronic payment. A cheque that is dated after its receipt "
                "is held: it pays nothing until its deposit is recorded.",
            ),
            Input("received_on", date, "Received on", "The day on which the clinic received it."),
            _optional(
                "document_id",
                UUID,
                "Scan",
                "The id of the uploaded scan or remittance document; a paper cheque requires its scan.",
            ),
            _optional("replaces_id", UUID, "Replaces", "The id of the payer's returned payment that it replaces."),
            _ALLOCATIONS,
        ),
        record="cheque",
    ),
    Transition(
        "allocate_cheque",
        "Allocate a cheque",
        "Allocate the rest of a cheque to further invoices.",
        "Further allocations of a cheque.",
        _AWAITING,
        _PAYING,
        outcomes.allocate,
        (_CHEQUE, _ALLOCATIONS),
        record="cheque",
    ),
    Transition(
        "return_cheque",
        "Record a returned cheque",
        "Record that a cheque was returned unpaid. The invoices that it paid are outstanding again.",
        "A cheque that was returned unpaid: by the bank, or because it was lost or replaced.",
        _PAYING,
        _AWAITING,
        outcomes.take_back,
        (
            _CHEQUE,
            Input("returned_on", date, "Returned on", "The day on which it was returned."),
            _optional("kind", ReturnKind, "Kind", "The kind of return; NSF by default."),
            _reason("Why it was returned."),
        ),
        ("something_received",),
        admin_start=(S.PAID,),
        record="cheque",
    ),
    Transition(
        "settle_case",
        "Settle the case",
        "Settle a case: all of its fully covered invoices become paid.",
        "The case to settle.",
        (S.CHEQUE_RECEIVED,),
        (S.PAID,),
        outcomes.settle,
        (_CASE,),
        ("case_covered",),
        record="case",
    ),
    Transition(
        "reopen_case",
        "Reopen the case",
        "Reopen a settled case.",
        "The settled case to reopen.",
        (S.PAID,),
        (S.CHEQUE_RECEIVED,),
        outcomes.reopen_case,
        (_CASE, _reason("Why the case is reopened.")),
        ("case_settled",),
        _ADMIN,
        record="case",
    ),
    Transition(
        "change_payer",
        "Change the payer",
        "Change the payer of an invoice.",
        "The change of the payer of an invoice.",
        _PENDING,
        _PENDING,
        outcomes.change_payer,
        (Input("payer_id", UUID, "Payer", "The new payer."), _reason("Why the payer changes.")),
    ),
    Transition(
        "lapse_agreement",
        "Agreement lapsed",
        "A conditional agreement that was not paid by its day lapses.",
        "",
        _AWAITING,
        _REDUCING,
        outcomes.lapse_agreement,
        guards=("nothing_received", "condition_passed"),
        roles=_WORKER,
    ),
    Transition(
        "void_invoice",
        "Void",
        "Void an invoice that was issued in error.",
        "The invoice to void.",
        _PENDING,
        (S.VOID,),
        outcomes.void,
        (_reason("Why the invoice was issued in error."),),
        ("never_received",),
        _ADMIN,
    ),
    Transition(
        "write_off_invoice",
        "Write off",
        "Write off the outstanding balance of an invoice.",
        "The invoice to write off.",
        (*_PENDING, *_REDUCING, *_AWAITING),
        (S.WRITTEN_OFF,),
        outcomes.write_off,
        (_reason("Why it is uncollectible."),),
        roles=_ADMIN,
    ),
)
BY_NAME = {transition.name: transition for transition in TRANSITIONS}
# A returned cheque may have paid part of an invoice that was written off later: its amounts are corrected, its status stays.
CORRECTIONS = (("return_cheque", S.WRITTEN_OFF),)


def legal_from(status: InvoiceStatus, role: Role | None = None) -> tuple[str, ...]:
    """The names of the transitions that start in a state, in the order of the table; with a role, those permitted to it."""
    return tuple(row.name for row in TRANSITIONS if row.starts(status, role))


def legal_pairs() -> frozenset[tuple[InvoiceStatus, InvoiceStatus]]:
    """Every (from, to) status change that a transition makes: what the database's trigger allows."""
    return frozenset(
        (start, end)
        for row in TRANSITIONS
        for start in (*row.start, *row.admin_start)
        for end in row.end
        if start != end
    )


def legal_steps() -> frozenset[tuple[str, InvoiceStatus, InvoiceStatus]]:
    """Every (transition, from, to) that an invoice's history may contain, corrections of closed invoices included."""
    moves = {
        (row.name, start, end) for row in TRANSITIONS for start in (*row.start, *row.admin_start) for end in row.end
    }
    return frozenset(moves | {(name, status, status) for name, status in CORRECTIONS})
