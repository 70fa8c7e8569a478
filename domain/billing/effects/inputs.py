"""The inputs of the transitions, as data: what a mutation takes and a form asks for."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from domain.billing.cases import CloseReason
from domain.billing.coverages import AdjustmentGroup
from domain.billing.ledger.facts import ResponsibilityReason
from domain.billing.negotiation import Party, SubmissionMethod
from domain.billing.transition import Allocation, Input, WantedLine, optional_input, reason_input
from domain.payments.cheques import PaymentMethod, ReturnKind

LAST_DAY = optional_input("expires_on", date, "Valid until", "The last day of the offer.", least="today")
CHEQUE = Input("cheque_id", UUID, "Cheque", "The id of the cheque.", choices="unapplied_cheques")
PAYER = Input("payer_id", UUID, "Payer", "The new payer.", choices="other_payers")
CASE = Input("case_id", UUID, "Case", "The id of the case.")
ALLOCATIONS = Input(
    "allocations", Allocation, "Allocations", "The invoices that it pays, with the amount for each.", is_list=True
)

SUBMISSION = (
    Input(
        "submitted_on",
        date,
        "Submitted on",
        "The day of submission.",
        least="submittable_from",
        most="today",
        default="today",
    ),
    Input("method", SubmissionMethod, "Method", "How it was submitted.", default="by_email"),
    optional_input(
        "document_id",
        UUID,
        "Proof",
        "For a submission of a past day, the id of the upload that proves what was sent; today's submission issues the document.",
    ),
)
REQUEST = (
    Input(
        "amount",
        Decimal,
        "Amount offered",
        "The amount that the payer offers, in US dollars.",
        least="offer_least",
        most="below_open_part",
    ),
    optional_input("reason", str, "Reason", "The payer's reason."),
    LAST_DAY,
    optional_input("document_id", UUID, "Offer letter", "The id of the uploaded offer letter."),
)
COUNTER_OFFER = (
    Input("party", Party, "Offered by", "The side that makes the offer."),
    Input("amount", Decimal, "Amount", "The offered amount in US dollars.", least="offer_least", most="open_part"),
    optional_input("note", str, "Note", "A note about the offer."),
    LAST_DAY,
)
AGREEMENT = (
    optional_input(
        "amount",
        Decimal,
        "Agreed amount",
        "The agreed amount in US dollars; the amount of the open offer by default.",
        least="agreement_least",
        most="open_part",
        default="offer_that_may_be_agreed",
        required_where="no_offer_that_may_be_agreed",
    ),
    optional_input(
        "conditional_until",
        date,
        "To be paid by",
        "The day by which it must be paid; otherwise the agreement lapses.",
        least="today",
    ),
)
_REMARKS = Input(
    "remark_codes", str, "Remark codes", "The remark codes that come with the reason.", is_required=False, is_list=True
)
DENIAL = (
    Input("denied_on", date, "Denied on", "The day of the denial.", least="denial_from", most="today", default="today"),
    optional_input("group", AdjustmentGroup, "Group", "The group of the denial, as a remittance says it."),
    Input("reason_code", str, "Reason code", "The claim adjustment reason code, or the payer's own code."),
    optional_input(
        "amount",
        Decimal,
        "Denied amount",
        "The denied amount in US dollars; the whole invoice, or the whole line, by default.",
        least="cent",
        most="open_part",
    ),
    optional_input(
        "line_id",
        UUID,
        "Line",
        "The id of the line that is denied; such a denial is a record alone, and the invoice stays as it is.",
        choices="lines",
    ),
    _REMARKS,
    optional_input("note", str, "Note", "A note about the denial."),
    optional_input("appeal_due_on", date, "Appeal due on", "The last day for an appeal."),
)
ADJUSTMENT = (
    Input(
        "group",
        AdjustmentGroup,
        "Group",
        "The group of the adjustment, as a remittance says it; PR is none, since what the patient is responsible for stays due.",
        default="group_of_adjustment",
        without=("PR",),
    ),
    Input(
        "reason_code",
        str,
        "Reason code",
        "The claim adjustment reason code, or the payer's own code.",
        default="reason_of_adjustment",
    ),
    Input(
        "amount",
        Decimal,
        "Amount",
        "By how much less is due, in US dollars; a negative amount takes an adjustment back.",
        least="adjustment_least",
        most="adjustment_most",
    ),
    optional_input(
        "line_id",
        UUID,
        "Line",
        "The id of the line that is adjusted; the whole invoice by default.",
        choices="lines",
        default="line_of_adjustment",
        required_where="only_taken_back_of_a_line",
    ),
    _REMARKS,
    optional_input(
        "adjusted_on",
        date,
        "Adjusted on",
        "The day of the adjustment; today by default.",
        least="created_on",
        most="today",
        default="today",
    ),
    optional_input("note", str, "Note", "A note about the adjustment."),
)
NEW_CHEQUE = (
    Input("payer_id", UUID, "Payer", "The payer who sent it.", default="paying_payer"),
    optional_input("method", PaymentMethod, "Method", "How it was paid; PAPER by default.", default="on_paper"),
    Input(
        "number",
        str,
        "Cheque number",
        "The number printed on it, the reference of an electronic payment, or the clinic's receipt number for cash.",
    ),
    optional_input("bank", str, "Bank", "The bank or account on which it is drawn, if that is known."),
    Input("amount", Decimal, "Amount", "Its amount in US dollars.", least="cent", default="payable_amount"),
    Input(
        "cheque_date",
        date,
        "Cheque date",
        "The day written on it, or the settlement day of an electronic payment. A cheque that is dated after its receipt "
        "is held: it pays nothing until its deposit is recorded.",
        default="today",
    ),
    Input(
        "received_on", date, "Received on", "The day on which the clinic received it.", most="today", default="today"
    ),
    optional_input(
        "document_id",
        UUID,
        "Scan",
        "The id of the uploaded scan or remittance document; a paper cheque requires its scan.",
        required_where="always",
    ),
    optional_input("replaces_id", UUID, "Replaces", "The id of the payer's returned payment that it replaces."),
    ALLOCATIONS,
)
POSTING = (
    Input("remittance_id", UUID, "Remittance", "The id of the remittance.", choices="waiting_remittances"),
    Input(
        "claim_ids",
        UUID,
        "Claims",
        "The ids of the claims to post; every one that can be posted by default. The others can be posted later.",
        is_required=False,
        is_list=True,
    ),
)
_PAYING = "paying_cheques"
RETURN = (
    Input("cheque_id", UUID, "Cheque", "The id of the cheque.", choices=_PAYING),
    Input("returned_on", date, "Returned on", "The day on which it was returned.", most="today", default="today"),
    optional_input("kind", ReturnKind, "Kind", "The kind of return; NSF by default."),
    reason_input("Why it was returned."),
)
CORRECTION = (
    Input("cheque_id", UUID, "Payment", "The id of the payment that was typed wrong.", choices=_PAYING),
    optional_input("payer_id", UUID, "Payer", "The payer who sent it."),
    optional_input("method", PaymentMethod, "Method", "How it was paid."),
    optional_input("number", str, "Number", "The number of the cheque, the reference, or the clinic's receipt number."),
    optional_input(
        "bank", str, "Bank", "The bank or account on which it is drawn; null if that is not known after all."
    ),
    optional_input("amount", Decimal, "Amount", "Its amount in US dollars."),
    optional_input("cheque_date", date, "Cheque date", "The day written on it, or the settlement day."),
    optional_input(
        "received_on",
        date,
        "Received on",
        "The day on which the clinic received it; of a post-dated cheque the day on which it arrived.",
    ),
    optional_input("returned_on", date, "Returned on", "The day on which it was returned, of a payment that was."),
    optional_input("document_id", UUID, "Scan", "The id of another uploaded scan or remittance document."),
    optional_input(
        "coverage_id",
        UUID,
        "Coverage",
        "The payer's coverage under which its allocations to invoices of the coverage's case count.",
    ),
    Input(
        "allocations",
        Allocation,
        "Allocations",
        "The invoices that it pays, with the amount for each, instead of its present allocations; those by default.",
        is_required=False,
        is_list=True,
    ),
    reason_input("What was typed wrong."),
)
MOVE = (
    optional_input(
        "allocation_id", UUID, "Allocation", "The id of the allocation; or give the payment and the invoice."
    ),
    optional_input(
        "cheque_id",
        UUID,
        "Payment",
        "The id of the payment, together with that of the invoice.",
        choices=_PAYING,
        required_where="always",
    ),
    optional_input("invoice_id", UUID, "Invoice", "The id of the invoice that the payment pays."),
    optional_input(
        "to_invoice_id",
        UUID,
        "To invoice",
        "The id of the invoice that is paid instead; without it the money becomes unapplied.",
    ),
    optional_input(
        "amount", Decimal, "Amount", "The part that is moved, in US dollars; the whole allocation by default."
    ),
    optional_input(
        "coverage_id", UUID, "Coverage", "The payer's coverage under which it counts for the other invoice."
    ),
    reason_input("Why it is moved."),
)
REPLACEMENT = (
    Input("lines", WantedLine, "Lines", "The lines to bill instead.", is_list=True),
    reason_input("What is wrong with the invoice."),
    optional_input("confirm_duplicate", bool, "Confirm repeated lines", "Whether lines that repeat others are billed."),
)
CLOSING = (
    CASE,
    Input("reason", CloseReason, "Reason", "Why the case is closed without a settlement."),
    optional_input("note", str, "Note", "A note about the reason."),
)
TRANSFER = (
    optional_input(
        "payer_id",
        UUID,
        "Payer",
        "The new payer; not needed where a coverage is given, which has a payer.",
        choices="other_payers",
        required_where="always",
    ),
    Input(
        "reason",
        ResponsibilityReason,
        "Reason",
        "Why another payer owes the open part; any reason but FIRST.",
        default="transfer_reason",
        without=("FIRST",),
    ),
    optional_input("coverage_id", UUID, "Coverage", "The coverage under which the new payer owes it."),
    optional_input(
        "effective_on",
        date,
        "Effective on",
        "The day from which the new payer owes it; today by default.",
        least="transferable_from",
        most="today",
        default="today",
    ),
    optional_input(
        "document_id",
        UUID,
        "Letter",
        "The payer's letter; required for EXHAUSTED and REFUSED, unless a claim of a remittance says so.",
    ),
    optional_input(
        "remittance_claim_id",
        UUID,
        "Claim of a remittance",
        "The posted claim of a remittance in which the payer says so; it takes the place of the letter.",
    ),
    optional_input(
        "keep_agreement",
        bool,
        "Keep the agreement",
        "Whether the new payer honours the agreement, and owes what is still to be paid of it; false by default.",
        default="agreement_runs",
        required_where="agreement_runs",
    ),
    optional_input(
        "note",
        str,
        "Note",
        "A note; required where a conditional agreement that is running ends.",
        required_where="override_is_explained",
    ),
)
