"""Descriptions and access rules of the published enums and of their values."""

from domain.access.people import PayerKind, Role
from domain.access.tokens import SessionKind
from domain.billing.cases import CaseStatus
from domain.billing.invoices import InvoiceStatus
from domain.billing.negotiation import OfferStatus, Party, SubmissionMethod
from domain.billing.orders import Direction, EncounterOrderField, InvoiceOrderField
from domain.errors import ErrorCode, InputReason
from domain.exports import ExportFormat, ExportKind, ExportStatus
from domain.pricing.pricing import BilateralPolicy, PriceSource, SelectionRule
from domain.reminders.reminders import ActionItemKind, MessageStatus, ReminderRecipient, ReminderStatus
from domain.reports.aging import AgingBasis, AgingBucket, AgingRisk
from domain.treatment.encounters import EncounterStatus
from domain.warnings import WarningCode
from permissions.classes import enum_type

__all__ = [
    "ActionItemKind",
    "AgingBasis",
    "AgingBucket",
    "AgingRisk",
    "BilateralPolicy",
    "CaseStatus",
    "Direction",
    "EncounterOrderField",
    "EncounterStatus",
    "ErrorCode",
    "ExportFormat",
    "ExportKind",
    "ExportStatus",
    "InputReason",
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
    "WarningCode",
]

