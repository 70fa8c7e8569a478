"""The registry of views: GraphQL type → how its fields are read from the database."""

from db.fields.audit import AUDIT_ENTITY, AUDIT_EVENT
from db.fields.base import View
from db.fields.billing.cheques import ALLOCATION, CHEQUE, DEPOSIT, REFUND
from db.fields.billing.coverages import COVERAGE, COVERAGE_EVENT, EXPECTED_PAYMENT
from db.fields.billing.denials import ADJUSTMENT, DENIAL, DENIAL_EVENT
from db.fields.billing.invoices import CHANGE, EVENT, INVOICE, LINE, NEGOTIATION, NOTE, OFFER, PRICE_TRACE
from db.fields.billing.issued_documents import (
    DOCUMENT_DELIVERY,
    DOCUMENT_TEMPLATE,
    DOCUMENT_TEXT,
    ISSUED_DOCUMENT,
    ISSUED_DOCUMENT_INVOICE,
)
from db.fields.billing.ledger import AGREEMENT, RESPONSIBILITY
from db.fields.billing.recoupment import PROVIDER_ADJUSTMENT, RECOUPMENT_ANSWER, RECOUPMENT_REQUEST
from db.fields.billing.remittances import (
    BROKEN_LAW,
    PROPOSAL,
    REMITTANCE,
    REMITTANCE_CLAIM,
    REMITTANCE_PAYMENT,
    REMITTED_ADJUSTMENT,
    REMITTED_LINE,
    REMITTED_PROVIDER_ADJUSTMENT,
)
from db.fields.cases import ATTORNEY_CHANGE, CASE, CASE_EVENT, REPRESENTATION
from db.fields.documents import UPLOAD
from db.fields.encounters import ENCOUNTER, ENCOUNTER_EVENT, ENCOUNTER_EXAM
from db.fields.exports import EXPORT
from db.fields.holds import ACTION_ITEM, HOLD, REMINDER
from db.fields.merges import MERGE
from db.fields.messages import (
    MESSAGE_INVOICE,
    OUTBOUND_MESSAGE,
    REMINDER_CONFIRMATION,
    REMINDER_LEVEL,
    REMINDER_POLICY,
    REMINDER_TEMPLATE,
    SUPPRESSED_ADDRESS,
)
from db.fields.parties import ATTORNEY, FACILITY, FIRM, PATIENT, PAYER, PHYSICIAN
from db.fields.pricing import CPT_CODE, EXAM_TYPE, FEE_SCHEDULE, FEE_SCHEDULE_RATE, REASON_CODE
from db.fields.reports import (
    AGING_REPORT,
    ANALYTICS,
    ATTORNEY_REDUCTION,
    COVERAGE_KIND_AMOUNTS,
    DOCUMENT_KIND_COUNTS,
    MONTHLY_ANALYTICS,
    PAYER_AGING,
    PAYER_DENIALS,
    PAYER_GROUP_AGING,
    PAYER_REDUCTION,
    PHYSICIAN_PRODUCTIVITY,
    REASON_DENIALS,
)
from db.fields.users import API_TOKEN, SESSION, USER

VIEWS: dict[str, View] = {
    "ActionItem": ACTION_ITEM,
    "Adjustment": ADJUSTMENT,
    "AgingReport": AGING_REPORT,
    "Agreement": AGREEMENT,
    "Analytics": ANALYTICS,
    "ApiToken": API_TOKEN,
    "Attorney": ATTORNEY,
    "AttorneyChange": ATTORNEY_CHANGE,
    "AttorneyReduction": ATTORNEY_REDUCTION,
    "AuditEntity": AUDIT_ENTITY,
    "AuditEvent": AUDIT_EVENT,
    "BrokenRemittanceLaw": BROKEN_LAW,
    "Case": CASE,
    "CaseEvent": CASE_EVENT,
    "Change": CHANGE,
    "Cheque": CHEQUE,
    "ChequeAllocation": ALLOCATION,
    "Coverage": COVERAGE,
    "CoverageEvent": COVERAGE_EVENT,
    "CoverageKindAmounts": COVERAGE_KIND_AMOUNTS,
    "CptCode": CPT_CODE,
    "Denial": DENIAL,
    "DenialEvent": DENIAL_EVENT,
    "Deposit": DEPOSIT,
    "DocumentDelivery": DOCUMENT_DELIVERY,
    "DocumentTemplate": DOCUMENT_TEMPLATE,
    "DocumentText": DOCUMENT_TEXT,
    "Encounter": ENCOUNTER,
    "EncounterEvent": ENCOUNTER_EVENT,
    "EncounterExam": ENCOUNTER_EXAM,
    "ExamType": EXAM_TYPE,
    "ExpectedPayment": EXPECTED_PAYMENT,
    "Export": EXPORT,
    "Facility": FACILITY,
    "FeeSchedule": FEE_SCHEDULE,
    "FeeScheduleRate": FEE_SCHEDULE_RATE,
    "Firm": FIRM,
    "Hold": HOLD,
    "InternalNote": NOTE,
    "Invoice": INVOICE,
    "InvoiceEvent": EVENT,
    "InvoiceLine": LINE,
    "IssuedDocument": ISSUED_DOCUMENT,
    "IssuedDocumentInvoice": ISSUED_DOCUMENT_INVOICE,
    "Merge": MERGE,
    "MessageInvoice": MESSAGE_INVOICE,
    "MonthlyAnalytics": MONTHLY_ANALYTICS,
    "Negotiation": NEGOTIATION,
    "OutboundMessage": OUTBOUND_MESSAGE,
    "Patient": PATIENT,
    "Payer": PAYER,
    "PayerAging": PAYER_AGING,
    "PayerGroupAging": PAYER_GROUP_AGING,
    "DocumentKindCounts": DOCUMENT_KIND_COUNTS,
    "PayerDenials": PAYER_DENIALS,
    "PayerReduction": PAYER_REDUCTION,
    "Physician": PHYSICIAN,
    "PhysicianProductivity": PHYSICIAN_PRODUCTIVITY,
    "PriceTrace": PRICE_TRACE,
    "ReasonDenials": REASON_DENIALS,
    "ProviderAdjustment": PROVIDER_ADJUSTMENT,
    "RecoupmentAnswer": RECOUPMENT_ANSWER,
    "RecoupmentRequest": RECOUPMENT_REQUEST,
    "ReasonCode": REASON_CODE,
    "ReductionOffer": OFFER,
    "Refund": REFUND,
    "Reminder": REMINDER,
    "ReminderConfirmation": REMINDER_CONFIRMATION,
    "ReminderLevel": REMINDER_LEVEL,
    "ReminderPolicy": REMINDER_POLICY,
    "ReminderTemplate": REMINDER_TEMPLATE,
    "Remittance": REMITTANCE,
    "RemittanceClaim": REMITTANCE_CLAIM,
    "RemittancePayment": REMITTANCE_PAYMENT,
    "RemittanceProposal": PROPOSAL,
    "RemittedAdjustment": REMITTED_ADJUSTMENT,
    "RemittedLine": REMITTED_LINE,
    "RemittedProviderAdjustment": REMITTED_PROVIDER_ADJUSTMENT,
    "Representation": REPRESENTATION,
    "Responsibility": RESPONSIBILITY,
    "Session": SESSION,
    "SuppressedAddress": SUPPRESSED_ADDRESS,
    "Upload": UPLOAD,
    "User": USER,
}
