"""Decides how the domain's words are published: what each value means to a biller, and who sees it."""

from domain.aging import AgingBasis, AgingBucket, AgingRisk
from domain.cases import CaseStatus
from domain.errors import ErrorCode
from domain.exports import ExportFormat, ExportKind, ExportStatus
from domain.imports import ImportKind
from domain.invoices import InvoiceStatus
from domain.negotiation import OfferStatus, Party, SubmissionMethod
from domain.orders import Direction, InvoiceOrderField
from domain.people import PayerKind, Role
from domain.pricing import BilateralPolicy, PriceSource, SelectionRule
from domain.reminders import ActionItemKind, MessageStatus, ReminderRecipient, ReminderStatus
from domain.tokens import SessionKind
from permissions.actions import IMPORTS
from permissions.classes import choices

__all__ = [
    "ActionItemKind",
    "AgingBasis",
    "AgingBucket",
    "AgingRisk",
    "BilateralPolicy",
    "CaseStatus",
    "Direction",
    "ErrorCode",
    "ExportFormat",
    "ExportKind",
    "ExportStatus",
    "ImportKind",
    "InvoiceOrderField",
    "InvoiceStatus",
    "MessageStatus",
    "OfferStatus",
    "Party",
    "PayerKind",
    "PriceSource",
    "ReminderRecipient",
    "ReminderStatus",
    "Role",
    "SelectionRule",
    "SessionKind",
    "SubmissionMethod",
]