enum_type(
    Role,
    "public",
    "The role of an account in the clinic; it defines what the account can see and do.",
    {
        "ADMIN": "Administers the clinic's billing.",
        "BILLING": "Works in the clinic's billing (billing staff).",
        "PHYSICIAN": "Treats.",
        "ATTORNEY": "Represents.",
        "ANALYST": "Reads figures for reports and business intelligence.",
    },
)
enum_type(
    SessionKind,
    "oneself",
    "The kind of authentication.",
    {
        "SESSION": "A session, by signing in with a password.",
        "API_TOKEN": "An API token of a program.",
    },
)
enum_type(
    ExportKind,
    "signed_in",
    "The kind of rows in an export file.",
    {
        "INVOICES": "Invoices, one row each.",
        "PAYMENTS": (
            "records",
            "Payments: their allocations to invoices and reversals, and what is unapplied, refunded or returned.",
        ),
        "ADJUSTMENTS": ("records", "Reductions, write-offs and voids, by day."),
        "QUICKBOOKS_INVOICES": (
            "records",
            "Invoices with their adjustments and payments, as a set of files that QuickBooks imports.",
        ),
    },
)
enum_type(
    ExportFormat,
    "signed_in",
    "The file format.",
    {
        "CSV": "Comma-separated text, for other programs.",
        "XLSX": "An Excel workbook.",
        "ZIP": ("records", "A ZIP archive of CSV files: an export for QuickBooks."),
    },
)
enum_type(
    ExportStatus,
    "signed_in",
    "The status of an export.",
    {
        "QUEUED": "In the job queue.",
        "RUNNING": "In progress.",
        "READY": "The file can be downloaded.",
        "FAILED": "The export failed; the error is given.",
        "EXPIRED": "The file was deleted after one week.",
    },
)
enum_type(
    ErrorCode,
    "staff",
    "The error code.",
    {
        "ILLEGAL_TRANSITION": "The transition does not start from the current status of the invoice.",
        "STALE_VERSION": ("treatment", "The record has been changed since it was read (optimistic locking)."),
        "INVALID_INPUT": ("public", "A part of the input is missing or invalid."),
        "NOT_FOUND": ("signed_in", "The record does not exist or you cannot access it."),
        "CONFLICT": ("signed_in", "The request contradicts existing records."),
    },
)
enum_type(
    InputReason,
    "public",
    "Why a part of the input is not valid.",
    {
        "BLANK": "It has to be given, and is missing or blank.",
        "TOO_LONG": "It has more characters than the limit.",
        "TOO_SHORT": "It has fewer characters than the limit.",
        "TOO_LOW": "It is below the limit, or an earlier day.",
        "TOO_HIGH": "It is above the limit, or a later day.",
        "IN_THE_PAST": "It is a day in the past.",
        "IN_THE_FUTURE": "It is a day in the future.",
        "BAD_FORMAT": "It is not written in the form that is expected.",
        "CODE_NEEDED": "The code of the second factor has to be sent.",
        "WRONG_CREDENTIALS": "The password, the code or the account is wrong.",
        "RULE": "It contradicts a rule, which the message explains.",
    },
)
enum_type(
    WarningCode,
    "staff",
    "The code of a warning.",
    {
        "NPI_IN_USE": ("administration", "Another active physician has the same National Provider Identifier (NPI)."),
        "COVERAGE_EXCEEDED": "A payment is above what remained of its coverage.",
        "LIMIT_BELOW_RECEIPTS": "The limit of a coverage is below what was paid under it.",
        "RECEIPTS_WITHOUT_COVERAGE": "The payer paid in the case before the coverage was recorded.",
        "SIMILAR_NUMBER": "Another payment of the payer has a similar number.",
        "STALE_CHEQUE": "The cheque was older than 180 days when it was received: the bank may refuse it.",
        "UNAPPLIED_MONEY": "A payer of the case has money that is not applied to an invoice.",
        "RECOUPMENT_PROPOSED": "A row of a remittance withholds money that the payer had asked back: it may answer the request.",
        "LATE_FACT": "What was recorded contradicts a decision that was made before it was known.",
        "LATE_APPEAL": "The appeal comes after the last day for it.",
        "SIMILAR_PATIENT": "Another patient has the same name and date of birth.",
        "SIMILAR_PAYER": "Another payer has the same name.",
        "SIMILAR_ATTORNEY": "An attorney of another firm has the same name.",
        "REPRESENTS_OPEN_CASES": "A retired attorney still represents open cases.",
        "DOCUMENT_NOT_ISSUED": "The document of a submitted invoice was not issued, because data that it needs is missing.",
        "DOCUMENT_ON_PAPER": "The document of an invoice that was submitted by e-mail is not sent by e-mail: it goes on paper.",
        "UNBILLED_VISITS": "The case has visits that are not billed.",
    },
)
enum_type(
    InvoiceStatus,
    "existence",
    "The status of an invoice.",
    {
        "PENDING_INVOICE": "Issued; the payer has not answered yet.",
        "PENDING_REDUCTION": "A reduction is being negotiated.",
        "PENDING_CHEQUE": "The amount to pay is fixed; the payment is awaited.",
        "CHEQUE_RECEIVED": "Paid in full; other bills of the case may still be open.",
        "PAID": "Closed together with all other invoices of the case.",
        "VOID": "Issued in error and withdrawn; the invoice number is not reused.",
        "WRITTEN_OFF": "Written off as uncollectible.",
    },
)
enum_type(
    AgingBasis,
    "figures",
    "The day from which the age of an invoice is counted; without such a day, the age is counted from its creation.",
    {
        "CREATED": "The day of creation.",
        "SUBMITTED": (("Invoice.submittedOn",), "The day of submission to the payer."),
        "SERVICE": "The day of service.",
        "AGREED": (("Invoice.negotiation",), "The day of the agreement on an amount."),
        "RESPONSIBILITY": (("Invoice.responsibleSince",), "The day from which the present payer owes the open part."),
    },
)
enum_type(
    AgingBucket,
    ("Invoice.agingBucket",),
    "The age of an open invoice, as a range of days.",
    {
        "DAYS_0_30": "Up to 30 days.",
        "DAYS_31_60": "31 to 60 days.",
        "DAYS_61_90": "61 to 90 days.",
        "DAYS_91_120": "91 to 120 days.",
        "DAYS_121_PLUS": "More than 120 days.",
    },
)
enum_type(
    AgingRisk,
    ("Invoice.risk",),
    "The risk that an invoice of this age is never paid.",
    {
        "LOW": "Up to 30 days old.",
        "MODERATE": "31 to 60 days old.",
        "HIGH": "61 to 90 days old.",
        "VERY_HIGH": "91 to 120 days old.",
        "CRITICAL": "More than 120 days old.",
    },
)
enum_type(
    InvoiceOrderField,
    "existence",
    "The sort field of invoices.",
    {
        "CREATED_ON": (("Invoice.createdOn",), "The day of creation."),
        "SERVICE_DATE": (("Invoice.serviceDate",), "The day of service."),
        "NUMBER": (("Invoice.number",), "The invoice number."),
        "BILLED_AMOUNT": (("Invoice.billedAmount",), "The billed amount."),
        "BALANCE": (("Invoice.balance",), "The outstanding balance."),
        "AGE": (("Invoice.ageDays",), "The age in days."),
    },
)
enum_type(
    Direction,
    "signed_in",
    "The sort direction.",
    {"ASC": "Ascending: smallest, earliest or A first.", "DESC": "Descending: largest, latest or Z first."},
)
enum_type(
    CaseStatus,
    ("Case.status",),
    "The status of a case.",
    {
        "OPEN": "Invoices can still be issued and collected.",
        "SETTLED": "The case is settled, and all of its invoices are closed.",
        "CLOSED": "The case ended without a settlement.",
    },
)
enum_type(
    PayerKind,
    ("Payer.kind",),
    "The kind of payer.",
    {
        "ATTORNEY": "An attorney who pays from the settlement (letter of protection).",
        "INSURANCE": "An insurer.",
        "PATIENT": "A patient who pays in person.",
    },
)
enum_type(
    Party,
    "negotiation",
    "The side that made an offer.",
    {"CLINIC": "The clinic proposed the amount.", "PAYER": "The payer proposed the amount."},
)
enum_type(
    OfferStatus,
    "negotiation",
    "The status of an offer.",
    {
        "OPEN": "Open; no answer yet.",
        "SUPERSEDED": "Replaced by a newer offer.",
        "ACCEPTED": "Accepted as the agreed amount.",
        "DECLINED": "Declined by the clinic.",
        "EXPIRED": "Its last day passed without an answer.",
        "LAPSED": "Agreed, but no cheque was received by the agreed day.",
    },
)
enum_type(
    PriceSource,
    "pricing",
    "The source of a unit price.",
    {
        "PAYER_FACILITY_RATE": "The rate negotiated with the payer for the facility.",
        "PAYER_RATE": "The rate negotiated with the payer.",
        "FACILITY_SCHEDULE": "The clinic's fee schedule for the facility.",
        "CLINIC_SCHEDULE": "The clinic's fee schedule.",
        "BASE_PRICE": "The code's base price.",
        "OVERRIDE": "Overridden manually, with a reason.",
    },
)
enum_type(
    BilateralPolicy,
    ("CptCode.bilateralPolicy",),
    "How bilateral treatment (both sides of the body) changes the price of a code.",
    {
        "DOUBLE": "Twice the price.",
        "ONE_AND_A_HALF": "One and a half times the price.",
        "NOT_ALLOWED": "The code cannot be billed for both sides.",
    },
)
enum_type(
    SelectionRule,
    ("ExamType.selectionRule",),
    "How many sub-exams must be selected with a main exam.",
    {
        "ANY": "Any number, including none.",
        "EXACTLY_ONE": "Exactly one.",
        "AT_LEAST_ONE": "At least one.",
    },
)
enum_type(
    ActionItemKind,
    "negotiation",
    "Why an action item is on the work list of billing staff.",
    {
        "DUE_REMINDER": "A reminder is due.",
        "LAPSED_AGREEMENT": "A conditional agreement was not paid by the agreed day.",
        "RETURNED_CHEQUE": "The bank returned a cheque unpaid.",
        "FAILED_MESSAGE": "A message to the payer could not be delivered.",
        "APPEAL_DEADLINE": "The last day to appeal a denial is at most two weeks away.",
        "COVERAGE_EXHAUSTED": "The limit of the payer's coverage is used up, and the invoice has a balance.",
        "COVERAGE_NEARLY_EXHAUSTED": "What remains of the payer's coverage does not suffice for the invoice and those before it.",
        "FILING_DUE": "The last day to file the invoice with the payer is at most a week away.",
        "REPRESENTATION_ENDED": "The law firm that is to pay does not represent the case any more.",
        "UNAPPLIED_MONEY": "Money of a payer was not applied within a week, or was refunded before its payment was returned.",
        "DEPOSIT_DUE": "The day of a held cheque has come: deposit it.",
        "UNBILLED_ENCOUNTER": "A visit is not billed, some days after it took place.",
        "LATE_FACT": "A payment, a return, a denial or an adjustment was recorded after a decision that it would have prevented.",
        "REMITTANCE_UNMATCHED": "Claims of a remittance wait: they are neither posted nor closed.",
        "PAYOFF_CHANGED": "A payoff letter is valid, and no longer true.",
        "RELEASE_UNPAID": "A payment of an invoice was returned after its lien was released.",
        "RECOUPMENT_DUE": "A payer asks for money back, and the answer is due within a week.",
    },
)
enum_type(
    EncounterStatus,
    ("Encounter.status",),
    "The status of a visit.",
    {"RECORDED": "It took place as it is recorded.", "CANCELLED": "It did not take place, or was entered by mistake."},
)
enum_type(
    EncounterOrderField,
    "treatment",
    "The sort field of visits.",
    {
        "SERVICE_DATE": (("Encounter.serviceDate",), "The day of the visit."),
        "RECORDED_AT": (("Encounter.recordedAt",), "When it was recorded."),
    },
)
enum_type(
    ReminderStatus,
    "negotiation",
    "The status of a reminder.",
    {"SCHEDULED": "Open.", "COMPLETED": "Done.", "CANCELLED": "No longer needed."},
)
enum_type(
    MessageStatus,
    "negotiation",
    "The delivery status of a message.",
    {"QUEUED": "Waiting to be sent.", "SENT": "Accepted by the mail server.", "FAILED": "Delivery failed."},
)
enum_type(
    ReminderRecipient,
    "negotiation",
    "The recipient of a level of a reminder policy.",
    {
        "PAYER": "The payer of the invoice; for an attorney without an e-mail address on the payer record, the attorney's own.",
        "ATTORNEY": "The attorney who represents the case now.",
        "BILLING_LEAD": "The billing lead of the policy.",
        "ADDRESS": "The e-mail address given in the level.",
    },
)

enum_type(
    SubmissionMethod,
    "staff",
    "How an invoice was submitted to its payer.",
    {
        "EMAIL": "By e-mail.",
        "MAIL": "By postal mail.",
        "FAX": "By fax.",
        "PORTAL": "Through the payer's portal.",
        "HAND": "By hand.",
    },
)
