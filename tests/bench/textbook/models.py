"""The mapped classes of the textbook: one ordinary class per table, with the name of its API type."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import DeclarativeBase

from db import tables


class Model(DeclarativeBase):
    """The base of every mapped class, with the tables that the migrations make."""

    metadata = tables.metadata

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Adjustment(Model):
    __table__ = tables.invoice_adjustments


class Agreement(Model):
    __table__ = tables.agreements


class ApiToken(Model):
    __table__ = tables.sessions


class Attorney(Model):
    __table__ = tables.attorneys


class AttorneyChange(Model):
    __table__ = tables.attorney_changes


class Firm(Model):
    __table__ = tables.firms


class AuditEvent(Model):
    __table__ = tables.audit_events


class Case(Model):
    __table__ = tables.cases


class CaseEvent(Model):
    __table__ = tables.case_events


class Cheque(Model):
    __table__ = tables.cheques


class ChequeAllocation(Model):
    __table__ = tables.cheque_allocations


class Coverage(Model):
    __table__ = tables.coverages


class CoverageEvent(Model):
    __table__ = tables.coverage_events


class CptCode(Model):
    __table__ = tables.cpt_codes


class Denial(Model):
    __table__ = tables.denials


class DenialEvent(Model):
    __table__ = tables.denial_events


class Deposit(Model):
    __table__ = tables.deposits


class Encounter(Model):
    __table__ = tables.encounters


class EncounterEvent(Model):
    __table__ = tables.encounter_events


class EncounterExam(Model):
    __table__ = tables.encounter_exams


class ExamType(Model):
    __table__ = tables.exam_types


class Facility(Model):
    __table__ = tables.facilities


class FeeSchedule(Model):
    __table__ = tables.fee_schedules


class FeeScheduleRate(Model):
    __table__ = tables.fee_schedule_rates


class LateFact(Model):
    __table__ = tables.late_facts


class Hold(Model):
    __table__ = tables.holds


class InternalNote(Model):
    __table__ = tables.internal_notes


class Invoice(Model):
    __table__ = tables.invoices


class InvoiceEvent(Model):
    __table__ = tables.invoice_events


class InvoiceLine(Model):
    __table__ = tables.invoice_lines


class MessageInvoice(Model):
    __table__ = tables.message_invoices


class OutboundMessage(Model):
    __table__ = tables.outbound_messages


class Patient(Model):
    __table__ = tables.patients


class Payer(Model):
    __table__ = tables.payers


class Physician(Model):
    __table__ = tables.physicians


class ReasonCode(Model):
    __table__ = tables.reason_codes


class ProviderAdjustment(Model):
    __table__ = tables.provider_adjustments


class RecoupmentAnswer(Model):
    __table__ = tables.recoupment_answers


class RecoupmentRequest(Model):
    __table__ = tables.recoupment_requests


class IssuedDocument(Model):
    __table__ = tables.issued_documents


class IssuedDocumentInvoice(Model):
    __table__ = tables.issued_document_invoices


class DocumentDelivery(Model):
    __table__ = tables.document_deliveries


class DocumentTemplate(Model):
    __table__ = tables.document_templates


class Merge(Model):
    __table__ = tables.merges


class Remittance(Model):
    __table__ = tables.remittances


class RemittanceClaim(Model):
    __table__ = tables.remittance_claims


class RemittancePayment(Model):
    __table__ = tables.remittance_payments


class ReductionOffer(Model):
    __table__ = tables.reduction_offers


class Refund(Model):
    __table__ = tables.refunds


class Reminder(Model):
    __table__ = tables.reminders


class ReminderConfirmation(Model):
    __table__ = tables.reminder_confirmations


class ReminderLevel(Model):
    __table__ = tables.reminder_levels


class ReminderPolicy(Model):
    __table__ = tables.reminder_policies


class ReminderTemplate(Model):
    __table__ = tables.reminder_templates


class WriteOff(Model):
    __table__ = tables.write_offs


class Invitation(Model):
    __table__ = tables.invitations


class Representation(Model):
    __table__ = tables.representations


class Responsibility(Model):
    __table__ = tables.responsibilities


class Session(Model):
    __table__ = tables.sessions


class SuppressedAddress(Model):
    __table__ = tables.suppressed_addresses


class User(Model):
    __table__ = tables.users
