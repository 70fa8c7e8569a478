"""Readiness: what a clinic needs before its first invoice, document, claim, reminder and export, and where each gap is mended."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ReadinessStep(StrEnum):
    """What a clinic does for the first time."""

    FIRST_INVOICE = "first_invoice"
    FIRST_DOCUMENT = "first_document"
    FIRST_CLAIM = "first_claim"
    FIRST_REMINDER = "first_reminder"
    FIRST_EXPORT = "first_export"


class ReadinessGap(StrEnum):
    """What is missing."""

    NO_CODE = "no_code"
    NO_EXAM = "no_exam"
    EXAM_WITHOUT_PRICE = "exam_without_price"
    NO_PHYSICIAN = "no_physician"
    NO_FACILITY = "no_facility"
    NO_PAYER_IN_USE = "no_payer_in_use"
    NO_CASE = "no_case"
    NO_BILLER = "no_biller"
    NO_LEGAL_NAME = "no_legal_name"
    NO_PHYSICAL_ADDRESS = "no_physical_address"
    NO_CLINIC_PHONE = "no_clinic_phone"
    NO_CLINIC_TIN = "no_clinic_tin"
    NO_GROUP_NPI = "no_group_npi"
    NO_CLINIC_TAXONOMY = "no_clinic_taxonomy"
    PHYSICIAN_WITHOUT_NPI = "physician_without_npi"
    FACILITY_WITHOUT_PLACE = "facility_without_place"
    PATIENT_WITHOUT_BIRTH_DATE = "patient_without_birth_date"
    NO_INSURER = "no_insurer"
    NO_COVERAGE_YET = "no_coverage_yet"
    NO_REASON_CODE = "no_reason_code"
    NO_ADDRESS_IN_MESSAGES = "no_address_in_messages"
    NO_REPLY_ADDRESS = "no_reply_address"
    NO_PAYER_EMAIL = "no_payer_email"
    NO_REMINDER_POLICY = "no_reminder_policy"
    REMINDERS_ARE_OFF = "reminders_are_off"
    NOTHING_TO_EXPORT = "nothing_to_export"


@dataclass(frozen=True, slots=True)
class Mending:
    """What is said of a gap, and where it is mended: mutations of the API and commands."""

    message: str
    where: str


_LETTERHEAD = "updateClinic"
# Gap → what is said of it.
GAPS: Mapping[ReadinessGap, Mending] = {
    ReadinessGap.NO_CODE: Mending(
        "No code of the master list is valid today", "billing import codes, importRecords (CODES), createCptCode"
    ),
    ReadinessGap.NO_EXAM: Mending(
        "No exam with a code can be selected", "billing import exam-types, importRecords (EXAM_TYPES), createExamType"
    ),
    ReadinessGap.EXAM_WITHOUT_PRICE: Mending(
        "An exam has a code that has no price today", "updateCptCode, createCptCode, updateExamType"
    ),
    ReadinessGap.NO_PHYSICIAN: Mending("There is no active physician", "billing import physicians, createPhysician"),
    ReadinessGap.NO_FACILITY: Mending("There is no active facility", "billing import facilities, createFacility"),
    ReadinessGap.NO_PAYER_IN_USE: Mending("There is no payer in use", "billing import payers, createPayer"),
    ReadinessGap.NO_CASE: Mending(
        "There is no case", "billing import patients, billing import cases, createPatient, createCase"
    ),
    ReadinessGap.NO_BILLER: Mending(
        "No user with the role BILLING has an account that can be used", "createUser, billing user add"
    ),
    ReadinessGap.NO_LEGAL_NAME: Mending("The clinic has no legal name", _LETTERHEAD),
    ReadinessGap.NO_PHYSICAL_ADDRESS: Mending("The clinic's physical address is not complete", _LETTERHEAD),
    ReadinessGap.NO_CLINIC_TIN: Mending("The clinic has no taxpayer identification number (TIN)", _LETTERHEAD),
    ReadinessGap.NO_GROUP_NPI: Mending("The clinic has no NPI of its own", _LETTERHEAD),
    ReadinessGap.NO_CLINIC_TAXONOMY: Mending("The clinic has no taxonomy code", _LETTERHEAD),
    ReadinessGap.FACILITY_WITHOUT_PLACE: Mending(
        "An active facility has no place of service, or no complete address",
        "updateFacility, billing import facilities",
    ),
    ReadinessGap.PATIENT_WITHOUT_BIRTH_DATE: Mending(
        "A patient in use has no date of birth", "updatePatient, billing import patients"
    ),
    ReadinessGap.NO_ADDRESS_IN_MESSAGES: Mending(
        "Messages have no postal address of the clinic below them", _LETTERHEAD
    ),
    ReadinessGap.NO_CLINIC_PHONE: Mending("The clinic has no phone number", _LETTERHEAD),
    ReadinessGap.PHYSICIAN_WITHOUT_NPI: Mending(
        "An active physician has no NPI", "updatePhysician, billing import physicians"
    ),
    ReadinessGap.NO_INSURER: Mending(
        "No payer of the kind INSURANCE has a postal address", "updatePayer, billing import payers"
    ),
    ReadinessGap.NO_COVERAGE_YET: Mending("No case has a coverage", "addCoverage"),
    ReadinessGap.NO_REASON_CODE: Mending(
        "The clinic's list of reason codes is empty, so that any code is accepted", "billing import reason-codes"
    ),
    ReadinessGap.NO_REPLY_ADDRESS: Mending("Replies to the clinic's mail go to the server's address", _LETTERHEAD),
    ReadinessGap.NO_PAYER_EMAIL: Mending("No payer has an e-mail address", "updatePayer, billing import payers"),
    ReadinessGap.NO_REMINDER_POLICY: Mending("No reminder policy is active", "saveReminderPolicy"),
    ReadinessGap.REMINDERS_ARE_OFF: Mending(
        "Reminders are off until a dry run has been seen and confirmed", "confirmReminders, billing reminders confirm"
    ),
    ReadinessGap.NOTHING_TO_EXPORT: Mending(
        "There is no invoice", "recordEncounter and createInvoice, billing import invoices"
    ),
}
# Step → what it needs, in the order in which it is mended.
NEEDS: Mapping[ReadinessStep, tuple[ReadinessGap, ...]] = {
    ReadinessStep.FIRST_INVOICE: (
        ReadinessGap.NO_CODE,
        ReadinessGap.NO_EXAM,
        ReadinessGap.EXAM_WITHOUT_PRICE,
        ReadinessGap.NO_PHYSICIAN,
        ReadinessGap.NO_FACILITY,
        ReadinessGap.NO_PAYER_IN_USE,
        ReadinessGap.NO_CASE,
        ReadinessGap.NO_BILLER,
    ),
    ReadinessStep.FIRST_DOCUMENT: (
        ReadinessGap.NO_LEGAL_NAME,
        ReadinessGap.NO_PHYSICAL_ADDRESS,
        ReadinessGap.NO_CLINIC_PHONE,
        ReadinessGap.NO_CLINIC_TIN,
        ReadinessGap.NO_GROUP_NPI,
    ),
    ReadinessStep.FIRST_CLAIM: (
        ReadinessGap.NO_LEGAL_NAME,
        ReadinessGap.NO_PHYSICAL_ADDRESS,
        ReadinessGap.NO_CLINIC_TIN,
        ReadinessGap.NO_GROUP_NPI,
        ReadinessGap.NO_CLINIC_TAXONOMY,
        ReadinessGap.PHYSICIAN_WITHOUT_NPI,
        ReadinessGap.FACILITY_WITHOUT_PLACE,
        ReadinessGap.PATIENT_WITHOUT_BIRTH_DATE,
        ReadinessGap.NO_INSURER,
        ReadinessGap.NO_COVERAGE_YET,
        ReadinessGap.NO_REASON_CODE,
    ),
    ReadinessStep.FIRST_REMINDER: (
        ReadinessGap.NO_ADDRESS_IN_MESSAGES,
        ReadinessGap.NO_REPLY_ADDRESS,
        ReadinessGap.NO_PAYER_EMAIL,
        ReadinessGap.NO_REMINDER_POLICY,
        ReadinessGap.REMINDERS_ARE_OFF,
    ),
    ReadinessStep.FIRST_EXPORT: (ReadinessGap.NOTHING_TO_EXPORT,),
}


def missing_by_step(gaps: Collection[ReadinessGap]) -> Iterator[tuple[ReadinessStep, tuple[ReadinessGap, ...]]]:
    """Each step, with those of a clinic's gaps that it needs mended.

    >>> dict(missing_by_step({ReadinessGap.NOTHING_TO_EXPORT}))[ReadinessStep.FIRST_EXPORT]
    (<ReadinessGap.NOTHING_TO_EXPORT: 'nothing_to_export'>,)
    """
    for step, needs in NEEDS.items():
        yield step, tuple(need for need in needs if need in gaps)