choices(
    Role,
    "public",
    "What somebody who is signed in does in the clinic's world.",
    {
        "ADMIN": "Runs the clinic's billing.",
        "BILLING": "Does the clinic's billing.",
        "PHYSICIAN": "Treats.",
        "ATTORNEY": "Represents.",
        "ANALYST": "Reads figures for reports.",
    },
)
choices(
    SessionKind,
    "oneself",
    "In which way somebody is signed in.",
    {
        "SESSION": "By signing in with a password.",
        "API_TOKEN": "By a token that was given to a program.",
    },
)
_IMPORTED = {
    "CODES": "Codes of the master list: code, label, base_price, bilateral_policy, valid_from, valid_to.",
    "FEE_SCHEDULES": "Rates of fee schedules: schedule, payer, facility, valid_from, valid_to, code, rate.",
    "PAYERS": "Payers: name, kind, email, phone, address, attorney, patient_mrn.",
    "ATTORNEYS": "Attorneys: name, firm, email, phone.",
    "PHYSICIANS": "Physicians: name, npi.",
    "FACILITIES": "Places of treatment: name, geographic_factor.",
    "PATIENTS": "Patients: mrn, first_name, last_name, birth_date, email, phone, address.",
    "CASES": "Cases: number, patient_mrn, attorney, date_of_injury, opened_on.",
    "INVOICES": "Open invoices with what has been paid: the columns of an export of invoices, and cheque_number.",
}
choices(
    ImportKind,
    "staff",
    "What the rows of a file to import are.",
    {name: (IMPORTS[ImportKind[name]], words) for name, words in _IMPORTED.items()},
)
choices(
    ExportKind,
    "signed_in",
    "What the rows of a file are.",
    {
        "INVOICES": "Invoices, one row for each.",
        "PAYMENTS": ("records", "What cheques paid of invoices, and what returned ones took back."),
        "ADJUSTMENTS": ("records", "Reductions, write-offs and voids, by day."),
        "QUICKBOOKS_INVOICES": ("records", "Invoices as QuickBooks takes them in."),
    },
)
choices(
    ExportFormat,
    "signed_in",
    "Of which kind a file is.",
    {
        "CSV": "Plain text with commas, for other programs.",
        "XLSX": "A workbook, for Excel and LibreOffice.",
    },
)
choices(
    ExportStatus,
    "signed_in",
    "What has become of a file that was asked for.",
    {
        "QUEUED": "It waits for its turn.",
        "RUNNING": "It is being built.",
        "READY": "It can be fetched.",
        "FAILED": "There is none, and it is said why.",
        "EXPIRED": "It was kept for a week and is gone.",
    },
)
choices(
    ErrorCode,
    "staff",
    "What sort of refusal it is.",
    {
        "ILLEGAL_TRANSITION": "The invoice is in a state from which this step does not start.",
        "STALE_VERSION": "Somebody else has changed the record in the meantime.",
        "INVALID_INPUT": ("public", "Something in the input is missing or wrong."),
        "NOT_FOUND": ("signed_in", "There is no such record in reach."),
        "CONFLICT": ("treatment", "It contradicts what is recorded already."),
    },
)
choices(
    InvoiceStatus,
    "existence",
    "Where an invoice stands between its creation and its end.",
    {
        "PENDING_INVOICE": "Issued; whoever pays has yet to answer.",
        "PENDING_REDUCTION": "A reduction of the bill is being talked about.",
        "PENDING_CHEQUE": "What is to be paid is fixed; the payment is awaited.",
        "CHEQUE_RECEIVED": "What was to be paid has come in.",
        "PAID": "Closed together with all other bills of the case.",
        "VOID": "Issued in error and withdrawn; the number stays used.",
        "WRITTEN_OFF": "Given up as uncollectible.",
    },
)
choices(
    AgingBasis,
    "figures",
    "From which day the age of an invoice is counted; an invoice without that day counts from its creation.",
    {
        "CREATED": "From its creation.",
        "SUBMITTED": "From when it was sent to the payer.",
        "SERVICE": "From the day of treatment.",
        "AGREED": "From when an amount was agreed on.",
    },
)
choices(
    AgingBucket,
    ("Invoice.agingBucket",),
    "How long an open invoice has waited, in ranges of days.",
    {
        "DAYS_0_30": "Up to 30 days.",
        "DAYS_31_60": "31 to 60 days.",
        "DAYS_61_90": "61 to 90 days.",
        "DAYS_91_120": "91 to 120 days.",
        "DAYS_121_PLUS": "More than 120 days.",
    },
)
choices(
    AgingRisk,
    ("Invoice.risk",),
    "How likely it is that an invoice of this age is never paid.",
    {
        "LOW": "Up to 30 days old.",
        "MODERATE": "31 to 60 days old.",
        "HIGH": "61 to 90 days old.",
        "VERY_HIGH": "91 to 120 days old.",
        "CRITICAL": "More than 120 days old.",
    },
)
choices(
    InvoiceOrderField,
    "existence",
    "What invoices are sorted by.",
    {
        "CREATED_ON": (("Invoice.createdOn",), "By the day of creation."),
        "SERVICE_DATE": (("Invoice.serviceDate",), "By the day of treatment."),
        "NUMBER": (("Invoice.number",), "By the invoice number."),
        "BILLED_AMOUNT": (("Invoice.billedAmount",), "By what was billed."),
        "BALANCE": (("Invoice.balance",), "By what is still to be paid."),
        "AGE": (("Invoice.ageDays",), "By age in days."),
    },
)
choices(
    Direction,
    "signed_in",
    "Which end of an order comes first.",
    {"ASC": "Smallest, earliest or A first.", "DESC": "Largest, latest or Z first."},
)
choices(
    CaseStatus,
    ("Case.status",),
    "Whether a case still has bills to collect.",
    {"OPEN": "Bills may still be issued and collected.", "SETTLED": "Every bill of the case is closed."},
)
choices(
    PayerKind,
    ("Payer.kind",),
    "What kind of payer it is.",
    {
        "ATTORNEY": "An attorney who pays from the settlement.",
        "INSURANCE": "An insurance company.",
        "PATIENT": "A patient who pays in person.",
    },
)
choices(
    Party,
    "negotiation",
    "Which side made an offer.",
    {"CLINIC": "The clinic asked for the amount.", "PAYER": "The payer proposed the amount."},
)
choices(
    OfferStatus,
    "negotiation",
    "What became of an offer.",
    {
        "OPEN": "It waits for an answer.",
        "SUPERSEDED": "A newer offer took its place.",
        "ACCEPTED": "It became the agreed amount.",
        "DECLINED": "The clinic turned the reduction down.",
        "EXPIRED": "Its last day passed without an answer.",
        "LAPSED": "It was agreed, and no cheque came by the agreed day.",
    },
)
choices(
    PriceSource,
    "pricing",
    "Where a unit price came from.",
    {
        "PAYER_FACILITY_RATE": "Negotiated with the payer for the facility.",
        "PAYER_RATE": "Negotiated with the payer.",
        "FACILITY_SCHEDULE": "The clinic's fee schedule for the facility.",
        "CLINIC_SCHEDULE": "The clinic's fee schedule.",
        "BASE_PRICE": "The code's base price.",
        "OVERRIDE": "Set by hand, with a reason.",
    },
)
choices(
    BilateralPolicy,
    ("CptCode.bilateralPolicy",),
    "What treating both sides of the body does to a code's price.",
    {
        "DOUBLE": "Twice the price.",
        "ONE_AND_A_HALF": "One and a half times the price.",
        "NOT_ALLOWED": "The code cannot be billed for both sides.",
    },
)
choices(
    SelectionRule,
    ("ExamType.selectionRule",),
    "How many sub-exams a main exam takes when it or one of them is selected.",
    {
        "ANY": "Any number of them, or none.",
        "EXACTLY_ONE": "Exactly one of them.",
        "AT_LEAST_ONE": "One of them or several.",
    },
)
choices(
    ActionItemKind,
    "negotiation",
    "Why billing staff have to act on an invoice.",
    {
        "DUE_REMINDER": "The day of a reminder has come.",
        "LAPSED_AGREEMENT": "What was agreed was not paid by the agreed day.",
        "RETURNED_CHEQUE": "The bank has returned a cheque.",
        "FAILED_MESSAGE": "A message to the payer could not be sent.",
        "APPEAL_DEADLINE": "The last day to appeal a denial is two weeks away, or less.",
    },
)
choices(
    ReminderStatus,
    "negotiation",
    "Whether a reminder still has to be acted on.",
    {"SCHEDULED": "Waits for its day, or for somebody to act.", "COMPLETED": "Done.", "CANCELLED": "No longer needed."},
)
choices(
    MessageStatus,
    "negotiation",
    "How far a message to a payer has come.",
    {"QUEUED": "Waits to be sent.", "SENT": "The mail server took it.", "FAILED": "It could not be sent."},
)
choices(
    ReminderRecipient,
    "negotiation",
    "Whom a level of a reminder policy writes to.",
    {
        "PAYER": "Who pays the invoice; where a payer who is an attorney has no address, the attorney's.",
        "ATTORNEY": "The attorney who represents the case now.",
        "BILLING_LEAD": "The billing lead of the policy.",
        "ADDRESS": "An address that the level names.",
    },
)

choices(
    SubmissionMethod,
    "staff",
    "How an invoice was sent to its payer.",
    {
        "EMAIL": "By e-mail.",
        "MAIL": "By post.",
        "FAX": "By fax.",
        "PORTAL": "Through the payer's portal.",
        "HAND": "Handed over.",
    },
)
